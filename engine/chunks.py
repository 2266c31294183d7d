"""Rows that are due at once, done in chunks: one statement reads them with their instances, all steps write together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from engine.runs import Run
from engine.work import ProcessEngine

CHUNK = 50
"""How many are done in one transaction."""


def advance_many(
    process_engine: ProcessEngine,
    kind: str,
    query: sa.Select[Any],
    advance: Callable[[Run, sa.Row[Any]], None],
    alone: Callable[[ProcessEngine, str], bool],
) -> tuple[int, Sequence[str]]:
    """Advance instances by rows of a kind that are due, up to `CHUNK` in one transaction: how many, and the ids of those tried.

    `query` gives them in their order, each as `row_id` with its `generation` and the columns that `Run.resume` needs, locked and
    without those that somebody else has locked; its parameter is `of_now`. Of an instance the first one is done, the others are
    left to their own turn. When one fails nothing of the chunk has happened: they are done one by one by `alone`, which counts
    the failure of whose it is.
    """
    tried: list[str] = []
    try:
        with process_engine.begin() as work:
            found = work.connection.execute(query.limit(CHUNK), {"of_now": work.now}).all()
            chunk = [*{row.instance_id: row for row in reversed(found)}.values()][::-1]
            tried += [row.row_id for row in chunk]
            with work.together():
                for row in chunk:
                    advance(Run.resume(work, row), row)
            if chunk:
                work.engine.backend.forget(work, kind, [(row.row_id, row.generation) for row in chunk])
            return len(chunk), tried
    except Exception:  # the single turns will tell
        return sum(alone(process_engine, row_id) for row_id in tried), tried
