"""Gateways (BPMN 2.0.2, 10.6 and 13.4). A token that waits at a join is a record with the flow it came by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.model import Flow, Node
from engine.tokens import timers
from engine.tokens.problems import NoFlowTaken

if TYPE_CHECKING:
    from engine.tokens.step import Step


def pass_exclusive(step: Step, node: Node, container: str, flow: Flow | None) -> None:
    """The first flow whose condition holds, else the default, else the one flow without condition (13.4.2)."""
    step.note("completed", node)
    for each in node.outgoing:
        if each.id != node.default and each.condition is not None and step.holds(each.condition, container, each.id):
            step.send(step.nodes[each.target], container, each)
            return
    otherwise = [each for each in node.outgoing if each.id == node.default or each.condition is None]
    if otherwise:
        step.send(step.nodes[otherwise[0].target], container, otherwise[0])
    elif node.outgoing:
        raise NoFlowTaken(element=node.id)


def pass_parallel(step: Step, node: Node, container: str, flow: Flow | None) -> None:
    """Wait for one token on each incoming flow, then one on each outgoing (13.4.1)."""
    if len(node.incoming) > 1 and flow is not None:
        waiting = tokens_at(step, node, container)
        if any(each.id not in waiting for each in node.incoming if each.id != flow.id):
            step.add(node, container, by=flow.id)
            return
        for each in node.incoming:
            if each.id != flow.id:
                step.records.remove(waiting[each.id][0])
    step.note("completed", node)
    for each in node.outgoing:
        step.send(step.nodes[each.target], container, each)


def pass_inclusive(step: Step, node: Node, container: str, flow: Flow | None) -> None:
    """As a join it is looked at when no other token moves (`fire_joins`)."""
    if len(node.incoming) > 1 and flow is not None:
        step.add(node, container, by=flow.id)
    else:
        step.note("completed", node)
        step.leave(node, container)


def pass_complex(step: Step, node: Node, container: str, flow: Flow | None) -> None:
    """Waiting for start it fires when its activation condition holds, then it waits for the rest before it resets (13.4.5).

    Without activation condition it joins as an inclusive gateway does.
    """
    if len(node.incoming) < 2 or flow is None or node.activation is None:
        pass_inclusive(step, node, container, flow)
        return
    reset = next((each for each in step.records.children(container) if _resets(step, each, node)), None)
    expected = [] if reset is None else step.records[reset]["reset"]
    if reset is not None and flow.id in expected:
        step.records.change(reset, reset=[each for each in expected if each != flow.id])
        return
    step.add(node, container, by=flow.id)
    if reset is None:
        _activate(step, node, container)


def _activate(step: Step, node: Node, container: str) -> None:
    """First phase: consume one token of every flow that has one, note from which flows none was consumed."""
    waiting = tokens_at(step, node, container)
    state = {"activationCount": sum(len(numbers) for numbers in waiting.values()), "waitingForStart": True}
    if node.activation is None or not waiting or not step.holds(node.activation, container, node.id, state):
        return
    for numbers in waiting.values():
        step.records.remove(numbers[0])
    step.add(node, container, reset=[flow.id for flow in node.incoming if flow.id not in waiting])
    step.note("completed", node)
    for flow in step.taken_flows(node, container, state):
        step.send(step.nodes[flow.target], container, flow)


def _reset(step: Step, number: str) -> None:
    """Second phase: all that could come has come. Conditions are evaluated again (they may ask for `waitingForStart`), a flow
    without condition gets nothing."""
    record = step.records.remove(number)
    node, container = step.nodes[record["at"]], record["in"]
    state = {"activationCount": 0, "waitingForStart": False}
    for flow in node.outgoing:
        if flow.condition is not None and step.holds(flow.condition, container, flow.id, state):
            step.send(step.nodes[flow.target], container, flow)
    _activate(step, node, container)
    step.settling.append(container)


def _resets(step: Step, number: str, node: Node) -> bool:
    record = step.records[number]
    return record["at"] == node.id and "reset" in record


def pass_event_based(step: Step, node: Node, container: str, flow: Flow | None) -> None:
    """Wait for the first of the events behind it (13.4.4)."""
    number = step.add(node, container)
    timers.arm(step, number, [step.nodes[each.target] for each in node.outgoing])


GATEWAYS: dict[str, Callable[[Step, Node, str, Flow | None], None]] = {
    "exclusiveGateway": pass_exclusive,
    "parallelGateway": pass_parallel,
    "inclusiveGateway": pass_inclusive,
    "complexGateway": pass_complex,
    "eventBasedGateway": pass_event_based,
}


# ---- joins -----------------------------------------------------------------------------------------------------------
def tokens_at(step: Step, node: Node, container: str) -> dict[str, list[str]]:
    """Tokens that wait at a join, by the flow they came by, oldest first."""
    found: dict[str, list[str]] = {}
    for number in step.records.children(container):
        record = step.records[number]
        if record["at"] == node.id and "by" in record:
            found.setdefault(record["by"], []).append(number)
    return found


def _can_come(step: Step, node: Node, container: str, empty: set[str], filled: set[str]) -> bool:
    """Whether some token of the scope can still reach a flow of `empty` and none of `filled` (13.4.3, the dashed rule)."""
    for number in step.records.children(container):
        record = step.records[number]
        if record["at"] != node.id:
            reach = step.plan.reach(step.nodes[record["at"]], node)
            if reach & empty and not reach & filled:
                return True
    return False


def fire_joins(step: Step) -> bool:
    """When no token moves: one inclusive join that need not wait longer, or one complex gateway that resets."""
    for number, record in list(step.records.table.items()):
        if record["at"] not in step.plan.joins:
            continue
        node, container = step.nodes[record["at"]], record["in"]
        if "reset" in record:
            expected = set(record["reset"])
            if not _can_come(step, node, container, expected, {flow.id for flow in node.incoming} - expected):
                _reset(step, number)
                return True
        elif "by" in record and node.activation is None:
            waiting = tokens_at(step, node, container)
            empty = {flow.id for flow in node.incoming} - waiting.keys()
            if not _can_come(step, node, container, empty, set(waiting)):
                for numbers in waiting.values():
                    step.records.remove(numbers[0])
                step.note("completed", node)
                step.leave(node, container)
                return True
    return False
