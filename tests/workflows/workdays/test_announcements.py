"""What the State Council announced for 2018 to 2026, kept by hand, beside the two packages that hold it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import holidays
import pytest

from workflows.workdays import announced_calendar, read_announced

# Year: document number; holidays as first and last day; make-up days. Days of rest that plain weekends give anyway are there
# where the notice names them. A notice of one year may decide about the last days of the year before.
ANNOUNCEMENTS: dict[int, tuple[str, str, str]] = {
    2018: (
        "国办发明电〔2017〕12号",
        "01-01 02-15/02-21 04-05/04-07 04-29/05-01 06-16/06-18 09-22/09-24 10-01/10-07",
        "02-11 02-24 04-08 04-28 09-29 09-30",
    ),
    2019: (  # the notice itself, and 〔2019〕3号, which made May Day longer
        "国办发明电〔2018〕15号、〔2019〕3号",
        "2018-12-30/2019-01-01 02-04/02-10 04-05/04-07 05-01/05-04 06-07/06-09 09-13/09-15 10-01/10-07",
        "2018-12-29 02-02 02-03 04-28 05-05 09-29 10-12",
    ),
    2020: (  # 〔2020〕1号 made the Spring Festival longer, to 2 February; National Day and Mid-Autumn were one
        "国办发明电〔2019〕16号、〔2020〕1号",
        "01-01 01-24/02-02 04-04/04-06 05-01/05-05 06-25/06-27 10-01/10-08",
        "01-19 04-26 05-09 06-28 09-27 10-10",
    ),
    2021: (
        "国办发明电〔2020〕27号",
        "01-01/01-03 02-11/02-17 04-03/04-05 05-01/05-05 06-12/06-14 09-19/09-21 10-01/10-07",
        "02-07 02-20 04-25 05-08 09-18 09-26 10-09",
    ),
    2022: (
        "国办发明电〔2021〕11号",
        "01-01/01-03 01-31/02-06 04-03/04-05 04-30/05-04 06-03/06-05 09-10/09-12 10-01/10-07",
        "01-29 01-30 04-02 04-24 05-07 10-08 10-09",
    ),
    2023: (
        "国办发明电〔2022〕16号",
        "2022-12-31/2023-01-02 01-21/01-27 04-05 04-29/05-03 06-22/06-24 09-29/10-06",
        "01-28 01-29 04-23 05-06 06-25 10-07 10-08",
    ),
    2024: (
        "国办发明电〔2023〕7号",
        "2023-12-30/2024-01-01 02-10/02-17 04-04/04-06 05-01/05-05 06-08/06-10 09-15/09-17 10-01/10-07",
        "02-04 02-18 04-07 04-28 05-11 09-14 09-29 10-12",
    ),
    2025: (
        "国办发明电〔2024〕12号",
        "01-01 01-28/02-04 04-04/04-06 05-01/05-05 05-31/06-02 10-01/10-08",
        "01-26 02-08 04-27 09-28 10-11",
    ),
    2026: (
        "国办发明电〔2025〕7号",
        "01-01/01-03 02-15/02-23 04-04/04-06 05-01/05-05 06-19/06-21 09-25/09-27 10-01/10-07",
        "01-04 02-14 02-28 05-09 09-20 10-10",
    ),
}


def read_days(year: int, text: str) -> Iterator[date]:
    """The days of one column."""
    for part in text.split():
        first, _, last = part.partition("/")
        days = [date.fromisoformat(each if len(each) > 5 else f"{year}-{each}") for each in (first, last or first)]
        yield from (days[0] + timedelta(days=offset) for offset in range((days[1] - days[0]).days + 1))


def all_days() -> dict[date, bool]:
    """Every day of 2018 to 2026, and whether it is worked by the hand-kept table."""
    free = {day for year, (_, text, _) in ANNOUNCEMENTS.items() for day in read_days(year, text)}
    made_up = {day for year, (_, _, text) in ANNOUNCEMENTS.items() for day in read_days(year, text)}
    assert not free & made_up
    assert all(day.isoweekday() > 5 for day in made_up)
    days = [date(2018, 1, 1) + timedelta(days=offset) for offset in range((date(2027, 1, 1) - date(2018, 1, 1)).days)]
    return {day: day in made_up or (day.isoweekday() <= 5 and day not in free) for day in days}


def test_the_software_counts_as_was_announced() -> None:
    calendar = announced_calendar()
    assert [day for day, works in all_days().items() if calendar.is_workday(day) != works] == []


def test_a_second_package_says_the_same() -> None:
    china = holidays.country_holidays("CN", years=range(2018, 2027))
    assert [day for day, works in all_days().items() if china.is_working_day(day) != works] == []


@pytest.mark.parametrize("year", sorted(ANNOUNCEMENTS))
def test_the_source_of_a_year_is_its_notice(year: int) -> None:
    found = read_announced(year)
    assert found is not None
    assert found.source == ANNOUNCEMENTS[year][0]


@pytest.mark.parametrize("year", sorted(ANNOUNCEMENTS))
def test_what_a_notice_changes_has_a_name_with_us(year: int) -> None:
    """`chinesecalendar` leaves some Saturdays and Sundays of a holiday unnamed (June 2018 and 2024); they are free anyway."""
    calendar = announced_calendar()
    _, free, made_up = ANNOUNCEMENTS[year]
    changed = [*(day for day in read_days(year, free) if day.isoweekday() <= 5), *read_days(year, made_up)]
    assert [day for day in changed if calendar.describe(day).name is None] == []
