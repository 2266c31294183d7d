"""Events with several definitions: any of them, or all of them."""

from __future__ import annotations

import pytest

from tests.engine.kernel_runs import END, MESSAGE, START, TIMER, USER, Run, both, diagram

TWO = MESSAGE + '<signalEventDefinition signalRef="S"/>'
CONDITIONS = "".join(f"<conditionalEventDefinition><condition>{name}</condition></conditionalEventDefinition>" for name in "vw")
CATCH = '<intermediateCatchEvent id="i" parallelMultiple="{}">{}</intermediateCatchEvent>'
BOUNDARY = '<boundaryEvent id="y" attachedToRef="a" cancelActivity="{}" parallelMultiple="{}">{}</boundaryEvent>'


def catching(definitions: str, *, parallel: bool = True) -> bytes:
    return diagram(START + END + CATCH.format(str(parallel).lower(), definitions) + USER.format("b"), "s i", "i b", "b e")


def at_boundary(definitions: str, *, parallel: bool = True, stops: bool = False) -> bytes:
    body = START + END + USER.format("a") + USER.format("b")
    body += BOUNDARY.format(str(stops).lower(), str(parallel).lower(), definitions)
    return diagram(body, "s a", "a e", "y b", "b e")


@pytest.mark.parametrize("order", ["ms", "sm"])
def test_all_of_several_definitions_must_have_come(order: str) -> None:
    def play(run: Run) -> None:
        for one in order:
            assert run.tasks() == []
            (run.message("m", told=True) if one == "m" else run.signal("s"))

    run = both(catching(TWO), play)
    assert run.tasks() == ["b"] and run.variables() == {"told": True}


def test_what_has_come_is_not_waited_for_any_more() -> None:
    run = both(catching(TWO + TIMER), lambda run: run.message("m").message("m").fire("i"))
    assert run.open() == [("i", "signal")]


def test_one_of_several_definitions_is_enough() -> None:
    run = both(catching(TWO + TIMER, parallel=False), lambda run: run.signal("s"))
    assert run.open() == [("b", "task")]
    assert sorted(closed for closed in run.story[-1][2]) == [
        ("message", "i", "cancelled"), ("signal", "i", "fired"), ("timer", "i", "cancelled")
    ]  # fmt: skip


def test_a_parallel_boundary_event_that_does_not_interrupt_waits_for_all_again() -> None:
    run = both(at_boundary(TWO), lambda run: run.signal("s").message("m").message("m").message("m").signal("s"))
    assert run.tasks() == ["a", "b", "b"]


def test_a_parallel_boundary_event_interrupts_when_all_have_come() -> None:
    run = both(at_boundary(TWO + TIMER, stops=True), lambda run: run.fire("y").message("m").signal("s"))
    assert run.tasks() == ["b"]


@pytest.mark.parametrize(("parallel", "times"), [(True, [0, 1]), (False, [1, 2])])
def test_each_of_several_conditions_is_looked_at_by_itself(parallel: bool, times: list[int]) -> None:
    body = START + END + "".join(USER.format(key) for key in "abcd") + '<parallelGateway id="g"/>'
    body += BOUNDARY.format("false", str(parallel).lower(), CONDITIONS)
    xml = diagram(body, "s g", "g a", "g c", "g d", "y b", "a e", "b e", "c e", "d e")

    def play(run: Run) -> None:
        assert run.complete("c", v=True).tasks().count("b") == times[0]
        assert run.complete("d", w=True).tasks().count("b") == times[1]

    both(xml, play, v=False, w=False)


def test_an_event_behind_a_gateway_waits_for_all_of_its_definitions() -> None:
    body = START + END + '<eventBasedGateway id="g"/>' + CATCH.format("true", TWO)
    body += f'<intermediateCatchEvent id="j">{TIMER}</intermediateCatchEvent>' + USER.format("b")
    run = both(diagram(body, "s g", "g i", "g j", "i b", "j e", "b e"), lambda run: run.message("m").signal("s"))
    assert run.tasks() == ["b"]
