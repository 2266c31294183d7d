"""ISO 8601 durations, by the calendar of a zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.moments.instants import SHANGHAI, Local, MomentInvalid, read_wall

MAX_COMPONENT = 100_000
"""Largest number of years, months, weeks or days in a duration: beyond it there is no calendar left."""
MAX_SECONDS = 100 * 366 * 86_400
"""Largest exact part of a duration: a hundred years."""

_DURATION = re.compile(
    r"P(?=.)(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?"
    r"(?:T(?=.)(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:[.,]([0-9]{1,6}))?S)?)?"
)


@dataclass(frozen=True, slots=True)
class Duration:
    """An ISO 8601 duration: calendar months and days, and an exact rest."""

    months: int = 0
    days: int = 0
    rest: timedelta = timedelta(0)

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> Duration:
        """Read `P1Y2M3W4DT5H6M7.8S` in any part.

        Raises `MomentInvalid`; a negative duration is not one.
        """
        found = _DURATION.fullmatch(text.strip()) if isinstance(text, str) and len(text) < 100 else None
        if not found:
            raise MomentInvalid(text, "moment_no_duration")
        years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[:7])
        micro = int((found[8] or "0").ljust(6, "0"))
        if max(years, months, weeks, days) > MAX_COMPONENT or (hours * 60 + minutes) * 60 + seconds > MAX_SECONDS:
            raise MomentInvalid(text, "moment_out_of_range")
        rest = timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micro)
        return cls(years * 12 + months, weeks * 7 + days, rest)

    def __str__(self) -> str:
        date_part = f"{self.months}M" * bool(self.months) + f"{self.days}D" * bool(self.days)
        seconds, micro = divmod(self.rest // timedelta(microseconds=1), 1_000_000)
        rest = f"T{seconds}" + f".{micro:06}" * bool(micro) + "S" if self.rest else ""
        return f"P{date_part}{rest}" if date_part or rest else "PT0S"

    def add_to(self, moment: datetime, *, zone: ZoneInfo = SHANGHAI, times: int = 1) -> datetime:
        """`moment` so much later, in UTC: months (clamped to the month's end) and days by the calendar of `zone`, the rest
        exactly. `times` may be negative.

        Raises ValueError for a naive moment, `MomentInvalid` beyond the year 9999.
        """
        if moment.tzinfo is None:
            raise ValueError(f"naive moment {moment!r}")
        try:
            return self.occur(read_wall(moment, zone), zone, times)
        except OverflowError:
            raise MomentInvalid(self, "moment_out_of_range") from None

    def occur(self, start: Local | datetime, zone: ZoneInfo, times: int) -> datetime:
        """`start` so many times later, in UTC.

        Raises OverflowError beyond the years 1 to 9999.
        """
        if not (self.months or self.days):
            return (start if isinstance(start, datetime) else start.instant(zone)) + self.rest * times
        local = read_wall(start, zone) if isinstance(start, datetime) else start
        return local.shifted(self.months * times, self.days * times).instant(zone) + self.rest * times

    def shortest(self) -> timedelta:
        """The least time that it can take: months of 28 days, days of 23 hours."""
        return timedelta(days=28) * self.months + timedelta(hours=23) * self.days + self.rest
