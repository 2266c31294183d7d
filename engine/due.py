"""Everything that is due, in the order of its moments: what the embedded scheduler and virtual time call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.bulk import do_chunk
from engine.chunks import CHUNK
from engine.delivery import deliver_message, deliver_messages
from engine.outbox import is_sent, send_mail
from engine.tables import bulk_chunk, instance, message, outbox, timer
from engine.timers import fire_timer, fire_timers
from engine.work import ProcessEngine, Work

PAGE = 200
"""How many rows are fetched at a time."""

SPAN = timedelta(minutes=1)
"""Timers that were due further apart go one after the other: what the first one arms may be due before the second."""

DO_MANY = {"timer": fire_timers, "message": deliver_messages}
"""What is done in chunks when much of it is due."""
DO = {"timer": fire_timer, "message": deliver_message, "mail": send_mail, "bulk": do_chunk}


def run_due(process_engine: ProcessEngine) -> int:
    """Fire, deliver and send all that is due now, and what becomes due by it; how many rows were done.

    A row that fails is tried later (`engine.attempts`) and does not stop the others. Messages go before timers of a later moment,
    and so does what becomes due by a row and should have been long ago: after a downtime all happens in the order of its moments.
    Chunks of bulk jobs come when nothing else is due, one at a time: what becomes due meanwhile does not wait for all of them.
    """
    done = 0
    passed: list[str] = []  # chunks that could not be done now
    while True:
        with process_engine.read() as work:
            rows = work.connection.execute(_due(work)).all()
        before, passed_at = done, None
        for chunk in _chunks(rows):
            if passed_at is not None and chunk[0].next_try_at > passed_at and _is_behind(process_engine, chunk[0].next_try_at):
                break  # what was done has made something that goes before this
            if chunk[0].kind != "mail":
                passed_at = chunk[-1].next_try_at
            if len(chunk) > 1:
                done += DO_MANY[chunk[0].kind](process_engine, [row.id for row in chunk])
            else:
                done += DO[chunk[0].kind](process_engine, chunk[0].id)
        if done > before:
            continue
        with process_engine.read() as work:
            chunk_id = work.connection.execute(_due_chunk(work, passed)).scalar_one_or_none()
        if chunk_id is None:
            return done
        if do_chunk(process_engine, chunk_id):
            done += 1
        else:
            passed.append(chunk_id)


def _is_behind(process_engine: ProcessEngine, moment: datetime) -> bool:
    """Whether something waits (but for chunks of bulk jobs) that was due before this moment."""
    with process_engine.read() as work:
        earliest = _find_earliest(work, _pending(work))
    return earliest is not None and earliest < moment


def _find_earliest(work: Work, parts: Sequence[sa.Select[Any]]) -> datetime | None:
    rows = sa.union_all(*parts).subquery()
    earliest: datetime | None = work.connection.execute(
        sa.select(sa.func.min(rows.c.next_try_at, type_=rows.c.next_try_at.type))
    ).scalar_one()
    return earliest


def _chunks(rows: Iterable[sa.Row[Any]]) -> Iterator[list[sa.Row[Any]]]:
    """The rows in their order; event timers of different instances that are due within `SPAN`, or messages to different business
    keys, that stand beside each other together."""
    chunk: list[sa.Row[Any]] = []
    whose: set[str] = set()
    for row in rows:
        alone = row.whose is None or row.whose in whose or not whose or row.kind != chunk[0].kind or len(chunk) == CHUNK
        far = bool(chunk) and row.kind == "timer" and row.next_try_at - chunk[0].next_try_at > SPAN
        if chunk and (alone or far):
            yield chunk
            chunk, whose = [], set()
        chunk.append(row)
        if row.whose is not None:
            whose.add(row.whose)
    if chunk:
        yield chunk


def next_due(work: Work) -> datetime | None:
    """The moment of the next row that will be due (it may lie in the past); None when nothing waits for a moment."""
    nothing = sa.cast(sa.null(), timer.c.instance_id.type)
    chunks = sa.select(sa.literal("bulk"), bulk_chunk.c.id, bulk_chunk.c.next_try_at, nothing).where(
        bulk_chunk.c.state == "waiting"
    )
    return _find_earliest(work, [*_pending(work), chunks])


def list_overdue(work: Work) -> dict[str, tuple[int, datetime | None]]:
    """Of each kind of row how many are due and not done, and the moment of the oldest. Without a sender no letter is due."""
    rows = sa.union_all(*_pending(work)).subquery()
    chunks = bulk_chunk.c.state == "waiting"
    found: dict[str, tuple[int, datetime | None]] = dict.fromkeys(DO, (0, None))
    oldest = sa.func.min(rows.c.next_try_at, type_=timer.c.next_try_at.type)
    query = sa.select(rows.c.kind, sa.func.count(), oldest).where(rows.c.next_try_at <= work.now).group_by(rows.c.kind)
    for kind, count, moment in work.connection.execute(query):
        found[kind] = (count, moment)
    query = sa.select(sa.func.count(), sa.func.min(bulk_chunk.c.next_try_at, type_=timer.c.next_try_at.type))
    count, moment = work.connection.execute(query.where(chunks, bulk_chunk.c.next_try_at <= work.now)).one()
    found["bulk"] = (count, moment)
    return found


def _due_chunk(work: Work, passed: Sequence[str]) -> sa.Select[Any]:
    waiting = sa.and_(bulk_chunk.c.state == "waiting", bulk_chunk.c.next_try_at <= work.now, bulk_chunk.c.id.not_in(passed))
    return sa.select(bulk_chunk.c.id).where(waiting).order_by(bulk_chunk.c.next_try_at, bulk_chunk.c.id).limit(1)


def _pending(work: Work) -> list[sa.Select[Any]]:
    suspended = sa.select(instance.c.id).where(instance.c.id == timer.c.instance_id, instance.c.state == "suspended").exists()
    nothing = sa.cast(sa.null(), timer.c.instance_id.type)
    parts = [
        sa.select(
            sa.literal("timer").label("kind"),
            timer.c.id,
            timer.c.next_try_at,
            sa.case((timer.c.kind == "event", timer.c.instance_id)).label("whose"),
        ).where(timer.c.state == "armed", ~suspended),
        sa.select(
            sa.literal("message").label("kind"), message.c.id, message.c.next_try_at, sa.func.nullif(message.c.business_key, "")
        ).where(message.c.state.in_(("waiting", "unmatched"))),
    ]
    if work.engine.extras.get("senders"):
        free = sa.or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= work.now)
        parts.append(
            sa.select(sa.literal("mail").label("kind"), outbox.c.id, outbox.c.next_try_at, nothing).where(
                outbox.c.state == "queued", free, is_sent(work)
            )
        )
    return parts


def _due(work: Work) -> sa.Select[Any]:
    rows = sa.union_all(*_pending(work)).subquery()
    return (
        sa.select(rows.c.kind, rows.c.id, rows.c.whose, rows.c.next_try_at)
        .where(rows.c.next_try_at <= work.now)
        .order_by(rows.c.next_try_at, rows.c.id)
        .limit(PAGE)
    )
