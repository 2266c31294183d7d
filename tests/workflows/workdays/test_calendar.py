"""Work days: the announced years, counting, and what is not announced yet."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.workdays import ReckonedCount, ReckonedDay, WorkCalendar, WorkDay, announced_calendar, announced_years

ANNOUNCED = announced_calendar()
LAST_YEAR = announced_years()[-1]


@pytest.mark.parametrize(
    ("year", "count"), [(2018, 250), (2019, 250), (2020, 249), (2021, 250), (2022, 249), (2023, 249), (2024, 251), (2025, 248)]
)
def test_work_days_of_a_year(year: int, count: int) -> None:
    assert ANNOUNCED.workdays_between(date(year - 1, 12, 31), date(year, 12, 31)) == ReckonedCount(count, provisional=False)


@pytest.mark.parametrize("day", [date(2022, 10, 8), date(2022, 10, 9), date(2023, 1, 28), date(2023, 6, 25), date(2018, 12, 29)])
def test_make_up_days_are_work_days(day: date) -> None:
    assert day.isoweekday() > 5
    found = ANNOUNCED.describe(day)
    assert (found.is_workday, found.provisional) == (True, False)
    assert None not in (found.name, found.source)


def test_a_day_tells_what_it_is() -> None:
    assert ANNOUNCED.describe(date(2023, 1, 24)).name == ("春节", "Spring Festival")
    plain = ANNOUNCED.describe(date(2022, 8, 10))
    assert (plain.is_workday, plain.name, plain.source, plain.provisional) == (True, None, None, False)


@pytest.mark.parametrize(
    ("day", "count", "result"),
    [
        (date(2022, 9, 30), 1, date(2022, 10, 8)),  # over the National Day, to a Saturday that is worked
        (date(2022, 9, 30), 3, date(2022, 10, 10)),
        (date(2022, 10, 8), -1, date(2022, 9, 30)),
        (date(2022, 8, 10), -7, date(2022, 8, 1)),
        (date(2022, 10, 1), 0, date(2022, 10, 8)),
        (date(2022, 10, 8), 0, date(2022, 10, 8)),
        (date(2023, 1, 20), 1, date(2023, 1, 28)),
    ],
)
def test_counting_over_holidays(day: date, count: int, result: date) -> None:
    assert ANNOUNCED.add_workdays(day, count) == ReckonedDay(result, provisional=False)


def test_a_year_that_is_not_announced_is_provisional() -> None:
    new_year = date(LAST_YEAR + 1, 1, 1)
    found = ANNOUNCED.describe(new_year)
    assert (found.source, found.provisional, found.is_workday) == (None, True, new_year.isoweekday() <= 5)
    assert ANNOUNCED.add_workdays(date(LAST_YEAR, 12, 20), 30).provisional
    assert not ANNOUNCED.add_workdays(date(LAST_YEAR, 12, 1), 5).provisional
    assert ANNOUNCED.workdays_between(date(LAST_YEAR, 12, 1), date(LAST_YEAR + 1, 1, 15)).provisional
    assert ANNOUNCED.next_workday(new_year).provisional
    assert ANNOUNCED.is_provisional(date(2003, 12, 31))


def test_the_last_days_of_the_last_announced_year_may_still_move() -> None:
    assert ANNOUNCED.is_provisional(date(LAST_YEAR, 12, 29))
    assert not ANNOUNCED.is_provisional(date(LAST_YEAR - 1, 12, 29))


def test_what_somebody_decided_is_firm_whatever_the_year() -> None:
    free, worked = date(2022, 8, 10), date(LAST_YEAR + 1, 1, 4)
    decided = [
        WorkDay(free, False, ("系统维护", "Maintenance"), "甲发〔2022〕1号"),
        WorkDay(worked, True, ("上班", "Worked"), "甲发"),
    ]
    local = WorkCalendar.of([*ANNOUNCED.days.values(), *decided], ANNOUNCED.years)
    assert local.describe(free).source == "甲发〔2022〕1号"
    assert local.add_workdays(date(2022, 8, 9), 1) == ReckonedDay(date(2022, 8, 11), provisional=False)
    assert not local.is_provisional(worked)
    assert ANNOUNCED.is_workday(free)
    assert local.version != ANNOUNCED.version
    assert local.version == WorkCalendar.of([*reversed(decided), *ANNOUNCED.days.values()], sorted(ANNOUNCED.years)).version


@pytest.mark.parametrize("count", [10_001, -10_001])
def test_slips_of_the_pen_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="more than"):
        ANNOUNCED.add_workdays(date(2022, 8, 10), count)
    with pytest.raises(ValueError, match="apart"):
        ANNOUNCED.workdays_between(date(2022, 8, 10), date(2022, 8, 10) + timedelta(days=count))


days = st.dates(date(2000, 1, 1), date(2050, 12, 31))


@settings(deadline=None)
@given(days, st.integers(-80, 80).filter(bool))
def test_counting_back_gives_the_count(day: date, count: int) -> None:
    found = ANNOUNCED.add_workdays(day, count)
    assert ANNOUNCED.is_workday(found.day)
    assert (found.day > day) == (count > 0)
    assert ANNOUNCED.workdays_between(day, found.day) == ReckonedCount(count, found.provisional)


@settings(deadline=None)
@given(days, st.integers(-120, 120), st.integers(-120, 120))
def test_counts_add_up(day: date, first: int, second: int) -> None:
    middle, end = day + timedelta(days=first), day + timedelta(days=first + second)
    if (first >= 0) == (second >= 0):
        total = ANNOUNCED.workdays_between(day, middle).count + ANNOUNCED.workdays_between(middle, end).count
        assert ANNOUNCED.workdays_between(day, end).count == total
