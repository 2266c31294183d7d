"""What the records wait for, and what a step changed about it.

The difference is taken between the documents before and after the step: a wait that began and ended within one step appears
neither among the opened nor among the closed ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from engine.kernel import Closed, Wait, WaitKind
from engine.model import EventDefinition, Node
from engine.moments import Due
from engine.tokens.plan import Plan
from engine.tokens.records import Record, Records

Key = tuple[WaitKind, str, str, str | None]
"""What identifies a wait within an instance: kind, token, element, name."""

EVENT_WAITS = {"message": WaitKind.MESSAGE, "signal": WaitKind.SIGNAL, "conditional": WaitKind.CONDITION, "timer": WaitKind.TIMER}


def listens_to(plan: Plan, record: Record) -> Iterator[Node]:
    """The events that a record waits for: its own, those of its event sub-processes, those on its boundary."""
    node = plan.nodes[record["at"]]
    if "by" in record or "comp" in record or "reset" in record:
        return
    if "mi" not in record:
        if node.kind in ("intermediateCatchEvent", "receiveTask"):
            yield node
        elif node.kind == "eventBasedGateway":
            for flow in node.outgoing:
                yield plan.nodes[flow.target]
        elif "int" not in record:
            yield from plan.event_starts.get(node.id, ())
    if node.boundaries and ("mi" in record or node.loop is None):
        for boundary in node.boundaries:
            yield plan.nodes[boundary]


def listening(plan: Plan, record: Record) -> Iterator[tuple[Node, int, EventDefinition]]:
    """(event, index of the definition, definition) of everything that a record still waits for."""
    seen = record.get("seen", {})
    for node in listens_to(plan, record):
        for index, event in enumerate(node.events):
            if index not in seen.get(node.id, ()):
                yield node, index, event


def works(plan: Plan, record: Record) -> WaitKind | None:
    """For whom an activity (or a throwing event with a handler) waits; None when it does not wait for anybody."""
    if "by" in record or "comp" in record or "mi" in record:
        return None
    return plan.work.get(record["at"])


def waits_of(plan: Plan, number: str, record: Record) -> dict[Key, Wait]:
    """All that one record waits for. `variables` are left out."""
    found: dict[Key, Wait] = {}
    kind = works(plan, record)
    if kind is not None:
        found[kind, number, record["at"], None] = Wait(kind, number, record["at"])
    due = record.get("due", {})
    for node, _, event in listening(plan, record):
        wanted = EVENT_WAITS.get(event.kind)
        if wanted is None or wanted is WaitKind.TIMER and node.id not in due:
            continue
        at = Due.load(due[node.id]).at if wanted is WaitKind.TIMER else None
        found[wanted, number, node.id, event.name] = Wait(wanted, number, node.id, due_at=at, name=event.name)
    return found


def compare(plan: Plan, records: Records, reasons: dict[Key, str]) -> tuple[list[Wait], list[Closed]]:
    """(opened, closed) of a step. `reasons` says why a wait is over where it is not cancelled.

    A cycle timer that goes on is closed and opened with its next moment.
    """
    opened: list[Wait] = []
    closed: list[Closed] = []
    for number, before in records.before.items():
        record = records.table.get(number)
        old = waits_of(plan, number, before) if before else {}
        new = waits_of(plan, number, record) if record else {}
        if not old and not new:
            continue
        for key, wait in old.items():
            if new.get(key) != wait:
                kind, token, element_id, name = key
                closed.append(Closed(kind, token, element_id, reasons.get(key, "cancelled"), name))
        for key, wait in new.items():
            if old.get(key) == wait:
                continue
            if wait.kind in (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT):
                seen = MappingProxyType(records.variables(number))
                wait = Wait(wait.kind, wait.token, wait.element_id, variables=seen)
            opened.append(wait)
    return opened, closed
