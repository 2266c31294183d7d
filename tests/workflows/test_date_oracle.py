"""PostgreSQL's calendar arithmetic as an independent oracle of our dates: one statement for each batch of examples."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.database import open_database
from engine.moments import SHANGHAI, Due, Duration, count_weekdays, first_due, next_due
from workflows.deadlines import Day, HalfYear, MonthEnd, TenDayPeriod, Weekly, expand
from workflows.workdays import announced_calendar, announced_years

pytestmark = pytest.mark.postgresql
PERIODS = ("early", "middle", "late")
CHANCE = random.Random(20230329)


@pytest.fixture
def ask(postgresql_url: str) -> Any:
    """Asks PostgreSQL one question; rows as tuples."""
    database = open_database(postgresql_url)

    def run(text: str, **values: Any) -> Sequence[Any]:
        with database.connect() as connection:
            connection.execute(sa.text("SET TIME ZONE 'Asia/Shanghai'"))
            return [tuple(row) for row in connection.execute(sa.text(text), values)]

    yield run
    database.dispose()


def test_month_ends_and_their_cutoffs(ask: Any) -> None:
    told = ask("""
        SELECT to_char(month, 'YYYY-MM'), (month + interval '1 month - 1 day')::date, month + interval '1 month'
        FROM generate_series(timestamptz '2000-01-01', timestamptz '2050-12-01', interval '1 month') AS month ORDER BY month
    """)
    series = MonthEnd(value="2000-01", repeats=True, until="2050-12", source="ours")
    assert [(each.key, each.due_on, each.cutoff_at) for each in expand(series)] == told
    assert len(told) == 51 * 12


def test_ten_day_periods(ask: Any) -> None:
    told = ask("""
        SELECT to_char(month, 'YYYY-MM'), (month + make_interval(days => 10 * part))::date,
            CASE part WHEN 2 THEN (month + interval '1 month')::date - 1
                ELSE (month + make_interval(days => 10 * part + 9))::date END
        FROM generate_series(timestamp '2000-01-01', timestamp '2050-12-01', interval '1 month') AS month,
            generate_series(0, 2) AS part
        ORDER BY month, part
    """)
    months = [f"{year:04}-{month:02}" for year in range(2000, 2051) for month in range(1, 13)]
    found = [(month, *TenDayPeriod(value=month, period=period, source="ours").days) for month in months for period in PERIODS]  # type: ignore[arg-type]
    assert found == told


def test_half_years(ask: Any) -> None:
    told = ask("""
        SELECT to_char(half, 'YYYY') || '-H' || CASE WHEN extract(month FROM half) = 1 THEN 1 ELSE 2 END,
            (half + interval '6 months - 1 day')::date
        FROM generate_series(timestamp '2000-01-01', timestamp '2050-07-01', interval '6 months') AS half ORDER BY half
    """)
    series = HalfYear(value="2000-H1", repeats=True, until="2050-H2", source="ours")
    assert [(each.key, each.due_on) for each in expand(series)] == told


def test_days_of_the_week(ask: Any) -> None:
    told = ask("""
        SELECT weekday, day::date FROM generate_series(1, 7) AS weekday,
            generate_series(timestamp '2000-01-01', timestamp '2004-12-31', interval '1 day') AS day
        WHERE extract(isodow FROM day) = weekday ORDER BY weekday, day
    """)
    found = [
        (weekday, each.value)
        for weekday in range(1, 8)
        for each in expand(Weekly(weekday=weekday, first=date(2000, 1, 1), last=date(2004, 12, 31), source="ours"))
        if isinstance(each, Day)
    ]
    assert found == told


def some_moments(count: int) -> list[datetime]:
    """Moments of 2000 to 2050, many of them at ends of months and at midnight."""
    found = []
    for _ in range(count):
        day = date(2000, 1, 1) + timedelta(days=CHANCE.randrange(51 * 365))
        if CHANCE.random() < 0.5:
            day = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=CHANCE.choice((0, 1, 2)))
        seconds = CHANCE.choice((0, 0, 32_400, CHANCE.randrange(86_400)))
        found.append(datetime.combine(day, datetime.min.time(), SHANGHAI) + timedelta(seconds=seconds))
    return found


def test_durations(ask: Any) -> None:
    texts = [
        f"P{y}Y{m}M{d}DT{h}H{s}S"
        for y, m, d, h, s in (
            tuple(CHANCE.choice((0, CHANCE.randrange(most))) for most in (12, 30, 400, 90, 9_999)) for _ in range(2_000)
        )
    ]
    moments = some_moments(len(texts))
    told = ask(
        "SELECT moment + length::interval FROM unnest(CAST(:moments AS timestamptz[]), CAST(:texts AS text[]))"
        " WITH ORDINALITY AS each (moment, length, place) ORDER BY place",
        moments=moments,
        texts=texts,
    )
    assert [(Duration.parse(text).add_to(moment),) for text, moment in zip(texts, moments, strict=True)] == told


@pytest.mark.parametrize(("interval", "length"), [("P1M", "1 month"), ("P3M", "3 months"), ("P1Y", "1 year"), ("P1W", "7 days")])
def test_cycles_come_from_their_anchor(ask: Any, interval: str, length: str) -> None:
    anchors = [moment.replace(second=0, microsecond=0) for moment in some_moments(40)]
    told = ask(
        f"SELECT place, each + n * interval '{length}'"
        " FROM unnest(CAST(:anchors AS timestamptz[])) WITH ORDINALITY AS one (each, place), generate_series(0, 59) AS n"
        " ORDER BY place, n",
        anchors=anchors,
    )
    found = []
    for place, anchor in enumerate(anchors, start=1):
        due: Due | None = first_due("timeCycle", f"R60/{anchor.isoformat()}/{interval}", anchor)
        while due is not None:
            found.append((place, due.at))
            due = next_due(due)
    assert found == told


@pytest.mark.parametrize(
    ("cron", "where"),
    [
        ("0 9 L * *", "(day + 1)::date = date_trunc('month', day + 1)"),
        ("0 9 31 * *", "extract(day FROM day) = 31"),
        ("0 9 29 2 *", "extract(day FROM day) = 29 AND extract(month FROM day) = 2"),
        ("0 9 * * 1-5", "extract(isodow FROM day) <= 5"),
        ("0 9 * 6,11 4", "extract(isodow FROM day) = 4 AND extract(month FROM day) IN (6, 11)"),
        ("0 9 13 * 5", "extract(isodow FROM day) = 5 OR extract(day FROM day) = 13"),
    ],
)
def test_cron_texts(ask: Any, cron: str, where: str) -> None:
    told = ask(f"""
        SELECT (day + time '09:00') AT TIME ZONE 'Asia/Shanghai' FROM
            (SELECT day::date
             FROM generate_series(timestamp '2000-01-01', timestamp '2012-12-31', interval '1 day') AS day) AS days
        WHERE {where} ORDER BY 1
    """)
    due: Due | None = first_due("timeCycle", cron, datetime(2000, 1, 1, tzinfo=SHANGHAI))
    found = []
    while due is not None and due.at < datetime(2013, 1, 1, tzinfo=SHANGHAI):
        found.append((due.at,))
        due = next_due(due)
    assert found == told


def test_work_days(ask: Any) -> None:
    """Counted by PostgreSQL over the days that are worked, numbered one after the other."""
    calendar, years = announced_calendar(), announced_years()
    special = [(day, each.is_workday) for day, each in calendar.days.items()]
    days = [date(years[0], 2, 1) + timedelta(days=CHANCE.randrange(365 * (len(years) - 1))) for _ in range(1_500)]
    counts = [CHANCE.randrange(1, 60) for _ in days]
    for plain in (False, True):
        told = ask(
            """
            WITH special AS (SELECT * FROM unnest(CAST(:days AS date[]), CAST(:worked AS boolean[])) AS each (day, worked)),
            numbered AS (
                SELECT day::date, row_number() OVER (ORDER BY day) AS number
                FROM generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), interval '1 day') AS day
                LEFT JOIN special USING (day) WHERE coalesce(worked, extract(isodow FROM day) <= 5)
            )
            SELECT (SELECT after.day FROM numbered AS after WHERE after.number =
                (SELECT coalesce(max(number), 0) FROM numbered AS upto WHERE upto.day <= asked) + count)
            FROM unnest(CAST(:asked AS date[]), CAST(:counts AS integer[])) WITH ORDINALITY AS each (asked, count, place)
            ORDER BY place
            """,
            days=[] if plain else [day for day, _ in special],
            worked=[] if plain else [worked for _, worked in special],
            first=date(years[0], 1, 1),
            last=date(years[-1] + 1, 12, 31),
            asked=days,
            counts=counts,
        )
        count = count_weekdays if plain else (lambda day, number: calendar.add_workdays(day, number).day)
        assert [(count(day, number),) for day, number in zip(days, counts, strict=True)] == told


def test_summer_time_of_shanghai(ask: Any) -> None:
    """The zone had it from 1986 to 1991: a day then had 23 or 25 hours."""
    told = ask("""
        SELECT day, day + interval '1 day'
        FROM generate_series(timestamptz '1986-01-01', timestamptz '1991-12-31', interval '1 day') AS day ORDER BY day
    """)
    assert [(moment, Duration.parse("P1D").add_to(moment.astimezone(UTC))) for moment, _ in told] == told
