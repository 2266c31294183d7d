"""Compensation (BPMN 2.0.2, 10.7 and 13.5.5): what was completed is undone, last first.

A scope keeps one entry for each completed activity that could be compensated: its element, its local variables and, for a
sub-process, the entries of what was completed inside. While compensation runs, a record with `comp` holds what is still to
be done; the activities that compensate live inside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.model import Node
from engine.tokens import activities, events

if TYPE_CHECKING:
    from engine.tokens.step import Step

Entry = dict[str, Any]


def remember(step: Step, number: str, node: Node) -> None:
    """Note a completed activity, if there is anything that compensates it. A call activity's inside is not compensated."""
    record = step.records[number]
    inner: list[Entry] = record.get("done", [])
    if node.compensation is None and not inner and _handler_start(step, node) is None:
        return
    entry: Entry = {"at": node.id}
    if record.get("vars"):
        entry["vars"] = record["vars"]  # as they are now: handlers see this snapshot (10.7.2)
    if inner:
        entry["done"] = inner
    scope = step.records.scope_of(number)
    step.records.change(scope, done=[*step.records[scope].get("done", []), entry])


def _handler_start(step: Step, node: Node) -> Node | None:
    """The start event of the compensation event sub-process."""
    starts = step.plan.event_starts.get(node.id, ())
    return next((start for start in starts if start.catches("compensate")), None)


def begin(step: Step, node: Node, container: str, activity: str | None, then: str) -> None:
    """Compensate `activity`, or all of the scope. `then`: `leave` the throwing event, `cancel` the transaction, or nothing.

    From an event sub-process it is the scope around that is compensated (10.7.1).
    """
    scope = step.records[container]["in"] if step.node(container).triggered_by_event else container
    done: list[Entry] = step.records[scope].get("done", [])
    chosen = [entry for entry in done if activity is None or entry["at"] == activity]
    rest = [entry for entry in done if activity is not None and entry["at"] != activity]
    step.records.change(scope, done=rest or None)
    step.settling.append(step.add(node, container, comp=chosen, then=then))


def go_on(step: Step, number: str) -> None:
    """Begin the next compensation, or go on with what follows."""
    record = step.records[number]
    if not record["comp"]:
        _finish(step, number)
        return
    *rest, entry = record["comp"]
    step.records.change(number, comp=rest)
    node = step.nodes[entry["at"]]
    start = _handler_start(step, node)
    if "vars" in entry:  # seen by whatever compensates it
        bare = {key: value for key, value in entry.items() if key != "vars"}
        step.settling.append(step.add(node, number, comp=[bare], then="", vars=entry["vars"]))
    elif node.compensation is not None:
        activities.begin(step, step.nodes[node.compensation], number)
    elif start is not None:
        around = step.add(node, number, comp=[], then="", done=entry.get("done", []))
        step.note("completed", start)
        activities.open_event_subprocess(step, start, around)
    else:  # by default everything that was completed inside
        step.settling.append(step.add(node, number, comp=entry.get("done", []), then=""))


def _finish(step: Step, number: str) -> None:
    node, record = step.node(number), step.records.remove(number)
    container: str = record["in"]
    if record["then"] == "cancel":
        if not events.propagate(step, "cancel", None, container):
            # nobody catches it: the transaction is over, and nothing leaves it
            body = step.records.body(container)
            around = step.records[body].get("in")
            step.cancel(body)
            if around is not None:
                step.settling.append(around)
    elif record["then"] == "leave":
        step.leave(node, container)
    else:
        step.settling.append(container)
