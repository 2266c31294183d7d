"""Changing the work days: one day, or a whole year after a preview. Every change is recorded; nothing that was computed by them
moves by itself (`workflows.extensions.recounting` proposes it).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson
import sqlalchemy as sa

from engine.database import lock_name
from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.work import Work
from workflows.people import Person
from workflows.rules import require
from workflows.tables import work_day, work_day_change, work_year
from workflows.workdays.announced import announced_years, read_announced
from workflows.workdays.arrangements import FIRST_YEAR, LAST_YEAR, Arranged, Arrangement, check_names, check_source
from workflows.workdays.calendar import WorkCalendar, WorkDay
from workflows.workdays.reading import forget_calendar


class WorkdayInvalid(Problem):
    """A day cannot be entered so; `findings` by field."""


class WorkdayUnknown(Problem):
    """Nobody has entered anything about this day."""

    kind = "missing"


class CalendarChanged(Problem):
    """The work days were changed since the preview: nothing was imported, and what would change now is shown anew."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """What an import makes of a day. None: a day of plain weeks. `kept`: a person entered it, and so it stays as it is."""

    day: date
    before: Arranged | None
    after: Arranged | None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import changes. `digest` names it: two with one digest change the same days in the same way."""

    arrangement: Arrangement
    days: tuple[ChangedDay, ...]
    known: bool  # the year was published before
    digest: str

    @property
    def changed(self) -> tuple[ChangedDay, ...]:
        """Without those that stay."""
        return tuple(each for each in self.days if not each.kept)


def hold_calendar(work: Work) -> None:
    """Lock the calendar until the transaction ends, and write the years that the software knows, unless they are there."""
    lock_name(work.connection, "work calendar")
    seed_calendar(work)


def unseeded_years(work: Work) -> list[int]:
    """The years that the software knows and the database does not."""
    known = set(work.connection.execute(sa.select(work_year.c.year)).scalars())
    return [year for year in announced_years() if year not in known]


def seed_calendar(work: Work) -> list[int]:
    """Write the years that the software knows and the database does not; which. What somebody entered stays."""
    years = unseeded_years(work)
    first = set(years) == set(announced_years())  # until then, all was counted by them
    stored = set(work.connection.execute(sa.select(work_day.c.day)).scalars()) if years else set()
    for year in years:
        arrangement = read_announced(year)
        assert arrangement is not None
        new = {day: each for day, each in arrangement.days.items() if day not in stored}
        _write(work, new, arrangement.source, "software")
        _publish(work, year, arrangement.source, by=None)
        days = [] if first else [(day, None, each) for day, each in new.items()]
        _record(work, year, "seeded", days, arrangement.source, by=None)
    if years:
        forget_calendar(work)
    return years


def set_day(
    work: Work, who: Person, day: date, *, is_workday: bool, name_zh: str, name_en: str, source: str
) -> tuple[Arranged | None, Arranged]:
    """Decide about one day; what it was and what it is. No import changes it from now on.

    Raises NotPermitted, WorkdayInvalid.
    """
    require(who, "workdays.edit")
    findings: list[Finding] = []
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        findings.append(Finding("WorkdayYear", path="day", values={"first": FIRST_YEAR, "last": LAST_YEAR}))
    after = Arranged(is_workday, *check_names(name_zh, name_en, findings))
    source = check_source(source, findings)
    if findings:
        raise WorkdayInvalid(findings=findings)
    hold_calendar(work)
    before = _read(work, [day]).get(day)
    work.connection.execute(sa.delete(work_day).where(work_day.c.day == day))
    _write(work, {day: after}, source, "person")
    _record(work, day.year, "set", [(day, None if before is None else before[0], after)], source, by=work.by)
    forget_calendar(work)
    return None if before is None else before[0], after


def remove_day(work: Work, who: Person, day: date, *, source: str) -> Arranged:
    """A stored day is one of plain weeks again; what it was. `source` says on what ground.

    Raises NotPermitted, WorkdayUnknown, WorkdayInvalid.
    """
    require(who, "workdays.edit")
    findings: list[Finding] = []
    source = check_source(source, findings)
    if findings:
        raise WorkdayInvalid(findings=findings)
    hold_calendar(work)
    before = _read(work, [day]).get(day)
    if before is None:
        raise WorkdayUnknown(day=str(day))
    work.connection.execute(sa.delete(work_day).where(work_day.c.day == day))
    _record(work, day.year, "removed", [(day, before[0], None)], source, by=work.by)
    forget_calendar(work)
    return before[0]


def plan_import(work: Work, arrangement: Arrangement) -> ImportPlan:
    """What the arrangement would change; nothing is written. The days of its year that it does not name become plain again."""
    year = arrangement.year
    of_year = sa.or_(work_day.c.day.between(date(year, 1, 1), date(year, 12, 31)), work_day.c.day.in_(sorted(arrangement.days)))
    rows = work.connection.execute(sa.select(work_day).where(of_year)).all()
    known = work.connection.execute(sa.select(sa.func.count()).where(work_year.c.year == year)).scalar_one()
    stored: dict[date, tuple[Arranged, bool]] = {row.day: (_arranged(row), row.origin == "person") for row in rows}
    days = []
    if not rows and not known and (brought := read_announced(year)) is not None:
        stored, known = {day: (each, False) for day, each in brought.days.items()}, 1
    for day in sorted({*stored, *arrangement.days}):
        before, kept = stored.get(day, (None, False))
        after = arrangement.days.get(day)
        if before != after:
            days.append(ChangedDay(day, before, after, kept))
    content = [year, arrangement.source, bool(known), [[each.day, _dump(each.before), _dump(each.after)] for each in days]]
    digest = hashlib.sha256(orjson.dumps(content)).hexdigest()
    return ImportPlan(arrangement, tuple(days), bool(known), digest)


def import_year(work: Work, who: Person | None, arrangement: Arrangement, *, digest: str | None = None) -> ImportPlan:
    """Do what the preview with this `digest` showed (None: whatever it is now). `who` is None on the command line.

    Raises NotPermitted, CalendarChanged.
    """
    if who is not None:
        require(who, "workdays.edit")
    hold_calendar(work)
    plan = plan_import(work, arrangement)
    if digest not in (None, plan.digest):
        raise CalendarChanged()
    changed = plan.changed
    if changed:
        work.connection.execute(sa.delete(work_day).where(work_day.c.day.in_([each.day for each in changed])))
        _write(work, {each.day: each.after for each in changed if each.after is not None}, arrangement.source, "import")
    work.connection.execute(sa.delete(work_year).where(work_year.c.year == arrangement.year))
    _publish(work, arrangement.year, arrangement.source, by=work.by)
    days = [(each.day, each.before, each.after) for each in changed]
    _record(work, arrangement.year, "imported", days, arrangement.source, by=work.by)
    forget_calendar(work)
    return plan


def calendar_after(before: WorkCalendar, plan: ImportPlan) -> WorkCalendar:
    """The calendar as it will be when the import is done."""
    days = dict(before.days)
    for each in plan.changed:
        days.pop(each.day, None)
        if each.after is not None:
            names = (each.after.name_zh, each.after.name_en)
            days[each.day] = WorkDay(each.day, each.after.is_workday, names, plan.arrangement.source)
    return WorkCalendar.of(days.values(), before.years | {plan.arrangement.year})


# ---- rows ------------------------------------------------------------------------------------------------------------
def _arranged(row: Any) -> Arranged:
    return Arranged(row.is_workday, row.name_zh, row.name_en)


def _read(work: Work, days: Iterable[date]) -> dict[date, tuple[Arranged, str]]:
    rows = work.connection.execute(sa.select(work_day).where(work_day.c.day.in_(list(days))))
    return {row.day: (_arranged(row), row.origin) for row in rows}


def _write(work: Work, days: Mapping[date, Arranged], source: str, origin: str) -> None:
    rows = [
        {
            "day": day,
            "is_workday": each.is_workday,
            "name_zh": each.name_zh,
            "name_en": each.name_en,
            "source": source,
            "origin": origin,
            "by": None if origin == "software" else work.by,
            "at": work.now,
        }
        for day, each in days.items()
    ]
    if rows:
        work.connection.execute(sa.insert(work_day), rows)


def _publish(work: Work, year: int, source: str, *, by: str | None) -> None:
    work.connection.execute(sa.insert(work_year).values(year=year, source=source, by=by, at=work.now))


def _record(
    work: Work,
    year: int,
    kind: str,
    days: Iterable[tuple[date, Arranged | None, Arranged | None]],
    source: str,
    *,
    by: str | None,
) -> None:
    told = [{"day": str(day), "before": _dump(before), "after": _dump(after)} for day, before, after in days]
    values = {"year": year, "kind": kind, "days": told, "source": source, "by": by, "at": work.now}
    work.connection.execute(sa.insert(work_day_change).values(id=new_id(), **values))


def _dump(each: Arranged | None) -> dict[str, Any] | None:
    return None if each is None else {"is_workday": each.is_workday, "name_zh": each.name_zh, "name_en": each.name_en}
