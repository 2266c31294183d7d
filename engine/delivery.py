"""Delivering messages, each in a transaction of its own.

A message meets the oldest subscription of its name and business key. What nobody waits for yet is kept (`messages.KEEP`), tried
again as soon as somebody does, and reported at the end.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.attempts import record_failure
from engine.database import lock_name
from engine.incidents import open_incident
from engine.instances import advance_instance, start_lock
from engine.kernel import Deliver
from engine.tables import instance, message, subscription
from engine.work import ProcessEngine, Work


def deliver_message(process_engine: ProcessEngine, message_id: str, generation: int | None = None) -> bool:
    """Try to deliver one message now; whether it was delivered. Does nothing for a row that is done or of another generation.

    A failure is counted (`engine.attempts`) and not raised.
    """
    try:
        with process_engine.begin() as work:
            return _deliver(work, message_id, generation)
    except Exception as error:  # one bad delivery never stops the others
        record_failure(process_engine, "message", message, message_id, "waiting", error)
        return False


def _deliver(work: Work, message_id: str, generation: int | None) -> bool:
    """Always the instances first, then the message: a step that begins to wait for it has ended before, or begins afterwards."""
    query = sa.select(message).where(message.c.id == message_id)
    row = work.connection.execute(query).one_or_none()
    if row is None:
        return False
    receivers = sa.select(instance.c.id).where(
        instance.c.business_key == row.business_key, instance.c.state.in_(("running", "suspended"))
    )
    work.connection.execute(receivers.order_by(instance.c.id).with_for_update()).all()
    row = work.connection.execute(query.with_for_update()).one()
    if row.state not in ("waiting", "unmatched") or generation not in (None, row.generation):
        return False
    target = _find_receiver(work, row)
    if target is None:
        lock_name(work.connection, start_lock(row.business_key))  # one that is just being started could not be locked above
        target = _find_receiver(work, row)
    if target is None:
        _keep(work, row)
        return False
    detail = {"message": row.name, "from": row.sent_by}
    to = (target.token, target.element_id) if row.kind == "message" else (None, None)
    advance_instance(
        work,
        target.instance_id,
        Deliver(row.kind, row.name, row.variables, *to),
        kind="received",
        element_id=target.element_id,
        detail=detail,
    )
    _set(work, message_id, state="delivered", done_at=work.now)
    return True


def _find_receiver(work: Work, row: sa.Row[Any]) -> sa.Row[Any] | None:
    """The oldest subscription to this message of an instance that is not suspended."""
    waiting = (
        sa.select(subscription)
        .join(instance, instance.c.id == subscription.c.instance_id)
        .where(subscription.c.kind == row.kind, subscription.c.name == row.name, subscription.c.business_key == row.business_key)
        .where(instance.c.state == "running")
        .order_by(subscription.c.created_at, subscription.c.id)
        .limit(1)
    )
    return work.connection.execute(waiting).one_or_none()


def _keep(work: Work, row: sa.Row[Any]) -> None:
    """Nobody waits: keep it until somebody does, or report it when its time is over."""
    if row.kind == "signal" or row.keep_until <= work.now:
        _set(work, row.id, state="dead", done_at=work.now)
        if row.kind == "message":
            open_incident(work, "message", "MessageExpired", f"{row.name} to {row.business_key}", row_id=row.id)
    else:
        _set(work, row.id, state="unmatched", next_try_at=row.keep_until)
        work.engine.backend.schedule(work, "message", row.id, row.generation, row.keep_until, None)


def _set(work: Work, message_id: str, **values: Any) -> None:
    work.connection.execute(message.update().where(message.c.id == message_id).values(**values))
