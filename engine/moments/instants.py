"""ISO 8601 instants by the calendar of a zone. "24:00" is the end of its day, as official texts write it; Python's own parser
refuses it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from engine.errors import Finding, Problem

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""The zone of every legal deadline here. Not a fixed +08:00: the zone had summer time from 1986 to 1991."""

DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


class MomentInvalid(Problem):
    """A text is not the moment, duration or cycle it should be.

    Values: `text`, `reason` (a `Finding`).
    """

    def __init__(self, text: object, code: str, **details: Any) -> None:
        super().__init__(text=str(text)[:200], reason=Finding(code, values=details))

    def __str__(self) -> str:
        reason: Finding = self.values["reason"]
        return f"{self.code}: {self.values['text']!r}: {reason.code}"


@dataclass(frozen=True, slots=True)
class Local:
    """A wall-clock reading: 24:00 stays on its own day, so that adding months keeps that day."""

    day: date
    at: time
    midnight_after: bool = False

    def shifted(self, months: int, days: int) -> Local:
        """So many months (clamped to the month's end) and then days later."""
        return Local(add_months(self.day, months) + timedelta(days=days), self.at, self.midnight_after)

    def instant(self, zone: ZoneInfo) -> datetime:
        """The moment in UTC."""
        day = self.day + timedelta(days=1) if self.midnight_after else self.day
        return datetime.combine(day, self.at, zone).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """The same day so many months later (or earlier), or the month's last day where it has no such day.

    Raises OverflowError beyond the years 1 to 9999.
    """
    index = day.year * 12 + day.month - 1 + months
    if not 12 <= index < 120_000:
        raise OverflowError("year out of range")
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def parse_day(text: str, whole: str) -> date:
    """The day of an ISO 8601 date in a longer text.

    Raises MomentInvalid.
    """
    year, month, day = map(int, text.split("-"))
    try:
        return date(year, month, day)
    except ValueError:
        raise MomentInvalid(whole, "moment_no_such_day") from None


@lru_cache(maxsize=1024)
def read_instant(text: str, zone: ZoneInfo | None) -> tuple[Local | None, datetime]:
    """The wall-clock reading in `zone` (None when the text's own offset is another one) and the instant in UTC."""
    found = _INSTANT.fullmatch(text)
    if not found:
        raise MomentInvalid(text, "moment_time_missing" if DATE.fullmatch(text) else "moment_not_readable")
    day = parse_day(found[1], text)
    hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    micro = int((found[5] or "0")[:6].ljust(6, "0"))
    ends = (hour, minute, second, micro) == (24, 0, 0, 0)
    try:
        local = Local(day, time(0 if ends else hour, minute, second, micro), ends)
    except ValueError:
        raise MomentInvalid(text, "moment_no_such_time") from None
    try:
        if found[6]:
            offset = _parse_offset(found[6], text)
            naive = datetime.combine(day, local.at) + timedelta(days=int(ends))
            instant = (naive - offset).replace(tzinfo=UTC)
            same = zone is not None and local.instant(zone) == instant
            return local if same else None, instant
        if zone is None:
            raise MomentInvalid(text, "moment_offset_missing")
        instant = local.instant(zone)
        if instant.astimezone(zone).time() != local.at:
            raise MomentInvalid(text, "moment_skipped", zone=zone.key)
        return local, instant
    except OverflowError:
        raise MomentInvalid(text, "moment_out_of_range") from None


def _parse_offset(text: str, whole: str) -> timedelta:
    if text == "Z":
        return timedelta(0)
    digits = text[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 14 or minutes > 59:
        raise MomentInvalid(whole, "moment_no_such_offset")
    return timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)


def parse_instant(text: str, zone: ZoneInfo | None = None) -> datetime:
    """The instant of an ISO 8601 date with time, aware and in UTC. `24:00` is the end of the day.

    Without an offset in the text it is a wall-clock reading in `zone`.
    Raises `MomentInvalid`: not readable, no such day or time, a date alone (its beginning or its end?), no offset and no
    zone, or a reading that the zone skipped when its clocks went forward.
    """
    if not isinstance(text, str):
        raise MomentInvalid(text, "moment_not_readable")
    return read_instant(text.strip(), zone)[1]


def read_wall(moment: datetime, zone: ZoneInfo) -> Local:
    """What the clock on the wall of the zone says at a moment."""
    local = moment.astimezone(zone)
    return Local(local.date(), local.time())
