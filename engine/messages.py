"""Messages between instances: rows that leave with the transaction and are delivered later (`engine.delivery`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engine.database import insert_once
from engine.ids import new_id
from engine.kernel import Thrown
from engine.tables import message, subscription
from engine.work import Work

KEEP = timedelta(days=30)
"""How long a message waits for somebody to receive it."""


def send_message(
    work: Work,
    name: str,
    business_key: str,
    variables: Mapping[str, Any] | None = None,
    *,
    unique_key: str | None = None,
    sent_by: str | None = None,
    kind: str = "message",
) -> str:
    """Queue a message to the instance with this business key; it leaves with the transaction. The row's id.

    A second message with the same `unique_key` is not queued; the id of the first is given back.
    """
    message_id = new_id()
    values = {
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
        "keep_until": work.now + KEEP,
        "sent_by": sent_by,
        "created_at": work.now,
    }
    if not insert_once(work.connection, message, values):
        first = sa.select(message.c.id).where(message.c.unique_key == unique_key)
        return str(work.connection.execute(first).scalar_one())
    work.engine.backend.schedule(work, "message", message_id, 1, work.now, None)
    return message_id


def send_thrown(work: Work, business_key: str, instance_id: str, thrown: Thrown) -> None:
    """What a throwing event sends: a message to the instances of the same business key, a signal to all that wait for it now."""
    if thrown.kind == "message":
        send_message(work, thrown.name, business_key, sent_by=instance_id)
        return
    receivers = sa.select(subscription.c.business_key).where(
        subscription.c.kind == "signal", subscription.c.name == thrown.name, subscription.c.instance_id != instance_id
    )
    for receiver in work.connection.execute(receivers.distinct().order_by(subscription.c.business_key)).scalars().all():
        send_message(work, thrown.name, receiver, sent_by=instance_id, kind="signal")
