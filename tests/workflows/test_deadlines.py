"""Dates as values: kinds, readings, series, words, storing and saying."""

import ast
import json
import re
from calendar import isleap, monthrange
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from engine.moments import SHANGHAI
from engine.texts import Catalogue
from workflows.deadlines import (
    Bilingual,
    CandidateUnknown,
    DateInvalid,
    DateValue,
    Day,
    HalfYear,
    Instant,
    MonthEnd,
    Range,
    TenDayPeriod,
    Unknown,
    Weekly,
    WordsUnreadable,
    confirm_candidate,
    dump_date,
    expand,
    last_day,
    load_date,
    parse_words,
    say_cutoff,
    say_date,
    say_moment,
    say_period,
    say_reading,
    start_of_day,
)

HUBEI_MONTHS = MonthEnd(
    value="2023-05", repeats=True, until="2023-12", source="notice", words="每月底前报送，持续征集至2023年12月底"
)
HUBEI_BATCHES = HalfYear(
    value="2023-H1", months=(6, 11), repeats=True, until="2023-H2", source="notice", words="6月底前、11月底前"
)


@cache
def catalogue() -> Catalogue:
    return Catalogue("engine", "workflows")


def beijing(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


# ---- single dates ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "due_on", "cutoff_at"),
    [
        (Day(value=date(2022, 8, 10), source="notice"), date(2022, 8, 10), beijing(2022, 8, 11)),
        (Day(value=date(2022, 12, 31), source="notice"), date(2022, 12, 31), beijing(2023, 1, 1)),
        (Day(value=date(2022, 11, 18), source="notice", includes_last_day=False), date(2022, 11, 17), beijing(2022, 11, 18)),
        (MonthEnd(value="2023-06", source="notice"), date(2023, 6, 30), beijing(2023, 7, 1)),
        (MonthEnd(value="2024-02", source="notice"), date(2024, 2, 29), beijing(2024, 3, 1)),
        (MonthEnd(value="2023-06", source="notice", includes_last_day=False), date(2023, 6, 29), beijing(2023, 6, 30)),
        (TenDayPeriod(value="2022-11", period="middle", source="notice"), date(2022, 11, 20), beijing(2022, 11, 21)),
        (
            TenDayPeriod(value="2022-11", period="middle", source="notice", includes_last_day=False),
            date(2022, 11, 10),
            beijing(2022, 11, 11),
        ),
        (TenDayPeriod(value="2023-03", period="early", source="notice"), date(2023, 3, 10), beijing(2023, 3, 11)),
        (
            TenDayPeriod(value="2023-03", period="early", source="notice", includes_last_day=False),
            date(2023, 2, 28),
            beijing(2023, 3, 1),
        ),
        (TenDayPeriod(value="2023-02", period="late", source="notice"), date(2023, 2, 28), beijing(2023, 3, 1)),
        (HalfYear(value="2023-H2", source="notice"), date(2023, 12, 31), beijing(2024, 1, 1)),
        (HalfYear(value="2023-H2", months=(6, 11), source="notice"), date(2023, 11, 30), beijing(2023, 12, 1)),
        (Range(first="2023-09", last="2023-10", source="notice"), date(2023, 10, 31), beijing(2023, 11, 1)),
        (Instant(value="2022-08-10T24:00:00+08:00", source="ours"), date(2022, 8, 10), beijing(2022, 8, 11)),
        (Instant(value="2022-08-10T17:30", source="ours"), date(2022, 8, 10), beijing(2022, 8, 10, 17, 30)),
        (Day(value=date(2022, 8, 10), zone="America/New_York", source="ours"), date(2022, 8, 10), beijing(2022, 8, 11, 12)),
        (Unknown(source="notice"), None, None),
        (HUBEI_MONTHS, None, None),
        (HUBEI_BATCHES, None, None),
        (Weekly(weekday=4, first="2023-01-01", last="2023-12-31", source="notice"), None, None),
    ],
)
def test_last_day_and_cutoff(value: DateValue, due_on: date | None, cutoff_at: datetime | None) -> None:
    assert value.due_on == due_on
    assert value.cutoff_at == cutoff_at
    if value.cutoff_at is not None:
        assert value.cutoff_at.tzinfo is UTC
        assert value.due_on == last_day(value.cutoff_at, value.zone)
        assert value.key


def test_a_range_opens() -> None:
    value = Range(first="2023-09", last="2023-10", source="notice")
    assert value.opens_at == beijing(2023, 9, 1)
    assert value.days == (date(2023, 9, 1), date(2023, 10, 31))


# ---- series ----------------------------------------------------------------------------------------------------------
def test_hubei_has_eight_month_ends() -> None:
    found = expand(HUBEI_MONTHS)
    assert [each.due_on for each in found] == [
        date(2023, 5, 31), date(2023, 6, 30), date(2023, 7, 31), date(2023, 8, 31),
        date(2023, 9, 30), date(2023, 10, 31), date(2023, 11, 30), date(2023, 12, 31),
    ]  # fmt: skip
    assert [each.key for each in found] == [f"2023-{month:02}" for month in range(5, 13)]
    assert {each.words for each in found} == {"每月底前报送，持续征集至2023年12月底"}
    assert expand(HUBEI_MONTHS, date(2023, 7, 30)) == found[:2]
    assert expand(HUBEI_MONTHS, date(2030, 1, 1)) == found


def test_hubei_has_two_batches_that_fall_on_month_ends() -> None:
    found = expand(HUBEI_BATCHES)
    assert [(each.key, each.due_on) for each in found] == [("2023-H1", date(2023, 6, 30)), ("2023-H2", date(2023, 11, 30))]
    assert {each.cutoff_at for each in found} <= {each.cutoff_at for each in expand(HUBEI_MONTHS)}


def test_every_thursday_of_2023() -> None:
    found = expand(Weekly(weekday=4, first="2023-01-01", last="2023-12-31", source="notice", words="2023年每周四"))
    assert len(found) == 52
    assert found[0] == Day(value=date(2023, 1, 5), source="notice", words="2023年每周四")
    assert {each.due_on.isoweekday() for each in found if each.due_on} == {4}


def test_expand_of_single_and_unknown_dates() -> None:
    single = Day(value=date(2022, 8, 10), source="notice")
    assert expand(single) == (single,)
    assert expand(single, date(2022, 8, 10)) == (single,)
    assert expand(single, date(2022, 8, 9)) == ()
    assert expand(Unknown(source="notice", candidates=[single])) == ()


@pytest.mark.parametrize(
    "value",
    [
        MonthEnd(value="2023-05", repeats=True, source="notice"),
        HalfYear(value="2023-H1", repeats=True, source="notice"),
        Weekly(weekday=4, first="2023-01-01", source="notice"),
    ],
)
def test_an_endless_series_needs_an_end(value: DateValue) -> None:
    with pytest.raises(ValueError, match="endless"):
        expand(value)
    found = expand(value, date(2025, 5, 31))
    assert found
    assert all(each.due_on is not None and each.due_on <= date(2025, 5, 31) for each in found)
    assert expand(value, date(2020, 1, 1)) == ()


# ---- unknown dates ---------------------------------------------------------------------------------------------------
SAMR_2021_REPORT = Unknown(
    source="notice",
    words="11月[数字缺失]5日前",
    candidates=[{"kind": "day", "value": "2021-11-15"}, {"kind": "day", "value": "2021-11-25"}],
)


def test_nothing_is_due_by_an_unknown_date() -> None:
    assert (SAMR_2021_REPORT.cutoff_at, SAMR_2021_REPORT.due_on, SAMR_2021_REPORT.key) == (None, None, None)
    assert [candidate.source for candidate in SAMR_2021_REPORT.candidates] == ["ours", "ours"]


def test_an_official_confirms_a_candidate() -> None:
    note = Bilingual(zh="据原件", en="From the original document")
    confirmed = confirm_candidate(SAMR_2021_REPORT, SAMR_2021_REPORT.candidates[1], note=note)
    assert confirmed == Day(value=date(2021, 11, 25), source="outside", words="11月[数字缺失]5日前", note=note)
    with pytest.raises(CandidateUnknown):
        confirm_candidate(SAMR_2021_REPORT, Day(value=date(2021, 11, 20), source="ours"), note=note)


# ---- words -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("2022年8月10日", {"kind": "day", "value": "2022-08-10"}),
        ("征集截止时间为2022年8月10日。", {"kind": "day", "value": "2022-08-10"}),
        ("２０２２年８月１０日", {"kind": "day", "value": "2022-08-10"}),
        ("2022年 8月 10日之前", {"kind": "day", "value": "2022-08-10"}),
        ("于2022年11月18日前", {"kind": "day", "value": "2022-11-18"}),
        ("11月15日前", {"kind": "day", "value": "2023-11-15"}),
        ("2022-08-10", {"kind": "day", "value": "2022-08-10"}),
        ("2022年8月10日24:00", {"kind": "instant", "value": "2022-08-10T24:00"}),
        ("2022年8月10日24时前", {"kind": "instant", "value": "2022-08-10T24:00"}),
        ("2022年8月10日17：30前", {"kind": "instant", "value": "2022-08-10T17:30"}),
        ("8月10日下午5点半前", {"kind": "instant", "value": "2023-08-10T17:30"}),
        ("8月10日上午9时15分", {"kind": "instant", "value": "2023-08-10T09:15"}),
        ("2022-08-10T24:00+08:00", {"kind": "instant", "value": "2022-08-10T24:00+08:00"}),
        ("2022年11月中旬前", {"kind": "ten_day_period", "value": "2022-11", "period": "middle"}),
        ("2023年3月上旬前", {"kind": "ten_day_period", "value": "2023-03", "period": "early"}),
        ("2023年11月上旬", {"kind": "ten_day_period", "value": "2023-11", "period": "early"}),
        ("11月下旬前", {"kind": "ten_day_period", "value": "2023-11", "period": "late"}),
        ("6月底前", {"kind": "month_end", "value": "2023-06"}),
        ("11月底前征集一批", {"kind": "month_end", "value": "2023-11"}),
        ("持续征集至2023年12月底", {"kind": "month_end", "value": "2023-12"}),
        ("2024年2月末", {"kind": "month_end", "value": "2024-02"}),
        ("年底前", {"kind": "month_end", "value": "2023-12"}),
        ("2021年年底前", {"kind": "month_end", "value": "2021-12"}),
        ("每月底前", {"kind": "month_end", "value": "2023-05", "repeats": True}),
        ("每月底前报送，持续征集至2023年12月底", {"kind": "month_end", "value": "2023-05", "repeats": True, "until": "2023-12"}),
        ("每周四", {"kind": "weekly", "weekday": 4, "first": "2023-05-23"}),
        ("2023年每周四", {"kind": "weekly", "weekday": 4, "first": "2023-01-01", "last": "2023-12-31"}),
        ("每星期天", {"kind": "weekly", "weekday": 7, "first": "2023-05-23"}),
        ("2023年上半年", {"kind": "half_year", "value": "2023-H1"}),
        ("每半年", {"kind": "half_year", "value": "2023-H1", "repeats": True}),
        ("2023年6月", {"kind": "range", "first": "2023-06-01", "last": "2023-06-30"}),
        ("2023年4月—9月", {"kind": "range", "first": "2023-04-01", "last": "2023-09-30"}),
        ("2023年9—10月", {"kind": "range", "first": "2023-09-01", "last": "2023-10-31"}),
        ("2023 年10月—12月", {"kind": "range", "first": "2023-10-01", "last": "2023-12-31"}),
        ("2023年12月至2024年2月", {"kind": "range", "first": "2023-12-01", "last": "2024-02-29"}),
        ("2023年6月28日至7月5日", {"kind": "range", "first": "2023-06-28", "last": "2023-07-05"}),
        ("2023年6月1-10日", {"kind": "range", "first": "2023-06-01", "last": "2023-06-10"}),
    ],
)
def test_words_are_read(words: str, expected: dict[str, Any]) -> None:
    value = parse_words(words, year=2023, since=date(2023, 5, 23))
    assert value == load_date({**expected, "words": words, "source": "notice"})


@pytest.mark.parametrize("words", ["2022年11月18日前", "11月中旬前", "6月底前", "每月底前"])
def test_both_readings_of_before(words: str) -> None:
    ours = parse_words(words, year=2022, since=date(2022, 10, 9))
    strict = parse_words(words, year=2022, since=date(2022, 10, 9), includes_last_day=False)
    (first, *_), (other, *_) = expand(ours, date(2022, 12, 31)), expand(strict, date(2022, 12, 31))
    assert first.days == other.days
    assert first.days is not None
    assert (first.due_on, other.due_on) == (first.days[1], first.days[0] - timedelta(days=1))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("2021年[数字缺失]月底前", "words_damaged"),
        ("11月[数字缺失]5日前", "words_damaged"),
        ("2021年□月底前", "words_damaged"),
        ("11月中旬前", "words_year_missing"),
        ("6月底前", "words_year_missing"),
        ("每月底前", "words_begin_missing"),
        ("每周四", "words_begin_missing"),
        ("2022年2月30日", "words_no_such_day"),
        ("2022年13月底前", "words_no_such_day"),
        ("0202年8月10日", "words_no_such_day"),
        ("2022年8月10日25时", "words_no_such_time"),
        ("2022年8月10日24:30", "words_no_such_time"),
        ("2022年8月10日晚上12点", "words_no_such_time"),
        ("2023年12月—2月", "words_ends_before_start"),
        ("2022-08-10T24:00", "moment_offset_missing"),
        ("尽快", "words_not_understood"),
        ("定期选取", "words_not_understood"),
        ("可随时报送", "words_not_understood"),
        ("底前", "words_not_understood"),
        ("二〇二二年八月十日", "words_not_understood"),
        ("2022年11月18日前、2023年11月中旬前", "words_not_understood"),
        ("2022年8月10日左右", "words_not_understood"),
        ("不早于2022年8月10日", "words_not_understood"),
        ("2022年8月10日后", "words_not_understood"),
        ("", "words_not_understood"),
    ],
)
def test_what_is_not_understood_is_refused(words: str, code: str) -> None:
    with pytest.raises(WordsUnreadable) as refusal:
        parse_words(words)
    assert refusal.value.values["reason"].code == code
    assert refusal.value.values["words"] == words
    for language in ("zh", "en"):
        assert words in catalogue().tell(refusal.value, language)


@given(st.text(alphabet="0123456789年月日旬上中下底末前每周一四至-—:时点半 缺失TZ+", max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_words_are_a_date_or_refused(words: str) -> None:
    try:
        value = parse_words(words, year=2023, since=date(2023, 5, 23))
    except WordsUnreadable:
        return
    assert value.words == words
    assert load_date(json.loads(json.dumps(dump_date(value)))) == value


# ---- storing ---------------------------------------------------------------------------------------------------------
def test_a_date_of_a_notice_is_read_from_yaml() -> None:
    class Dates(BaseModel):
        dates: dict[str, DateValue]

    text = """
    dates:
      collection_cutoff:
        kind: day
        value: 2022-08-10
        source: notice
        words: 征集截止时间为2022年8月10日
        reading: {zh: 到达之日, en: The day of arrival}
      report: {kind: unknown, source: notice, words: "11月[数字缺失]5日前", candidates: [{kind: day, value: 2021-11-15}]}
      monthly: {kind: month_end, value: 2023-05, repeats: true, until: 2023-12, source: notice}
      meeting: {kind: instant, value: 2023-05-23T09:00:00+08:00, source: ours, note: {zh: 暂定, en: Tentative}}
    """
    dates = Dates.model_validate(yaml.safe_load(text)).dates
    assert dates["collection_cutoff"].cutoff_at == beijing(2022, 8, 11)
    assert dates["report"].due_on is None
    assert len(expand(dates["monthly"])) == 8
    assert dates["meeting"].cutoff_at == beijing(2023, 5, 23, 9)


def test_dump_holds_the_moments_for_readers() -> None:
    dumped = dump_date(Day(value=date(2022, 8, 10), source="notice", words="2022年8月10日"))
    assert dumped == {
        "kind": "day",
        "value": "2022-08-10",
        "includes_last_day": True,
        "source": "notice",
        "words": "2022年8月10日",
        "zone": "Asia/Shanghai",
        "cutoff_at": "2022-08-10T16:00:00+00:00",
        "due_on": "2022-08-10",
    }


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        ({"kind": "day", "source": "notice"}, {("dates.x.value", "KeyMissing")}),
        ({"kind": "day", "value": 1660089600, "source": "notice"}, {("dates.x.value", "ValueNotDate")}),
        ({"kind": "day", "value": "2022-02-30", "source": "notice"}, {("dates.x.value", "ValueNotDate")}),
        ({"kind": "day", "value": "1022-02-03", "source": "notice"}, {("dates.x.value", "ValueTooSmall")}),
        ({"kind": "day", "value": "2022-08-10"}, {("dates.x.source", "KeyMissing")}),
        ({"kind": "day", "value": "2022-08-10", "source": "rumour"}, {("dates.x.source", "ValueNotAllowed")}),
        ({"kind": "day", "value": "2022-08-10", "source": "ours", "wrods": "x"}, {("dates.x.wrods", "KeyUnknown")}),
        ({"kind": "day", "value": "2022-08-10", "source": "ours", "zone": "Beijing"}, {("dates.x.zone", "DateZoneUnknown")}),
        ({"kind": "month_end", "value": "2022-13", "source": "ours"}, {("dates.x.value", "ValueMisspelt")}),
        (
            {"kind": "month_end", "value": "2022-05", "until": "2022-06", "source": "ours"},
            {("dates.x", "DateUntilAlone")},
        ),
        (
            {"kind": "month_end", "value": "2022-05", "repeats": True, "until": "2022-04", "source": "ours"},
            {("dates.x", "DateEndsBeforeStart")},
        ),
        (
            {"kind": "range", "first": "2022-05-02", "last": "2022-05-01", "source": "ours"},
            {("dates.x", "DateEndsBeforeStart")},
        ),
        ({"kind": "instant", "value": "2022-08-10", "source": "ours"}, {("dates.x", "DateNoInstant")}),
        (
            {"kind": "unknown", "source": "notice", "candidates": [{"kind": "month_end", "value": "2022-05", "repeats": True}]},
            {("dates.x.candidates", "DateCandidateRepeats")},
        ),
        (
            {"kind": "unknown", "source": "notice", "candidates": [{"kind": "day", "value": "x"}, {"kind": "weekly"}]},
            {
                ("dates.x.candidates[0].value", "ValueNotDate"),
                ("dates.x.candidates[1].weekday", "KeyMissing"),
                ("dates.x.candidates[1].first", "KeyMissing"),
            },
        ),
        ({"kind": "someday", "source": "ours"}, {("dates.x.kind", "ValueNotAllowed")}),
        ({}, {("dates.x.kind", "KeyMissing")}),
        ("2022-08-10", {("dates.x", "ValueNotMapping")}),
    ],
)
def test_a_wrong_date_names_its_faults(data: Any, faults: set[tuple[str, str]]) -> None:
    with pytest.raises(DateInvalid) as refusal:
        load_date(data, path="dates.x")
    found = {(finding.path, finding.code) for finding in refusal.value.findings}
    assert found == faults
    for finding in refusal.value.findings:
        assert "{" not in catalogue().tell(finding, "zh")


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(DateInvalid) as refusal:
        load_date({"kind": "day", "value": "x", "source": "y", "z": 1})
    assert len(refusal.value.findings) == 3


# ---- saying ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("moment", "zh", "en"),
    [
        (beijing(2022, 8, 11), "2022年8月10日24:00(北京时间)", "10 August 2022, 24:00 (Beijing time)"),
        (beijing(2023, 1, 1), "2022年12月31日24:00(北京时间)", "31 December 2022, 24:00 (Beijing time)"),
        (beijing(2022, 8, 10, 17, 30), "2022年8月10日17:30(北京时间)", "10 August 2022, 17:30 (Beijing time)"),
        (beijing(2022, 8, 10, 23, 59, 59), "2022年8月10日23:59:59(北京时间)", "10 August 2022, 23:59:59 (Beijing time)"),
    ],
)
def test_a_cutoff_in_words(moment: datetime, zh: str, en: str) -> None:
    assert (say_cutoff(moment, "zh"), say_cutoff(moment.astimezone(UTC), "en")) == (zh, en)


def test_a_moment_in_words_has_its_seconds() -> None:
    assert say_moment(beijing(2022, 8, 11), "zh") == "2022年8月11日00:00:00(北京时间)"
    assert say_moment(beijing(2022, 8, 10, 23, 59, 59), "en") == "10 August 2022, 23:59:59 (Beijing time)"


@pytest.mark.parametrize(
    ("value", "zh"),
    [
        (Day(value=date(2022, 8, 10), source="notice"), "2022年8月10日24:00(北京时间)"),
        (Day(value=date(2022, 8, 10), source="notice", zone="Asia/Urumqi"), "2022年8月10日24:00(Asia/Urumqi)"),
        (HUBEI_MONTHS, "每月底(2023年5月至2023年12月)"),
        (MonthEnd(value="2023-05", repeats=True, source="notice"), "每月底(自2023年5月起)"),
        (HUBEI_BATCHES, "每半年一批，6月底和11月底(2023年上半年至2023年下半年)"),
        (Weekly(weekday=4, first="2023-01-01", last="2023-12-31", source="notice"), "每周四(2023年1月1日至2023年12月31日)"),
        (Range(first="2023-09", last="2023-10", source="notice"), "2023年9月1日至2023年10月31日"),
        (Unknown(source="notice"), "未定"),
        (
            SAMR_2021_REPORT,
            "未定，可能是2021年11月15日24:00(北京时间)，或2021年11月25日24:00(北京时间)；确认之前不计期限",
        ),
    ],
)
def test_a_date_in_words(value: DateValue, zh: str) -> None:
    assert say_date(value, "zh") == zh
    english = say_date(value, "en")
    assert english
    assert not re.search(r"[\u4e00-\u9fff]", english)


def test_the_reading_in_words() -> None:
    assert say_reading(Day(value=date(2022, 8, 10), source="notice"), "zh") == "含最后一天"
    assert say_reading(MonthEnd(value="2022-08", source="notice", includes_last_day=False), "en").startswith("before")
    given_reading = Bilingual(zh="到达之日", en="The day of arrival")
    assert say_reading(Day(value=date(2022, 8, 10), source="notice", reading=given_reading), "en") == "The day of arrival"
    assert say_reading(Unknown(source="notice"), "zh") == ""


def test_every_code_has_a_text() -> None:
    entries = catalogue().entries
    used: set[str] = set()
    for source in resources.files("workflows.deadlines").iterdir():
        if source.name.endswith(".py"):
            for node in ast.walk(ast.parse(source.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    used |= set(re.findall(r"^(?:words_[a-z_]+[a-z]|Date[A-Z]\w+|date_[a-z_]*[a-z])$", node.value))
    used -= {"DateValue"}
    assert used - entries.keys() - {"DateInvalid"} == set()
    assert {code for code in entries if code.startswith("words_")} == {code for code in used if code.startswith("words_")}


# ---- every year from 2000 to 2050 ------------------------------------------------------------------------------------
days = st.dates(date(2000, 1, 1), date(2050, 12, 31))
months = days.map(lambda day: f"{day:%Y-%m}")
halves = st.tuples(st.integers(2000, 2050), st.sampled_from([1, 2])).map(lambda pair: f"{pair[0]}-H{pair[1]}")
readings = st.booleans()
plain: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"kind": st.just("day"), "value": days, "includes_last_day": readings}),
    st.fixed_dictionaries({"kind": st.just("month_end"), "value": months, "includes_last_day": readings}),
    st.fixed_dictionaries(
        {
            "kind": st.just("ten_day_period"),
            "value": months,
            "period": st.sampled_from(["early", "middle", "late"]),
            "includes_last_day": readings,
        }
    ),
    st.fixed_dictionaries(
        {"kind": st.just("half_year"), "value": halves, "months": st.tuples(st.integers(1, 6), st.integers(7, 12))}
    ),
    st.tuples(days, days).map(lambda pair: {"kind": "range", "first": min(pair), "last": max(pair)}),
    st.datetimes(datetime(2000, 1, 1), datetime(2050, 12, 31)).map(
        lambda moment: {"kind": "instant", "value": moment.replace(tzinfo=SHANGHAI).isoformat()}
    ),
)
series: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.tuples(months, months).map(lambda pair: {"kind": "month_end", "value": min(pair), "repeats": True, "until": max(pair)}),
    st.tuples(halves, halves).map(lambda pair: {"kind": "half_year", "value": min(pair), "repeats": True, "until": max(pair)}),
    st.tuples(days, days, st.integers(1, 7)).map(
        lambda parts: {"kind": "weekly", "weekday": parts[2], "first": min(parts[:2]), "last": max(parts[:2])}
    ),
)
sources = st.sampled_from(["notice", "outside", "ours"])
any_date = st.one_of(
    plain,
    series,
    st.lists(plain, max_size=5).map(lambda candidates: {"kind": "unknown", "candidates": candidates}),
)


@settings(deadline=None)
@given(any_date, sources, st.one_of(st.none(), st.text(max_size=20)))
def test_dates_survive_storing(data: dict[str, Any], source: str, words: str | None) -> None:
    value = load_date({**data, "source": source, "words": words})
    dumped = json.loads(json.dumps(dump_date(value)))
    assert load_date(dumped) == value
    assert dump_date(load_date(dumped)) == dumped
    for language in ("zh", "en"):
        assert "{" not in say_date(value, language)


@settings(deadline=None)
@given(plain)
def test_the_cutoff_is_half_open(data: dict[str, Any]) -> None:
    value = load_date({**data, "source": "ours"})
    assert value.cutoff_at is not None
    assert value.due_on is not None
    last_instant = value.cutoff_at - timedelta(microseconds=1)
    assert last_instant.astimezone(SHANGHAI).date() == value.due_on
    if value.kind != "instant":
        assert value.cutoff_at == start_of_day(value.due_on + timedelta(days=1))
        assert value.cutoff_at.astimezone(SHANGHAI).hour == 0


@pytest.mark.parametrize("year", range(2000, 2051))
def test_every_month_of_every_year(year: int) -> None:
    for month in range(1, 13):
        name, last = f"{year}-{month:02}", monthrange(year, month)[1]
        assert (last == 29) == (month == 2 and isleap(year))
        end = MonthEnd(value=name, source="ours")
        assert end.due_on == date(year, month, last)
        words = f"{year}年{month}月底前"
        assert parse_words(words) == end.model_copy(update={"source": "notice", "words": words})
        periods = [TenDayPeriod(value=name, period=each, source="ours") for each in ("early", "middle", "late")]
        assert [period.due_on for period in periods] == [date(year, month, 10), date(year, month, 20), date(year, month, last)]
        assert [period.days[0].day for period in periods] == [1, 11, 21]
        assert all(earlier.cutoff_at == later.opens_at for earlier, later in pairwise(periods))
        assert periods[-1].cutoff_at == end.cutoff_at
        for period, sign in zip(periods, "上中下", strict=True):
            assert parse_words(f"{month}月{sign}旬前", year=year).due_on == period.due_on


@settings(deadline=None)
@given(series)
def test_series_go_forward_with_one_key_each(data: dict[str, Any]) -> None:
    found = expand(load_date({**data, "source": "ours"}))
    assert len({each.key for each in found}) == len(found)
    assert all(earlier.cutoff_at < later.cutoff_at for earlier, later in pairwise(found) if earlier.cutoff_at and later.cutoff_at)


@settings(deadline=None)
@given(months, st.integers(0, 60))
def test_month_ends_are_all_there_whatever_the_length(first: str, count: int) -> None:
    index = int(first[:4]) * 12 + int(first[5:]) - 1 + count
    until = f"{index // 12:04}-{index % 12 + 1:02}"
    found = expand(MonthEnd(value=first, repeats=True, until=until, source="ours"))
    assert len(found) == count + 1
    assert all(each.cutoff_at and each.cutoff_at.astimezone(SHANGHAI).day == 1 for each in found)


@settings(deadline=None)
@given(days)
def test_a_day_is_read_as_it_is_said(day: date) -> None:
    value = parse_words(f"{day.year}年{day.month}月{day.day}日")
    assert value.due_on == day
    assert say_date(value, "zh") == f"{day.year}年{day.month}月{day.day}日24:00(北京时间)"
    said = parse_words(say_date(value, "zh").removesuffix("(北京时间)"))
    assert said.cutoff_at == value.cutoff_at


@pytest.mark.parametrize(
    ("key", "zh", "en"),
    [
        ("2023-05", "2023年5月", "May 2023"),
        ("2023-H1", "2023年上半年", "first half of 2023"),
        ("2024-03-08", "2024年3月8日", "8 March 2024"),
        ("2022-11-middle", "2022-11-middle", "2022-11-middle"),
        ("2023-13", "2023-13", "2023-13"),
    ],
)
def test_an_occurrence_is_named_for_people(key: str, zh: str, en: str) -> None:
    assert (say_period(key, "zh"), say_period(key, "en")) == (zh, en)
