"""The reminders of tasks whose due date moves: which of the planned ones go, and which come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.tables import timer
from engine.work import Work
from workflows.reminders.ownership import rules_of
from workflows.reminders.plans import Occurrence, list_occurrences
from workflows.reminders.series import PART, Series, arm_series, count_open
from workflows.workdays import read_calendar


@dataclass(frozen=True, slots=True)
class Armed:
    """A planned reminder: the id of its timer row, its name within its series, its moment."""

    id: str
    name: str
    at: datetime


def list_going(work: Work, campaign_id: str, task: str, due_at: datetime, *, leaving: int) -> list[Armed]:
    """The planned reminders of a step and a due date that nobody needs any more when so many tasks leave them."""
    series = Series(campaign_id, task, due_at)
    if count_open(work, series) > leaving:
        return []
    query = sa.select(timer.c.id, timer.c.payload, timer.c.due_at).where(
        timer.c.unique_key.startswith(f"{series.key}:", autoescape=True), timer.c.state == "armed"
    )
    return [Armed(row.id, row.payload["name"], row.due_at) for row in work.connection.execute(query.order_by(timer.c.due_at))]


def list_coming(work: Work, campaign_id: str, task: str, due_at: datetime) -> list[Occurrence]:
    """What will be planned for tasks of a step that are due at another moment now, unless others have that plan already."""
    rule = rules_of(work, campaign_id).get(task)
    found = [] if rule is None else list_occurrences(rule, due_at, work.now, read_calendar(work))
    keys = {f"{Series(campaign_id, task, due_at).key}:{each.name}": each for each in found}
    known = set(work.connection.execute(sa.select(timer.c.unique_key).where(timer.c.unique_key.in_(keys))).scalars())
    return [each for key, each in keys.items() if key not in known]


def move_reminders(work: Work, campaign_id: str, going: Sequence[str], coming: Iterable[tuple[str, datetime]]) -> None:
    """Withdraw planned reminders by their ids, and plan those of (step, due date)."""
    for start in range(0, len(going), PART):
        armed = timer.update().where(timer.c.id.in_(going[start : start + PART]), timer.c.state == "armed")
        work.connection.execute(armed.values(state="cancelled", done_at=work.now))
    for task, due_at in coming:
        arm_series(work, Series(campaign_id, task, due_at), rules_of(work, campaign_id))
