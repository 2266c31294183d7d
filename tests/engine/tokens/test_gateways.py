"""Gateways and implicit splits, one small drawing each."""

from __future__ import annotations

from typing import Any

import pytest

from engine.kernel import WaitKind
from engine.tokens.problems import ConditionVariableMissing, NoFlowTaken

CHOICE = """
start s
xor g
user a
user b
user c
end e
s -> g
g -> a : x > 10
g -> b : x > 5
g => c
a -> e
b -> e
c -> e
"""


@pytest.mark.parametrize(("x", "taken"), [(11, "a"), (6, "b"), (1, "c")])
def test_an_exclusive_gateway_takes_the_first_flow_that_holds(play: Any, x: int, taken: str) -> None:
    case = play(CHOICE, x=x)
    assert case.open() == [taken]
    case.do(taken)
    assert case.ended


@pytest.mark.first_kernel
def test_an_exclusive_gateway_without_flow_to_take_stops_the_step(play: Any) -> None:
    text = CHOICE.replace("g => c", "g -> c : x == 0")
    with pytest.raises(NoFlowTaken) as caught:
        play(text, x=1)
    assert caught.value.values == {"element": "g"}


@pytest.mark.first_kernel
def test_a_missing_variable_is_named_with_its_element(play: Any) -> None:
    with pytest.raises(ConditionVariableMissing) as caught:
        play(CHOICE)
    assert (caught.value.values["element"], caught.value.values["name"]) == ("g_a", "x")


def test_the_one_flow_without_condition_is_the_default(play: Any) -> None:
    text = CHOICE.replace("g => c", "g -> c")
    assert play(text, x=1).open() == ["c"]
    assert play(text, x=7).open() == ["b"]


BOTH = """
start s
and f
and j
user a
user b
user c
end e
s -> f
f -> a -> j
f -> b -> j
j -> c -> e
"""


def test_a_parallel_join_waits_for_every_flow(play: Any) -> None:
    case = play(BOTH)
    case.do("a")
    assert case.open() == ["b"]
    assert ("j" in [element for _, element in case.positions()]) is True
    case.do("b")
    assert case.open() == ["c"]
    case.do("c")
    assert case.ended


def test_a_parallel_join_counts_tokens_by_flow(play: Any) -> None:
    """Two tokens on one flow do not make up for the other flow."""
    text = """
    start s
    user a sends=2
    user b
    and f
    and j
    user c
    s -> f
    f -> a -> j
    f -> b -> j
    j -> c
    """
    case = play(text)
    case.do("a")
    assert case.open() == ["b"]
    case.do("b")
    assert case.open() == ["c"]
    case.do("c")
    assert not case.ended  # the second token of `a` still waits for a second one of `b`
    assert [element for _, element in case.positions()] == ["j"]


SOME = """
start s
or f
or j
user a
user b
user c
user d
end e
s -> f
f -> a : "a" in chosen
f -> b : "b" in chosen
f => c
a -> j
b -> j
c -> j
j -> d -> e
"""


@pytest.mark.parametrize(("chosen", "opened"), [(["a"], ["a"]), (["a", "b"], ["a", "b"]), ([], ["c"])])
def test_an_inclusive_gateway_splits_and_joins_what_was_taken(play: Any, chosen: list[str], opened: list[str]) -> None:
    case = play(SOME, chosen=chosen)
    assert case.open() == opened
    for element in opened:
        assert "d" not in case.open()
        case.do(element)
    assert case.open() == ["d"]


def test_the_default_of_an_inclusive_gateway_is_not_taken_beside_an_unconditional_flow(play: Any) -> None:
    text = SOME.replace('f -> b : "b" in chosen', "f -> b")
    assert play(text, chosen=[]).open() == ["b"]


@pytest.mark.first_kernel
def test_an_inclusive_gateway_without_flow_to_take_stops_the_step(play: Any) -> None:
    with pytest.raises(NoFlowTaken):
        play(SOME.replace("f => c", 'f -> c : "c" in chosen'), chosen=[])


def test_an_inclusive_join_waits_while_a_token_can_still_come_around_a_loop(play: Any) -> None:
    text = """
    start s
    or f
    or j
    user a
    user b
    xor again
    user d
    s -> f
    f -> a -> j
    f -> b -> again
    again -> b : more
    again => j
    j -> d
    """
    case = play(text, more=True)
    case.do("a")
    case.do("b")
    assert case.open() == ["b"]
    case.do("b", more=False)
    assert case.open() == ["d"]


def test_an_inclusive_join_does_not_wait_for_itself_in_a_loop(play: Any) -> None:
    text = """
    start s
    or j
    user a
    xor again
    end e
    s -> j -> a -> again
    again -> j : more
    again => e
    """
    case = play(text, more=True)
    for _ in range(3):
        case.do("a")
        assert case.open() == ["a"]
    case.do("a", more=False)
    assert case.ended


def test_an_event_gateway_takes_what_happens_first(play: Any) -> None:
    text = """
    start s
    events g
    catch m message=go
    catch t timer=PT1H
    user a
    user b
    s -> g
    g -> m -> a
    g -> t -> b
    """
    case = play(text)
    assert case.open(WaitKind.MESSAGE) == ["m"]
    assert case.timers() == ["t"]
    case.send("go", by="mail")
    assert case.open() == ["a"]
    assert case.timers() == []
    assert case.variables()["by"] == "mail"
    other = play(text)
    other.fire("t")
    assert other.open() == ["b"]
    assert other.send("go") == 0


DISCRIMINATOR = """
start s
and f
complex j when="activationCount >= 2"
user a
user b
user c
user d
end e
s -> f
f -> a -> j
f -> b -> j
f -> c -> j
j -> d -> e
"""


def test_a_complex_gateway_fires_once_and_swallows_the_rest(play: Any) -> None:
    case = play(DISCRIMINATOR)
    case.do("a")
    assert case.open() == ["b", "c"]
    case.do("b")
    assert case.open() == ["c", "d"]
    case.do("d")
    assert case.open() == ["c"]
    case.do("c")
    assert case.ended


def test_a_complex_gateway_asks_its_conditions_again_at_its_reset(play: Any) -> None:
    text = DISCRIMINATOR.replace("j -> d -> e", "user late\nj -> d : waitingForStart\nj -> late : not waitingForStart\nd -> e")
    case = play(text)
    case.do("c")
    case.do("a")
    assert case.open() == ["b", "d"]
    case.do("b")
    assert case.open() == ["d", "late"]


def test_a_complex_gateway_resets_when_the_rest_cannot_come(play: Any) -> None:
    text = """
    start s
    and f
    complex j when="activationCount >= 1"
    user a
    user b
    xor g
    user d
    s -> f
    f -> a -> j
    f -> b -> g
    g -> j : join
    g => e
    end e
    j -> d
    """
    case = play(text, join=True)
    case.do("a")
    case.do("d")
    assert not case.ended
    case.do("b", join=False)
    assert case.ended


def test_an_activity_splits_into_all_its_flows(play: Any) -> None:
    text = """
    start s
    user a
    user b
    user c
    s -> a -> b
    a -> c
    """
    case = play(text)
    case.do("a")
    assert case.open() == ["b", "c"]
    case.do("b")
    case.do("c")
    assert case.ended


@pytest.mark.parametrize(("x", "opened"), [(7, ["b", "c"]), (1, ["b", "d"])])
def test_conditional_and_default_flows_of_an_activity(play: Any, x: int, opened: list[str]) -> None:
    text = """
    start s
    user a
    user b
    user c
    user d
    s -> a -> b
    a -> c : x > 5
    a => d
    """
    case = play(text, x=x)
    case.do("a")
    assert case.open() == opened


@pytest.mark.first_kernel
def test_an_activity_whose_conditions_all_fail_does_not_end_the_case_silently(play: Any) -> None:
    text = "start s\nuser a\nuser b\nuser c\ns -> a\na -> b : x > 5\na -> c : x > 7"
    case = play(text, x=1)
    with pytest.raises(NoFlowTaken):
        case.do("a")
    assert case.open() == ["a"]
    case.do("a", x=8)
    assert case.open() == ["b", "c"]


def test_a_merge_without_gateway_passes_every_token(play: Any) -> None:
    text = "start s\nand f\nuser a\nuser b\nuser c\ns -> f\nf -> a -> c\nf -> b -> c"
    case = play(text)
    case.do("a")
    case.do("b")
    assert case.open() == ["c", "c"]
