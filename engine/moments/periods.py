"""Periods of work days: `P5WD`, the fifth work day after, at the same time of the day; `P5WDT24:00` at the end of that day.

Which days are worked is not known here: the function that counts them is handed in. A moment at midnight is the end of the day
before it, as a cut-off is: five work days after a Friday's 24:00 are over with the next Friday. The day on which a period begins
does not count, as periods of law are counted; `P0WD` is that day itself if it is worked, else the next one that is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.moments.instants import DATE, Local, MomentInvalid, parse_day, read_instant, read_wall

MAX_WORKDAYS = 10_000
"""Most work days that are counted at once; a cycle has no occurrence beyond it."""

Workdays = Callable[[date, int], date]
"""The nth work day after a day (before it for a negative n); for 0 the day itself, or the next one that is worked."""

_PERIOD = re.compile(r"P([0-9]{1,6})WD(?:T([0-9]{2}):([0-9]{2}))?")
_MIDNIGHT = time(0)


def count_weekdays(day: date, count: int) -> date:
    """Work days of plain weeks, Monday to Friday: where nobody knows better."""
    step, left = (-1 if count < 0 else 1), abs(count)
    while left or day.isoweekday() > 5:
        day += timedelta(days=step)
        left -= left > 0 and day.isoweekday() <= 5
    return day


def is_period(text: str) -> bool:
    """Whether a text wants to be a period of work days."""
    return text.startswith("P") and "WD" in text


@dataclass(frozen=True, slots=True)
class WorkPeriod:
    """So many work days, at a time of the day; `at` None: that of the moment from which is counted. `ends`: at 24:00."""

    days: int
    at: time | None = None
    ends: bool = False

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> WorkPeriod:
        """Read `P5WD`, `P5WDT09:00` or `P5WDT24:00`.

        Raises MomentInvalid.
        """
        found = _PERIOD.fullmatch(text.strip())
        if not found:
            raise MomentInvalid(text, "moment_no_work_period")
        if int(found[1]) > MAX_WORKDAYS:
            raise MomentInvalid(text, "moment_out_of_range")
        if found[2] is None:
            return cls(int(found[1]))
        if (found[2], found[3]) == ("24", "00"):
            return cls(int(found[1]), _MIDNIGHT, ends=True)
        try:
            return cls(int(found[1]), time(int(found[2]), int(found[3])))
        except ValueError:
            raise MomentInvalid(text, "moment_no_such_time") from None

    def __str__(self) -> str:
        clock = "" if self.at is None else ("T24:00" if self.ends else f"T{self.at:%H:%M}")
        return f"P{self.days}WD{clock}"

    def occur(self, start: Local | datetime, zone: ZoneInfo, times: int, workdays: Workdays) -> datetime:
        """The moment so many periods after `start` (before it for negative `times`), in UTC.

        Raises OverflowError beyond what is counted.
        """
        if abs(self.days * times) > MAX_WORKDAYS:
            raise OverflowError("too many work days")
        local = read_wall(start, zone) if isinstance(start, datetime) else start
        if isinstance(start, datetime) and local.at == _MIDNIGHT:
            local = Local(local.day - timedelta(days=1), _MIDNIGHT, midnight_after=True)
        day = workdays(local.day, self.days * times)
        if self.at is not None:
            return Local(day, self.at, self.ends).instant(zone)
        return Local(day, local.at, local.midnight_after).instant(zone)

    def shortest(self) -> timedelta:
        """The least time that it can take."""
        return timedelta(hours=23) * self.days


def read_start(text: str, zone: ZoneInfo) -> Local | datetime:
    """From where work days are counted: a moment, or a day alone, which is that day as a whole.

    Raises MomentInvalid.
    """
    if DATE.fullmatch(text):
        return Local(parse_day(text, text), _MIDNIGHT)
    return read_instant(text, zone)[1]
