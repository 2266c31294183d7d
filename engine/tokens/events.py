"""Events that throw, wait and catch (BPMN 2.0.2, 10.5 and 13.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.kernel import Thrown
from engine.model import EventDefinition, EventKind, Node, link_targets
from engine.tokens import activities, compensation, timers
from engine.tokens.waits import EVENT_WAITS, listening

if TYPE_CHECKING:
    from engine.tokens.step import Step


# ---- a token comes to an event ---------------------------------------------------------------------------------------
def wait(step: Step, node: Node, container: str) -> None:
    """A start event or the catching end of a link lets the token pass, an intermediate event holds it."""
    if node.kind != "intermediateCatchEvent" or node.catches("link"):
        step.note("completed", node)
        step.leave(node, container)
        return
    timers.arm(step, step.add(node, container), [node])


def throw(step: Step, node: Node, container: str) -> None:
    """An intermediate throw event or an end event happens, once its handler (if it names one) has done its work."""
    if node.id in step.plan.work:
        step.add(node, container)
    else:
        happen(step, node, container)


def happen(step: Step, node: Node, container: str) -> None:
    """Throw every event definition in turn, then leave. It stops where the token is taken away by what it threw."""
    step.note("completed", node)
    interrupted = step.records[container].get("int")
    for event in node.events:
        if container not in step.records or step.records[container].get("int") != interrupted:
            return
        if event.kind in ("message", "signal"):
            if event.handler is None:  # a handler has sent it
                emit(step, event.kind, event.name, container, node)
        elif event.kind == "escalation":
            propagate(step, "escalation", event.name, container)
        elif event.kind == "error":
            step.consume_arrived(node, container)
            propagate(step, "error", event.name, container)
            return
        elif event.kind == "terminate":
            step.cancel_inside(container)
            step.settling.append(container)
            return
        elif event.kind == "cancel":
            step.cancel_inside(container)
            compensation.begin(step, node, container, None, "cancel")
            return
        elif event.kind == "compensate":
            compensation.begin(step, node, container, event.activity, "leave" if event.wait else "")
            if event.wait:
                return
        elif event.kind == "link":
            for target in link_targets(step.plan.definition, node):
                step.send(target, container)
    if container in step.records and step.records[container].get("int") == interrupted:
        step.leave(node, container)


def throw_implicitly(step: Step, event: EventDefinition, node: Node, number: str, body: str) -> None:
    """What an instance of a multi-instance activity throws goes out, with what the instance sees, or outwards from the whole."""
    if event.kind in ("message", "signal"):
        emit(step, event.kind, event.name, number, node)
    elif event.kind in ("error", "escalation"):
        propagate(step, event.kind, event.name, body)


def emit(step: Step, kind: str, name: str | None, number: str, node: Node) -> None:
    """A message or signal goes out. A signal reaches what waits in this instance at once: whoever routes it further must
    not bring it back here."""
    if name is None:  # only read for a simulation: nobody could wait for it
        return
    step.thrown.append(Thrown(kind, name, node.id, dict(step.records.variables(number))))
    if kind == "signal":
        deliver(step, "signal", name)


# ---- errors and escalations ------------------------------------------------------------------------------------------
def propagate(step: Step, kind: EventKind, code: str | None, number: str, *, message: str | None = None) -> bool:
    """Errors, escalations and cancellation go outwards to the innermost scope that waits for them (10.5.6, 10.5.7).

    In each scope its event sub-processes come first, then the boundary; the event that names the code comes before one that
    catches all. It may name variables for the code and the message, which are written where it stands.
    An error that nobody catches ends the instance. Whether it was caught is the answer.
    """
    inner: str | None = None
    for each in list(step.records.containers(number)):
        record, node = step.records[each], step.node(each)
        if "comp" not in record:
            within = inner is not None and step.node(inner).triggered_by_event
            if node.is_scope and "mi" not in record and "int" not in record and not within:
                start = _best(step.plan.event_starts.get(node.id, ()), kind, code)
                if start is not None:
                    step.assign(each, _told(start, kind, code, message))
                    catch(step, each, start)
                    return True
            if node.boundaries and step.records.body(each) == each:
                boundary = _best([step.nodes[key] for key in node.boundaries], kind, code)
                if boundary is not None:
                    step.assign(record["in"], _told(boundary, kind, code, message))
                    catch(step, each, boundary)
                    return True
        inner = each
    if kind == "error":
        step.end(code or "")
    return False


def _told(node: Node, kind: EventKind, code: str | None, message: str | None) -> dict[str, Any]:
    """The variables that a catching event names for what it caught."""
    event = next(event for event in node.events if event.kind == kind and event.name in (None, code))
    told = {event.code_variable: code, event.message_variable: message}
    return {name: value for name, value in told.items() if name is not None}


def _best(nodes: Sequence[Node], kind: EventKind, code: str | None) -> Node | None:
    """The event that names this code, else the one that catches all."""
    found = [
        (event.name is None, index)
        for index, node in enumerate(nodes)
        for event in node.events
        if event.kind == kind and event.name in (None, code)
    ]
    return nodes[min(found)[1]] if found else None


# ---- messages and signals --------------------------------------------------------------------------------------------
def deliver(
    step: Step,
    kind: EventKind,
    name: str,
    *,
    variables: Mapping[str, Any] | None = None,
    once: bool = False,
    token: str | None = None,
    element: str | None = None,
) -> int:
    """A message or signal reaches what waits for it; how many it reached.

    Inner scopes come first, in one scope event sub-processes before the boundary, then those that wait longer. A message
    is for one (`once`), a signal for all.
    An event sub-process that interrupts its scope consumes the signal; it may throw it again to reach the boundary (10.5.6).
    """
    hits: list[tuple[str, Node, int]] = []
    for number, record in step.records.table.items():
        if token not in (None, number):
            continue
        for node, index, event in listening(step.plan, record):
            if event.kind == kind and (event.name or "") == name and element in (None, node.id):
                hits.append((number, node, index))
    hits.sort(key=lambda hit: (-step.records.depth(hit[0]), hit[1].kind != "startEvent", not hit[1].interrupting, int(hit[0])))
    reached = 0
    consumed: set[str] = set()
    for number, node, index in hits:
        if number not in step.records or "int" in step.records[number] and node.kind == "startEvent":
            continue
        if node.kind == "boundaryEvent" and number in consumed:
            continue
        if node.kind == "startEvent" and node.interrupting:
            consumed.add(_border(step, number))
        reached += 1
        step.assign(number, variables or {})
        catch(step, number, node, index)
        if once:
            break
    return reached


def _border(step: Step, number: str) -> str:
    """The record with the boundary events of a scope; those of a called process are its call's."""
    if step.node(number).kind == "process":
        number = step.records[number].get("in", number)
    return step.records.body(number)


# ---- catching --------------------------------------------------------------------------------------------------------
def catch(step: Step, number: str, node: Node, index: int | None = None) -> None:
    """The event `node`, which the record waits for, has happened. `index` is the definition that did."""
    if index is not None:
        event = node.events[index]
        if event.kind in EVENT_WAITS:
            step.reasons[EVENT_WAITS[event.kind], number, node.id, event.name] = "fired"
        if node.parallel_multiple and len(node.events) > 1 and not _all_seen(step, number, node, index):
            return
    record = step.records[number]
    if node.kind == "receiveTask" and record["at"] == node.id:
        activities.complete(step, number)
        return
    step.note("completed", node, number if record["at"] == node.id else None)
    if node.kind == "boundaryEvent":
        container: str = record["in"]
        if node.interrupting:
            step.cancel(number)
        step.leave(node, container)
    elif node.kind == "startEvent":
        if node.interrupting:
            _interrupt(step, number)
        activities.open_event_subprocess(step, node, number)
    else:
        holder = step.node(number)
        if holder is not node:
            step.note("completed", holder)
        container = step.records.remove(number)["in"]
        if node.is_activity:  # a receive task behind an event gateway
            activities.go_on(step, node, container)
        else:
            step.leave(node, container)


def _interrupt(step: Step, number: str) -> None:
    """An interrupting event sub-process: all else in the scope ends, and no other event sub-process of it can start."""
    record = step.records[number]
    listening_starts = {start.id for start in step.plan.event_starts.get(record["at"], ())}
    due = {key: value for key, value in record.get("due", {}).items() if key not in listening_starts}
    step.records.change(number, int=True, due=due or None, adhoc=None)
    step.cancel_inside(number)


def _all_seen(step: Step, number: str, node: Node, index: int) -> bool:
    """A parallel multiple event happens when all of its definitions have (10.5.4)."""
    seen = dict(step.records[number].get("seen", {}))
    happened = sorted({*seen.get(node.id, ()), index})
    complete = len(happened) == len(node.events)
    if complete:
        seen.pop(node.id, None)
    else:
        seen[node.id] = happened
    step.records.change(number, seen=seen or None)
    return complete
