"""Cancelling a branch: its join goes on as if it were done. And fewer signers."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kernel import CancelBranch
from engine.tokens.problems import BranchAlone, BranchUnclear
from tests.engine.tokens.drawing import FORK

pytestmark = pytest.mark.first_kernel


def cancel(case: Any, element: str) -> None:
    case.step(CancelBranch(case.token(element)))


@pytest.mark.parametrize("gateway", ["and ", "or "])
def test_a_cancelled_branch_is_done_for_its_join(play: Any, gateway: str) -> None:
    case = play(FORK.replace("and ", gateway))
    case.do("apply")
    cancel(case, "a1")
    assert case.open() == ["b1"]
    case.do("b1")
    case.do("b2")
    assert case.open() == ["last"]
    with pytest.raises(BranchAlone):
        cancel(case, "last")


def test_the_last_branch_that_is_cancelled_opens_the_join(play: Any) -> None:
    case = play(FORK)
    for element in ("apply", "b1", "b2"):
        case.do(element)
    cancel(case, "a1")
    assert case.open() == ["last"]
    assert "a2" not in case.completed


def test_a_branch_with_a_fork_of_its_own_ends_as_one(play: Any) -> None:
    text = """
    start s
    and f
    and j
    user a
    and f2
    and j2
    user b
    user c
    user d
    user e
    s -> f
    f -> d -> j
    f -> a -> f2
    f2 -> b -> j2
    f2 -> c -> j2
    j2 -> j
    j -> e
    """
    case = play(text)
    cancel(case, "a")
    case.do("d")
    assert case.open() == ["e"]
    case = play(text)
    case.do("a")
    cancel(case, "b")  # the innermost branch
    case.do("c")
    case.do("d")
    assert case.open() == ["e"]


def test_a_branch_without_join_just_ends(play: Any) -> None:
    case = play("start s\nuser a\nuser b\nuser c\ns -> a\ns -> b -> c")
    cancel(case, "b")
    case.do("a")
    assert case.ended and case.completed.count("c") == 0


def test_a_branch_that_might_end_at_one_join_or_another_stays(play: Any) -> None:
    text = """
    start s
    and f
    user a
    user b
    user c
    xor x
    and j1
    and j2
    s -> f
    f -> a -> x
    f -> b -> j1
    f -> c -> j2
    x -> j1 : True
    x => j2
    """
    case = play(text)
    with pytest.raises(BranchUnclear):
        cancel(case, "a")
    assert case.open() == ["a", "b", "c"]


def test_a_branch_inside_a_subprocess_is_the_innermost_that_runs_beside_something(play: Any) -> None:
    text = "start s\nand f\nand j\nuser a\nuser c\nsub q {\nstart i\nuser b\ni -> b\n}\ns -> f\nf -> a -> j\nf -> q -> j\nj -> c"
    case = play(text)
    cancel(case, "b")
    assert case.open() == ["a"]
    case.do("a")
    assert case.open() == ["c"]


def test_one_of_several_instances_is_a_branch(play: Any) -> None:
    case = play("start s\nsub q mi=who:one {\nstart i\nuser b\ni -> b\n}\nuser c\ns -> q -> c", who=["x", "y"])
    cancel(case, "b")
    assert case.open() == ["b"] and case.variables("b")["one"] == "y"
    with pytest.raises(BranchAlone):
        cancel(case, "b")
    case.do("b")
    assert case.open() == ["c"]


def test_an_event_subprocess_is_a_branch(play: Any) -> None:
    text = "start s\nuser a\ns -> a\nesub h {\nstart m message=more keep\nuser x\nm -> x\n}"
    case = play(text)
    case.send("more")
    cancel(case, "x")
    assert case.open() == ["a"]


def test_fewer_signers_may_be_enough(play: Any) -> None:
    text = 'start s\nuser r mi=who:one until="nrOfCompletedInstances * 2 >= nrOfInstances"\nuser d\ns -> r -> d'
    case = play(text, who=["v", "w", "x", "y", "z"])
    case.do("r")
    case.drop("r")
    assert case.open() == ["r", "r", "r"]
    case.drop("r")
    case.drop("r")
    assert case.open() == ["d"]
