"""The kinds of dates, as pydantic models: one mapping with `kind` each, in `notice.yaml` and in a campaign's row alike."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, WrapValidator, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from engine.moments import MomentInvalid, parse_instant
from workflows.deadlines.origins import FIRST_DAY, LAST_DAY, Dated, Deadline, Half, Month, SomeDay, last_day

Moved = dict[str, str] | None
"""Of a series: its single dates that have another moment, by their keys; the moments are ISO 8601."""


class Day(Deadline):
    """One day: 2022年8月10日."""

    kind: Literal["day"] = "day"
    value: SomeDay

    @property
    def days(self) -> tuple[date, date]:
        """The day itself."""
        return self.value, self.value

    @property
    def key(self) -> str | None:
        """The day, whatever the reading."""
        return self.value.isoformat()


class MonthEnd(Deadline):
    """The end of a month (6月底前), or of each month from `value` to `until` (每月底前; endless without `until`).

    What is named is the month's last day.
    """

    kind: Literal["month_end"] = "month_end"
    value: Month
    repeats: bool = False
    until: Month | None = None
    moved: Moved = None

    @model_validator(mode="after")
    def _check_until(self) -> Self:
        _check_series(self.repeats, self.value, self.until)
        _check_moved(self.repeats, self.moved, self.zone)
        return self

    @property
    def days(self) -> tuple[date, date] | None:
        """The last day of the month."""
        if self.repeats:
            return None
        first = date.fromisoformat(f"{self.value}-01")
        last = first.replace(day=monthrange(first.year, first.month)[1])
        return last, last

    @property
    def key(self) -> str | None:
        """The month."""
        return None if self.repeats else self.value


class TenDayPeriod(Deadline):
    """A ten-day period (旬): the 1st to 10th, 11th to 20th, or 21st to the month's end."""

    kind: Literal["ten_day_period"] = "ten_day_period"
    value: Month
    period: Literal["early", "middle", "late"]

    @property
    def days(self) -> tuple[date, date]:
        """First and last day of the period."""
        first = date.fromisoformat(f"{self.value}-01")
        if self.period == "early":
            return first, first.replace(day=10)
        if self.period == "middle":
            return first.replace(day=11), first.replace(day=20)
        return first.replace(day=21), first.replace(day=monthrange(first.year, first.month)[1])

    @property
    def key(self) -> str | None:
        """The month and the period."""
        return f"{self.value}-{self.period}"


class HalfYear(Deadline):
    """The batch of a half-year, due at the end of a month of it; with `repeats` each one from `value` to `until`.

    `months` are the months at whose end the first and the second half's batch is due: June and December, or as the notice
    says (6月底前征集一批, 11月底前征集一批: 6 and 11). What is named is the month's last day.
    """

    kind: Literal["half_year"] = "half_year"
    value: Half
    months: tuple[Annotated[int, Field(ge=1, le=6)], Annotated[int, Field(ge=7, le=12)]] = (6, 12)
    repeats: bool = False
    until: Half | None = None
    moved: Moved = None

    @model_validator(mode="after")
    def _check_until(self) -> Self:
        _check_series(self.repeats, self.value, self.until)
        _check_moved(self.repeats, self.moved, self.zone)
        return self

    @property
    def days(self) -> tuple[date, date] | None:
        """The last day of the month at whose end the batch is due."""
        if self.repeats:
            return None
        year, month = int(self.value[:4]), self.months[int(self.value[-1]) - 1]
        last = date(year, month, monthrange(year, month)[1])
        return last, last

    @property
    def key(self) -> str | None:
        """The half-year."""
        return None if self.repeats else self.value


class Range(Dated):
    """From one day to another, both included: 2023年9—10月. Given to the month, it is the months' first and last days."""

    kind: Literal["range"] = "range"
    first: SomeDay
    last: SomeDay

    @model_validator(mode="before")
    @classmethod
    def _fill_months(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        data = dict(data)
        for name, last in (("first", False), ("last", True)):
            value = data.get(name)
            if isinstance(value, str) and re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value, re.ASCII):
                year, month = int(value[:4]), int(value[5:])
                data[name] = f"{value}-{monthrange(year, month)[1] if last else 1:02}"
        return data

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.last < self.first:
            raise PydanticCustomError(
                "DateEndsBeforeStart", "ends before it begins", {"first": str(self.first), "last": str(self.last)}
            )
        return self

    @property
    def days(self) -> tuple[date, date]:
        """First and last day."""
        return self.first, self.last

    @property
    def key(self) -> str | None:
        """Both days."""
        return f"{self.first}/{self.last}"


class Weekly(Dated):
    """A day of each week (每周四) from `first` to `last`, both included; endless without `last`. Monday is 1."""

    kind: Literal["weekly"] = "weekly"
    weekday: Annotated[int, Field(ge=1, le=7)]
    first: SomeDay
    last: SomeDay | None = None
    moved: Moved = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        _check_moved(True, self.moved, self.zone)
        if self.last is not None and self.last < self.first:
            raise PydanticCustomError(
                "DateEndsBeforeStart", "ends before it begins", {"first": str(self.first), "last": str(self.last)}
            )
        return self


class Instant(Dated):
    """An exact moment, ISO 8601: with an offset, or a wall-clock reading in `zone`. `24:00` is the end of its day.

    `occurrence` is the key of the single date of a series that was moved to it.
    """

    kind: Literal["instant"] = "instant"
    value: str
    occurrence: str | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _write(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else value  # as YAML reads an unquoted one

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        try:
            moment = parse_instant(self.value, ZoneInfo(self.zone))
        except MomentInvalid as problem:
            raise PydanticCustomError("DateNoInstant", "no instant", {"value": self.value[:60]}) from problem
        if not FIRST_DAY <= moment.date() <= LAST_DAY:
            raise PydanticCustomError("DateNoInstant", "no instant", {"value": self.value[:60]})
        return self

    @property
    def days(self) -> tuple[date, date]:
        """The last day on which it has not passed."""
        day = last_day(self.cutoff_at, self.zone)
        return day, day

    @property
    def opens_at(self) -> datetime:
        """The moment itself."""
        return self.cutoff_at

    @property
    def cutoff_at(self) -> datetime:
        """The moment itself, in UTC."""
        return parse_instant(self.value, ZoneInfo(self.zone))

    @property
    def key(self) -> str | None:
        """The moment in UTC; of a moved single date what it was called in its series."""
        return self.occurrence or self.cutoff_at.isoformat()


def _read_kind(data: Any, _handler: Any) -> Any:
    """The date by its `kind`. Pydantic's own way would write the kind into the paths of faults, where no file has it."""
    if isinstance(data, Dated):
        return data
    if not isinstance(data, Mapping):
        raise ValidationError.from_exception_data("date", [InitErrorDetails(type="dict_type", input=data)])
    kinds = {each.model_fields["kind"].default: each for each in get_args(_AnyDate)}
    kind = data.get("kind")
    if kind is None:
        raise ValidationError.from_exception_data("date", [InitErrorDetails(type="missing", loc=("kind",), input=data)])
    if not isinstance(kind, str) or kind not in kinds:
        detail = InitErrorDetails(type="literal_error", loc=("kind",), input=kind, ctx={"expected": ", ".join(kinds)})
        raise ValidationError.from_exception_data("date", [detail])
    return kinds[kind].model_validate(data)


_ByKind = WrapValidator(_read_kind)
_SingleDate = Day | MonthEnd | TenDayPeriod | HalfYear | Range | Instant


class Unknown(Dated):
    """A date that a damaged or silent text does not tell. Nothing is due by it before an official confirms a candidate.

    `candidates` are known single dates; they come from us, not from a source, unless they say otherwise.
    """

    kind: Literal["unknown"] = "unknown"
    candidates: tuple[Annotated[_SingleDate, Field(discriminator="kind"), _ByKind], ...] = ()

    @field_validator("candidates", mode="before")
    @classmethod
    def _fill_source(cls, value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            return value
        return [{"source": "ours", **item} if isinstance(item, Mapping) else item for item in value]

    @field_validator("candidates")
    @classmethod
    def _check_single(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if any(isinstance(candidate, (Weekly, Unknown)) or candidate.due_on is None for candidate in value):
            raise PydanticCustomError("DateCandidateRepeats", "a candidate repeats")
        return value


_AnyDate = _SingleDate | Weekly | Unknown
DateValue = Annotated[_AnyDate, Field(discriminator="kind"), _ByKind]
"""Any date, by its `kind`: what a field of a pydantic model is declared as."""


def _check_moved(repeats: bool, moved: Moved, zone: str) -> None:
    if moved and not repeats:
        raise PydanticCustomError("DateMovedAlone", "`moved` without `repeats`")
    for value in (moved or {}).values():
        try:
            parse_instant(value, ZoneInfo(zone))
        except MomentInvalid as problem:
            raise PydanticCustomError("DateNoInstant", "no instant", {"value": value[:60]}) from problem


def _check_series(repeats: bool, value: str, until: str | None) -> None:
    if until is None:
        return
    if not repeats:
        raise PydanticCustomError("DateUntilAlone", "`until` without `repeats`")
    if until < value:
        raise PydanticCustomError("DateEndsBeforeStart", "ends before it begins", {"first": value, "last": until})
