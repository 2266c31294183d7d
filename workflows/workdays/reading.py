"""The work days as they are stored: the calendar for counting, a year for looking at, and what was changed.

A database to which nobody has written its years counts by those that the software brings along (`announced`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from engine.moments import Workdays
from engine.work import Work
from workflows.tables import person, work_day, work_day_change, work_year
from workflows.workdays.announced import announced_calendar
from workflows.workdays.calendar import WorkCalendar, WorkDay


@dataclass(frozen=True, slots=True)
class DecidedDay:
    """A stored day with who entered it: `origin` is `software`, `import` or `person`."""

    day: date
    is_workday: bool
    name_zh: str
    name_en: str
    source: str
    origin: str
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AnnouncedYear:
    """A year whose arrangement is published."""

    year: int
    source: str
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CalendarChange:
    """What was changed at once: `kind` is seeded | imported | set | removed; `days` are {day, before, after}."""

    id: str
    year: int
    kind: str
    days: Sequence[Mapping[str, Any]]
    source: str
    by: str | None
    at: datetime


_STATE = sa.select(sa.func.count(), sa.func.max(work_day_change.c.at, type_=work_day_change.c.at.type))
_DAYS = sa.select(work_day.c.day, work_day.c.is_workday, work_day.c.name_zh, work_day.c.name_en, work_day.c.source)


def read_calendar(work: Work) -> WorkCalendar:
    """The calendar by which this unit of work counts. It asks the database once for how often the calendar was changed; what
    other processes changed is seen by it, and what is unchanged is not read anew."""
    if _STATE not in work.known:
        state = tuple(work.connection.execute(_STATE).one())
        kept: tuple[Any, WorkCalendar] | None = work.engine.extras.get("work_calendar")
        if kept is None or kept[0] != state:
            kept = work.engine.extras["work_calendar"] = (state, _load(work) if state[0] else announced_calendar())
        work.known[_STATE] = kept[1]
    calendar: WorkCalendar = work.known[_STATE]
    return calendar


def workdays_of(work: Work) -> Workdays:
    """How the engine counts work days in this unit of work; the database is asked only when something is counted."""
    return lambda day, count: read_calendar(work).count(day, count)


def forget_calendar(work: Work) -> None:
    """The unit of work has changed the stored days: it reads them anew, and nobody else knows them before it commits."""
    work.known[_STATE] = _load(work)


def _load(work: Work) -> WorkCalendar:
    days = [WorkDay(row.day, row.is_workday, (row.name_zh, row.name_en), row.source) for row in work.connection.execute(_DAYS)]
    return WorkCalendar.of(days, work.connection.execute(sa.select(work_year.c.year)).scalars())


def list_years(work: Work) -> list[AnnouncedYear]:
    """The years whose arrangement is published, the first one first; `by` is the person's name."""
    query = (
        sa.select(work_year.c.year, work_year.c.source, person.c.name.label("by"), work_year.c.at)
        .outerjoin(person, person.c.id == work_year.c.by)
        .order_by(work_year.c.year)
    )
    return [AnnouncedYear(**row._mapping) for row in work.connection.execute(query)]


def list_decided(work: Work, year: int) -> list[DecidedDay]:
    """The stored days of a year, in order; `by` is the person's name."""
    columns = [work_day.c[name] for name in DecidedDay.__slots__ if name != "by"]
    query = (
        sa.select(*columns, person.c.name.label("by"))
        .outerjoin(person, person.c.id == work_day.c.by)
        .where(work_day.c.day.between(date(year, 1, 1), date(year, 12, 31)))
        .order_by(work_day.c.day)
    )
    return [DecidedDay(**row._mapping) for row in work.connection.execute(query)]


def list_changes_since(work: Work, moment: datetime) -> list[CalendarChange]:
    """What was changed of any year after a moment, the latest first."""
    query = _CHANGES.where(work_day_change.c.at > moment)
    return [each for row in work.connection.execute(query) if (each := CalendarChange(**row._mapping)).days]


def undo_changes(calendar: WorkCalendar, changes: Sequence[CalendarChange]) -> list[WorkCalendar]:
    """The calendars as they were before each of these changes, the latest first."""
    found, days = [], dict(calendar.days)
    for change in changes:
        for each in change.days:
            day, before = date.fromisoformat(each["day"]), each["before"]
            days.pop(day, None)
            if before is not None:
                days[day] = WorkDay(day, before["is_workday"], (before["name_zh"], before["name_en"]))
        found.append(WorkCalendar.of(days.values(), calendar.years))
    return found


def list_changes(work: Work, year: int) -> list[CalendarChange]:
    """What was changed of a year, the latest first; `by` is the person's name."""
    query = _CHANGES.where(work_day_change.c.year == year)
    return [CalendarChange(**row._mapping) for row in work.connection.execute(query)]


_CHANGES = (
    sa.select(
        *(work_day_change.c[name] for name in CalendarChange.__slots__ if name != "by"),
        person.c.name.label("by"),
    )
    .outerjoin(person, person.c.id == work_day_change.c.by)
    .order_by(work_day_change.c.at.desc(), work_day_change.c.id.desc())
)
