"""What starts processes by itself: start events as subscriptions of the latest version of their process.

A deployment replaces what the version before subscribed to. Deploying starts nothing: a message or signal that was sent before,
and a timer whose moment has passed, do not start what is deployed afterwards. What did not change goes on as it was: a timer with
the same text at the same element keeps its row, fired or not, and a message is heard as long as versions in a row hear it. Each
occurrence of a timer has a unique key of process, element and moment, so that it starts one instance whatever the number of
versions, schedulers and restarts (`engine.timers`). Messages and signals start instances in `engine.delivery`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.database import insert_once, lock_name
from engine.errors import Finding
from engine.ids import new_id
from engine.model import Definition, Node, Timer, event_starts
from engine.moments import Due, first_due, next_due
from engine.tables import correlated_message, start_subscription, timer
from engine.work import Work

if TYPE_CHECKING:
    from engine.definitions import LoadedDefinition

SUBSCRIBED = frozenset(("message", "signal", "conditional"))


def lock_starts(work: Work, key: str) -> None:
    """Hold what starts a process until the transaction ends: a deployment and a timer follow each other."""
    lock_name(work.connection, f"starts:{key}")


def check_starts(work: Work, models: Mapping[str, Definition], *, unwatched: Collection[str] = ()) -> dict[str, list[Finding]]:
    """What is to be said of the start events of diagrams that are about to be deployed; by the path of the diagram.

    Errors: a message that starts another process too (a message has one receiver). Warnings: timers whose moment has passed,
    and start events of the processes `unwatched`, whose instances somebody else starts.
    """
    keys = [key for model in models.values() for key in model.processes]
    heard: Counter[str] = Counter()
    findings = {path: list_unwatched(model, unwatched) for path, model in models.items()}
    for path, model in models.items():
        for key, process in model.processes.items():
            for node, event in () if key in unwatched else event_starts(model, process.node):
                if event.kind == "message":
                    found = _check_message(work, node, event.name or "", keys, heard)
                else:
                    found = _check_timer(work, node, event.timer)
                findings[path] += [] if found is None else [found]
    return findings


def _check_message(work: Work, node: Node, name: str, keys: Sequence[str], heard: Counter[str]) -> Finding | None:
    """Whether a message starts this process alone."""
    lock_name(work.connection, f"starts by message:{name}")
    ours = sa.and_(start_subscription.c.kind == "message", start_subscription.c.name == name)
    other = work.connection.execute(
        sa.select(start_subscription.c.key).where(ours, start_subscription.c.key.not_in(keys))
    ).scalar()
    heard[name] += 1
    if other is not None:
        return Finding("StartMessageTaken", "error", node.id, str(node.line), {"name": name, "process": other})
    return Finding("StartMessageTwice", "error", node.id, str(node.line), {"name": name}) if heard[name] > 1 else None


def _check_timer(work: Work, node: Node, timer: Timer | None) -> Finding | None:
    """Whether a timer (None: another event) can still start something."""
    due = None if timer is None else first_due(timer.kind, timer.value.evaluate({}), work.now, workdays=work.workdays)
    if due is None or due.at >= work.now:
        return None
    return Finding("StartPassed", "warning", node.id, str(node.line), {"at": due.at.isoformat()})


def list_unwatched(model: Definition, keys: Collection[str]) -> list[Finding]:
    """A warning for each start event that nothing watches for, as somebody else starts the instances of its process."""
    return [
        Finding("StartUnwatched", "warning", node.id, str(node.line), {"process": key})
        for key, process in model.processes.items()
        if key in keys
        for node in dict.fromkeys(node for node, _ in event_starts(model, process.node))
    ]


def watch_starts(work: Work, latest: LoadedDefinition, before: LoadedDefinition | None) -> None:
    """Subscribe the latest version of a process instead of the one before. `lock_starts` is held."""
    starts = event_starts(latest.model, latest.model.processes[latest.key].node)
    ours = start_subscription.c.key == latest.key
    since = {(row.kind, row.name): row.since for row in work.connection.execute(sa.select(start_subscription).where(ours)).all()}
    work.connection.execute(start_subscription.delete().where(ours))
    rows = [
        {
            "id": new_id(),
            "definition_id": latest.id,
            "key": latest.key,
            "element_id": node.id,
            "kind": event.kind,
            "name": event.name or "",
            "since": since.get((event.kind, event.name or ""), work.now),
        }
        for node, event in starts
        if event.kind in SUBSCRIBED
    ]
    if rows:
        work.connection.execute(start_subscription.insert(), rows)
    _watch_timers(work, latest, before)


def forget_starts(work: Work, key: str) -> None:
    """Nothing starts this process any more: somebody else does."""
    work.connection.execute(start_subscription.delete().where(start_subscription.c.key == key))
    work.connection.execute(timer.delete().where(timer.c.kind == "start", timer.c.subject == key, timer.c.state == "armed"))


def timer_starts(model: Definition, key: str) -> dict[str, Timer]:
    """The timers that start a process, by element id."""
    starts = event_starts(model, model.processes[key].node)
    return {node.id: event.timer for node, event in starts if event.timer is not None}


def _watch_timers(work: Work, latest: LoadedDefinition, before: LoadedDefinition | None) -> None:
    """What is armed and unchanged stays, what is due already too; all else that is armed goes."""
    timers = timer_starts(latest.model, latest.key)
    texts = {element: each.text for element, each in timers.items()}
    former = {} if before is None else {element: each.text for element, each in timer_starts(before.model, before.key).items()}
    ours = sa.and_(timer.c.kind == "start", timer.c.subject == latest.key)
    rows = work.connection.execute(sa.select(timer.c.id, timer.c.element_id, timer.c.state, timer.c.due_at).where(ours)).all()
    known = {row.element_id for row in rows}
    kept = {element for element, text in texts.items() if former.get(element) == text and element in known}
    gone = [
        row.id
        for row in rows
        if row.state == "armed" and row.element_id not in kept and (row.element_id not in timers or row.due_at > work.now)
    ]
    if gone:
        work.connection.execute(timer.delete().where(timer.c.id.in_(gone), timer.c.state == "armed"))
    for element, each in timers.items():
        due: Due | None = first_due(each.kind, each.value.evaluate({}), work.now, workdays=work.workdays)
        if element in kept or due is None or due.at < work.now:
            continue
        while due is not None and not _arm(work, latest.key, element, due, each.text):
            due = next_due(due, workdays=work.workdays)  # it has happened at this very moment


def _arm(work: Work, key: str, element_id: str, due: Due, text: str) -> bool:
    """Arm one occurrence; whether it is armed now, as it has not happened before."""
    timer_id = new_id()
    whose = hashlib.sha256(f"{key}\0{element_id}".encode()).hexdigest()
    unique_key, payload = f"start:{whose}:{due.at:%Y%m%dT%H%M%S.%f}", {"text": text, "due": due.dump()}
    values = {
        "id": timer_id,
        "unique_key": unique_key,
        "kind": "start",
        "element_id": element_id,
        "payload": payload,
        "subject": key,
        "due_at": due.at,
        "generation": 1,
        "state": "armed",
        "attempt": 0,
        "next_try_at": due.at,
        "created_at": work.now,
    }
    if insert_once(work.connection, timer, values):
        work.schedule("timer", timer_id, 1, due.at, new=True)
        return True
    there = timer.update().where(timer.c.unique_key == unique_key, timer.c.state == "armed").values(payload=payload)
    return work.connection.execute(there).rowcount == 1


def arm_following(work: Work, model: Definition, row: sa.Row[Any]) -> None:
    """Arm the occurrence after a timer row, if the latest version of its process still goes on so. `lock_starts` is held."""
    current = timer_starts(model, row.subject).get(row.element_id)
    following = next_due(Due.load(row.payload["due"]), workdays=work.workdays)
    if current is not None and current.text == row.payload["text"] and following is not None:
        _arm(work, row.subject, row.element_id, following, current.text)


def name_occurrence(key: str, due_at: datetime) -> str:
    """The business key of an instance that a timer starts: `weekly_report/2026-01-31T01:00:00Z`."""
    return f"{key[:170]}/{due_at:%Y-%m-%dT%H:%M:%SZ}"


def find_start(work: Work, row: sa.Row[Any]) -> sa.Row[Any] | None:
    """The start event that a message or signal (a row of `message`) starts: of any process, or of the one it is addressed to."""
    query = sa.select(start_subscription).where(
        start_subscription.c.kind == row.kind, start_subscription.c.name == row.name, start_subscription.c.since <= row.created_at
    )
    if row.to_process is not None:
        query = query.where(start_subscription.c.key == row.to_process)
    return work.connection.execute(query.order_by(start_subscription.c.id)).first()


def note_messages(work: Work, definition_id: str, model: Definition) -> None:
    """Remember which messages a deployed version reads values out of."""
    names = sorted({name for process in model.processes.values() for each in process.correlations for name in each.paths})
    if names:
        work.connection.execute(correlated_message.insert(), [{"definition_id": definition_id, "name": name} for name in names])
