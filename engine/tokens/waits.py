"""What the records wait for, and what a step changed about it.

The difference is taken between the documents before and after the step: a wait that began and ended within one step appears
neither among the opened nor among the closed ones.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from engine.kernel import Closed, Wait, WaitKind
from engine.moments import Due
from engine.tokens.plan import Heard, Plan
from engine.tokens.records import Record, Records

Key = tuple[WaitKind, str, str, str | None]
"""What identifies a wait within an instance: kind, token, element, name."""

_NOT_WORKING = frozenset(("by", "comp", "mi", "called"))
"""Fields of records whose activity does not work (yet, any more, itself)."""
EVENT_WAITS = {"message": WaitKind.MESSAGE, "signal": WaitKind.SIGNAL, "conditional": WaitKind.CONDITION, "timer": WaitKind.TIMER}


def listening(plan: Plan, record: Record) -> list[Heard]:
    """Everything that a record still waits for: by itself, for its event sub-processes, on its boundary."""
    listens = plan.listens.get(record["at"])
    if listens is None or "by" in record or "comp" in record or "reset" in record:
        return []
    found: list[Heard] = []
    if "mi" not in record:
        found += listens.own
        if "int" not in record:
            found += listens.starts
        if not listens.loops:
            found += listens.boundaries
    else:
        found += listens.boundaries
    seen = record.get("seen")
    return [heard for heard in found if heard[1] not in seen.get(heard[0].id, ())] if seen else found


def works(plan: Plan, record: Record) -> WaitKind | None:
    """For whom an activity (or a throwing event with a handler) waits; None when it does not wait for anybody."""
    kind = plan.work.get(record["at"])
    return None if kind is None or not record.keys().isdisjoint(_NOT_WORKING) else kind


def waits_of(plan: Plan, number: str, record: Record) -> dict[Key, Any]:
    """All that one record waits for, with the timer (as it is stored) where it is one."""
    found: dict[Key, Any] = {}
    kind = works(plan, record)
    if kind is not None:
        found[kind, number, record["at"], None] = None
    for node, _, event in listening(plan, record):
        wanted = EVENT_WAITS.get(event.kind)
        if wanted is WaitKind.TIMER:
            timer = record.get("due", {}).get(node.id)
            if timer is not None:
                found[wanted, number, node.id, None] = timer
        elif wanted is not None:
            found[wanted, number, node.id, event.name] = None
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
        for key, timer in old.items():
            if key not in new or new[key] != timer:
                kind, token, element_id, name = key
                closed.append(Closed(kind, token, element_id, reasons.get(key, "cancelled"), name))
        for key, timer in new.items():
            if key not in old or old[key] != timer:
                opened.append(_open(records, key, timer))
    return opened, closed


def _open(records: Records, key: Key, timer: list[Any] | None) -> Wait:
    kind, token, element_id, name = key
    if kind in (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT, WaitKind.CALL):
        return Wait(kind, token, element_id, variables=MappingProxyType(records.variables(token)))
    return Wait(kind, token, element_id, due_at=Due.load(timer).at if timer else None, name=name)
