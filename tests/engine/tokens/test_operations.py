"""Return, withdraw, jump, add and remove signers: in parallel blocks, beside timers, in multi-instance activities."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kernel import AddInstance, Move, RemoveInstance
from engine.tokens.problems import (
    InstanceOver,
    MoveToJoin,
    MoveUnknown,
    MoveWhileInterrupted,
    NothingWaits,
    NotMultiInstance,
)
from tests.engine.tokens.drawing import SCOPES

# apply > prepare > (a1 > a2 | b1) > review by each expert > decide, all beside `other`, then final; timers on b1, other, review
BLOCKS = """
start s
and of
and oj
and is
and ij
user other
boundary to on=other timer=P14D keep
user apply
user prepare
user a1
user a2
user b1
boundary tb on=b1 timer=P14D
user review mi=experts:expert out=scores:score
boundary tr on=review timer=P14D
user decide
user final
end e
s -> of
of -> other -> oj
of -> apply -> prepare -> is
is -> a1 -> a2 -> ij
is -> b1 -> ij
ij -> review -> decide -> oj
oj -> final -> e
"""


@pytest.fixture
def case(play: Any) -> Any:
    return play(BLOCKS, experts=["x", "y", "z"])


def to_block(case: Any) -> None:
    case.do("apply")
    case.do("prepare")
    assert case.open() == ["a1", "b1", "other"]
    assert case.timers() == ["tb", "to"]


def through_block(case: Any) -> None:
    case.do("a1")
    case.do("b1")
    assert case.open() == ["a2", "other"]
    case.do("a2")
    assert case.open() == ["other", "review", "review", "review"]
    assert case.timers() == ["to", "tr"]


def finish(case: Any, reviews: int = 3) -> None:
    for score in range(reviews):
        case.do("review", score=score)
    assert case.open() == ["decide", "other"]
    assert len(case.variables()["scores"]) == reviews
    case.do("decide")
    case.do("other")
    assert case.open() == ["final"]
    case.do("final")
    assert case.ended


def test_return_on_the_same_path(case: Any) -> None:
    case.do("apply")
    case.move("prepare", "apply", reason="incomplete")
    assert case.open() == ["apply", "other"]
    assert case.variables()["reason"] == "incomplete"
    to_block(case)
    through_block(case)
    finish(case)


def test_return_before_a_split_takes_both_branches(case: Any) -> None:
    to_block(case)
    case.do("a1")
    case.move("a2 b1", "apply")
    assert case.open() == ["apply", "other"]
    assert case.timers() == ["to"]
    to_block(case)
    through_block(case)
    finish(case)


def test_return_takes_a_token_that_waits_at_the_join(case: Any) -> None:
    to_block(case)
    case.do("b1")
    case.move("a1 ij", "apply")
    to_block(case)
    through_block(case)
    finish(case)


@pytest.mark.first_kernel
def test_what_is_returned_comes_straight_back(play: Any) -> None:
    """The steps between stay done and in their order; what is returned again on the way comes back to both."""
    case = play("start s\nuser a\nuser b\nuser c\nuser d\nboundary t on=d timer=P2D\nuser late\ns -> a -> b -> c -> d\nt -> late")

    def behind(element: str) -> list[str]:
        return list(case.kernel.behind(case.definition, case.process, case.document, case.token(element)))

    for element in "abc":
        case.do(element)
    assert case.step(Move((case.token("d"),), "b", straight=True)).straight
    assert (case.open(), case.timers(), behind("b")) == (["b"], [], ["a"])
    case.do("b")
    assert (case.open(), case.timers(), behind("d")) == (["d"], ["t"], ["c", "b", "a"])
    case.step(Move((case.token("d"),), "c", straight=True))
    case.step(Move((case.token("c"),), "a", straight=True))
    case.do("a")
    assert case.open() == ["c"]
    case.do("c")
    assert case.open() == ["d"]
    assert not case.step(Move((case.token("d"),), "a")).straight
    assert behind("a") == []
    case.do("a")
    assert case.open() == ["b"]


@pytest.mark.first_kernel
def test_straight_back_is_only_where_nothing_else_had_to_go(case: Any) -> None:
    to_block(case)
    case.do("a1")
    assert case.step(Move((case.token("a2"),), "a1", straight=True)).straight
    assert case.open() == ["a1", "b1", "other"]
    case.do("a1")
    assert not case.step(Move((case.token("a2"),), "apply", straight=True)).straight  # b1 went too
    to_block(case)
    through_block(case)
    assert not case.step(Move((case.token("review"),), "a2", straight=True)).straight  # b1 is over, and waits at the join
    case.do("a2")
    assert case.step(Move((case.token("review"),), "prepare", straight=True)).straight  # all of its instances are one step
    case.do("prepare")
    assert case.open() == ["other", "review", "review", "review"]
    finish(case)


def test_return_within_one_branch_leaves_the_other(case: Any) -> None:
    to_block(case)
    case.do("a1")
    case.move("a2", "a1")
    assert case.open() == ["a1", "b1", "other"]
    through_block(case)
    finish(case)


def test_return_behind_a_join(case: Any) -> None:
    to_block(case)
    through_block(case)
    case.move("review", "prepare")
    assert case.open() == ["other", "prepare"]
    assert case.timers() == ["to"]
    case.do("prepare")
    through_block(case)
    finish(case)


def test_return_of_one_instance_takes_the_whole_multi_instance(case: Any) -> None:
    to_block(case)
    through_block(case)
    case.do("review", score=9)
    case.step(Move((case.token("review"),), "apply"))
    assert case.open() == ["apply", "other"]
    to_block(case)
    through_block(case)
    finish(case)


def test_many_returns_leave_no_trace_in_the_document(case: Any) -> None:
    to_block(case)
    fresh = len(str(case.document))
    for _ in range(50):
        case.do("a1")
        case.do("b1")
        case.move("a2 ij", "apply")
        to_block(case)
    assert len(str(case.document)) < fresh + 20
    through_block(case)
    finish(case)


def test_a_multi_instance_is_entered_again_from_its_beginning(case: Any) -> None:
    to_block(case)
    through_block(case)
    for score in range(3):
        case.do("review", score=score)
    case.move("decide", "review")
    assert case.open() == ["other", "review", "review", "review"]
    finish(case)


def test_the_outer_branch_may_be_done_before_a_return(case: Any) -> None:
    to_block(case)
    case.do("other")
    case.move("a1 b1", "prepare")
    case.do("prepare")
    for element in ("a1", "a2", "b1", "review", "review", "review", "decide"):
        case.do(element)
    assert case.open() == ["final"]


def test_add_a_signer(case: Any) -> None:
    to_block(case)
    through_block(case)
    case.do("review", score=1)
    case.add("review", "w")
    assert case.open() == ["other", "review", "review", "review"]
    seen = [case.kernel.variables(case.definition, "p", case.document, token)["expert"]
            for token, element in case.positions() if element == "review"]  # fmt: skip
    assert seen == ["y", "z", "w"]
    for score in (2, 3, 4):
        case.do("review", score=score)
    assert case.variables()["scores"] == [1, 2, 3, 4]


def test_remove_a_signer(case: Any) -> None:
    to_block(case)
    through_block(case)
    case.do("review", score=1)
    case.drop("review")
    case.do("review", score=2)
    assert case.open() == ["decide", "other"]
    assert case.variables()["scores"] == [1, 2]


def test_removing_the_last_signer_completes_the_step(case: Any) -> None:
    to_block(case)
    through_block(case)
    case.do("review", score=1)
    case.do("review", score=2)
    case.drop("review")
    assert case.open() == ["decide", "other"]


def test_signers_of_a_sequence(play: Any) -> None:
    text = "start s\nuser review mi=experts:expert seq out=scores:score\nuser d\ns -> review -> d"
    case = play(text, experts=["x", "y", "z"])
    case.add("review", "w")
    case.drop("review")  # x goes
    order = []
    while case.open() == ["review"]:
        order.append(case.variables("review")["expert"])
        case.do("review", score=order[-1])
    assert order == ["y", "z", "w"]
    assert case.variables()["scores"] == ["y", "z", "w"]


def test_a_move_leaves_subprocesses_outwards(play: Any) -> None:
    case = play(SCOPES)
    case.do("apply")
    case.do("a")
    assert case.open() == ["b"]
    case.move("b", "a")
    assert (case.open(), case.timers()) == (["a"], ["t"])
    case.do("a")
    case.move("b", "apply")
    assert (case.open(), case.timers()) == (["apply"], [])


def test_a_move_out_takes_everything_of_the_subprocess_with_it(play: Any) -> None:
    text = SCOPES.replace("user b\n    k -> b", "user b\n    user c\n    k -> b\n    k -> c")
    case = play(text)
    case.do("apply")
    case.do("a")
    assert case.open() == ["b", "c"]
    case.move("b", "a")
    assert case.open() == ["a"]


@pytest.mark.first_kernel
def test_refused_moves_change_nothing(play: Any, case: Any) -> None:
    other = play(SCOPES)
    for target in ("nowhere", "t", "p"):
        with pytest.raises(MoveUnknown):
            other.move("apply", target)
    with pytest.raises(NothingWaits):
        other.step(Move(("77",), "apply"))
    with pytest.raises(NothingWaits):
        other.step(Move((), "apply"))
    assert other.open() == ["apply"]
    with pytest.raises(MoveToJoin):
        case.move("apply", "ij")
    with pytest.raises(NotMultiInstance):
        case.add("apply", "x")
    with pytest.raises(NotMultiInstance):
        case.drop("apply")
    with pytest.raises(NothingWaits):
        case.step(AddInstance("88", "x"))
    with pytest.raises(NothingWaits):
        case.step(RemoveInstance("88"))
    assert case.open() == ["apply", "other"]


@pytest.mark.first_kernel
def test_nothing_returns_into_an_interrupted_scope(play: Any) -> None:
    text = "start s\nuser a\ns -> a\nesub h {\nstart m message=stop\nuser b\nm -> b\n}"
    case = play(text)
    case.send("stop")
    with pytest.raises(MoveWhileInterrupted):
        case.move("b", "a")


@pytest.mark.first_kernel
def test_cancel_ends_everything(case: Any) -> None:
    to_block(case)
    outcome = case.cancel()
    assert outcome.ended
    assert {closed.reason for closed in outcome.closed} == {"cancelled"}
    assert case.variables() == {"experts": ["x", "y", "z"]}
    with pytest.raises(InstanceOver):
        case.cancel()


def test_a_return_into_a_forked_multi_instance_of_subprocesses(play: Any) -> None:
    """The token of one instance may return within its instance; the others stay."""
    text = """
    start s
    sub each mi=bodies:body {
      start i
      user a
      user b
      i -> a -> b
    }
    user after
    s -> each -> after
    """
    case = play(text, bodies=["m", "n"])
    case.do("a")
    case.do("a")
    case.step(Move((case.token("b"),), "a"))
    assert case.open() == ["a", "b"]
    assert case.variables("a")["body"] == "m"
    case.do("a")
    case.do("b")
    case.do("b")
    assert case.open() == ["after"]
