"""When timers are due: dates, durations and cycles in ISO 8601, periods of work days, cron texts."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.moments.cron import is_cron, next_match
from engine.moments.durations import Duration
from engine.moments.instants import DATE, SHANGHAI, MomentInvalid, parse_instant, read_instant
from engine.moments.periods import Workdays, WorkPeriod, count_weekdays, is_period, read_start

MAX_REPEATS = 1_000_000
"""Largest number of repeats of a cycle that is not endless."""
SHORTEST_CYCLE = timedelta(seconds=1)
"""A cycle of less would keep the engine busy with nothing else."""

_REPEAT = re.compile(r"R([0-9]*)/(.+)")
_PLAIN = re.compile(r"P[0-9T$].*|R[0-9]*/.*|[0-9]{4}-[0-9]{2}.*|\$\{.*\}/P.*", re.DOTALL)


def is_plain(text: str) -> bool:
    """Whether a timer text is ISO 8601 (or cron) itself, also with `${…}` parts in it, rather than one expression: `R3/PT1H` and
    `PT5M` would be both, `P${days}WD` would be none."""
    return _PLAIN.fullmatch(text.strip()) is not None or is_cron(text.strip())


Interval = Duration | WorkPeriod


@dataclass(frozen=True, slots=True)
class Due:
    """When a timer is due, and how it goes on. `at` is aware and in UTC.

    The rest belongs to cycles, and to what counts work days: `anchor` (the text of the moment that is counted from) and
    `interval`, both ISO 8601, `index` of this occurrence from the anchor, `left` (occurrences after this one; None: endless) and
    the `zone` that they are computed in. Of a cron text, which is its own `interval`, the anchor is this occurrence.
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


def first_due(kind: str, value: Any, now: datetime, *, zone: ZoneInfo = SHANGHAI, workdays: Workdays = count_weekdays) -> Due:
    """When a timer that is armed at `now` is due: `kind` is `timeDate`, `timeDuration` or `timeCycle`, `value` its text.

    A date that has passed is due at once. A cycle without start begins one interval after `now`; of a cycle with a start,
    occurrences before `now` are over, but if all are, the last one is due at once, so that nothing waits for ever.
    `workdays` counts work days, where the text has some.
    Raises `MomentInvalid`.
    """
    if not isinstance(value, str):
        raise MomentInvalid(value, "moment_not_readable")
    text = value.strip()
    try:
        if kind == "timeDate":
            return _date(text, zone, workdays)
        if kind == "timeDuration":
            return _after(text, now, zone, workdays)
        if kind == "timeCycle":
            return _first_of_cycle(text, now, zone, workdays)
    except OverflowError:
        raise MomentInvalid(text, "moment_out_of_range") from None
    raise ValueError(f"{kind} is no kind of timer")


def find_moment(text: str, now: datetime, *, zone: ZoneInfo = SHANGHAI, workdays: Workdays = count_weekdays) -> datetime:
    """When a task is due that comes into being at `now`: a moment with its offset, a period or duration after `now`, or one
    before or after a moment.

    Raises MomentInvalid.
    """
    text = text.strip()
    if "/" not in text:
        return first_due("timeDuration", text, now, zone=zone, workdays=workdays).at if text[:1] == "P" else parse_instant(text)
    return first_due("timeDate", text, now, zone=zone, workdays=workdays).at


def next_due(due: Due, *, workdays: Workdays = count_weekdays) -> Due | None:
    """The occurrence after `due`, however late that was fired; None when there is none."""
    if due.interval is None or due.anchor is None or due.left == 0:
        return None
    index, left = due.index + 1, None if due.left is None else due.left - 1
    try:
        if is_cron(due.interval):
            return _match(due.interval, parse_instant(due.anchor), ZoneInfo(due.zone), index)
        at = _occurrence(due.anchor, _read_interval(due.interval), index, ZoneInfo(due.zone), workdays)
    except (OverflowError, MomentInvalid):
        return None
    return Due(at, due.anchor, due.interval, index, left, due.zone)


def counts_workdays(due: Due) -> bool:
    """Whether a timer is due at its moment because work days were counted."""
    return due.interval is not None and is_period(due.interval)


def recount(due: Due, workdays: Workdays) -> Due:
    """The same occurrence as `workdays` counts it.

    Raises OverflowError beyond what is counted.
    """
    if due.anchor is None or due.interval is None or not is_period(due.interval):
        return due
    at = _occurrence(due.anchor, WorkPeriod.parse(due.interval), due.index, ZoneInfo(due.zone), workdays)
    return replace(due, at=at)


# ---- dates and durations ---------------------------------------------------------------------------------------------
def _date(text: str, zone: ZoneInfo, workdays: Workdays) -> Due:
    """A moment, or one that lies a duration or period after or before one: `start/P3WD`, `P3WD/end`."""
    first, slash, second = text.partition("/")
    if not slash:
        return Due(parse_instant(text, zone))
    before = first.startswith("P")
    anchor, interval = (second, _read_interval(first)) if before else (first, _read_interval(second))
    index = -1 if before else 1
    if isinstance(interval, Duration):
        parse_instant(anchor, zone)  # a day alone is refused: its beginning or its end?
        return Due(_occurrence(anchor, interval, index, zone, workdays))
    if interval.at is None and DATE.fullmatch(anchor):
        raise MomentInvalid(text, "moment_time_missing")
    return Due(_occurrence(anchor, interval, index, zone, workdays), anchor, str(interval), index, 0, zone.key)


def _after(text: str, now: datetime, zone: ZoneInfo, workdays: Workdays) -> Due:
    interval = _read_interval(text)
    if isinstance(interval, Duration):
        return Due(interval.add_to(now, zone=zone))
    return Due(interval.occur(now, zone, 1, workdays), now.astimezone(UTC).isoformat(), str(interval), 1, 0, zone.key)


def _read_interval(text: str) -> Interval:
    return WorkPeriod.parse(text) if is_period(text) else Duration.parse(text)


def _occurrence(anchor: str, interval: Interval, index: int, zone: ZoneInfo, workdays: Workdays) -> datetime:
    if isinstance(interval, WorkPeriod):
        return interval.occur(read_start(anchor, zone), zone, index, workdays)
    local, instant = read_instant(anchor, zone)
    return interval.occur(local or instant, zone, index)


# ---- cycles ----------------------------------------------------------------------------------------------------------
def _match(text: str, after: datetime, zone: ZoneInfo, index: int) -> Due:
    at = next_match(text, after, zone)
    return Due(at, at.isoformat(), text, index, None, zone.key)


def _first_of_cycle(text: str, now: datetime, zone: ZoneInfo, workdays: Workdays) -> Due:
    if is_cron(text):
        return _match(text, now, zone, 1)
    found = _REPEAT.fullmatch(text)
    if not found:
        raise MomentInvalid(text, "moment_no_cycle")
    repeats = int(found[1]) if found[1] else None
    if repeats is not None and not 0 < repeats <= MAX_REPEATS:
        raise MomentInvalid(text, "moment_repeats", limit=MAX_REPEATS)
    first, _, second = found[2].partition("/")
    anchor, interval = _read_bounds(text, first, second, now, zone)
    if interval.shortest() < SHORTEST_CYCLE:
        raise MomentInvalid(text, "moment_cycle_too_short")
    low, last = _indexes(repeats, from_now=not second, to_end=bool(second) and first.startswith("P"))
    index = 1 if not second else _first_not_before(anchor, interval, now, (low, last), zone, workdays)
    at = _occurrence(anchor, interval, index, zone, workdays)
    return Due(at, anchor, str(interval), index, None if last is None else last - index, zone.key)


def _indexes(repeats: int | None, *, from_now: bool, to_end: bool) -> tuple[int | None, int | None]:
    """The first and last occurrence, counted from the anchor: an end is the last one (as Camunda 7 reads it)."""
    if to_end:
        return (None if repeats is None else 1 - repeats), 0
    low = 1 if from_now else 0
    return low, (None if repeats is None else low + repeats - 1)


def _read_bounds(text: str, first: str, second: str, now: datetime, zone: ZoneInfo) -> tuple[str, Interval]:
    """Anchor and interval of `duration`, `start/duration`, `start/end` or `duration/end`."""
    if not second:
        return now.astimezone(UTC).isoformat(), _read_interval(first)
    if first.startswith("P"):
        parse_instant(second, zone)
        return second, _read_interval(first)
    if is_period(second):
        read_start(first, zone)
        return first, WorkPeriod.parse(second)
    if DATE.fullmatch(first):
        first += "T00:00"  # an occurrence that is a whole day begins with the day
    start = parse_instant(first, zone)
    if second.startswith("P"):
        return first, Duration.parse(second)
    length = parse_instant(second, zone) - start
    if length <= timedelta(0):
        raise MomentInvalid(text, "moment_end_before_start")
    return first, Duration.parse(str(Duration(rest=length)))


def _first_not_before(
    anchor: str,
    interval: Interval,
    now: datetime,
    indexes: tuple[int | None, int | None],
    zone: ZoneInfo,
    workdays: Workdays,
) -> int:
    """The index of the first occurrence at or after `now` among `indexes`, or the last one. Occurrences only go forward."""
    lowest, last = indexes
    away = (now - _occurrence(anchor, interval, 0, zone, workdays)) // interval.shortest()
    low = min(away, 0) if lowest is None else lowest
    high = max(away + 1, low) if last is None else last
    while low < high:
        middle = (low + high) // 2
        try:
            reached = _occurrence(anchor, interval, middle, zone, workdays) >= now
        except OverflowError:  # intervals are longer than their shortest, so a bound may lie beyond the calendar
            reached = middle > 0
        low, high = (low, middle) if reached else (middle + 1, high)
    return low
