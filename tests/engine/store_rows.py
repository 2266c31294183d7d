"""What several tests of the store look at: open tasks and states of instances."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from engine.tables import instance, user_task
from engine.work import ProcessEngine, Work

CUTOFF = datetime(2022, 8, 10, 16, tzinfo=UTC)


def open_tasks(work: Work) -> list[sa.Row[Any]]:
    return list(work.connection.execute(sa.select(user_task).where(user_task.c.state == "open").order_by(user_task.c.id)).all())


def the_task(process_engine: ProcessEngine) -> sa.Row[Any]:
    with process_engine.read() as work:
        (task,) = open_tasks(work)
    return task


def state_of(process_engine: ProcessEngine, instance_id: str) -> str:
    with process_engine.read() as work:
        return str(work.connection.execute(sa.select(instance.c.state).where(instance.c.id == instance_id)).scalar_one())
