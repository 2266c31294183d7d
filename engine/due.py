"""Everything that is due, in the order of its moments: what the embedded scheduler and virtual time call."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from engine.delivery import deliver_message
from engine.outbox import send_mail
from engine.tables import instance, message, outbox, timer
from engine.timers import fire_timer
from engine.work import ProcessEngine, Work

PAGE = 200
"""How many rows are fetched at a time."""

DO = {"timer": fire_timer, "message": deliver_message, "mail": send_mail}


def run_due(process_engine: ProcessEngine) -> int:
    """Fire, deliver and send all that is due now, and what becomes due by it; how many rows were done.

    A row that fails is tried later (`engine.attempts`) and does not stop the others. Messages go before timers of a later moment.
    """
    done = 0
    while True:
        with process_engine.read() as work:
            rows = [(row.kind, row.id) for row in work.connection.execute(_due(work))]
        before = done
        for kind, row_id in rows:
            done += DO[kind](process_engine, row_id)
        if done == before:
            return done


def next_due(work: Work) -> datetime | None:
    """The moment of the next row that will be due (it may lie in the past); None when nothing waits for a moment."""
    rows = _pending(work).subquery()
    moment: datetime | None = work.connection.execute(
        sa.select(sa.func.min(rows.c.next_try_at, type_=rows.c.next_try_at.type))
    ).scalar_one()
    return moment


def _pending(work: Work) -> sa.CompoundSelect[tuple[str, str, datetime]]:
    suspended = sa.select(instance.c.id).where(instance.c.id == timer.c.instance_id, instance.c.state == "suspended").exists()
    parts = [
        sa.select(sa.literal("timer").label("kind"), timer.c.id, timer.c.next_try_at).where(timer.c.state == "armed", ~suspended),
        sa.select(sa.literal("message").label("kind"), message.c.id, message.c.next_try_at).where(
            message.c.state.in_(("waiting", "unmatched"))
        ),
    ]
    if work.engine.extras.get("mailer") is not None:
        parts.append(
            sa.select(sa.literal("mail").label("kind"), outbox.c.id, outbox.c.next_try_at).where(
                outbox.c.state == "queued", sa.or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= work.now)
            )
        )
    return sa.union_all(*parts)


def _due(work: Work) -> sa.Select[tuple[str, str]]:
    rows = _pending(work).subquery()
    return (
        sa.select(rows.c.kind, rows.c.id)
        .where(rows.c.next_try_at <= work.now)
        .order_by(rows.c.next_try_at, rows.c.id)
        .limit(PAGE)
    )
