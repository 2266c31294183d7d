"""When reminders are due: in work days from the due date, at nine in Beijing. The letters are tested with the reviews."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from workflows.reminders import Rule, list_occurrences
from workflows.workdays import announced_calendar

BEIJING = ZoneInfo("Asia/Shanghai")
RULE = Rule("review", (1, 7, 3), True, "daily", ("assignee",), "reminder")
DUE = datetime(2022, 10, 31, 16, tzinfo=UTC)
"""24:00 of Monday 2022-10-31."""


def names(rule: Rule, due: datetime, now: datetime) -> list[tuple[str, str]]:
    return [
        (found.name, found.at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M"))
        for found in list_occurrences(rule, due, now, announced_calendar())
    ]


def test_before_on_and_after_the_day_in_work_days() -> None:
    assert names(RULE, DUE, datetime(2022, 8, 20, tzinfo=UTC)) == [
        ("before7", "2022-10-20 09:00"),
        ("before3", "2022-10-26 09:00"),
        ("before1", "2022-10-28 09:00"),  # Friday: the weekend between is not counted
        ("day", "2022-10-31 09:00"),
        ("overdue20221101", "2022-11-01 09:00"),
    ]


def test_holidays_are_not_counted() -> None:
    due = datetime(2022, 10, 10, 16, tzinfo=UTC)
    assert names(RULE, due, datetime(2022, 9, 1, tzinfo=UTC))[:3] == [
        ("before7", "2022-09-26 09:00"),
        ("before3", "2022-09-30 09:00"),  # 8 and 9 October are make-up days, the seven before are the National Day's
        ("before1", "2022-10-09 09:00"),
    ]


def test_what_has_passed_is_not_planned() -> None:
    nine = datetime(2022, 10, 28, 1, tzinfo=UTC)
    assert [name for name, _ in names(RULE, DUE, nine - timedelta(seconds=1))] == ["before1", "day", "overdue20221101"]
    assert [name for name, _ in names(RULE, DUE, nine)] == ["day", "overdue20221101"]


@pytest.mark.parametrize(
    ("now", "next_"),
    [
        (datetime(2022, 11, 1, 1, tzinfo=UTC), "overdue20221102"),  # Tuesday 9:00 itself has come
        (datetime(2022, 11, 4, 2, tzinfo=UTC), "overdue20221107"),  # Friday 10:00 → Monday
        (datetime(2023, 1, 20, 2, tzinfo=UTC), "overdue20230128"),  # the Spring Festival; Saturday 28 January is a make-up day
        (datetime(2022, 11, 1, 0, tzinfo=UTC), "overdue20221101"),
    ],
)
def test_overdue_comes_on_every_work_day_from_the_anchor(now: datetime, next_: str) -> None:
    assert [name for name, _ in names(RULE, DUE, now)] == [next_]


def test_a_plan_without_days_plans_nothing() -> None:
    assert names(Rule("x", (), False, "none", ("assignee",), "reminder"), DUE, datetime(2022, 8, 1, tzinfo=UTC)) == []


def test_work_days_after_the_due_day() -> None:
    rule = replace(RULE, work_days_before=(), overdue="none", after=(5, 1))
    assert names(rule, DUE, datetime(2022, 8, 20, tzinfo=UTC)) == [
        ("day", "2022-10-31 09:00"),
        ("after1", "2022-11-01 09:00"),
        ("after5", "2022-11-07 09:00"),  # the weekend between is not counted
    ]


def test_a_planned_day_and_a_repetition_at_the_same_moment_are_one() -> None:
    rule = replace(RULE, work_days_before=(), on_the_day=False, after=(1, 2))
    at = datetime(2022, 10, 31, 12, tzinfo=UTC)
    assert [name for name, _ in names(rule, DUE, at)] == ["after1", "after2"]
    assert [name for name, _ in names(rule, DUE, datetime(2022, 11, 1, 1, tzinfo=UTC))] == ["after2"]
    assert [name for name, _ in names(rule, DUE, datetime(2022, 11, 2, 1, tzinfo=UTC))] == ["overdue20221103"]


def test_overdue_every_week_from_the_due_day() -> None:
    rule = replace(RULE, work_days_before=(), on_the_day=False, overdue="weekly")
    found, now = [], datetime(2023, 1, 1, tzinfo=UTC)
    for _ in range(6):
        [(name, moment)] = names(rule, DUE, now)
        found.append((name.removeprefix("overdue"), moment))
        now = datetime.strptime(moment, "%Y-%m-%d %H:%M").replace(tzinfo=BEIJING)
    assert found == [
        ("20230103", "2023-01-03 09:00"),  # Monday 2 January is a holiday
        ("20230109", "2023-01-09 09:00"),
        ("20230116", "2023-01-16 09:00"),
        ("20230128", "2023-01-28 09:00"),  # the Spring Festival; Saturday 28 January is a make-up day
        ("20230130", "2023-01-30 09:00"),
        ("20230206", "2023-02-06 09:00"),
    ]
    assert names(rule, DUE, datetime(2022, 8, 1, tzinfo=UTC)) == [("overdue20221107", "2022-11-07 09:00")]
