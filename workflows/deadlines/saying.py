"""Dates in words, for people: always with the zone, and midnight as 24:00 of the day that ends."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

from engine.moments import SHANGHAI
from engine.texts import Catalogue, Language
from workflows.deadlines.kinds import DateValue, HalfYear, Instant, MonthEnd, Range, Unknown, Weekly
from workflows.deadlines.origins import last_day


@cache
def _texts() -> Catalogue:
    return Catalogue("workflows")


def _say(code: str, language: Language, **values: object) -> str:
    return _texts().say(code, language, values)


def say_day(day: date, language: Language) -> str:
    """2022年8月10日, 10 August 2022."""
    month = _say(f"date_month_{day.month}", language)
    return _say("date_day", language, year=day.year, month=month, day=day.day)


def say_zone(zone: ZoneInfo, language: Language) -> str:
    """北京时间, Beijing time; another zone by its name."""
    return _say("date_zone_shanghai", language) if zone.key == SHANGHAI.key else zone.key


def _say_clock(day: date, clock: str, zone: ZoneInfo, language: Language) -> str:
    return _say("date_moment", language, day=say_day(day, language), clock=clock, zone=say_zone(zone, language))


def say_cutoff(cutoff_at: datetime, language: Language, *, zone: ZoneInfo = SHANGHAI) -> str:
    """A half-open cut-off: the midnight after 10 August is 2022年8月10日24:00(北京时间)."""
    local = cutoff_at.astimezone(zone)
    if local.time() == time(0):
        return _say_clock(last_day(cutoff_at, zone.key), "24:00", zone, language)
    return _say_clock(local.date(), f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}", zone, language)


def say_moment(moment: datetime, language: Language, *, zone: ZoneInfo = SHANGHAI) -> str:
    """A moment to the second, as receipts print it: 2022年8月10日23:59:59(北京时间). Midnight is 00:00:00 of its own day."""
    local = moment.astimezone(zone)
    return _say_clock(local.date(), f"{local:%H:%M:%S}", zone, language)


def say_date(value: DateValue, language: Language) -> str:
    """A date as people read it: its cut-off, its time, its series, or the candidates of an unknown one."""
    if isinstance(value, Unknown):
        if not value.candidates:
            return _say("date_unknown", language)
        join = _say("date_or", language)
        return _say("date_candidates", language, candidates=join.join(say_date(each, language) for each in value.candidates))
    if isinstance(value, Range):
        return _say("date_range", language, first=say_day(value.first, language), last=say_day(value.last, language))
    if isinstance(value, Weekly):
        weekday = _say(f"date_weekday_{value.weekday}", language)
        last = None if value.last is None else say_day(value.last, language)
        return _say_series("date_weekly", say_day(value.first, language), last, language, weekday=weekday)
    if isinstance(value, MonthEnd) and value.repeats:
        return _say_series("date_month_ends", _say_month(value.value, language), _say_month(value.until, language), language)
    if isinstance(value, HalfYear) and value.repeats:
        months = {name: _say(f"date_month_{month}", language) for name, month in zip(("one", "two"), value.months, strict=True)}
        first, last = _say_half(value.value, language), _say_half(value.until, language)
        return _say_series("date_half_years", first, last, language, **months)
    cutoff_at = value.cutoff_at
    return _say("date_unknown", language) if cutoff_at is None else say_cutoff(cutoff_at, language, zone=ZoneInfo(value.zone))


def say_period(key: str, language: Language) -> str:
    """The name of one occurrence of a series (`2023-05`, `2023-H1`, a day) for people; any other key as it is."""
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", key, re.ASCII):
        return _say_month(key, language) or key
    if re.fullmatch(r"\d{4}-H[12]", key, re.ASCII):
        return _say_half(key, language) or key
    try:
        return say_day(date.fromisoformat(key), language)
    except ValueError:
        return key


def say_reading(value: DateValue, language: Language) -> str:
    """How the words are read: the notice's data say it, or which reading of 前 was chosen; empty where there is no choice."""
    if value.reading is not None:
        return value.reading.zh if language == "zh" else value.reading.en
    if isinstance(value, (Range, Weekly, Instant, Unknown)):
        return ""
    return _say("date_reading_included" if value.includes_last_day else "date_reading_before", language)


def _say_month(month: str | None, language: Language) -> str | None:
    if month is None:
        return None
    return _say("date_year_month", language, year=int(month[:4]), month=_say(f"date_month_{int(month[5:])}", language))


def _say_half(half: str | None, language: Language) -> str | None:
    return None if half is None else _say(f"date_half_{half[-1]}", language, year=int(half[:4]))


def _say_series(code: str, first: str | None, last: str | None, language: Language, **values: object) -> str:
    span = _say("date_from", language, first=first) if last is None else _say("date_range", language, first=first, last=last)
    return _say(code, language, span=span, **values)
