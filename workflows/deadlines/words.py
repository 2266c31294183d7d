"""Reading the wordings of official texts: 2022年8月10日, 11月中旬前, 6月底前, 每周四, 2023年9—10月, and ISO 8601.

Only what is fully understood is a date; everything else is refused with the reason. Nothing is guessed: a wording without
its year, or a series without its beginning, needs them from whoever asks.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Literal

from pydantic import ValidationError

from engine.errors import Finding, Problem
from engine.moments import MomentInvalid, parse_instant
from workflows.deadlines.kinds import DateValue, Day, HalfYear, Instant, MonthEnd, Range, TenDayPeriod, Weekly
from workflows.deadlines.origins import Source


class WordsUnreadable(Problem):
    """A wording is not understood, or not without more. Values: `words`, `reason` (a `Finding`)."""

    def __init__(self, words: str, code: str, **details: Any) -> None:
        super().__init__(words=words[:200], reason=Finding(code, values=details))


@dataclass(frozen=True, slots=True)
class _Context:
    words: str
    source: Source
    year: int | None
    since: date | None
    includes_last_day: bool

    def refuse(self, code: str, **details: Any) -> WordsUnreadable:
        return WordsUnreadable(self.words, code, **details)

    def read_year(self, text: str | None) -> int:
        if text:
            return int(text)
        if self.year is None:
            raise self.refuse("words_year_missing")
        return self.year

    def read_day(self, year: int, month: str | int, day: str | int) -> date:
        try:
            return date(year, int(month), int(day))
        except ValueError:
            raise self.refuse("words_no_such_day") from None

    def begin(self) -> date:
        if self.since is None:
            raise self.refuse("words_begin_missing")
        return self.since

    @property
    def kept(self) -> dict[str, Any]:
        return {"words": self.words, "source": self.source}

    @property
    def read(self) -> dict[str, Any]:
        return {**self.kept, "includes_last_day": self.includes_last_day}


Reader = Callable[[re.Match[str], _Context], DateValue]

_YEAR, _MONTH, _DAY = r"(?:(\d{4})年)?", r"(\d{1,2})月", r"(\d{1,2})[日号]"
_BEFORE = r"(?:(?:之|以)?前|止|截止|为止)?"
_CLOCK = r"(?:(上午|下午|晚上?|中午)?(\d{1,2})(?::(\d{2})|[时点](?:整|(\d{1,2})分|(半))?))"
_TO = r"(?:-|~|至|到)"
_WEEKDAYS = "一二三四五六日"
_PERIODS: dict[str, Literal["early", "middle", "late"]] = {"上": "early", "中": "middle", "下": "late"}

_HOURS = {
    "上午": frozenset(range(0, 13)),
    "中午": frozenset((11, 12)),
    "下午": frozenset((*range(1, 8), *range(13, 20))),
    "晚": frozenset((*range(5, 12), *range(17, 24))),
    "晚上": frozenset((*range(5, 12), *range(17, 24))),
}

# Around the date itself; they say that it is a deadline, not which.
_LEAD = re.compile(r"^(?:(?:征集)?截止(?:时间|日期|日)?(?:为|是)?:?|请?于|截至|(?:持续征集)?至)")
_TAIL = re.compile(r"(?:报送|上报|提交|完成|征集一批)?[,。;]?$")


def parse_words(
    words: str,
    *,
    source: Source = "notice",
    year: int | None = None,
    since: date | None = None,
    includes_last_day: bool = True,
) -> DateValue:
    """The date that a wording names, with the wording kept in it.

    `year` is for wordings without one (6月底前), `since` the day from which a series counts that has no beginning of its own
    (每月底前: usually the day of the notice). `includes_last_day` chooses the reading of 前.
    Raises `WordsUnreadable` when the wording is not understood as a whole, is damaged, names no real day, or lacks its year
    or beginning.
    """
    context = _Context(words, source, year, since, includes_last_day)
    text = _normalise(words)
    if re.search(r"缺失|不详|□|\?|×|X", text):
        raise context.refuse("words_damaged")
    candidates = {text, _LEAD.sub("", text), _TAIL.sub("", text), _TAIL.sub("", _LEAD.sub("", text))}
    for candidate in sorted(candidates, key=len, reverse=True):
        for pattern, reader in _WORDINGS:
            if found := pattern.fullmatch(candidate):
                try:
                    return reader(found, context)
                except ValidationError:
                    raise context.refuse("words_no_such_day") from None
    raise context.refuse("words_not_understood")


def _normalise(words: str) -> str:
    """Half-width characters, one kind of dash, and no blanks in Chinese wordings (printed texts have them anywhere)."""
    text = unicodedata.normalize("NFKC", words).strip()
    if not text.isascii():
        text = re.sub(r"\s+", "", text)
    return re.sub(r"[—–―─－‒]+", "-", text)


# ---- one reader for each wording -------------------------------------------------------------------------------------
def _day(found: re.Match[str], context: _Context) -> DateValue:
    return Day(value=context.read_day(context.read_year(found[1]), found[2], found[3]), **context.read)


def _moment(found: re.Match[str], context: _Context) -> DateValue:
    day = context.read_day(context.read_year(found[1]), found[2], found[3])
    half, hour = found[4], int(found[5])
    minute = 30 if found[8] else int(found[6] or found[7] or 0)
    if half:
        if hour not in _HOURS[half]:  # 晚上12点 would be noon or midnight, of this day or the next
            raise context.refuse("words_no_such_time")
        hour += 12 if half in ("下午", "晚", "晚上") and hour < 12 else 0
    ends = (hour, minute) == (24, 0)
    try:
        clock = "24:00" if ends else time(hour, minute).isoformat("minutes")
    except ValueError:
        raise context.refuse("words_no_such_time") from None
    return Instant(value=f"{day.isoformat()}T{clock}", **context.kept)


def _ten_days(found: re.Match[str], context: _Context) -> DateValue:
    value = f"{context.read_year(found[1]):04}-{int(found[2]):02}"
    return TenDayPeriod(value=value, period=_PERIODS[found[3]], **context.read)


def _month_end(found: re.Match[str], context: _Context) -> DateValue:
    return MonthEnd(value=f"{context.read_year(found[1]):04}-{int(found[2]):02}", **context.read)


def _year_end(found: re.Match[str], context: _Context) -> DateValue:
    return MonthEnd(value=f"{context.read_year(found[1]):04}-12", **context.read)


def _every_month_end(found: re.Match[str], context: _Context) -> DateValue:
    year, last = found[1], None
    if found[3]:
        last = f"{context.read_year(found[2]):04}-{int(found[3]):02}"
    elif year:
        last = f"{int(year):04}-12"
    first = f"{int(year):04}-01" if year and context.since is None else f"{context.begin():%Y-%m}"
    return MonthEnd(value=first, repeats=True, until=last, **context.read)


def _half_year(found: re.Match[str], context: _Context) -> DateValue:
    return HalfYear(value=f"{context.read_year(found[1]):04}-H{1 if found[2] == '上' else 2}", **context.read)


def _every_half_year(_found: re.Match[str], context: _Context) -> DateValue:
    begin = context.begin()
    return HalfYear(value=f"{begin.year:04}-H{1 if begin.month <= 6 else 2}", repeats=True, **context.read)


def _weekly(found: re.Match[str], context: _Context) -> DateValue:
    weekday = _WEEKDAYS.index(found[2].replace("天", "日")) + 1
    if found[1]:
        year = int(found[1])
        return Weekly(weekday=weekday, first=date(year, 1, 1), last=date(year, 12, 31), **context.kept)
    return Weekly(weekday=weekday, first=context.begin(), **context.kept)


def _month(found: re.Match[str], context: _Context) -> DateValue:
    first = context.read_day(context.read_year(found[1]), found[2], 1)
    return _range(first, _end_month(first), context)


def _months(found: re.Match[str], context: _Context) -> DateValue:
    year = context.read_year(found[1])
    first, last = context.read_day(year, found[2], 1), context.read_day(int(found[3] or year), found[4], 1)
    return _range(first, _end_month(last), context)


def _end_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _days(found: re.Match[str], context: _Context) -> DateValue:
    year = context.read_year(found[1])
    first = context.read_day(year, found[2], found[3])
    return _range(first, context.read_day(int(found[4] or year), found[5] or found[2], found[6]), context)


def _range(first: date, last: date, context: _Context) -> DateValue:
    if last < first:
        raise context.refuse("words_ends_before_start")
    return Range(first=first, last=last, **context.kept)


def _iso_day(found: re.Match[str], context: _Context) -> DateValue:
    return Day(value=context.read_day(int(found[1]), found[2], found[3]), **context.read)


def _iso_instant(found: re.Match[str], context: _Context) -> DateValue:
    try:
        parse_instant(found[0])
    except MomentInvalid as problem:  # an exact moment has its offset; a reading without it is ours to write, not to guess
        raise context.refuse(problem.values["reason"].code) from None
    return Instant(value=found[0], **context.kept)


_WORDINGS: tuple[tuple[re.Pattern[str], Reader], ...] = tuple(
    (re.compile(pattern, re.ASCII), reader)
    for pattern, reader in (
        (rf"{_YEAR}{_MONTH}{_DAY}{_BEFORE}", _day),
        (rf"{_YEAR}{_MONTH}{_DAY}{_CLOCK}{_BEFORE}", _moment),
        (rf"{_YEAR}{_MONTH}([上中下])旬{_BEFORE}", _ten_days),
        (rf"{_YEAR}{_MONTH}[底末]{_BEFORE}", _month_end),
        (rf"(?:(\d{{4}})年年?|年)[底末]{_BEFORE}", _year_end),
        (rf"{_YEAR}每个?月[底末]{_BEFORE}(?:报送)?(?:,?(?:持续)?(?:征集)?至{_YEAR}{_MONTH}[底末]{_BEFORE})?", _every_month_end),
        (rf"{_YEAR}([上下])半年", _half_year),
        (r"每半年", _every_half_year),
        (r"(?:(\d{4})年)?每(?:周|星期)([一二三四五六日天])", _weekly),
        (rf"{_YEAR}{_MONTH}", _month),
        (rf"{_YEAR}(\d{{1,2}})月?{_TO}{_YEAR}{_MONTH}", _months),
        (rf"{_YEAR}{_MONTH}{_DAY}{_TO}{_YEAR}(?:(\d{{1,2}})月)?{_DAY}", _days),
        (rf"{_YEAR}{_MONTH}(\d{{1,2}}){_TO}{_YEAR}(?:(\d{{1,2}})月)?{_DAY}", _days),
        (r"(\d{4})-(\d{2})-(\d{2})", _iso_day),
        (r"\d{4}-\d{2}-\d{2}[T ].+", _iso_instant),
    )
)
