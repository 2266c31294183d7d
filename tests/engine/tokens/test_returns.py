"""What a return takes with it, what counts as done, and whereto a step can go back (decision 19)."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kernel import CancelBranch
from engine.tokens.problems import MoveAcrossQuantity, MoveBeside, MoveInto, MoveWhileCompensating
from tests.engine.tokens.drawing import FORK, SCOPES


def test_a_return_within_a_branch_leaves_the_other_alone(play: Any) -> None:
    case = play(FORK)
    for element in ("apply", "a1", "b1"):
        case.do(element)
    case.move("a2", "a1")
    assert case.open() == ["a1", "b2"]


def test_a_return_before_the_fork_takes_all_branches(play: Any) -> None:
    case = play(FORK)
    for element in ("apply", "a1", "a2"):  # one branch waits at the join
        case.do(element)
    case.move("b1", "apply")
    assert (case.open(), len(case.positions())) == (["apply"], 1)


def test_a_return_from_behind_the_join_leaves_the_other_branch_done(play: Any) -> None:
    case = play(FORK)
    for element in ("apply", "a1", "a2", "b1", "b2"):
        case.do(element)
    case.move("last", "a2")
    assert case.open() == ["a2"]
    case.do("a2")
    assert case.open() == ["last"]
    case.do("last")
    assert case.ended


@pytest.mark.first_kernel
def test_nothing_returns_to_a_branch_beside_it(play: Any) -> None:
    case = play(FORK)
    for element in ("apply", "a1", "b1"):
        case.do(element)
    with pytest.raises(MoveBeside):
        case.move("a2", "b1")
    assert case.open() == ["a2", "b2"]


def test_an_inclusive_join_waits_only_for_what_was_sent_back(play: Any) -> None:
    case = play(FORK.replace("and ", "or "))
    for element in ("apply", "a1", "a2", "b1", "b2"):
        case.do(element)
    case.move("last", "b1")
    for element in ("b1", "b2", "last"):
        case.do(element)
    assert case.ended


def test_a_complex_gateway_waits_again_when_what_it_sent_goes_back(play: Any) -> None:
    text = """
    start s
    and f
    complex j when="activationCount >= 2"
    user a
    user b
    user c
    user next
    s -> f
    f -> a -> j
    f -> b -> j
    f -> c -> j
    j -> next
    """
    case = play(text)
    case.do("a")
    case.do("b")
    assert case.open() == ["c", "next"]
    case.move("next", "a")
    assert case.open() == ["a", "c"]  # b counts as done
    case.do("c")
    assert case.open() == ["a", "next"]
    late = play(text)
    late.do("a")
    late.do("b")
    late.move("c", "c")  # a late branch is beside what follows
    assert late.open() == ["c", "next"]


def test_what_a_timer_began_beside_an_activity_goes_when_it_came_from_there(play: Any) -> None:
    text = """
    start s
    user a
    user b
    boundary t on=b timer=PT1H keep
    user remind
    user c
    s -> a -> b -> c
    t -> remind
    """
    case = play(text)
    case.do("a")
    case.fire("t")
    assert case.open() == ["b", "remind"]
    case.move("b", "a")
    assert case.open() == ["a"]
    case.do("a")
    case.fire("t")
    case.do("b")
    case.move("c", "b")
    assert (case.open(), case.timers()) == (["b", "remind"], ["t"])  # the reminder runs beside b


def test_an_event_subprocess_stays_beside_a_return_and_goes_with_its_own(play: Any) -> None:
    text = "start s\nuser a\nuser b\ns -> a -> b\nesub h {\nstart m message=more keep\nuser x\nm -> x\n}"
    case = play(text)
    case.do("a")
    case.send("more")
    case.move("b", "a")
    assert case.open() == ["a", "x"]
    case.move("x", "a")
    assert case.open() == ["a"]


@pytest.mark.first_kernel
def test_a_return_into_a_subprocess_that_is_over_opens_it_there(play: Any) -> None:
    text = """
    start s
    sub q {
      start i
      and f
      and j
      user a
      user b
      user last
      i -> f
      f -> a -> j
      f -> b -> j
      j -> last
    }
    boundary t on=q timer=P1D
    user after
    s -> q -> after
    t -> after
    """
    case = play(text)
    for element in ("a", "b", "last"):
        case.do(element)
    assert case.kernel.behind(case.definition, "p", case.document, case.token("after")) == ["last", "b", "a"]
    case.move("after", "a")
    assert (case.open(), case.timers()) == (["a"], ["t"])
    case.do("a")
    assert case.open() == ["last"]
    case.do("last")
    assert case.open() == ["after"]


@pytest.mark.first_kernel
@pytest.mark.parametrize("loop", ["count=2", "max=2"])
def test_what_is_repeated_is_entered_from_its_beginning(play: Any, loop: str) -> None:
    case = play(f"start s\nsub q {loop} {{\nstart i\nuser a\nuser b\ni -> a -> b\n}}\nuser after\ns -> q -> after")
    while case.open() != ["after"]:
        case.do(case.open()[0])
    assert case.kernel.behind(case.definition, "p", case.document, case.token("after")) == ["q"]
    with pytest.raises(MoveInto) as caught:
        case.move("after", "a")
    assert caught.value.values == {"element": "a", "scope": "q"}
    case.move("after", "q")
    assert set(case.open()) == {"a"}


@pytest.mark.first_kernel
def test_an_activity_that_collects_tokens(play: Any) -> None:
    case = play(
        "start s\nand f\nuser a\nuser b\nuser both tokens=2\nuser last\ns -> f\nf -> a -> both\nf -> b -> both\nboth -> last"
    )
    case.do("a")
    case.do("b")
    with pytest.raises(MoveAcrossQuantity):
        case.move("both", "a")
    case.do("both")
    case.move("last", "both")
    assert case.open() == ["both"]  # at once


def test_a_sequential_ad_hoc_subprocess_goes_on_from_the_target(play: Any) -> None:
    case = play("start s\nadhoc h order=Sequential {\nuser a\nuser b\nuser c\n}\nuser d\ns -> h -> d")
    case.do("a")
    case.do("b")
    case.move("c", "a")
    done = []
    while case.open() != ["d"]:
        done += case.open()
        case.do(done[-1])
    assert done == ["a", "b", "c"]


@pytest.mark.first_kernel
def test_nothing_moves_while_compensation_runs(play: Any) -> None:
    text = """
    start s
    user a
    boundary c on=a compensate=
    user undo undoes
    undo c undo
    user b
    throw t compensate=
    user d
    s -> a -> b -> t -> d
    """
    case = play(text)
    case.do("a")
    case.do("b")
    assert case.open() == ["undo"]
    with pytest.raises(MoveWhileCompensating):
        case.move("undo", "a")
    with pytest.raises(MoveWhileCompensating):
        case.step(CancelBranch(case.token("undo")))
    case.do("undo")
    assert case.open() == ["d"]


# ---- whereto ---------------------------------------------------------------------------------------------------------
def behind(case: Any, element: str) -> list[str]:
    found = case.kernel.behind(case.definition, "p", case.document, case.token(element))
    return list(found)


@pytest.mark.first_kernel
def test_a_step_goes_back_to_what_was_done_before_it(play: Any) -> None:
    case = play(FORK)
    assert behind(case, "apply") == []
    for element in ("apply", "a1", "b1"):
        case.do(element)
    assert (behind(case, "a2"), behind(case, "b2")) == (["a1", "apply"], ["b1", "apply"])
    for element in ("b2", "a2"):
        case.do(element)
    assert behind(case, "last") == ["a2", "b2", "b1", "a1", "apply"]
    case.move("last", "a1")
    assert behind(case, "a1") == ["apply"]  # a2 is to be done again, b1 and b2 are beside it
    case.do("a1")
    case.do("a2")
    assert behind(case, "last") == ["a2", "a1", "b2", "b1", "apply"]
    for _ in range(20):
        case.move("last", "apply")
        assert behind(case, "apply") == []
        for element in ("apply", "a1", "b1", "a2", "b2"):
            case.do(element)
    assert sorted(behind(case, "last")) == ["a1", "a2", "apply", "b1", "b2"]


@pytest.mark.first_kernel
def test_a_step_of_a_subprocess_goes_back_in_it_and_out_of_it(play: Any) -> None:
    case = play(SCOPES)
    case.do("apply")
    case.do("a")
    assert behind(case, "b") == ["a", "apply"]
    case.do("b")
    assert behind(case, "after") == ["b", "a", "apply"]


@pytest.mark.first_kernel
def test_an_instance_begun_by_an_earlier_version_does_not_tell(play: Any) -> None:
    case = play(FORK)
    case.document["t"]["1"].pop("past")
    case.do("apply")
    assert case.kernel.behind(case.definition, "p", case.document, case.token("a1")) is None
