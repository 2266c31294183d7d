"""Messages between instances: rows that leave with the transaction and are delivered later (`engine.delivery`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from engine.database import insert_all_once, insert_once
from engine.ids import new_id
from engine.kernel import Thrown
from engine.model import Node
from engine.moments import Duration
from engine.tables import message, start_subscription, subscription
from engine.work import Work

CHUNK = 500
"""Messages written in one statement."""
KEEP = timedelta(days=30)
"""How long a message waits for somebody to receive it, unless its sender says otherwise."""


def send_message(
    work: Work,
    name: str,
    business_key: str = "",
    variables: Mapping[str, Any] | None = None,
    *,
    correlation: Mapping[str, Any] | None = None,
    unique_key: str | None = None,
    sent_by: str | None = None,
    keep: timedelta = KEEP,
    scheduled: bool = True,
) -> str:
    """Queue a message to one instance; it leaves with the transaction. The row's id.

    It goes to the instance whose correlation keys have the values that the message carries, else to that of its business key.
    With `correlation` its sender states the values: those of the properties of a key, or of the variables that the waiting
    element names (property `correlate`); nobody else gets it then, and a business key must be the receiver's as well.
    An instance that waits has precedence; else the message starts one where a process has a start event for it, with its business
    key. What nobody takes is kept for `keep`, then reported (`engine.delivery`). A second message with the same `unique_key` is
    not queued; the first one's id is given. One that is not `scheduled` is brought by the caller (`delivery.bring_message`).
    """
    columns: dict[str, Any] = {} if correlation is None else {"correlation": dict(correlation)}
    columns |= {"sent_by": sent_by}
    row = _row(work, "message", name, business_key, variables, unique_key=unique_key, keep=keep, **columns)
    return _send(work, row, scheduled=scheduled)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One of many messages; a second one with the same `unique_key` is not queued."""

    business_key: str
    unique_key: str
    variables: Mapping[str, Any] = field(default_factory=dict)


def send_messages(work: Work, name: str, outgoing: Iterable[Outgoing], *, sent_by: str | None = None) -> int:
    """As `send_message` to many instances, in few statements; nobody holds all of them. How many are new."""
    waiting, sent = iter(outgoing), 0
    while part := list(islice(waiting, CHUNK)):
        rows = [
            _row(work, "message", name, each.business_key, each.variables, unique_key=each.unique_key, sent_by=sent_by)
            for each in part
        ]
        written = insert_all_once(work.connection, message, rows)
        sent += len(written)
        for row in rows:
            if row["unique_key"] in written:
                work.schedule("message", row["id"], 1, work.now, new=True)
    return sent


def send_signal(
    work: Work, name: str, variables: Mapping[str, Any] | None = None, *, business_key: str = "", sent_by: str | None = None
) -> int:
    """Queue a signal to every instance that waits for it now (but the one that sends it), and to every process that it starts.

    `business_key` is that of the instances that it starts; without one each gets a key of its own. How many it goes to.
    """
    waiting = sa.select(subscription.c.instance_id, subscription.c.business_key).where(
        subscription.c.kind == "signal", subscription.c.name == name, subscription.c.instance_id != (sent_by or "")
    )
    receivers = work.connection.execute(waiting.distinct().order_by(subscription.c.instance_id)).all()
    for receiver in receivers:
        to = receiver.instance_id
        _send(work, _row(work, "signal", name, receiver.business_key, variables, sent_by=sent_by, to_instance=to))
    starting = sa.select(start_subscription.c.key).where(start_subscription.c.kind == "signal", start_subscription.c.name == name)
    keys = work.connection.execute(starting.distinct().order_by(start_subscription.c.key)).scalars().all()
    for key in keys:
        _send(work, _row(work, "signal", name, business_key or new_id(), variables, sent_by=sent_by, to_process=key))
    return len(receivers) + len(keys)


def send_thrown(work: Work, business_key: str, instance_id: str, thrown: Thrown, node: Node) -> Mapping[str, Any]:
    """What a throwing event or send task (`node`) sends: a message to one instance, a signal to all that wait for it now.

    A send task's message carries its input parameters; what it carries is the answer. The property `keep` says how long a message
    is kept.
    """
    if thrown.kind != "message":
        send_signal(work, thrown.name, business_key=business_key, sent_by=instance_id)
        return {}
    named = node.camunda.inputs or () if node.kind == "sendTask" else ()
    carried = {name: thrown.variables[name] for name in named if name in thrown.variables}
    kept = node.camunda.properties.get("keep")
    keep = KEEP if kept is None else Duration.parse(kept).add_to(work.now) - work.now
    send_message(work, thrown.name, business_key, carried, sent_by=instance_id, keep=keep)
    return carried


def _send(work: Work, row: dict[str, Any], *, scheduled: bool = True) -> str:
    if not insert_once(work.connection, message, row):
        first = sa.select(message.c.id).where(message.c.unique_key == row["unique_key"])
        return str(work.connection.execute(first).scalar_one())
    if scheduled:
        work.schedule("message", row["id"], 1, work.now, new=True)
    return str(row["id"])


def _row(
    work: Work,
    kind: str,
    name: str,
    business_key: str,
    variables: Mapping[str, Any] | None,
    *,
    unique_key: str | None = None,
    keep: timedelta = KEEP,
    **columns: Any,
) -> dict[str, Any]:
    message_id = new_id()
    return {
        "id": message_id,
        "unique_key": unique_key or message_id,
        "kind": kind,
        "name": name,
        "business_key": business_key,
        "variables": dict(variables or {}),
        "generation": 1,
        "state": "waiting",
        "attempt": 0,
        "next_try_at": work.now,
        "keep_until": work.now + keep,
        "created_at": work.now,
        **columns,
    }
