"""Reminders as timer rows: one row per step, due date and occurrence, however many tasks share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.tables import timer, user_task
from engine.timers import arm_timer
from engine.work import Work
from workflows.campaigns.reading import of_campaign
from workflows.reminders.ownership import planned_by_stages
from workflows.reminders.plans import Rule, list_occurrences

HANDLER = "reminders.send"

LATE = timedelta(hours=1)
"""A reminder that leaves later than this after its moment was missed, and says so."""


@dataclass(frozen=True, slots=True)
class Series:
    """All reminders of one step and one due date within a campaign."""

    campaign_id: str
    task: str
    due_at: datetime

    @property
    def key(self) -> str:
        """Begins the unique keys of its timers and letters."""
        return f"reminder:{self.campaign_id}:{self.task}:{self.due_at:%Y%m%dT%H%M%S}"


def arm_series(work: Work, series: Series, rules: Mapping[str, Rule]) -> int:
    """Arm what is to come of a series and is not armed yet; how many."""
    rule = rules.get(series.task)
    wanted = (
        {} if rule is None else {f"{series.key}:{each.name}": each for each in list_occurrences(rule, series.due_at, work.now)}
    )
    if not wanted:
        return 0
    known = set(work.connection.execute(_KNOWN, {"keys": list(wanted)}).scalars())
    armed = 0
    for unique_key, occurrence in wanted.items():
        if unique_key in known:
            continue
        payload = {
            "campaign": series.campaign_id,
            "task": series.task,
            "due_at": series.due_at.isoformat(),
            "name": occurrence.name,
            "at": occurrence.at.isoformat(),
        }
        subject = f"reminders:{series.campaign_id}"
        armed += arm_timer(work, HANDLER, occurrence.at, unique_key=unique_key, payload=payload, subject=subject) is not None
    return armed


_KNOWN = sa.select(timer.c.unique_key).where(timer.c.unique_key.in_(sa.bindparam("keys", expanding=True)))


def take_missed(work: Work, series: Series, at: datetime) -> list[datetime]:
    """The moments that passed unused, `at` among them when it is late; the other rows are put aside."""
    missed = [at] if work.now - at > LATE else []
    passed = sa.select(timer.c.id, timer.c.due_at, timer.c.payload).where(
        timer.c.unique_key.startswith(f"{series.key}:", autoescape=True),
        timer.c.state == "armed",
        timer.c.due_at > at,
        timer.c.due_at <= work.now,
    )
    for row in work.connection.execute(passed.order_by(timer.c.due_at)).all():
        if row.payload.get("after"):
            continue  # the rest of an earlier reminder's letters
        aside = timer.update().where(timer.c.id == row.id, timer.c.state == "armed")
        if work.connection.execute(aside.values(state="cancelled", done_at=work.now)).rowcount == 1:
            missed.append(row.due_at)
    return missed


def read_open(work: Work, series: Series) -> Sequence[sa.Row[Any]]:
    """The tasks of a series that are open now."""
    query = sa.select(user_task).where(
        of_campaign(series.campaign_id),
        ~planned_by_stages(work, series.campaign_id),
        user_task.c.element_id == series.task,
        user_task.c.due_at == series.due_at,
        user_task.c.state == "open",
    )
    return work.connection.execute(query.order_by(user_task.c.business_key, user_task.c.id)).all()
