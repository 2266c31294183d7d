"""Multi-instance activities and loops, on both kernels, with a dump and restore at every step."""

from __future__ import annotations

import pytest

from tests.engine.kernel_runs import END, MESSAGE, START, TIMER, USER, Run, both, boundary, diagram, sub


def many(
    inner: str, *, attributes: str = 'camunda:collection="${bodies}" camunda:elementVariable="body"', tag: str = "userTask"
) -> str:
    """A multi-instance activity `a`."""
    loop = f"<multiInstanceLoopCharacteristics {attributes}>{inner}</multiInstanceLoopCharacteristics>"
    return START + END + USER.format("b") + f'<{tag} id="a">{loop}</{tag}>'


def test_parallel_multi_instance_with_an_item_each() -> None:
    def play(run: Run) -> None:
        assert [dict(run.wait("a", which=n).variables or {})["body"] for n in range(3)] == ["x", "y", "z"]
        for _ in range(3):
            run.complete("a", told=True)

    run = both(diagram(many(""), "s a", "a b", "b e"), play, bodies=["x", "y", "z"])
    assert run.tasks() == ["b"] and run.variables() == {"bodies": ["x", "y", "z"], "told": True}


def test_sequential_multi_instance_one_after_the_other() -> None:
    attributes = 'isSequential="true" camunda:collection="bodies" camunda:elementVariable="body"'

    def play(run: Run) -> None:
        for name in ("x", "y"):
            assert dict(run.wait("a").variables or {})["body"] == name
            run.complete("a")

    assert both(diagram(many("", attributes=attributes), "s a", "a b", "b e"), play, bodies=["x", "y"]).tasks() == ["b"]


def test_multi_instance_over_nothing_passes() -> None:
    assert both(diagram(many(""), "s a", "a b", "b e"), lambda run: None, bodies=[]).tasks() == ["b"]


def test_results_are_collected_in_the_order_of_the_items() -> None:
    inner = "<loopDataInputRef>bodies</loopDataInputRef><loopDataOutputRef>scores</loopDataOutputRef>"
    inner += '<inputDataItem id="i" name="body"/><outputDataItem id="o" name="score"/>'

    def play(run: Run) -> None:
        run.complete("a", which=1, score=2).complete("a", which=0, score=1)

    run = both(diagram(many(inner, attributes=""), "s a", "a b", "b e"), play, bodies=["x", "y"])
    assert run.variables()["scores"] == [1, 2] and run.tasks() == ["b"]


def test_completion_condition_ends_it_early() -> None:
    done = "<completionCondition>nrOfCompletedInstances / nrOfInstances &gt;= 0.5</completionCondition>"

    def play(run: Run) -> None:
        run.complete("a")
        assert run.tasks() == ["a", "a", "a"]
        run.complete("a")

    assert both(diagram(many(done), "s a", "a b", "b e"), play, bodies=[1, 2, 3, 4]).tasks() == ["b"]


@pytest.mark.parametrize("definition, happens", [(TIMER, "timer"), (MESSAGE, "message")])
def test_interrupting_boundary_event_on_a_multi_instance(definition: str, happens: str) -> None:
    body = many("") + boundary(definition)

    def play(run: Run) -> None:
        run.complete("a")
        assert run.open() == [("a", "task"), ("a", "task"), ("y", happens)]
        run.fire("y") if happens == "timer" else run.message("m")

    run = both(diagram(body, "s a", "a e", "y b", "b e"), play, bodies=[1, 2, 3])
    assert run.open() == [("b", "task")]


def test_multi_instance_sub_process_with_local_items() -> None:
    loop = '<multiInstanceLoopCharacteristics camunda:collection="bodies" camunda:elementVariable="body"/>'
    inner = sub(loop + USER.format("i") + USER.format("k"), "s2 i", "i k", "k e2")

    def play(run: Run) -> None:
        run.complete("i", which=0, body="changed", shared=1)
        assert dict(run.wait("k").variables or {}).items() >= {"body": "changed", "shared": 1}.items()
        run.complete("i").complete("k").complete("k")

    run = both(diagram(START + END + inner, "s q", "q e"), play, bodies=["x", "y"])
    assert run.ended and run.variables() == {"bodies": ["x", "y"], "shared": 1}


def test_standard_loop() -> None:
    loop = '<standardLoopCharacteristics loopMaximum="4"><loopCondition>again</loopCondition></standardLoopCharacteristics>'
    xml = diagram(START + END + USER.format("b") + f'<userTask id="a">{loop}</userTask>', "s a", "a b", "b e")

    def play(run: Run) -> None:
        run.complete("a", again=True).complete("a", again=True).complete("a", again=False)

    assert both(xml, play).tasks() == ["b"]


SHARED = '<signalEventDefinition id="D" signalRef="S"/>'
CAUGHT = '<boundaryEvent id="y" attachedToRef="a" cancelActivity="{}"><signalEventDefinition signalRef="S"/></boundaryEvent>'
CONDITION = "<condition>nrOfCompletedInstances == 2</condition>"


def throwing(attributes: str, inner: str = "", *, stops: bool = False) -> bytes:
    """Three instances of `a` that throw when they complete, caught by `y` on the boundary."""
    body = many(f"<loopCardinality>3</loopCardinality>{inner}", attributes=attributes) + CAUGHT.format(str(stops).lower())
    return diagram(body + USER.format("c"), "s a", "a b", "b e", "y c", "c e", more=SHARED)


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('behavior="None" noneBehaviorEventRef="D"', ["b", "c", "c", "c"]),
        ('behavior="One" oneBehaviorEventRef="D"', ["b", "c"]),
        ('behavior="All"', ["b"]),
    ],
)
def test_instances_that_complete_throw_events(attributes: str, expected: list[str], *, stops: bool) -> None:
    run = both(throwing(attributes, stops=stops), lambda run: run.complete("a").complete("a").complete("a"))
    assert run.tasks() == expected


@pytest.mark.parametrize(("stops", "expected"), [(False, ["a", "c"]), (True, ["b", "c"])])
def test_a_complex_behavior_throws_on_its_condition_and_may_end_the_activity(stops: bool, expected: list[str]) -> None:
    inner = f'<complexBehaviorDefinition id="k">{CONDITION}<event id="v" xsi:type="tImplicitThrowEvent">'
    inner += "<eventDefinitionRef>D</eventDefinitionRef></event></complexBehaviorDefinition>"
    xml = throwing('behavior="Complex"', inner, stops=stops).replace(
        b"<definitions ", b'<definitions xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ', 1
    )
    run = both(xml, lambda run: run.complete("a").complete("a"))
    assert run.tasks() == expected


@pytest.mark.parametrize("event", ["signal", "message"])
def test_what_nobody_catches_on_the_boundary_goes_out(event: str) -> None:
    """A signal is heard inside, too: here it interrupts the sub-process around, with the instances that are left."""
    attributes, reference = 'behavior="One" oneBehaviorEventRef="D"', "S" if event == "signal" else "M"
    loop = (
        f"<multiInstanceLoopCharacteristics {attributes}><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
    )
    body = START + END + sub(f'<userTask id="a">{loop}</userTask>', "s2 a", "a e2") + USER.format("b")
    body += '<boundaryEvent id="y" attachedToRef="q"><signalEventDefinition signalRef="S"/></boundaryEvent>'
    shared = f'<{event}EventDefinition id="D" {event}Ref="{reference}"/>'
    run = both(diagram(body, "s q", "q e", "y b", "b e", more=shared), lambda run: run.complete("a"))
    assert run.outcome is not None and [(each.kind, each.name) for each in run.outcome.thrown] == [(event, reference.lower())]
    assert run.tasks() == (["b"] if event == "signal" else ["a", "a"])


@pytest.mark.parametrize("code", [' escalationRef="C"', ""])
def test_an_escalation_of_an_instance_is_caught_by_any_or_goes_outwards(code: str) -> None:
    attributes = 'behavior="None" noneBehaviorEventRef="D"'
    loop = (
        f"<multiInstanceLoopCharacteristics {attributes}><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
    )
    caught = f"<escalationEventDefinition{code}/>"
    inner = sub(f'<userTask id="a">{loop}</userTask>', "s2 a", "a e2")
    shared = '<escalationEventDefinition id="D" escalationRef="C"/>'
    outside = START + END + inner + USER.format("b") + boundary(caught, stops=False, host="q")
    assert both(diagram(outside, "s q", "q e", "y b", more=shared), lambda run: run.complete("a")).tasks() == ["a", "b"]
    inside = many("<loopCardinality>2</loopCardinality>", attributes=attributes) + boundary(caught, stops=False)
    run = both(diagram(inside + USER.format("c"), "s a", "a b", "b e", "y c", more=shared), lambda run: run.complete("a"))
    assert run.tasks() == ["a", "c"]
