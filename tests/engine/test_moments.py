"""Instants, durations and cycles by the calendar."""

import ast
import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.moments import SHANGHAI, Due, Duration, MomentInvalid, add_months, first_due, is_plain, next_due, parse_instant
from engine.texts import Catalogue

NEW_YORK = ZoneInfo("America/New_York")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def shanghai(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


def occurrences(due: Due | None, count: int) -> list[str]:
    """The next moments in Shanghai, each from a value that was stored and loaded in between."""
    moments = []
    while due is not None and len(moments) < count:
        moments.append(due.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"))
        due = next_due(Due.load(due.dump()))
    return moments


# ---- instants --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2022-08-10T24:00:00+08:00", "2022-08-10T16:00:00+00:00"),
        ("2022-08-10T24:00+08:00", "2022-08-10T16:00:00+00:00"),
        ("2022-08-10 24:00+0800", "2022-08-10T16:00:00+00:00"),
        ("2022-12-31T24:00+08", "2022-12-31T16:00:00+00:00"),
        ("2024-02-28T24:00Z", "2024-02-29T00:00:00+00:00"),
        ("2022-08-10T23:59:59.5-05:30", "2022-08-11T05:29:59.500000+00:00"),
        ("2022-08-10T09:00:00,123456789Z", "2022-08-10T09:00:00.123456+00:00"),
    ],
)
def test_instant(text: str, instant: str) -> None:
    assert parse_instant(text).isoformat() == instant
    assert parse_instant(f" {text} ", SHANGHAI).isoformat() == instant


def test_instant_without_offset_is_read_in_the_zone() -> None:
    assert parse_instant("2022-08-10T24:00", SHANGHAI) == shanghai(2022, 8, 11)
    assert parse_instant("1990-08-01T00:00", SHANGHAI).isoformat() == "1990-07-31T15:00:00+00:00"  # summer time then
    assert parse_instant("2026-07-01T00:00", NEW_YORK).isoformat() == "2026-07-01T04:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "zone", "code"),
    [
        ("2022-08-10", SHANGHAI, "moment_time_missing"),
        ("2022-08-10T24:00", None, "moment_offset_missing"),
        ("2022-08-10T24:01", SHANGHAI, "moment_no_such_time"),
        ("2022-08-10T24:00:00.1", SHANGHAI, "moment_no_such_time"),
        ("2022-08-10T10:60", SHANGHAI, "moment_no_such_time"),
        ("2016-12-31T23:59:60Z", SHANGHAI, "moment_no_such_time"),
        ("2022-02-29T00:00", SHANGHAI, "moment_no_such_day"),
        ("2022-13-01T00:00", SHANGHAI, "moment_no_such_day"),
        ("2022-08-10T10:00+15:00", SHANGHAI, "moment_no_such_offset"),
        ("2026-03-08T02:30", NEW_YORK, "moment_skipped"),
        ("0001-01-01T00:00+08:00", None, "moment_out_of_range"),
        ("9999-12-31T24:00", SHANGHAI, "moment_out_of_range"),
        ("10.08.2022 24:00", SHANGHAI, "moment_not_readable"),
        ("２０２２-08-10T10:00Z", SHANGHAI, "moment_not_readable"),
        ("20220810T1000Z", SHANGHAI, "moment_not_readable"),
        ("", SHANGHAI, "moment_not_readable"),
    ],
)
def test_instant_refused(text: str, zone: ZoneInfo | None, code: str) -> None:
    with pytest.raises(MomentInvalid) as refusal:
        parse_instant(text, zone)
    assert (refusal.value.values["reason"].code, refusal.value.values["text"]) == (code, text)


@settings(deadline=None)
@given(st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1)))
def test_what_python_writes_is_read(moment: datetime) -> None:
    aware = moment.replace(tzinfo=SHANGHAI)
    assert parse_instant(aware.isoformat()) == aware
    assert parse_instant(moment.isoformat(), SHANGHAI) == aware
    assert parse_instant(aware.isoformat()).tzinfo is UTC


@settings(deadline=None)
@given(st.dates(date(1992, 1, 1), date(2100, 1, 1)))
def test_the_end_of_a_day_is_the_beginning_of_the_next(day: date) -> None:
    assert parse_instant(f"{day}T24:00", SHANGHAI) == parse_instant(f"{day + timedelta(days=1)}T00:00", SHANGHAI)


# ---- durations -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "months", "days", "seconds"),
    [
        ("PT5M", 0, 0, 300),
        ("P1M", 1, 0, 0),
        ("P1Y2M3W4DT5H6M7.25S", 14, 25, 18367.25),
        ("PT0,5S", 0, 0, 0.5),
        ("P0D", 0, 0, 0),
    ],
)
def test_duration(text: str, months: int, days: int, seconds: float) -> None:
    duration = Duration.parse(text)
    assert duration == Duration(months, days, timedelta(seconds=seconds))
    assert Duration.parse(str(duration)) == duration


@pytest.mark.parametrize("text", ["", "P", "PT", "P1DT", "-P1D", "P-1D", "P1.5D", "1D", "P1S", "PT1D", "P1D ago", "P１D"])
def test_duration_refused(text: str) -> None:
    with pytest.raises(MomentInvalid) as refusal:
        Duration.parse(text)
    assert refusal.value.values["reason"].code == "moment_no_duration"


@pytest.mark.parametrize("text", ["P100001D", "P99999999999999999999Y", "PT9999999999999S", "PT3162240001S"])
def test_duration_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(MomentInvalid) as refusal:
        Duration.parse(text)
    assert refusal.value.values["reason"].code == "moment_out_of_range"


@pytest.mark.parametrize(
    ("start", "text", "times", "end"),
    [
        ((2026, 1, 31, 9), "P1M", 1, (2026, 2, 28, 9)),
        ((2024, 1, 31, 9), "P1M", 1, (2024, 2, 29, 9)),
        ((2024, 2, 29, 9), "P1Y", 1, (2025, 2, 28, 9)),
        ((2026, 3, 31, 9), "P1M", -1, (2026, 2, 28, 9)),
        ((2026, 1, 31, 9), "P1M", 3, (2026, 4, 30, 9)),
        ((2022, 7, 1, 0), "P14D", 1, (2022, 7, 15, 0)),
        ((2022, 7, 1, 0), "P1DT1H", 2, (2022, 7, 3, 2)),
        ((1986, 5, 3, 12), "P1D", 1, (1986, 5, 4, 12)),  # 23 hours: summer time began
    ],
)
def test_add_in_shanghai(start: tuple[int, ...], text: str, times: int, end: tuple[int, ...]) -> None:
    assert Duration.parse(text).add_to(shanghai(*start), times=times) == shanghai(*end)


def test_days_follow_the_zones_calendar_and_hours_do_not() -> None:
    before = datetime(2026, 3, 7, 12, tzinfo=NEW_YORK)
    assert Duration.parse("P1D").add_to(before, zone=NEW_YORK) == datetime(2026, 3, 8, 12, tzinfo=NEW_YORK)
    assert Duration.parse("PT24H").add_to(before, zone=NEW_YORK) == datetime(2026, 3, 8, 13, tzinfo=NEW_YORK)


def test_add_refuses_naive_moments_and_the_end_of_the_calendar() -> None:
    with pytest.raises(ValueError, match="naive"):
        Duration.parse("P1D").add_to(datetime(2026, 1, 1))
    with pytest.raises(MomentInvalid):
        Duration.parse("P9000Y").add_to(NOW)


@settings(deadline=None)
@given(st.dates(date(2000, 1, 1), date(2050, 12, 31)), st.integers(-600, 600))
def test_added_months_keep_the_day_or_take_the_last(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == min(day.day, monthrange(later.year, later.month)[1])


# ---- timers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["PT5M", "P1M", "R3/PT1H", "R/2026-01-31/P1M", "2022-08-10T24:00:00+08:00", " 2022-08-10 "])
def test_plain_timer_texts(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize("text", ["${dates.publication}", "'PT5M'", "dates.publication", "Period", "Rest / 2", "a", ""])
def test_timer_texts_that_are_expressions(text: str) -> None:
    assert not is_plain(text)


def test_date_and_duration_are_due_once() -> None:
    due = first_due("timeDate", "2022-08-10T24:00:00+08:00", NOW)
    assert due == Due(shanghai(2022, 8, 11).astimezone(UTC))  # it has passed: due at once, and in its place
    assert first_due("timeDate", "2022-08-10T24:00", NOW) == due
    assert next_due(due) is None
    assert due.dump() == ["2022-08-10T16:00:00+00:00"]
    assert Due.load(due.dump()) == due
    due = first_due("timeDuration", "P1M", shanghai(2026, 1, 31, 9))
    assert due.at == shanghai(2026, 2, 28, 9)
    assert next_due(due) is None


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("R/2026-01-31/P1M", ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00", "2026-04-30 00:00"]),
        ("R/2026-01-31T24:00/P1M", ["2026-02-01 00:00", "2026-03-01 00:00", "2026-04-01 00:00", "2026-05-01 00:00"]),
        ("R/2026-01-30T24:00+08:00/P1M", ["2026-01-31 00:00", "2026-03-01 00:00", "2026-03-31 00:00", "2026-05-01 00:00"]),
        ("R/2026-01-31T09:00+08:00/P1M", ["2026-01-31 09:00", "2026-02-28 09:00", "2026-03-31 09:00", "2026-04-30 09:00"]),
        ("R/2026-01-31T01:00Z/P1M", ["2026-01-31 09:00", "2026-02-28 09:00", "2026-03-31 09:00", "2026-04-30 09:00"]),
        ("R3/PT1H", ["2026-01-01 09:00", "2026-01-01 10:00", "2026-01-01 11:00"]),
        ("R2/P1M", ["2026-02-01 08:00", "2026-03-01 08:00"]),
        ("R3/2026-01-01T12:00/P1D", ["2026-01-01 12:00", "2026-01-02 12:00", "2026-01-03 12:00"]),
        ("R3/2025-12-31T12:00/P1D", ["2026-01-01 12:00", "2026-01-02 12:00"]),  # the first one is over
        ("R3/2026-01-01T08:00/P1D", ["2026-01-01 08:00", "2026-01-02 08:00", "2026-01-03 08:00"]),  # now is not over
        ("R3/2020-01-01T08:00/P1D", ["2020-01-03 08:00"]),  # all are over: the last one, at once
        ("R2/2026-05-01T00:00/2026-05-01T06:00", ["2026-05-01 00:00", "2026-05-01 06:00"]),
        ("R3/P1M/2026-03-31T00:00", ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"]),
        ("R/P1M/2026-03-31T00:00", ["2026-01-31 00:00", "2026-02-28 00:00", "2026-03-31 00:00"]),
        ("R/P1M/2020-03-31T00:00", ["2020-03-31 00:00"]),
        ("R/1970-01-01T00:00:00Z/PT1S", ["2026-01-01 08:00", "2026-01-01 08:00"]),
        ("R/9999-12-01T00:00/P1M", ["9999-12-01 00:00"]),
    ],
)
def test_cycle(text: str, moments: list[str]) -> None:
    due = first_due("timeCycle", text, NOW)
    assert occurrences(due, len(moments) + (due.left is not None)) == moments


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("0 0 9 * * ?", "moment_no_cron"),
        ("PT1H", "moment_no_cycle"),
        ("R0/PT1H", "moment_repeats"),
        ("R1000001/PT1H", "moment_repeats"),
        ("R/PT0S", "moment_cycle_too_short"),
        ("R/PT0.999S", "moment_cycle_too_short"),
        ("R/1D", "moment_no_duration"),
        ("R/2026-01-31/x", "moment_not_readable"),
        ("R/2026-02-30/P1M", "moment_no_such_day"),
        ("R/2026-05-02T00:00/2026-05-01T00:00", "moment_end_before_start"),
        ("R/1000-05-02T00:00/2026-05-01T00:00", "moment_out_of_range"),
        ("R/P9000Y", "moment_out_of_range"),
    ],
)
def test_cycle_refused(text: str, code: str) -> None:
    with pytest.raises(MomentInvalid) as refusal:
        first_due("timeCycle", text, NOW)
    assert refusal.value.values["reason"].code == code


@pytest.mark.parametrize("value", [None, 5, True, ["PT1H"]])
@pytest.mark.parametrize("kind", ["timeDate", "timeDuration", "timeCycle"])
def test_only_texts_are_timers(kind: str, value: object) -> None:
    with pytest.raises(MomentInvalid):
        first_due(kind, value, NOW)


def test_unknown_kind_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="timeWhenever"):
        first_due("timeWhenever", "PT1H", NOW)


starts = st.datetimes(datetime(2000, 1, 1), datetime(2050, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=SHANGHAI)
)


@settings(deadline=None)
@given(starts, st.integers(1, 24), st.integers(1, 40))
def test_months_are_counted_from_the_anchor(start: datetime, months: int, count: int) -> None:
    due = first_due("timeCycle", f"R{count}/{start.isoformat()}/P{months}M", start)
    reached = []
    current: Due | None = due
    while current is not None:
        reached.append(current.at.astimezone(SHANGHAI))
        current = next_due(current)
    assert [moment.date() for moment in reached] == [add_months(start.date(), months * index) for index in range(count)]
    assert {moment.time() for moment in reached} == {start.time()}


@settings(deadline=None)
@given(starts, starts, st.sampled_from(["P1M", "P1M1D", "P7D", "P1Y", "PT36H", "P3DT5H"]), st.sampled_from([NEW_YORK, SHANGHAI]))
def test_the_first_occurrence_is_the_first_not_before_now(start: datetime, now: datetime, interval: str, zone: ZoneInfo) -> None:
    due = first_due("timeCycle", f"R/{start.isoformat()}/{interval}", now, zone=zone)
    assert due.at >= now
    if due.index:
        earlier = Due(due.at, due.anchor, due.interval, due.index - 2, None, zone.key)
        before = next_due(earlier)
        assert before is not None
        assert before.at < now
        assert next_due(before) == due


@settings(deadline=None)
@given(starts, st.sampled_from(["P1M", "P7D", "PT1H", "P1M1D"]), st.sampled_from([NEW_YORK, SHANGHAI]))
def test_occurrences_go_forward_and_survive_storing(start: datetime, interval: str, zone: ZoneInfo) -> None:
    due: Due | None = first_due("timeCycle", f"R20/{start.isoformat()}/{interval}", start, zone=zone)
    moments = []
    while due is not None:
        moments.append(due.at)
        due = next_due(Due.load(due.dump()))
    assert len(moments) == 20
    assert all(earlier < later for earlier, later in pairwise(moments))


def test_every_reason_has_a_text() -> None:
    files = [file for file in resources.files("engine").joinpath("moments").iterdir() if file.is_file()]
    sources = [ast.parse(file.read_text("utf-8")) for file in files]
    strings = [
        node.value
        for source in sources
        for node in ast.walk(source)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    codes = {value for value in strings if re.fullmatch(r"moment_\w+", value)}
    assert codes == {code for code in Catalogue("engine").entries if code.startswith("moment_")}


def test_refusal_is_told_in_both_languages() -> None:
    with pytest.raises(MomentInvalid) as refusal:
        parse_instant("2022-08-10", SHANGHAI)
    assert Catalogue("engine").tell(refusal.value, "zh") == (
        "“2022-08-10”不是有效的时间：只有日期没有时间，当天截止请写 24:00，当天开始请写 00:00"
    )
