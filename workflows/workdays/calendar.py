"""Work days as a value: weekends, statutory holidays and make-up days (调休). Pure.

The State Council announces each year's days by itself. A year that is not announced yet is reckoned with plain weekends, and
everything that touches it says `provisional`: such a date is shown, but nobody relies on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from types import MappingProxyType

MAX_DAYS = 10_000
"""Most work days that are counted at once: beyond it, it is a slip of the pen."""

YEAR_ENDS = (12, 26)
"""From here on the next year's announcement may still move days: that of 2019 made 29 December 2018 a work day."""


@dataclass(frozen=True, slots=True)
class WorkDay:
    """What one day is. `name` is the holiday that it belongs to or makes up for (Chinese, English) and `source` who says so;
    both None on days of plain weeks. `provisional`: an announcement to come may change it.
    """

    day: date
    is_workday: bool
    name: tuple[str, str] | None = None
    source: str | None = None
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
    """The days that somebody decided about, and the years that are announced. Immutable."""

    days: Mapping[date, WorkDay] = field(default_factory=lambda: MappingProxyType({}))
    years: frozenset[int] = frozenset()

    @classmethod
    def of(cls, days: Iterable[WorkDay], years: Iterable[int]) -> WorkCalendar:
        """The calendar of these days and announced years."""
        return cls(MappingProxyType({each.day: each for each in days}), frozenset(years))

    def describe(self, day: date) -> WorkDay:
        """What `day` is."""
        if day in self.days:
            return self.days[day]
        provisional = day.year not in self.years or ((day.month, day.day) >= YEAR_ENDS and day.year + 1 not in self.years)
        return WorkDay(day, day.isoweekday() <= 5, provisional=provisional)

    def is_workday(self, day: date) -> bool:
        """Whether `day` is worked; plain weekends in a year that is not announced."""
        return self.describe(day).is_workday

    def is_provisional(self, day: date) -> bool:
        """Whether what we say about `day` may still change by announcement."""
        return self.describe(day).provisional

    @cached_property
    def version(self) -> str:
        """Names what is counted by: equal for calendars that count alike."""
        digest = hashlib.sha256(",".join(map(str, sorted(self.years))).encode())
        digest.update("".join(f"{day}{info.is_workday:d}" for day, info in sorted(self.days.items())).encode())
        return digest.hexdigest()[:16]

    def next_workday(self, day: date) -> ReckonedDay:
        """`day` itself if it is worked, else the first day after it that is."""
        return self._walk(day, 0, 1)

    def add_workdays(self, day: date, count: int) -> ReckonedDay:
        """The `count`th work day after `day`, which itself does not count (as periods of law are counted), or before it for
        a negative `count`. For 0 it is `next_workday(day)`.

        Raises ValueError for a `count` beyond `MAX_DAYS`, OverflowError beyond the years 1 to 9999.
        """
        if abs(count) > MAX_DAYS:
            raise ValueError(f"{count} work days are more than {MAX_DAYS}")
        return self._walk(day, abs(count), -1 if count < 0 else 1)

    def count(self, day: date, count: int) -> date:
        """As the engine counts (`engine.moments.Workdays`): the day alone that `add_workdays` finds. Raises as it does."""
        return self.add_workdays(day, count).day

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
