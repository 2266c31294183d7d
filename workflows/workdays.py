"""Work days of the mainland: weekends, statutory holidays and make-up days (调休), as the State Council announces them by year.

Data: `chinesecalendar`, which holds the announced years and refuses the others. A year that is not announced yet is reckoned
with plain weekends, and everything that touches it says `provisional`: such a date is shown, but nobody relies on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, cached_property
from types import MappingProxyType
from typing import Literal

import chinese_calendar

MAX_DAYS = 10_000
"""Most work days that are counted at once: beyond it, it is a slip of the pen."""

YEAR_ENDS = (12, 26)
"""From here on the next year's announcement may still move days: that of 2019 made 29 December 2018 a work day."""

Source = Literal["announced", "weekends", "local"]


@dataclass(frozen=True, slots=True)
class WorkDay:
    """What one day is. `name` is the holiday that it belongs to or makes up for (Chinese, English), None on plain days.

    `source`: `announced` by the State Council, `weekends` where the year is not announced, `local` where the authority itself
    decided. `provisional`: an announcement to come may change it.
    """

    day: date
    is_workday: bool
    source: Source
    name: tuple[str, str] | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class ReckonedDay:
    """A day that was found by counting. `provisional`: an unannounced year was on the way."""

    day: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class ReckonedCount:
    """A number of work days. `provisional`: an unannounced year was on the way."""

    count: int
    provisional: bool


@dataclass(frozen=True)
class WorkCalendar:
    """The announced years, and days on which the authority itself decided otherwise. Immutable."""

    local: Mapping[date, WorkDay] = field(default_factory=lambda: MappingProxyType({}))

    def with_days(self, days: Iterable[tuple[date, bool, str, str]]) -> WorkCalendar:
        """This calendar with days decided by the authority: (day, whether it is worked, name in Chinese, in English)."""
        local = {**self.local, **{day: WorkDay(day, works, "local", (zh, en)) for day, works, zh, en in days}}
        return WorkCalendar(MappingProxyType(local))

    def describe(self, day: date) -> WorkDay:
        """What `day` is."""
        if day in self.local:
            return self.local[day]
        special = _announced(day.year)
        if special is None:
            return WorkDay(day, day.isoweekday() <= 5, "weekends", provisional=True)
        found = special.get(day) or WorkDay(day, day.isoweekday() <= 5, "announced")
        if (day.month, day.day) >= YEAR_ENDS and _announced(day.year + 1) is None:
            return replace(found, provisional=True)
        return found

    def is_workday(self, day: date) -> bool:
        """Whether `day` is worked; plain weekends in a year that is not announced."""
        return self.describe(day).is_workday

    def is_provisional(self, day: date) -> bool:
        """Whether what we say about `day` may still change by announcement."""
        return self.describe(day).provisional

    @cached_property
    def version(self) -> str:
        """Names the data that a date was computed from, so that a frozen date tells whether a newer calendar moves it."""
        digest = hashlib.sha256()
        for year in announced_years():
            special = _announced(year) or {}
            digest.update("".join(f"{day}{info.is_workday:d}" for day, info in sorted(special.items())).encode())
        digest.update("".join(f"{day}{info.is_workday:d}" for day, info in sorted(self.local.items())).encode())
        return digest.hexdigest()[:16]

    def next_workday(self, day: date) -> ReckonedDay:
        """`day` itself if it is worked, else the first day after it that is."""
        return self._walk(day, 0, 1)

    def add_workdays(self, day: date, count: int) -> ReckonedDay:
        """The `count`th work day after `day`, which itself does not count (as periods of law are counted), or before it for
        a negative `count`. For 0 it is `next_workday(day)`.

        Raises ValueError for a `count` beyond `MAX_DAYS`.
        """
        if abs(count) > MAX_DAYS:
            raise ValueError(f"{count} work days are more than {MAX_DAYS}")
        return self._walk(day, abs(count), -1 if count < 0 else 1)

    def workdays_between(self, after: date, until: date) -> ReckonedCount:
        """How many work days there are after `after`, up to and including `until`; negative when `until` comes first.

        It undoes `add_workdays`: from a day to its nth following work day it is n.
        Raises ValueError when they lie more than `MAX_DAYS` days apart.
        """
        if abs((until - after).days) > MAX_DAYS:
            raise ValueError(f"{after} and {until} lie more than {MAX_DAYS} days apart")
        step = 1 if until >= after else -1
        count, provisional, day = 0, False, after
        while day != until:
            day += timedelta(days=step)
            found = self.describe(day)
            count += step * found.is_workday
            provisional = provisional or found.provisional
        return ReckonedCount(count, provisional)

    def _walk(self, day: date, count: int, step: int) -> ReckonedDay:
        found = self.describe(day)
        provisional, left = False, count
        if not count:
            provisional = found.provisional
            while not found.is_workday:
                found = self.describe(found.day + timedelta(days=step))
                provisional = provisional or found.provisional
            return ReckonedDay(found.day, provisional)
        while left:
            found = self.describe(found.day + timedelta(days=step))
            left -= found.is_workday
            provisional = provisional or found.provisional
        return ReckonedDay(found.day, provisional)


ANNOUNCED = WorkCalendar()
"""The calendar as the State Council announced it, without any local days."""


def add_workdays(day: date, count: int, *, calendar: WorkCalendar = ANNOUNCED) -> ReckonedDay:
    """`WorkCalendar.add_workdays` of the announced calendar, unless another is given."""
    return calendar.add_workdays(day, count)


def workdays_between(after: date, until: date, *, calendar: WorkCalendar = ANNOUNCED) -> ReckonedCount:
    """`WorkCalendar.workdays_between` of the announced calendar, unless another is given."""
    return calendar.workdays_between(after, until)


@cache
def announced_years() -> tuple[int, ...]:
    """The years whose holidays are known."""
    return tuple(year for year in range(2000, 2100) if _announced(year) is not None)


@cache
def _announced(year: int) -> Mapping[date, WorkDay] | None:
    """The days of a year that differ from plain weeks or carry a name; None for a year without data."""
    if not _has_data(year):
        return None
    special, day = {}, date(year, 1, 1)
    while day.year == year:
        is_holiday, name = chinese_calendar.get_holiday_detail(day)
        if name is not None or is_holiday != (day.isoweekday() > 5):
            special[day] = WorkDay(day, not is_holiday, "announced", _name_holiday(name))
        day += timedelta(days=1)
    return MappingProxyType(special)


def _has_data(year: int) -> bool:
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def _name_holiday(name: str | None) -> tuple[str, str] | None:
    if name is None:
        return None
    holiday = next((each for each in chinese_calendar.Holiday if each.value == name), None)
    return (name, name) if holiday is None else (holiday.chinese, holiday.value)
