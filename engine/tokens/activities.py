"""Activities: tasks, sub-processes, call activities, from the token that comes to the tokens that leave (13.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.model import Flow, MultiInstance, Node, StandardLoop, instantiating_nodes, starting_nodes
from engine.tokens import compensation, events, gateways, loops, passing, timers
from engine.tokens.problems import NestingTooDeep, StartUnknown
from engine.tokens.records import ROOT

if TYPE_CHECKING:
    from engine.tokens.step import Step

MAX_CALLS = 200
"""Called processes within each other: more are processes that call each other without end."""


def arrive(step: Step, node: Node, container: str, flow: Flow | None) -> None:
    """A token has come to an activity; with a start quantity it may have to wait for more (13.3.1)."""
    if node.start_quantity > 1:
        waiting = [number for numbers in gateways.tokens_at(step, node, container).values() for number in numbers]
        if len(waiting) + 1 < node.start_quantity:
            step.add(node, container, by=flow.id if flow else "")
            return
        for number in waiting:
            step.records.remove(number)
    begin(step, node, container)


def begin(step: Step, node: Node, container: str) -> None:
    """Open an activity: once, or the body of its loop."""
    if isinstance(node.loop, StandardLoop):
        loops.begin_loop(step, node, container)
    elif isinstance(node.loop, MultiInstance):
        loops.begin_instances(step, node, container)
    else:
        number = step.add(node, container)
        arm_boundaries(step, number, node)
        act(step, number, node)


def begin_onward(step: Step, node: Node, container: str, onward: Sequence[tuple[str, list[str]]]) -> None:
    """Open a step of people that has a way onward in place of its flows: elements, each with what is done before it."""
    begin(step, node, container)
    if onward and node.loop is None:
        step.records.change(str(step.records.last), to=[list(each) for each in onward])


def arm_boundaries(step: Step, number: str, node: Node) -> None:
    """Timers on the boundary run from the moment the activity (or its loop) begins."""
    timers.arm(step, number, [step.nodes[boundary] for boundary in node.boundaries])


def act(step: Step, number: str, node: Node) -> None:
    """Do what an activity is for; what waits for somebody stays."""
    enter(step, number, node)
    if node.is_scope:
        open_scope(step, number)
    elif node.kind == "callActivity":
        _call(step, number, node)
    elif node.kind == "receiveTask" or node.id in step.plan.work:
        return
    else:
        if node.kind == "sendTask":
            events.emit(step, "message", node.events[0].name, number, node)
        complete(step, number)


def enter(step: Step, number: str, node: Node) -> None:
    """An activity begins: its input mapping gives local variables."""
    step.note("entered", node, number)
    if node.camunda.inputs:
        local = _evaluate(step, node, number, node.camunda.inputs)
        step.records.change(number, vars={**step.records[number].get("vars", {}), **local})


def arm_event_subprocesses(step: Step, number: str) -> None:
    """Timers that start event sub-processes run from the moment their scope is opened."""
    timers.arm(step, number, step.plan.event_starts.get(step.records[number]["at"], ()))


def open_event_subprocess(step: Step, start: Node, container: str) -> None:
    """The start event of an event sub-process has happened in the scope `container`: open it behind that event."""
    node = step.nodes[start.parent or ""]
    number = step.add(node, container)
    enter(step, number, node)
    arm_event_subprocesses(step, number)
    step.leave(start, number)


def _call(step: Step, number: str, node: Node) -> None:
    """Begin a called process of the same file; one of another definition is waited for (`begin_called`)."""
    process = step.plan.definition.callables.get(node.called or "")
    if process is not None:
        begin_called(step, number, process)
    elif node.call is None:  # only read for a simulation
        complete(step, number)


def begin_called(step: Step, number: str, process: Node) -> None:
    """Begin the called process inside the call. Without mapping it sees what the caller sees, and what it writes comes back.

    Raises NestingTooDeep.
    """
    node = step.node(number)
    assert node.call is not None
    if step.records.count_processes(number, step.plan.processes) > MAX_CALLS:
        raise NestingTooDeep(element=node.id, limit=MAX_CALLS)
    local = dict(step.records[number].get("vars", {})) if node.call.local_in else {}
    local |= _evaluate(step, node, number, node.call.inputs or {})
    called = step.add(process, number, vars=local, **({"closed": True} if node.call.closed else {}))
    step.note("entered", process, called)
    open_scope(step, called)


def open_scope(step: Step, number: str, element: str | None = None) -> None:
    """Arm the event sub-processes of a scope and send its first tokens; a process may begin at one `element`.

    Raises StartUnknown when a process cannot begin so.
    """
    node = step.node(number)
    arm_event_subprocesses(step, number)
    if element is not None:
        _begin_at(step, number, node, element)
        return
    starts = starting_nodes(step.plan.definition, node)
    if node.kind == "process" and node.children and not starts:
        raise StartUnknown(element=None)
    if node.kind == "adHocSubProcess" and node.sequential:
        step.records.change(number, adhoc=[start.id for start in starts[1:]] or None)
        starts = starts[:1]
    for start in starts:
        step.send(start, number)
    step.settling.append(number)


def _begin_at(step: Step, number: str, scope: Node, element: str) -> None:
    """The event that starts the process has happened already: at a start event, an instantiating task, or behind a gateway."""
    node = step.nodes.get(element)
    if node is None or node.parent != scope.id:
        raise StartUnknown(element=element)
    if node.kind != "startEvent" and node not in instantiating_nodes(step.plan.definition, scope):
        raise StartUnknown(element=element)
    step.note("completed", node)
    step.leave(node, number)
    for flow in node.incoming:  # behind a parallel event gateway the others are still to come (10.6.6)
        gateway = step.nodes[flow.source]
        if gateway.instantiate and gateway.parallel_multiple:
            for other in gateway.outgoing:
                if other.target != element:
                    step.send(step.nodes[other.target], number, other)


def complete(step: Step, number: str) -> None:
    """An activity or scope is done: outputs are written, compensation is noted, its container goes on."""
    node, record = step.node(number), step.records[number]
    step.note("completed", node, number)
    if number == ROOT:
        step.end()
        return
    if "to" in record:
        passing.remember_again(step, number, node, record["to"][0][1])
    else:
        passing.remember(step, number, node)
    step.cancel_inside(number)
    container: str = record["in"]
    if node.camunda.outputs:
        step.assign(container, _evaluate(step, node, number, node.camunda.outputs))
    if node.kind == "process":
        _return_from_call(step, number, container)
        return
    compensation.remember(step, number, node)
    if "mi" in step.records[container]:
        loops.finish_instance(step, number, container, node)
        return
    step.records.remove(number)
    if "to" in record:
        (element, _), *rest = record["to"]
        begin_onward(step, step.nodes[element], container, rest)
    else:
        go_on(step, node, container)


def go_on(step: Step, node: Node, container: str) -> None:
    """What follows an activity that is done: tokens leave it, unless nothing is to follow."""
    record = step.records[container]
    holder = step.nodes[record["at"]]
    choosing = holder.kind == "adHocSubProcess" and not ("full" in record or "comp" in record)
    if choosing and holder.completion is not None and step.holds(holder.completion, container, holder.id):
        step.records.change(container, full=True, adhoc=None)
        if holder.cancel_remaining:
            step.cancel_inside(container)
    if node.triggered_by_event or "full" in step.records[container]:
        step.settling.append(container)
    else:
        step.leave(node, container)


def _return_from_call(step: Step, number: str, call: str) -> None:
    """A called process has ended: what it wrote (or what the call maps out) is written around the call."""
    node, record = step.node(call), step.records[number]
    assert node.call is not None
    back = node.call.all_out or node.call.outputs is None and not record.get("closed")
    values = {**(record["vars"] if back else {}), **_evaluate(step, node, number, node.call.outputs or {})}
    step.records.remove(number)
    if node.call.local_out:
        step.records.change(call, vars={**step.records[call].get("vars", {}), **values})
    else:
        step.assign(call, values)
    complete(step, call)


def _evaluate(step: Step, node: Node, number: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {name: step.value(template, number, node.id) for name, template in mapping.items()}
