"""Single dates of a series, computed from its anchor: month ends, half-years' batches, every Thursday."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from workflows.deadlines.kinds import DateValue, Day, HalfYear, Instant, MonthEnd, Unknown, Weekly


def expand(value: DateValue, until: date | None = None) -> tuple[DateValue, ...]:
    """The single dates of `value` that are due by `until` (included), in order; all of them without `until`.

    A date that does not repeat is its own only occurrence; an unknown date has none. Words, reading, source and zone stay; a
    single date that was moved (`moved`) is ours, and keeps its key.
    Raises ValueError for an endless series without `until`.
    """
    if isinstance(value, Unknown):
        return ()
    if isinstance(value, MonthEnd) and value.repeats:
        series: Iterator[DateValue] = _month_ends(value, until)
    elif isinstance(value, HalfYear) and value.repeats:
        series = _half_years(value, until)
    elif isinstance(value, Weekly):
        series = _weekdays(value, until)
    else:
        series = iter((value,))
    found = []
    for single in series:
        if until is not None and single.due_on is not None and single.due_on > until:
            break
        found.append(single)
    moved = (getattr(value, "moved", None) or {}).items() if found else ()
    places = {single.key: place for place, single in enumerate(found)}
    for key, moment in moved:
        if key in places:
            found[places[key]] = Instant(value=moment, occurrence=key, source="ours", label=value.label, zone=value.zone)
    return tuple(found)


def repeats_until(value: DateValue) -> bool:
    """Whether the date is a series that ends: its single dates can be counted. An unknown date is none."""
    if isinstance(value, Weekly):
        return value.last is not None
    return isinstance(value, (MonthEnd, HalfYear)) and value.repeats and value.until is not None


def _check_end(last: object, until: date | None) -> None:
    if last is None and until is None:
        raise ValueError("an endless series needs a day until which it is expanded")


def _month_ends(value: MonthEnd, until: date | None) -> Iterator[DateValue]:
    _check_end(value.until, until)
    year, month = int(value.value[:4]), int(value.value[5:])
    while (name := f"{year:04}-{month:02}") <= (value.until or "2199-12"):
        yield value.model_copy(update={"value": name, "repeats": False, "until": None, "moved": None})
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _half_years(value: HalfYear, until: date | None) -> Iterator[DateValue]:
    _check_end(value.until, until)
    year, half = int(value.value[:4]), int(value.value[-1])
    while (name := f"{year:04}-H{half}") <= (value.until or "2199-H2"):
        yield value.model_copy(update={"value": name, "repeats": False, "until": None, "moved": None})
        year, half = (year, 2) if half == 1 else (year + 1, 1)


def _weekdays(value: Weekly, until: date | None) -> Iterator[DateValue]:
    _check_end(value.last, until)
    day = value.first + timedelta(days=(value.weekday - value.first.isoweekday()) % 7)
    kept = {name: getattr(value, name) for name in ("source", "label", "words", "reading", "note", "text", "zone")}
    while day <= (value.last or until or value.first):
        yield Day(value=day, **kept)
        day += timedelta(days=7)
