"""The years that the software brings along: `chinesecalendar` holds the announced ones and refuses the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from importlib.metadata import version

import chinese_calendar

from workflows.workdays.arrangements import Arranged, Arrangement
from workflows.workdays.calendar import WorkCalendar, WorkDay

NUMBERS: Mapping[int, str] = {
    2018: "国办发明电〔2017〕12号",
    2019: "国办发明电〔2018〕15号、〔2019〕3号",
    2020: "国办发明电〔2019〕16号、〔2020〕1号",
    2021: "国办发明电〔2020〕27号",
    2022: "国办发明电〔2021〕11号",
    2023: "国办发明电〔2022〕16号",
    2024: "国办发明电〔2023〕7号",
    2025: "国办发明电〔2024〕12号",
    2026: "国办发明电〔2025〕7号",
}
"""The State Council's notices (国务院办公厅关于…部分节假日安排的通知) by year."""


@cache
def announced_years() -> tuple[int, ...]:
    """The years that the software knows."""
    return tuple(year for year in range(2000, 2100) if _has_data(year))


@cache
def read_announced(year: int) -> Arrangement | None:
    """The days of a year that differ from plain weeks or carry a name; None for a year that the software does not know."""
    if not _has_data(year):
        return None
    days, day = {}, date(year, 1, 1)
    while day.year == year:
        is_holiday, name = chinese_calendar.get_holiday_detail(day)
        if name is not None or is_holiday != (day.isoweekday() > 5):
            days[day] = Arranged(not is_holiday, *_name_holiday(name))
        day += timedelta(days=1)
    return Arrangement(year, days, NUMBERS.get(year, f"chinesecalendar {version('chinesecalendar')}"))


@cache
def announced_calendar() -> WorkCalendar:
    """The calendar of all years that the software knows: what is counted by before anybody has changed anything."""
    found = [arrangement for year in announced_years() if (arrangement := read_announced(year)) is not None]
    days = [
        WorkDay(day, each.is_workday, (each.name_zh, each.name_en), arrangement.source)
        for arrangement in found
        for day, each in arrangement.days.items()
    ]
    return WorkCalendar.of(days, announced_years())


def _has_data(year: int) -> bool:
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def _name_holiday(name: str | None) -> tuple[str, str]:
    holiday = next((each for each in chinese_calendar.Holiday if each.value == name), None)
    return (name or "", name or "") if holiday is None else (holiday.chinese, holiday.value)
