"""ISO 8601 moments, durations and repeating intervals, computed by the calendar of a zone. Pure: the present is handed in.

An occurrence of a cycle is computed from the cycle's anchor, never from the last firing: `R/2026-01-31T09:00/P1M` comes on
31 January, 28 February, 31 March. "24:00" is the end of its day, as official texts write it; Python's own parser refuses it.
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
MAX_COMPONENT = 100_000
"""Largest number of years, months, weeks or days in a duration: beyond it there is no calendar left."""
MAX_SECONDS = 100 * 366 * 86_400
"""Largest exact part of a duration: a hundred years."""
MAX_REPEATS = 1_000_000
"""Largest number of repeats of a cycle that is not endless."""
SHORTEST_CYCLE = timedelta(seconds=1)
"""A cycle of less would keep the engine busy with nothing else."""

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
_DURATION = re.compile(
    r"P(?=.)(?:([0-9]+)Y)?(?:([0-9]+)M)?(?:([0-9]+)W)?(?:([0-9]+)D)?"
    r"(?:T(?=.)(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:[.,]([0-9]{1,6}))?S)?)?"
)
_REPEAT = re.compile(r"R([0-9]*)/(.+)")
_PLAIN = re.compile(r"P[0-9T].*|R[0-9]*/.*|[0-9]{4}-[0-9]{2}.*", re.DOTALL)


class MomentInvalid(Problem):
    """A text is not the moment, duration or cycle it should be.

    Values: `text`, `reason` (a `Finding`).
    """

    def __init__(self, text: object, code: str, **details: Any) -> None:
        super().__init__(text=str(text)[:200], reason=Finding(code, values=details))

    def __str__(self) -> str:
        reason: Finding = self.values["reason"]
        return f"{self.code}: {self.values['text']!r}: {reason.code}"


def is_plain(text: str) -> bool:
    """Whether a timer text is ISO 8601 itself rather than an expression: `R3/PT1H` and `PT5M` would be both."""
    return _PLAIN.fullmatch(text.strip()) is not None


# ---- instants --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Local:
    """A wall-clock reading: 24:00 stays on its own day, so that adding months keeps that day."""

    day: date
    at: time
    midnight_after: bool = False

    def shifted(self, months: int, days: int) -> _Local:
        return _Local(add_months(self.day, months) + timedelta(days=days), self.at, self.midnight_after)

    def instant(self, zone: ZoneInfo) -> datetime:
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


def _parse_day(text: str, whole: str) -> date:
    year, month, day = map(int, text.split("-"))
    try:
        return date(year, month, day)
    except ValueError:
        raise MomentInvalid(whole, "moment_no_such_day") from None


@lru_cache(maxsize=1024)
def _read_instant(text: str, zone: ZoneInfo | None) -> tuple[_Local | None, datetime]:
    """The wall-clock reading in `zone` (None when the text's own offset is another one) and the instant in UTC."""
    found = _INSTANT.fullmatch(text)
    if not found:
        raise MomentInvalid(text, "moment_time_missing" if _DATE.fullmatch(text) else "moment_not_readable")
    day = _parse_day(found[1], text)
    hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    micro = int((found[5] or "0")[:6].ljust(6, "0"))
    ends = (hour, minute, second, micro) == (24, 0, 0, 0)
    try:
        local = _Local(day, time(0 if ends else hour, minute, second, micro), ends)
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
    return _read_instant(text.strip(), zone)[1]


# ---- durations -------------------------------------------------------------------------------------------------------
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
            return self._add(_wall(moment, zone), zone, times)
        except OverflowError:
            raise MomentInvalid(self, "moment_out_of_range") from None

    def _add(self, start: _Local | datetime, zone: ZoneInfo, times: int) -> datetime:
        if not (self.months or self.days):
            return (start if isinstance(start, datetime) else start.instant(zone)) + self.rest * times
        local = _wall(start, zone) if isinstance(start, datetime) else start
        return local.shifted(self.months * times, self.days * times).instant(zone) + self.rest * times

    def shortest(self) -> timedelta:
        """The least time that it can take: months of 28 days, days of 23 hours."""
        return timedelta(days=28) * self.months + timedelta(hours=23) * self.days + self.rest


def _wall(moment: datetime, zone: ZoneInfo) -> _Local:
    local = moment.astimezone(zone)
    return _Local(local.date(), local.time())


# ---- timers ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Due:
    """When a timer is due, and how it goes on. `at` is aware and in UTC.

    The rest belongs to cycles: `anchor` (the first occurrence's text) and `interval`, both ISO 8601, `index` of this
    occurrence from the anchor, `left` (occurrences after this one; None: endless) and the `zone` that they are computed in.
    """

    at: datetime
    anchor: str | None = None
    interval: str | None = None
    index: int = 0
    left: int | None = 0
    zone: str = SHANGHAI.key

    def dump(self) -> list[Any]:
        """A short JSON list."""
        at = self.at.isoformat()
        return [at] if self.interval is None else [at, self.anchor, self.interval, self.index, self.left, self.zone]

    @classmethod
    def load(cls, dumped: list[Any]) -> Due:
        """The value that was dumped."""
        return cls(datetime.fromisoformat(dumped[0]), *dumped[1:])


def first_due(kind: str, value: Any, now: datetime, *, zone: ZoneInfo = SHANGHAI) -> Due:
    """When a timer that is armed at `now` is due: `kind` is `timeDate`, `timeDuration` or `timeCycle`, `value` its ISO text.

    A date that has passed is due at once. A cycle without start begins one interval after `now`; of a cycle with a start,
    occurrences before `now` are over, but if all are, the last one is due at once, so that nothing waits for ever.
    Raises `MomentInvalid`.
    """
    if not isinstance(value, str):
        raise MomentInvalid(value, "moment_not_readable")
    text = value.strip()
    if kind == "timeDate":
        return Due(parse_instant(text, zone))
    if kind == "timeDuration":
        return Due(Duration.parse(text).add_to(now, zone=zone))
    if kind == "timeCycle":
        return _first_of_cycle(text, now, zone)
    raise ValueError(f"{kind} is no kind of timer")


def next_due(due: Due) -> Due | None:
    """The occurrence after `due`, however late that was fired; None when there is none."""
    if due.interval is None or due.anchor is None or due.left == 0:
        return None
    index, left = due.index + 1, None if due.left is None else due.left - 1
    try:
        at = _occurrence(due.anchor, Duration.parse(due.interval), index, ZoneInfo(due.zone))
    except OverflowError:
        return None
    return Due(at, due.anchor, due.interval, index, left, due.zone)


def _occurrence(anchor: str, interval: Duration, index: int, zone: ZoneInfo) -> datetime:
    local, instant = _read_instant(anchor, zone)
    return interval._add(local or instant, zone, index)


def _first_of_cycle(text: str, now: datetime, zone: ZoneInfo) -> Due:
    found = _REPEAT.fullmatch(text)
    if not found:
        raise MomentInvalid(text, "moment_no_cycle")
    repeats = int(found[1]) if found[1] else None
    if repeats is not None and not 0 < repeats <= MAX_REPEATS:
        raise MomentInvalid(text, "moment_repeats", limit=MAX_REPEATS)
    first, _, second = found[2].partition("/")
    try:
        anchor, interval = _read_interval(text, first, second, now, zone)
        if interval.shortest() < SHORTEST_CYCLE:
            raise MomentInvalid(text, "moment_cycle_too_short")
        low, last = _indexes(repeats, from_now=not second, to_end=bool(second) and first.startswith("P"))
        index = 1 if not second else _first_not_before(anchor, interval, now, (low, last), zone)
        at = _occurrence(anchor, interval, index, zone)
    except OverflowError:
        raise MomentInvalid(text, "moment_out_of_range") from None
    return Due(at, anchor, str(interval), index, None if last is None else last - index, zone.key)


def _indexes(repeats: int | None, *, from_now: bool, to_end: bool) -> tuple[int | None, int | None]:
    """The first and last occurrence, counted from the anchor: an end is the last one (as Camunda 7 reads it)."""
    if to_end:
        return (None if repeats is None else 1 - repeats), 0
    low = 1 if from_now else 0
    return low, (None if repeats is None else low + repeats - 1)


def _read_interval(text: str, first: str, second: str, now: datetime, zone: ZoneInfo) -> tuple[str, Duration]:
    """Anchor and interval of `duration`, `start/duration`, `start/end` or `duration/end`."""
    if not second:
        return now.astimezone(UTC).isoformat(), Duration.parse(first)
    if first.startswith("P"):
        parse_instant(second, zone)
        return second, Duration.parse(first)
    if _DATE.fullmatch(first):
        first += "T00:00"  # an occurrence that is a whole day begins with the day
    start = parse_instant(first, zone)
    if second.startswith("P"):
        return first, Duration.parse(second)
    length = parse_instant(second, zone) - start
    if length <= timedelta(0):
        raise MomentInvalid(text, "moment_end_before_start")
    return first, Duration.parse(str(Duration(rest=length)))


def _first_not_before(
    anchor: str, interval: Duration, now: datetime, indexes: tuple[int | None, int | None], zone: ZoneInfo
) -> int:
    """The index of the first occurrence at or after `now` among `indexes`, or the last one. Occurrences only go forward."""
    lowest, last = indexes
    away = (now - _occurrence(anchor, interval, 0, zone)) // interval.shortest()
    low = min(away, 0) if lowest is None else lowest
    high = max(away + 1, low) if last is None else last
    while low < high:
        middle = (low + high) // 2
        try:
            reached = _occurrence(anchor, interval, middle, zone) >= now
        except OverflowError:  # intervals are longer than their shortest, so a bound may lie beyond the calendar
            reached = middle > 0
        low, high = (low, middle) if reached else (middle + 1, high)
    return low
