"""What all kinds of dates have in common: words, reading, source and zone; and the two readings of 前."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2199, 12, 31)
"""Beyond these years a date is a slip of the pen."""


def _read_day(value: Any) -> Any:
    """Only a date or its ISO text: pydantic would take a number as seconds since 1970."""
    if type(value) is date:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise PydanticCustomError("ValueNotDate", "not a day")


Source = Literal["notice", "outside", "ours"]
"""Who says so: the notice's text, another source, or we, where the text is silent (an organiser may change it)."""
SomeDay = Annotated[date, BeforeValidator(_read_day), Field(ge=FIRST_DAY, le=LAST_DAY)]
Month = Annotated[str, Field(pattern=r"^(199\d|20\d\d|21\d\d)-(0[1-9]|1[0-2])$")]
Half = Annotated[str, Field(pattern=r"^(199\d|20\d\d|21\d\d)-H[12]$")]


class Bilingual(BaseModel):
    """A remark in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str
    en: str


class Dated(BaseModel):
    """What all kinds have in common.

    `label` is what the date is called, `words` the notice's own phrase, `reading` how it is read and `note` what a reader should
    know (both in words), `text` which of the notice's texts it is from (its main one, if not said).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Source
    label: Bilingual | None = None
    words: str | None = None
    reading: Bilingual | None = None
    note: Bilingual | None = None
    text: str | None = None
    zone: str = "Asia/Shanghai"

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise PydanticCustomError("DateZoneUnknown", "no such zone", {"value": value[:60]}) from None
        return value

    @property
    def days(self) -> tuple[date, date] | None:
        """First and last day of the time that the words name; None where they name no one time."""
        return None

    @property
    def opens_at(self) -> datetime | None:
        """The first instant of the time that the words name, in UTC."""
        days = self.days
        return None if days is None else start_of_day(days[0], self.zone)

    @property
    def cutoff_at(self) -> datetime | None:
        """The instant before which something is in time, in UTC; None when the date is unknown or repeats (see `expand`)."""
        due_on = self.due_on
        return None if due_on is None else start_of_day(due_on + timedelta(days=1), self.zone)

    @property
    def due_on(self) -> date | None:
        """The last permitted day; None when the date is unknown or repeats."""
        days = self.days
        return None if days is None else days[1]

    @property
    def key(self) -> str | None:
        """Names this one occurrence among those of its series, for unique keys; None when unknown or repeating."""
        return None if self.due_on is None else self.due_on.isoformat()


class Deadline(Dated):
    """Kinds that an official text may follow with “前”, which is read in two ways.

    `includes_last_day`: up to the end of the last day of what is named (our reading, and the default), or before its first.
    """

    includes_last_day: bool = True

    @property
    def due_on(self) -> date | None:
        """The last permitted day by the reading that was chosen; None when it repeats."""
        days = self.days
        if days is None:
            return None
        return days[1] if self.includes_last_day else days[0] - timedelta(days=1)


def start_of_day(day: date, zone: str = "Asia/Shanghai") -> datetime:
    """The first instant of a day in a zone, in UTC."""
    return datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)


def last_day(cutoff_at: datetime, zone: str = "Asia/Shanghai") -> date:
    """The last day on which something is in time for a half-open cut-off."""
    return (cutoff_at - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()
