"""Every event at every place where BPMN has it: what it catches, what it cancels, what goes on (BPMN 2.0.2, table 10.93).

The diagrams are made by a rule, the expectation follows from the standard's. Each runs on both kernels with a dump and restore
after every step; the second one may refuse by a named limit, else it must do the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import OperationNotSupported
from engine.kernel import SetVariables
from tests.engine.kernel_runs import KERNELS, Run, diagram, read

DEFINITIONS = {
    "message": '<messageEventDefinition messageRef="M"/>',
    "signal": '<signalEventDefinition signalRef="S"/>',
    "timer": "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>",
    "conditional": "<conditionalEventDefinition><condition>go</condition></conditionalEventDefinition>",
    "error": '<errorEventDefinition errorRef="E"/>',
    "escalation": '<escalationEventDefinition escalationRef="C"/>',
    "any error": "<errorEventDefinition/>",
    "any escalation": "<escalationEventDefinition/>",
}
OUTSIDE = ("message", "signal", "timer", "conditional")
"""Events that come from outside; errors and escalations are raised inside the scope."""
REFERENCES = ("inline", "shared")
HOSTS = ("userTask", "subProcess", "transaction", "callActivity")
CAUGHT = [(kind, stops) for kind in DEFINITIONS for stops in (True, False) if stops or "error" not in kind]
"""(kind, whether it interrupts): an error always does."""

Shared = str


def catching(kind: str, reference: str) -> tuple[str, Shared]:
    """An event definition as written in the event, and what has to be written at the top of the file for it."""
    if reference == "inline":
        return DEFINITIONS[kind], ""
    name, rest = DEFINITIONS[kind][1:].split("EventDefinition", 1)
    return "<eventDefinitionRef>D</eventDefinitionRef>", f'<{name}EventDefinition id="D"{rest}'


def play(xml: bytes, steps: Callable[[Run], Any], **variables: Any) -> Run:
    """Play on the token kernel, and on the second one unless it names a limit: the same story."""
    definition = read(xml)
    runs = []
    for kernel in KERNELS:
        run = Run(kernel, definition)
        try:
            run.start(go=False, **variables)
            steps(run)
        except OperationNotSupported:
            assert kernel.name == "spiff"
            continue
        runs.append(run)
    assert all(run.story == runs[0].story for run in runs)
    return runs[0]


def happen(run: Run, kind: str, element: str, raiser: str = "in") -> Run:
    """Let the event come."""
    match kind:
        case "message":
            return run.message("m")
        case "signal":
            return run.signal("s")
        case "timer":
            return run.fire(element)
        case "conditional":
            return run.do(SetVariables({"go": True}))
        case _:
            return run.throw(raiser, "e" if "error" in kind else "c", kind.removeprefix("any "))


def host(kind: str) -> tuple[str, str]:
    """The activity `h` of a kind in which the task `in` waits (or which is it), and what stands outside of the process for it."""
    task = '<userTask id="{}" camunda:assignee="a"/>'
    if kind == "userTask":
        return task.format("h"), ""
    if kind == "callActivity":
        called = f'<process id="called" isExecutable="true">{task.format("in")}</process>'
        return '<callActivity id="h" calledElement="called"/>', called
    return f'<{kind} id="h">{task.format("in")}</{kind}>', ""


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("at", HOSTS)
@pytest.mark.parametrize(("kind", "interrupting"), CAUGHT)
def test_boundary_events(kind: str, at: str, interrupting: bool, reference: str) -> None:
    definition, shared = catching(kind, reference)
    activity, more = host(at)
    inside = "h" if at == "userTask" else "in"
    body = (
        f'<startEvent id="s"/>{activity}<userTask id="after" camunda:assignee="a"/><userTask id="caught" camunda:assignee="a"/>'
        f'<boundaryEvent id="b" attachedToRef="h" cancelActivity="{str(interrupting).lower()}">{definition}</boundaryEvent>'
    )
    xml = diagram(body, "s h", "h after", "b caught", more=more + shared)

    def steps(run: Run) -> None:
        happen(run, kind, "b", inside)
        if not interrupting and kind in ("message", "signal"):
            happen(run, kind, "b", inside)  # it goes on listening

    run = play(xml, steps)
    again = not interrupting and kind in ("message", "signal")
    expected = ["caught"] if interrupting else sorted(["caught", inside] + ["caught"] * again)
    assert run.tasks() == expected
    assert run.completed.count("b") == 1 + again
    # nothing happened: the normal way
    assert play(xml, lambda run: run.complete(inside)).open() == [("after", "task")]


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("scope", ["process", *HOSTS[1:]])
@pytest.mark.parametrize(("kind", "interrupting"), CAUGHT)
def test_event_sub_processes(kind: str, scope: str, interrupting: bool, reference: str) -> None:
    definition, shared = catching(kind, reference)
    handler = (
        '<subProcess id="es" triggeredByEvent="true">'
        f'<startEvent id="es_s" isInterrupting="{str(interrupting).lower()}">{definition}</startEvent>'
        '<userTask id="caught" camunda:assignee="a"/><sequenceFlow id="es_f" sourceRef="es_s" targetRef="caught"/></subProcess>'
    )
    inner = f'<userTask id="in" camunda:assignee="a"/>{handler}'
    after = '<userTask id="after" camunda:assignee="a"/>'
    if scope == "process":
        xml = diagram(f'<startEvent id="s"/>{inner}{after}', "s in", "in after", more=shared)
    elif scope == "callActivity":
        called = f'<process id="called" isExecutable="true">{inner}</process>'
        body = f'<startEvent id="s"/><callActivity id="h" calledElement="called"/>{after}'
        xml = diagram(body, "s h", "h after", more=called + shared)
    else:
        xml = diagram(f'<startEvent id="s"/><{scope} id="h">{inner}</{scope}>{after}', "s h", "h after", more=shared)
    twice = not interrupting and kind in ("message", "signal")

    def steps(run: Run) -> None:
        for _ in range(1 + twice):
            happen(run, kind, "es_s")

    run = play(xml, steps)
    assert run.tasks() == sorted(["caught"] * (1 + twice) + ["in"] * (not interrupting))
    assert run.completed.count("es_s") == 1 + twice

    def finish(run: Run) -> None:
        steps(run)
        for _ in range(1 + twice):
            run.complete("caught")
        if not interrupting:
            run.complete("in")

    # the scope is complete when all in it is: then it goes on behind it
    run = play(xml, finish)
    assert run.tasks() == ([] if scope == "process" and interrupting else ["after"])
    assert run.ended is (scope == "process" and interrupting)

    def ends_first(run: Run) -> None:
        run.complete("in")
        if scope == "process":
            run.complete("after")

    run = play(xml, ends_first)  # a scope that is over does not listen any more
    assert run.open() == ([] if scope == "process" else [("after", "task")])
    assert run.ended is (scope == "process")


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("kind", OUTSIDE)
def test_intermediate_catching_events(kind: str, reference: str) -> None:
    definition, shared = catching(kind, reference)
    body = f'<startEvent id="s"/><intermediateCatchEvent id="i">{definition}</intermediateCatchEvent>'
    xml = diagram(body + '<userTask id="after" camunda:assignee="a"/>', "s i", "i after", more=shared)
    assert [element for element, _ in play(xml, lambda run: None).open()] == ["i"]
    run = play(xml, lambda run: happen(run, kind, "i"))
    assert run.open() == [("after", "task")]
    assert run.completed == ["s", "i"]


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("kind", OUTSIDE)
def test_event_gateways_take_the_first_that_comes(kind: str, reference: str) -> None:
    definition, shared = catching(kind, reference)
    other = '<messageEventDefinition messageRef="M2"/>'
    body = (
        f'<startEvent id="s"/><eventBasedGateway id="g"/><intermediateCatchEvent id="i">{definition}</intermediateCatchEvent>'
        f'<intermediateCatchEvent id="o">{other}</intermediateCatchEvent>'
        '<userTask id="after" camunda:assignee="a"/><userTask id="late" camunda:assignee="a"/>'
    )
    xml = diagram(body, "s g", "g i", "g o", "i after", "o late", more=shared)
    run = play(xml, lambda run: happen(run, kind, "i"))
    assert run.open() == [("after", "task")]
    assert play(xml, lambda run: run.message("m2")).open() == [("late", "task")]


@pytest.mark.parametrize("place", ["boundaryEvent", "event sub-process"])
@pytest.mark.parametrize(("thrower", "kind"), [
    ("endEvent", "error"),
    ("userTask", "error"),
    ("endEvent", "escalation"),
    ("userTask", "escalation"),
    ("intermediateThrowEvent", "escalation"),
])  # fmt: skip
def test_errors_and_escalations_go_to_the_innermost_that_catches(thrower: str, kind: str, place: str) -> None:
    definition = DEFINITIONS[kind]
    task = '<userTask id="{}" camunda:assignee="a"/>'
    throws = "" if thrower == "userTask" else f'<{thrower} id="t">{definition}</{thrower}>'
    flows = "" if thrower == "userTask" else '<sequenceFlow id="in_t" sourceRef="in" targetRef="t"/>'
    inner = f"{task.format('in')}{throws}{flows}"
    catcher = ""
    if place == "event sub-process":
        catcher = (
            f'<subProcess id="es" triggeredByEvent="true"><startEvent id="es_s">{definition}</startEvent>'
            f'{task.format("caught")}<sequenceFlow id="es_f" sourceRef="es_s" targetRef="caught"/></subProcess>'
        )
    body = (
        f'<startEvent id="s"/><subProcess id="outer"><subProcess id="inner">{inner}{catcher}</subProcess>'
        + (f'<boundaryEvent id="b" attachedToRef="inner">{definition}</boundaryEvent>' if not catcher else "")
        + ('<sequenceFlow id="b_c" sourceRef="b" targetRef="caught"/>' + task.format("caught") if not catcher else "")
        + f'</subProcess><boundaryEvent id="far" attachedToRef="outer">{definition}</boundaryEvent>{task.format("far_task")}'
    )
    xml = diagram(body, "s outer", "far far_task")

    def steps(run: Run) -> None:
        if thrower == "userTask":
            happen(run, kind, "", "in")
        else:
            run.complete("in")

    assert play(xml, steps).tasks() == ["caught"]


@pytest.mark.parametrize("kind", ["message", "signal"])
@pytest.mark.parametrize("thrower", ["endEvent", "intermediateThrowEvent"])
def test_what_is_thrown_goes_out(thrower: str, kind: str) -> None:
    body = f'<startEvent id="s"/><{thrower} id="t">{DEFINITIONS[kind]}</{thrower}><userTask id="a" camunda:assignee="a"/>'
    flows = ("s t", "t a") if thrower == "intermediateThrowEvent" else ("s t", "s a")
    run = play(diagram(body, *flows), lambda run: None)
    assert run.story[-1][3] == [(kind, "m" if kind == "message" else "s", "t")]
    assert run.tasks() == ["a"]


def test_terminate_ends_the_scope_alone() -> None:
    task = '<userTask id="{}" camunda:assignee="a"/>'
    inner = (
        f"{task.format('x')}{task.format('y')}"
        '<endEvent id="t"><terminateEventDefinition/></endEvent><sequenceFlow id="x_t" sourceRef="x" targetRef="t"/>'
    )
    body = f'<startEvent id="s"/><subProcess id="h">{inner}</subProcess>{task.format("beside")}{task.format("after")}'
    xml = diagram(body, "s h", "s beside", "h after")
    assert play(xml, lambda run: run.complete("x")).tasks() == ["after", "beside"]
    body = f'<startEvent id="s"/>{task.format("x")}{task.format("y")}<endEvent id="t"><terminateEventDefinition/></endEvent>'
    assert play(diagram(body, "s x", "s y", "x t"), lambda run: run.complete("x")).ended


# ---- several definitions -----------------------------------------------------------------------------------------------
PAIRS = [(one, two) for one in OUTSIDE for two in OUTSIDE if one < two]


@pytest.mark.parametrize("parallel", [False, True], ids=["any", "all"])
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("place", ["catch", "boundary", "boundary beside", "event sub-process"])
def test_events_with_several_definitions(place: str, pair: tuple[str, str], parallel: bool) -> None:
    definitions = "".join(DEFINITIONS[kind] for kind in pair)
    flag = f'parallelMultiple="{str(parallel).lower()}"'
    task = '<userTask id="{}" camunda:assignee="a"/>'
    match place:
        case "catch":
            event = f'<intermediateCatchEvent id="i" {flag}>{definitions}</intermediateCatchEvent>'
            xml = diagram(f'<startEvent id="s"/>{event}{task.format("caught")}', "s i", "i caught")
        case "event sub-process":
            event = f'<startEvent id="i" {flag}>{definitions}</startEvent>{task.format("caught")}'
            flow = '<sequenceFlow id="i_c" sourceRef="i" targetRef="caught"/>'
            inner = f'<subProcess id="es" triggeredByEvent="true">{event}{flow}</subProcess>'
            xml = diagram(f'<startEvent id="s"/>{task.format("in")}{inner}', "s in")
        case _:
            stops = str(place == "boundary").lower()
            event = f'<boundaryEvent id="i" attachedToRef="in" cancelActivity="{stops}" {flag}>{definitions}</boundaryEvent>'
            xml = diagram(f'<startEvent id="s"/>{task.format("in")}{event}{task.format("caught")}', "s in", "i caught")
    goes_on = [] if place != "boundary beside" else ["in"]
    before = [] if place == "catch" else ["in"]
    for first, second in (pair, pair[::-1]):
        one = play(xml, lambda run, first=first: happen(run, first, "i"))  # type: ignore[misc]
        assert one.tasks() == (before if parallel else sorted(["caught", *goes_on]))

        def both(run: Run, first: str = first, second: str = second) -> None:
            happen(happen(run, first, "i"), second, "i")

        if parallel:
            assert play(xml, both).tasks() == sorted(["caught", *goes_on])


@pytest.mark.parametrize("kind", ["intermediateThrowEvent", "endEvent"])
def test_a_throwing_event_throws_all_its_definitions_in_their_order(kind: str) -> None:
    event = f'<{kind} id="t">{DEFINITIONS["signal"]}{DEFINITIONS["message"]}</{kind}>'
    run = play(diagram(f'<startEvent id="s"/>{event}', "s t"), lambda run: None)
    assert run.story[-1][3] == [("signal", "s", "t"), ("message", "m", "t")]
    assert run.ended


# ---- compensation ------------------------------------------------------------------------------------------------------
def undoing(activity: str) -> str:
    """An activity that can be compensated, by a task of the name `undo_…`."""
    return (
        f'<userTask id="{activity}" camunda:assignee="a"/>'
        f'<userTask id="undo_{activity}" camunda:assignee="a" isForCompensation="true"/>'
        f'<boundaryEvent id="c_{activity}" attachedToRef="{activity}"><compensateEventDefinition/></boundaryEvent>'
        f'<association id="as_{activity}" sourceRef="c_{activity}" targetRef="undo_{activity}"/>'
    )


@pytest.mark.parametrize("named", [False, True], ids=["all", "one"])
@pytest.mark.parametrize("kind", ["intermediateThrowEvent", "endEvent"])
def test_compensation_undoes_what_was_completed_last_first(kind: str, named: bool) -> None:
    reference = ' activityRef="x"' if named else ""
    throws = f'<{kind} id="t"><compensateEventDefinition{reference}/></{kind}>'
    body = f'<startEvent id="s"/>{undoing("x")}{undoing("y")}{undoing("z")}{throws}<userTask id="k" camunda:assignee="a"/>'
    xml = diagram(body, "s x", "x y", "y k", "k t", "s z")

    def steps(run: Run) -> None:
        run.complete("x").complete("y").complete("k")
        if not named:
            assert run.tasks() == ["undo_y", "z"]  # `z` was never completed: it is neither undone nor touched
            run.complete("undo_y")
        assert run.tasks() == ["undo_x", "z"]
        run.complete("undo_x")

    run = play(xml, steps)
    assert run.tasks() == ["z"]
    assert run.completed.count("t") == 1


def test_a_sub_process_is_undone_by_its_handler_or_by_what_was_completed_inside() -> None:
    handler = (
        '<subProcess id="es" triggeredByEvent="true"><startEvent id="es_s"><compensateEventDefinition/></startEvent>'
        '<userTask id="own" camunda:assignee="a"/><sequenceFlow id="es_f" sourceRef="es_s" targetRef="own"/></subProcess>'
    )
    throws = '<endEvent id="t"><compensateEventDefinition activityRef="q"/></endEvent>'
    inner = f'{undoing("x")}{undoing("y")}<sequenceFlow id="xy" sourceRef="x" targetRef="y"/>'
    for more, expected in ((handler, ["own"]), ("", ["undo_y", "undo_x"])):
        xml = diagram(f'<startEvent id="s"/><subProcess id="q">{inner}{more}</subProcess>{throws}', "s q", "q t")

        def steps(run: Run, expected: list[str] = expected) -> None:
            run.complete("x").complete("y")
            for task in expected:
                assert run.tasks() == [task]
                run.complete(task)

        assert play(xml, steps).ended


@pytest.mark.parametrize("caught", [True, False])
def test_cancel_undoes_the_transaction_and_goes_on_at_its_boundary(caught: bool) -> None:
    inner = (
        f'{undoing("x")}<userTask id="y" camunda:assignee="a"/><userTask id="beside" camunda:assignee="a"/>'
        '<endEvent id="t"><cancelEventDefinition/></endEvent>'
        '<sequenceFlow id="xy" sourceRef="x" targetRef="y"/><sequenceFlow id="yt" sourceRef="y" targetRef="t"/>'
    )
    body = f'<startEvent id="s"/><transaction id="q">{inner}</transaction><userTask id="after" camunda:assignee="a"/>'
    flows = ["s q", "q after"]
    if caught:
        body += '<boundaryEvent id="b" attachedToRef="q"><cancelEventDefinition/></boundaryEvent>'
        body += '<userTask id="c" camunda:assignee="a"/>'
        flows.append("b c")

    def steps(run: Run) -> None:
        run.complete("x").complete("y")
        assert run.tasks() == ["undo_x"]  # what was still open in it is cancelled
        run.complete("undo_x")

    run = play(diagram(body, *flows), steps)
    assert run.tasks() == (["c"] if caught else [])
    assert run.ended is not caught


@pytest.mark.parametrize("kind", ["error", "escalation"])
def test_an_error_leaves_a_transaction_without_undoing_it(kind: str) -> None:
    inner = f'{undoing("x")}<endEvent id="t">{DEFINITIONS[kind]}</endEvent><sequenceFlow id="xt" sourceRef="x" targetRef="t"/>'
    body = f'<startEvent id="s"/><transaction id="q">{inner}</transaction>'
    body += f'<boundaryEvent id="b" attachedToRef="q">{DEFINITIONS[kind]}</boundaryEvent><userTask id="c" camunda:assignee="a"/>'
    assert play(diagram(body, "s q", "b c"), lambda run: run.complete("x")).tasks() == ["c"]


# ---- links -------------------------------------------------------------------------------------------------------------
def test_links_of_one_name_lead_to_one_target() -> None:
    link = '<linkEventDefinition name="over there"/>'
    body = (
        f'<startEvent id="s"/><intermediateThrowEvent id="t">{link}</intermediateThrowEvent>'
        f'<intermediateThrowEvent id="u">{link}</intermediateThrowEvent>'
        f'<intermediateCatchEvent id="c">{link}</intermediateCatchEvent>'
        '<userTask id="a" camunda:assignee="a"/>'
    )
    assert play(diagram(body, "s t", "s u", "c a"), lambda run: None).tasks() == ["a", "a"]
