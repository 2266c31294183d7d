"""How often a task was urged (催办), for whoever owes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.work import Work
from workflows.tables import urge


@dataclass(frozen=True, slots=True)
class Urged:
    """How often, when last, and the sentence that was added then."""

    count: int = 0
    last_at: datetime | None = None
    remark: str = ""


def read_urged(work: Work, task_ids: Sequence[str]) -> dict[str, Urged]:
    """Of these tasks (at most some hundreds) those that were urged."""
    rows = work.connection.execute(_URGED, {"tasks": list(task_ids)})
    return {row.task_id: Urged(row.number, row.at, row.remark) for row in rows}


_URGED = sa.select(urge).where(urge.c.task_id.in_(sa.bindparam("tasks", expanding=True))).order_by(urge.c.task_id, urge.c.number)
