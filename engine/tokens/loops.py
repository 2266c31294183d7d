"""Standard loops and multi-instance activities (BPMN 2.0.2, 13.3.6 and 13.3.7).

The body is one record with the counters, inside it lives one record for each open instance. Of `mi`: `n` all instances,
`done` completed ones, `next` the number of the next, `left` those that a sequential one still has to begin, `items` what is
left of its collection, `out` results by number, `over` no further instance begins. A standard loop has `done` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model import EventDefinition, MultiInstance, Node, StandardLoop
from engine.tokens import activities, events
from engine.tokens.problems import CollectionUnreadable

if TYPE_CHECKING:
    from engine.tokens.step import Step

MAX_INSTANCES = 10_000
"""Instances of one multi-instance activity."""


def begin_loop(step: Step, node: Node, container: str) -> None:
    """Open a standard loop; its first round begins, unless the condition is tested before it."""
    assert isinstance(node.loop, StandardLoop)
    body = step.add(node, container, mi={"done": 0})
    activities.arm_boundaries(step, body, node)
    if node.loop.test_before or node.loop.maximum == 0:
        step.settling.append(body)
    else:
        _begin_round(step, body, node, 0)


def begin_instances(step: Step, node: Node, container: str) -> None:
    """Open a multi-instance activity: all instances, or the first of a sequence."""
    assert isinstance(node.loop, MultiInstance)
    loop = node.loop
    items = _items(step, node, loop, container)
    count = len(items) if items is not None else _cardinality(step, node, loop, container)
    mi: dict[str, Any] = {"n": count, "done": 0, "next": 0}
    if loop.sequential:
        mi["left"] = count
        if items is not None:
            mi["items"] = items
    if loop.output:
        mi["out"] = {}
    body = step.add(node, container, mi=mi)
    activities.arm_boundaries(step, body, node)
    if not loop.sequential:
        for index in range(count):
            if body not in step.records or "over" in step.records[body]["mi"]:
                return
            begin_instance(step, body, node, None if items is None else items[index])
    step.settling.append(body)


def _items(step: Step, node: Node, loop: MultiInstance, container: str) -> list[Any] | None:
    if loop.collection is None:
        return None
    items = step.value(loop.collection, container, node.id)
    if not isinstance(items, list | tuple) or len(items) > MAX_INSTANCES:
        raise CollectionUnreadable(element=node.id, value=str(items)[:100], limit=MAX_INSTANCES)
    return list(items)


def _cardinality(step: Step, node: Node, loop: MultiInstance, container: str) -> int:
    count = 1 if loop.cardinality is None else step.value(loop.cardinality, container, node.id)
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_INSTANCES:
        raise CollectionUnreadable(element=node.id, value=str(count)[:100], limit=MAX_INSTANCES)
    return count


def begin_instance(step: Step, body: str, node: Node, item: Any) -> None:
    """Begin the next instance of a multi-instance activity, with its number and its item as local variables."""
    assert isinstance(node.loop, MultiInstance)
    mi = step.records[body]["mi"]
    local: dict[str, Any] = {"loopCounter": mi["next"]}
    if node.loop.item and node.loop.collection is not None:
        local[node.loop.item] = item
    if node.loop.output_item:
        local.setdefault(node.loop.output_item, None)
    step.records.change(body, mi={**mi, "next": mi["next"] + 1})
    activities.act(step, step.add(node, body, vars=local), node)


def finish_instance(step: Step, number: str, body: str, node: Node) -> None:
    """One round or instance is done: its result is kept, its events are thrown; perhaps the whole activity is done with it."""
    mi = {**step.records[body]["mi"]}
    mi["done"] += 1
    loop = node.loop
    if isinstance(loop, MultiInstance):
        if loop.output_item and "out" in mi:
            value = step.records.variables(number).get(loop.output_item)
            mi["out"] = {**mi["out"], str(step.records[number]["vars"]["loopCounter"]): value}
        step.records.change(body, mi=mi)
        stops = _throw_behaviors(step, number, body, node, loop)
        if number not in step.records:  # what was thrown has ended the whole activity from outside
            return
        step.records.remove(number)
        complete_early(step, body, stops)
    else:
        step.records.change(body, mi=mi)
        step.records.remove(number)
    step.settling.append(body)


def complete_early(step: Step, body: str, stops: bool = False) -> None:
    """No further instance of a multi-instance activity when its completion condition holds (or it `stops` in any case)."""
    node = step.node(body)
    assert isinstance(node.loop, MultiInstance)
    if stops or node.loop.completion is not None and step.holds(node.loop.completion, body, node.id):
        step.records.change(body, mi={**step.records[body]["mi"], "over": True})
        step.cancel_inside(body)


def _throw_behaviors(step: Step, number: str, body: str, node: Node, loop: MultiInstance) -> bool:
    """Events of an instance that completes (10.3.8), caught on the boundary of the whole activity; else they go out as those of
    any other throwing event do.

    They tell of an instance that is done, so on the boundary they interrupt nothing: with `behavior="None"` an interrupting
    event would otherwise stop the activity that is to throw "for each instance". A complex behavior that is caught by an
    interrupting event ends the activity, whose own flow is taken as well. Whether it does is the answer.
    """
    stops = False
    for behavior in loop.behaviors:
        if behavior.when == "first" and step.records[body]["mi"]["done"] != 1:
            continue
        if behavior.condition is not None and not step.holds(behavior.condition, number, node.id):
            continue
        caught = [boundary for boundary in map(step.nodes.__getitem__, node.boundaries) if _catches(boundary, behavior.event)]
        for boundary in caught:
            step.note("completed", boundary)
            step.leave(boundary, step.records[body]["in"])
            stops = stops or behavior.when == "condition" and boundary.interrupting
        if not caught:
            events.throw_implicitly(step, behavior.event, node, number, body)
            if number not in step.records:
                return False
    return stops


def _catches(boundary: Node, thrown: EventDefinition) -> bool:
    """Whether one definition of a boundary event is for the thrown one: by name, or for any error or escalation."""
    names = (thrown.name, None) if thrown.kind in ("error", "escalation") else (thrown.name,)
    return any(event.kind == thrown.kind and event.name in names for event in boundary.events)


def go_on(step: Step, body: str) -> None:
    """No instance is open: the next round or instance begins, or the activity is done."""
    node, mi = step.node(body), step.records[body]["mi"]
    if isinstance(node.loop, StandardLoop):
        if _loops_again(step, body, node, node.loop, mi["done"]):
            _begin_round(step, body, node, mi["done"])
            return
    elif mi.get("left") and "over" not in mi:
        item = None
        changed = {**mi, "left": mi["left"] - 1}
        if "items" in mi:
            item, *rest = mi["items"]
            changed["items"] = rest
        step.records.change(body, mi=changed)
        begin_instance(step, body, node, item)
        return
    _finish(step, body, node)


def _loops_again(step: Step, body: str, node: Node, loop: StandardLoop, done: int) -> bool:
    if loop.maximum is not None and done >= loop.maximum:
        return False
    if loop.condition is not None:
        return step.holds(loop.condition, body, node.id, {"loopCounter": done})
    return loop.maximum is not None or done == 0  # neither is only read for a simulation: one round


def _begin_round(step: Step, body: str, node: Node, number: int) -> None:
    activities.act(step, step.add(node, body, vars={"loopCounter": number}), node)


def _finish(step: Step, body: str, node: Node) -> None:
    record = step.records.remove(body)
    if isinstance(node.loop, MultiInstance) and node.loop.output:
        results = record["mi"]["out"]
        step.assign(record["in"], {node.loop.output: [results[key] for key in sorted(results, key=int)]})
    activities.go_on(step, node, record["in"])
