"""Reminders as timer rows: one row per step, due date and occurrence, however many tasks share them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.tables import candidate_set, timer, user_task
from engine.timers import arm_timer
from engine.work import Work
from workflows.campaigns.reading import of_campaign
from workflows.reminders.ownership import planned_by_stages
from workflows.reminders.plans import ESCALATED, Rule, list_occurrences
from workflows.tables import membership
from workflows.workdays import read_calendar

HANDLER = "reminders.send"

PART = 500
"""Values in one statement: SQLite bounds them."""

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
    if rule is None:
        return 0
    occurrences = list_occurrences(rule, series.due_at, work.now, read_calendar(work))
    wanted = {f"{series.key}:{each.name}": each for each in occurrences}
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
    """The moments that passed unused, in order, `at` among them when it is late; the other rows are put aside."""
    missed = [at] if work.now - at > LATE else []
    passed = sa.select(timer.c.id, timer.c.due_at, timer.c.payload).where(
        timer.c.unique_key.startswith(f"{series.key}:", autoescape=True),
        timer.c.state == "armed",
        timer.c.due_at <= work.now,
    )
    for row in work.connection.execute(passed.order_by(timer.c.due_at)).all():
        if row.payload.get("after") or row.payload["name"] == ESCALATED:
            continue  # the rest of an earlier reminder's letters; what others are told
        aside = timer.update().where(timer.c.id == row.id, timer.c.state == "armed")
        if work.connection.execute(aside.values(state="cancelled", done_at=work.now)).rowcount == 1:
            missed.append(datetime.fromisoformat(row.payload["at"]))
    return sorted(missed)


def postpone(work: Work, handler: str, form: Mapping[str, Any], until: datetime, *, key: str) -> None:
    """Have the handler of a reminder called at another moment instead of now; `key` is that of its occurrence."""
    payload = {**form, "postponed": True}
    unique_key = f"{key}:until{until:%Y%m%dT%H%M%S}"
    arm_timer(work, handler, until, unique_key=unique_key, payload=payload, subject=f"reminders:{form['campaign']}")


def read_open(work: Work, which: sa.ColumnElement[bool], *, of: Sequence[str] | None = None) -> Sequence[sa.Row[Any]]:
    """Those of some tasks (`is_open`) that some people (None: all) may owe."""
    query = sa.select(user_task).order_by(user_task.c.business_key, user_task.c.id)
    if of is None:
        return work.connection.execute(query.where(which)).all()
    rows: dict[str, sa.Row[Any]] = {}
    owing = _owing(which).subquery()
    for start in range(0, len(of), PART):
        ids = sa.select(owing.c.task_id).where(owing.c.person_id.in_(of[start : start + PART]))
        rows |= {row.id: row for row in work.connection.execute(query.where(user_task.c.id.in_(ids)))}
    return sorted(rows.values(), key=lambda row: (row.business_key, row.id))


def count_open(work: Work, series: Series) -> int:
    """How many tasks of a series are open now."""
    query = sa.select(sa.func.count()).select_from(user_task).where(is_open(work, series))
    return int(work.connection.execute(query).scalar_one())


def list_owing(work: Work, which: sa.ColumnElement[bool], *, after: str, limit: int) -> list[str]:
    """The ids of people after one, in order, who may owe some of these tasks: whose they are, or who could claim them."""
    owing = _owing(which).subquery()
    query = sa.select(owing.c.person_id).where(owing.c.person_id > after).distinct()
    return list(work.connection.execute(query.order_by(owing.c.person_id).limit(limit)).scalars())


def is_open(work: Work, series: Series) -> sa.ColumnElement[bool]:
    """The tasks of a series that are open now."""
    return sa.and_(
        of_campaign(series.campaign_id),
        ~planned_by_stages(work, series.campaign_id),
        user_task.c.element_id == series.task,
        user_task.c.due_at == series.due_at,
        user_task.c.state == "open",
    )


def _owing(which: sa.ColumnElement[bool]) -> sa.CompoundSelect[tuple[str, str]]:
    """(task, person) of these tasks. `which` is asked once: of tasks that just came PostgreSQL would ask it one by one."""
    task = sa.select(user_task.c.id, user_task.c.assignee, user_task.c.candidate_set).where(which).cte("asked_task").c
    candidate = candidate_set.c
    group = membership.c.role + "@" + membership.c.organisation_id
    of_group = sa.select(task.id, membership.c.person_id).join(candidate_set, candidate.id == task.candidate_set)
    of_person = sa.select(task.id, candidate.candidate).join(candidate_set, candidate.id == task.candidate_set)
    return sa.union_all(
        sa.select(task.id.label("task_id"), task.assignee.label("person_id")).where(task.assignee.is_not(None)),
        of_group.join(membership, group == candidate.candidate).where(candidate.kind == "group"),
        of_person.where(candidate.kind == "user"),
    )
