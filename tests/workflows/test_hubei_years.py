"""Hubei's months and batches, in every year of 2000 to 2050: leap years and month ends included."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import yaml

from engine.moments import SHANGHAI
from workflows.deadlines import DateValue, expand, load_date
from workflows.notices import bundled_notices

LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Of the months, but for February in leap years."""
STATED = yaml.safe_load(bundled_notices()["hubei_2023"]["notice.yaml"])["dates"]


def in_year(name: str, year: int, **more: object) -> tuple[DateValue, ...]:
    """The single dates of a series of the notice, as if it had been issued in another year."""
    moved = {key: value.replace("2023", str(year)) if key in ("value", "until") else value for key, value in STATED[name].items()}
    return expand(load_date({**moved, **more}))


def last_of(year: int, month: int) -> date:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, month, LENGTHS[month - 1] + (month == 2 and leap))


@pytest.mark.parametrize("year", range(2000, 2051))
def test_every_month_has_its_cutoff(year: int) -> None:
    assert [each.key for each in in_year("month_ends", year)] == [f"{year}-{month:02}" for month in range(5, 13)]
    months = in_year("month_ends", year, value=f"{year}-01")
    assert [each.due_on for each in months] == [last_of(year, month) for month in range(1, 13)]
    for each in months:
        assert each.due_on is not None
        following = each.due_on + timedelta(days=1)
        assert following.day == 1
        assert each.cutoff_at == datetime(following.year, following.month, 1, tzinfo=SHANGHAI)


@pytest.mark.parametrize("year", range(2000, 2051))
def test_two_batches_each_year(year: int) -> None:
    assert [(each.key, each.due_on) for each in in_year("half_years", year)] == [
        (f"{year}-H1", date(year, 6, 30)),
        (f"{year}-H2", date(year, 11, 30)),
    ]
    assert [each.due_on for each in in_year("half_years", year, months=[2, 12])] == [last_of(year, 2), date(year, 12, 31)]
