"""How rows that are due are tried: guarded once, with growing pauses after a failure, and an incident at the end."""

from __future__ import annotations

import logging
from datetime import timedelta

import sqlalchemy as sa

from engine.errors import Problem, StepFailed, read_place
from engine.incidents import open_incident
from engine.tables import instance
from engine.work import ProcessEngine, Work

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)


def pause_after(attempt: int) -> timedelta:
    """How long to wait after the `attempt`-th failure: 10 s, 20 s, 40 s, ... at most an hour."""
    return min(timedelta(seconds=FIRST_PAUSE.total_seconds() * 2 ** (attempt - 1)), LONGEST_PAUSE)


def record_failure(process_engine: ProcessEngine, kind: str, table: sa.Table, row_id: str, state: str, error: Exception) -> None:
    """Count a failed try in a transaction of its own: another try later, or after `MAX_ATTEMPTS` dead and an incident.

    `state` is the row's state while it is still to be tried; a row that is past it is left alone.
    """
    log.warning("%s %s failed", kind, row_id, exc_info=error)
    with process_engine.begin() as work:
        row = work.connection.execute(sa.select(table).where(table.c.id == row_id).with_for_update()).one_or_none()
        if row is None or row.state != state:
            return
        attempt = row.attempt + 1
        text = f"{type(error).__name__}: {error}"[:2000]
        if attempt >= MAX_ATTEMPTS:
            work.connection.execute(
                table.update().where(table.c.id == row_id).values(state="dead", attempt=attempt, last_error=text)
            )
            _report(work, kind, row, text, error)
            return
        next_try_at = work.now + pause_after(attempt)
        work.connection.execute(
            table.update()
            .where(table.c.id == row_id)
            .values(attempt=attempt, next_try_at=next_try_at, last_error=text, lease_by=None, lease_until=None)
        )
        work.schedule(kind, row_id, row.generation, next_try_at)


def _report(work: Work, kind: str, row: sa.Row[tuple[object, ...]], text: str, error: Exception) -> None:
    """An incident names the element that failed, where that is known, else the one of its row: also where the instance was only
    just being started, and is not there."""
    instance_id, element_id = read_place(error)
    if instance_id is not None and not _is_stored(work, instance_id):
        instance_id = element_id = None
    elif element_id is None and isinstance(error, StepFailed):
        element_id = error.values.get("element")
    open_incident(
        work,
        kind,
        error.code if isinstance(error, Problem) else "RowFailed",
        text,
        row_id=row.id,
        instance_id=instance_id or getattr(row, "instance_id", None),
        element_id=element_id or getattr(row, "element_id", None),
    )


def _is_stored(work: Work, instance_id: str) -> bool:
    return work.connection.execute(sa.select(instance.c.id).where(instance.c.id == instance_id)).first() is not None
