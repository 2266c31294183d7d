"""Complex gateways and quantities: both kernels count tokens alike."""

from __future__ import annotations

import pytest

from tests.engine.kernel_runs import ABC, END, MESSAGE, START, USER, Run, both, boundary, diagram

FORK = '<parallelGateway id="g"/>'
ACTIVATION = "<activationCondition>activationCount &gt;= {}</activationCondition>"


def joined(number: int, *flows: str, more: str = "") -> bytes:
    """`a`, `b`, `c` beside each other before a complex gateway that fires with so many tokens."""
    body = ABC + FORK + f'<complexGateway id="x">{ACTIVATION.format(number)}</complexGateway>' + more
    return diagram(body, "s g", "g a", "g b", "g c", "a x", "b x", "c x", *flows)


def test_a_complex_gateway_fires_once_and_swallows_the_rest() -> None:
    def play(run: Run) -> None:
        run.complete("a")
        assert "e" not in run.completed
        run.complete("b")
        assert run.completed.count("e") == 1 and not run.ended
        run.complete("c")

    run = both(joined(2, "x e"), play)
    assert run.ended and run.completed.count("e") == 1


def test_a_complex_gateway_asks_its_conditions_again_at_its_reset() -> None:
    more = USER.format("first") + USER.format("last")
    flows = ("x first waitingForStart", "x last not waitingForStart", "first e", "last e")
    run = both(joined(1, *flows, more=more), lambda run: run.complete("b").complete("a"))
    assert run.tasks() == ["c", "first"]
    run.complete("c")
    assert run.tasks() == ["first", "last"]


def test_a_complex_gateway_in_a_loop_fires_again_after_its_reset() -> None:
    body = ABC + FORK + f'<complexGateway id="x">{ACTIVATION.format(1)}</complexGateway><exclusiveGateway id="m"/>'
    body += USER.format("d")
    xml = diagram(body, "s m", "m g", "g a", "g b", "a x", "b x", "x d", "d h", "h m again", "h e", "c e").replace(
        b'<exclusiveGateway id="m"/>', b'<exclusiveGateway id="m"/><exclusiveGateway id="h"/>'
    )

    def play(run: Run) -> None:
        run.complete("a").complete("b")
        run.complete("d", again=True)
        assert run.tasks() == ["a", "b"]
        run.complete("b").complete("a").complete("d", again=False)

    assert both(xml, play, again=False).ended


@pytest.mark.parametrize(("c", "expected"), [(1, ["a"]), (2, ["a", "b"]), (0, ["c"])])
def test_a_complex_gateway_splits_as_an_inclusive_one(c: int, expected: list[str]) -> None:
    body = ABC + '<complexGateway id="x" default="f3"/>'
    xml = diagram(body, "s x", "x a c &gt; 0", "x b c &gt; 1", "x c", "a e", "b e", "c e")
    assert both(xml, lambda run: None, c=c).tasks() == expected


def test_a_complex_gateway_without_activation_waits_for_all_that_can_come() -> None:
    body = ABC + FORK + '<complexGateway id="x"/>'
    xml = diagram(body, "s g", "g a", "g b", "g c", "a x", "b x", "c e", "x e")
    run = both(xml, lambda run: run.complete("b").complete("a"))
    assert run.completed.count("x") == 1 and run.tasks() == ["c"]


def test_an_activity_begins_when_enough_tokens_have_come_and_sends_as_many_as_are_asked() -> None:
    task = '<userTask id="t" camunda:assignee="a" startQuantity="3" completionQuantity="2"/>'
    xml = diagram(START + END + FORK + task + USER.format("u"), "s g", "g t", "g t", "g u", "u t", "t e")

    def play(run: Run) -> None:
        assert run.tasks() == ["u"]
        run.complete("u")
        assert run.tasks() == ["t"]
        run.complete("t")

    run = both(xml, play)
    assert run.ended and run.completed.count("e") == 2


def test_quantities_concern_a_repeated_activity_as_a_whole() -> None:
    loop = '<multiInstanceLoopCharacteristics camunda:collection="${people}" camunda:elementVariable="person"/>'
    task = f'<userTask id="t" camunda:assignee="a" startQuantity="2" completionQuantity="3">{loop}</userTask>'
    xml = diagram(START + END + FORK + task, "s g", "g t", "g t", "t e")
    run = both(xml, lambda run: run.complete("t").complete("t"), people=["A", "B"])
    assert run.ended and run.completed.count("e") == 3


def test_tokens_that_wait_for_more_keep_the_process_open() -> None:
    task = '<task id="t" startQuantity="2"/>'
    run = both(diagram(START + END + task, "s t", "t e"), lambda run: None)
    assert not run.ended and run.open() == []


def test_what_waits_on_a_boundary_is_no_token_that_an_inclusive_join_waits_for() -> None:
    """The second `a` can still come to the flow that has a token already, so nothing is to be waited for (13.4.3)."""
    body = ABC + FORK + '<inclusiveGateway id="x"/>' + boundary(MESSAGE, stops=False)
    run = both(diagram(body, "s g", "g a", "g a", "a x", "y x", "x b", "b e"), lambda run: run.complete("a"))
    assert run.tasks() == ["a", "b"]


def test_a_token_moved_to_an_activity_that_collects_begins_it_at_once() -> None:
    task = '<userTask id="t" camunda:assignee="a" startQuantity="2"/>'
    xml = diagram(ABC + FORK + task, "s g", "g a", "g b", "a t", "b t", "t e")

    def play(run: Run) -> None:
        run.complete("a").move("b", "t")
        assert run.tasks() == ["t"]
        run.complete("t")

    assert both(xml, play).ended
