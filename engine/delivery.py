"""Delivering messages, each in a transaction of its own.

A message meets the oldest subscription of its name with the values of its correlation keys (`engine.correlation`), else with its
business key; where no instance waits, it starts one of the process that has a start event for it. What nobody takes yet is kept
(`messages.KEEP`), tried again as soon as somebody waits for it, and reported at the end. A signal has one row for each receiver,
written when it is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine import correlation
from engine.attempts import record_failure
from engine.chunks import advance_many
from engine.database import lock_name
from engine.definitions import get_definition
from engine.errors import StepFailed, note_place
from engine.expressions import Expression, ExpressionFailed, VariableMissing
from engine.incidents import open_incident
from engine.instances import advance_instance, start_instance
from engine.kernel import Deliver
from engine.runs import Run, start_lock
from engine.starts import find_start
from engine.statements import DELIVER_MESSAGE, STATE
from engine.tables import instance, message, start_subscription, subscription, subscription_key
from engine.work import ProcessEngine, Work

Keys = list[tuple[str | None, str]]
TRIES = 5
"""How often a delivery begins anew because its receiver appeared meanwhile."""
_other = subscription.alias()
HOLD_DUE: sa.Select[Any] = (
    sa.select(message.c.id.label("row_id"), message.c.generation, message.c.name, message.c.variables, message.c.sent_by)
    .add_columns(subscription.c.token, subscription.c.element_id, subscription.c.instance_id)
    .add_columns(instance.c.business_key, instance.c.belongs_to, *STATE)
    .select_from(
        instance.join(subscription, subscription.c.instance_id == instance.c.id).join(
            message,
            sa.and_(
                message.c.kind == subscription.c.kind,
                message.c.name == subscription.c.name,
                message.c.business_key == subscription.c.business_key,
            ),
        )
    )
    .where(message.c.state == "waiting", message.c.next_try_at <= sa.bindparam("of_now", type_=message.c.next_try_at.type))
    .where(message.c.kind == "message", message.c.correlation.is_(None), message.c.to_instance.is_(None))
    .where(message.c.to_process.is_(None), instance.c.state == "running", ~correlation.is_read().element)
    .where(
        ~sa.exists().where(
            _other.c.kind == message.c.kind,
            _other.c.name == message.c.name,
            _other.c.business_key == message.c.business_key,
            _other.c.id != subscription.c.id,
        )
    )
    .order_by(message.c.next_try_at, message.c.id)
    .with_for_update(skip_locked=True)
)
"""Messages that are due and have one receiver alone, which waits for them by their business key, with its instance, all locked:
those that nobody else has locked."""


def deliver_message(process_engine: ProcessEngine, message_id: str, generation: int | None = None) -> bool:
    """Try to deliver one message now; whether it was delivered. Does nothing for a row that is done or of another generation.

    A failure is counted (`engine.attempts`) and not raised.
    """
    try:
        for _ in range(TRIES):
            try:
                with process_engine.begin() as work:
                    return _deliver(work, message_id, generation)
            except _ReceiverAppeared:
                continue
        raise _ReceiverAppeared()
    except Exception as error:  # one bad delivery never stops the others
        record_failure(process_engine, "message", message, message_id, "waiting", error)
        return False


def deliver_messages(process_engine: ProcessEngine, ids: Sequence[str] | None = None) -> int:
    """Deliver messages that are due, each to an instance of its own, in one transaction (`engine.chunks`); how many.

    With `ids` these: those that need a closer look (correlation keys, several receivers or none yet, a process that they start)
    by themselves.
    """
    query = HOLD_DUE if ids is None else HOLD_DUE.where(message.c.id.in_(ids))
    done, tried = advance_many(process_engine, "message", query, _deliver_one, deliver_message)
    return done + sum(deliver_message(process_engine, each) for each in ids or () if each not in tried)


def _deliver_one(run: Run, row: sa.Row[Any]) -> None:
    run.work.writes.add(DELIVER_MESSAGE, {"of_id": row.row_id, "to_done_at": run.work.now})
    run.step(Deliver("message", row.name, row.variables, row.token, row.element_id))
    run.settle()
    run.save("received", element_id=row.element_id, token=row.token, detail={"message": row.name, "from": row.sent_by})


def bring_message(work: Work, message_id: str) -> str:
    """Try to deliver a message that this unit of work has queued, within it; the state that it has then.

    Raises what the receiver's step raises.
    """
    if _deliver(work, message_id, None):
        return "delivered"
    return str(work.connection.execute(sa.select(message.c.state).where(message.c.id == message_id)).scalar_one())


def lock_receivers(work: Work, business_keys: Collection[str]) -> None:
    """Lock all instances with these business keys that messages may be for, in the order of their ids."""
    if business_keys and work.connection.dialect.name == "postgresql":
        possible = sa.select(instance.c.id).where(instance.c.business_key.in_(sorted(business_keys)), _alive())
        work.connection.execute(possible.order_by(instance.c.id).with_for_update()).all()


class _ReceiverAppeared(Exception):
    """An instance began to wait after the receivers were locked: it has to be locked first, as always."""


def _deliver(work: Work, message_id: str, generation: int | None) -> bool:
    """Always the instances first, then names, then the message: a step that begins to wait for it has ended before, or begins
    afterwards.
    """
    query = sa.select(message).where(message.c.id == message_id)
    row = work.connection.execute(query.add_columns(correlation.is_read())).one_or_none()
    if row is None:
        return False
    keys = correlation.read_keys(work, row) if row.is_read or row.correlation is not None else []
    known = sa.select(subscription.c.instance_id).join(subscription_key).where(correlation.matches(keys))
    possible = sa.or_(instance.c.business_key == row.business_key, instance.c.id.in_(known) if keys else sa.false())
    receivers = sa.select(instance.c.id).where(possible, _alive()).order_by(instance.c.id)
    locked = set(work.connection.execute(receivers.with_for_update()).scalars())
    correlation.lock_keys(work, (digest for _, digest in keys))
    row = work.connection.execute(query.with_for_update()).one()
    if row.state not in ("waiting", "unmatched") or generation not in (None, row.generation):
        return False
    if row.to_process is None:
        target = _find_receiver(work, row, keys)
        if target is None:
            lock_name(work.connection, start_lock(row.business_key))  # one that is just being started could not be locked above
            target = _find_receiver(work, row, keys)
        elif target.instance_id not in locked:
            raise _ReceiverAppeared()
        if target is not None:
            _bring(work, row, target)
            return True
    start = find_start(work, row) if row.kind == "message" or row.to_process is not None else None
    if start is None:
        _keep(work, row, keys)
        return False
    key = row.business_key or row.id
    given = {"element_id": start.element_id, "detail": {row.kind: row.name, "from": row.sent_by}}
    start_instance(work, start.definition_id, key, row.variables, belongs_to=_find_belonging(work, key), **given)
    _set(work, message_id, state="delivered", done_at=work.now)
    return True


def _bring(work: Work, row: sa.Row[Any], target: sa.Row[Any]) -> None:
    """To the instance that waits for it: a message to this one wait, a signal to all of the instance."""
    to = (target.token, target.element_id) if row.kind == "message" else (None, None)
    try:
        advance_instance(
            work,
            target.instance_id,
            Deliver(row.kind, row.name, row.variables, *to),
            kind="received",
            element_id=target.element_id,
            detail={"message": row.name, "from": row.sent_by},
        )
    except Exception as error:
        note_place(error, target.instance_id, None)
        raise
    _set(work, row.id, state="delivered", done_at=work.now)


def _find_receiver(work: Work, row: sa.Row[Any], keys: Keys) -> sa.Row[Any] | None:
    """The subscription that a message is for: the oldest one with its correlation values, else with its business key.

    Only of instances that are not suspended; for a signal that of its receiver. Where both sides have values of a key and they
    differ, the business key does not help.
    """
    waiting = (
        sa.select(subscription)
        .join(instance, instance.c.id == subscription.c.instance_id)
        .where(subscription.c.kind == row.kind, subscription.c.name == row.name, instance.c.state == "running")
        .order_by(subscription.c.created_at, subscription.c.id)
        .limit(1)
    )
    if row.to_instance is not None:
        waiting = waiting.where(subscription.c.instance_id == row.to_instance)
    same_key = subscription.c.business_key == row.business_key
    if keys:
        same = sa.select(subscription_key.c.subscription_id).where(correlation.matches(keys))
        found = waiting.where(subscription.c.id.in_(same))
        if row.correlation is not None and row.business_key:
            found = found.where(same_key)
        target = work.connection.execute(found).one_or_none()
        if target is not None or row.correlation is not None:
            return target
        other = sa.select(subscription_key.c.subscription_id).where(
            subscription_key.c.subscription_id == subscription.c.id,
            subscription_key.c.definition_id.in_([definition_id for definition_id, _ in keys]),
        )
        waiting = waiting.where(~other.exists())
    elif row.correlation is not None:  # values that are no key reach nobody
        return None
    return work.connection.execute(waiting.where(same_key)).one_or_none()


def _keep(work: Work, row: sa.Row[Any], keys: Keys) -> None:
    """Nobody can take it: keep it until somebody can, or report it when its time is over. A signal waits for a suspended one."""
    rests = row.to_instance is not None and _is_suspended(work, row.to_instance)
    if row.keep_until <= work.now or (row.kind == "signal" and not rests):
        _set(work, row.id, state="dead", done_at=work.now)
        if row.kind == "message" or rests:
            open_incident(work, "message", "MessageExpired", f"{row.name} to {_tell_address(row)}", row_id=row.id)
    else:
        correlation.keep_keys(work, row, keys)
        _set(work, row.id, state="unmatched", next_try_at=row.keep_until)
        work.schedule("message", row.id, row.generation, row.keep_until)


def _tell_address(row: sa.Row[Any]) -> str:
    """Whom a message was for, in words for administrators."""
    stated = [f"{name}={value!r}" for name, value in (row.correlation or {}).items()]
    return ", ".join([*([row.business_key] if row.business_key else []), *stated]) or "-"


def _is_suspended(work: Work, instance_id: str) -> bool:
    rests = sa.select(instance.c.id).where(instance.c.id == instance_id, instance.c.state == "suspended")
    return work.connection.execute(rests).one_or_none() is not None


def start_on_conditions(work: Work, business_key: str, variables: Mapping[str, Any]) -> list[str]:
    """Offer data to all conditional start events; the ids of the instances that were started, each with this data.

    The data is all that a condition sees: a process that has not begun has no variables yet. One that names a variable which is
    not among the data does not hold.
    Raises StepFailed for a condition that cannot be evaluated otherwise, and whatever `start_instance` raises.
    """
    started = []
    waiting = sa.select(start_subscription).where(start_subscription.c.kind == "conditional")
    for row in work.connection.execute(waiting.order_by(start_subscription.c.id)).all():
        node = get_definition(work, row.definition_id).model.nodes[row.element_id]
        if any(event.condition is not None and _holds(event.condition, variables, node.id) for event in node.events):
            given = {"element_id": row.element_id, "belongs_to": _find_belonging(work, business_key)}
            started.append(start_instance(work, row.definition_id, business_key, variables, **given))
    return started


def _find_belonging(work: Work, business_key: str) -> str | None:
    """What the other instances of a business key belong to: one that starts by itself is listed with them."""
    others = sa.select(instance.c.belongs_to).where(instance.c.business_key == business_key, instance.c.belongs_to.is_not(None))
    found: str | None = work.connection.execute(others.limit(1)).scalar()
    return found


def _holds(condition: Expression, variables: Mapping[str, Any], element: str) -> bool:
    try:
        return bool(condition.evaluate(variables))
    except VariableMissing:
        return False
    except ExpressionFailed as problem:
        raise StepFailed(element=element, reason=problem.values["reason"]) from problem


def _alive() -> sa.ColumnElement[bool]:
    return instance.c.state.in_(("running", "suspended"))


def _set(work: Work, message_id: str, **values: Any) -> None:
    work.connection.execute(message.update().where(message.c.id == message_id).values(**values))
