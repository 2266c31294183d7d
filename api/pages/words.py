"""Words, dates and deadlines of a page in the reader's language. All moments are shown in Beijing time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from engine.errors import Finding, Problem
from engine.moments import SHANGHAI
from engine.texts import Catalogue, Language
from workflows.deadlines import (
    Bilingual,
    DateValue,
    last_day,
    load_date,
    say_cutoff,
    say_date,
    say_day,
    say_moment,
    say_period,
    say_reading,
)

HTML_LANGUAGES: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue in one language, and the moment of the page."""

    catalogue: Catalogue
    language: Language
    now: datetime

    def say(self, code: str, /, **values: Any) -> str:
        """The text of `code`.

        Raises KeyError for a code that the catalogue lacks.
        """
        return self.catalogue.say(code, self.language, values)

    def say_or(self, code: str, fallback: str) -> str:
        """The text of `code`, or `fallback` where data (a diagram, an older notice) brought a code of its own."""
        return self.catalogue.say(code, self.language) if code in self.catalogue.entries else fallback

    def tell(self, problem: Problem | Finding) -> str:
        """A problem or finding in words; its bare code and values where a catalogue entry is absent."""
        if problem.code in self.catalogue.entries:
            return self.catalogue.tell(problem, self.language)
        return f"{problem.code}: {', '.join(f'{name}={value}' for name, value in problem.values.items())}"

    def both(self, texts: Mapping[str, str] | Bilingual | str | None) -> str:
        """The reader's language of a `{zh: …, en: …}` pair, else the other one."""
        if texts is None:
            return ""
        if isinstance(texts, str):
            return texts
        if isinstance(texts, Bilingual):
            return texts.zh if self.language == "zh" else texts.en
        return texts.get(self.language) or next((text for text in texts.values() if text), "")

    def tell_code(self, code: str, values: Mapping[str, Any]) -> str:
        """A finding that was kept as code and values, in words."""
        return self.tell(Finding(code, values=values))

    def facts(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values of a row of history for its text: `until` and what was `before` it as cut-offs."""
        cutoffs = {name: values[name] for name in ("until", "before") if values.get(name)}
        return {**values, **{name: self.deadline(datetime.fromisoformat(value)) for name, value in cutoffs.items()}}

    def day(self, value: date | datetime) -> str:
        """2026年11月20日, or 20 November 2026."""
        return say_day(value.astimezone(SHANGHAI).date() if isinstance(value, datetime) else value, self.language)

    def iso_day(self, value: datetime | None) -> str:
        """The day in Beijing as a browser's field of dates wants it."""
        return "" if value is None else value.astimezone(SHANGHAI).date().isoformat()

    def moment(self, value: datetime | None) -> str:
        """2026年11月20日14:05, or 20 November 2026, 14:05 - in Beijing time, to the minute."""
        if value is None:
            return ""
        local = value.astimezone(SHANGHAI)
        return f"{self.day(local)}{'' if self.language == 'zh' else ', '}{local:%H:%M}"

    def exact(self, value: datetime | None) -> str:
        """A moment to the second with its zone, as receipts print it."""
        return "" if value is None else say_moment(value, self.language)

    def deadline(self, value: datetime | None) -> str:
        """A half-open cut-off in words: the midnight after 10 August is shown as 2022年8月10日24:00(北京时间)."""
        return "" if value is None else say_cutoff(value, self.language)

    def cutoff_text(self, value: str) -> str:
        """The same for a cut-off that is kept as an ISO text."""
        return self.deadline(datetime.fromisoformat(value))

    def plain(self, value: Any) -> str:
        """A plain value of a notice: days and the words that our settings know in words, all else as it stands."""
        text = str(value)
        if f"choice.{text}" in self.catalogue.entries:
            return self.say(f"choice.{text}")
        try:
            return self.day(date.fromisoformat(text)) if len(text) == 10 else text
        except ValueError:
            return text

    def date_value(self, value: DateValue) -> str:
        """A date that may be a range, a series or unknown."""
        return say_date(value, self.language)

    def date_name(self, name: str, value: DateValue | None = None) -> str:
        """What a date of a notice or campaign is called: its own label, else what all campaigns call it, else its name."""
        date, mark, key = name.partition("/")
        if mark:  # a single date of a series
            return f"{self.date_name(date, value)} {self.period(key)}"
        if value is not None and value.label is not None:
            return self.both({"zh": value.label.zh, "en": value.label.en})
        return self.say_or(f"date.{name}", name)

    def month(self, first: date) -> str:
        """2023年5月, or May 2023."""
        return say_period(f"{first:%Y-%m}", self.language)

    def period(self, key: str) -> str:
        """One occurrence of a series by its key."""
        return say_period(key, self.language)

    def reading(self, value: DateValue) -> str:
        """How the words of a date are read."""
        return say_reading(value, self.language)

    def cutoff_of(self, stored: Mapping[str, Any]) -> str:
        """The cut-off of a date as a campaign's row stores it."""
        return say_date(load_date(stored), self.language)

    def due(self, value: datetime | None) -> tuple[str, str]:
        """How an open deadline stands, as (level, text): `late`, `today`, `soon` (3 days), `later`; ("", "") without one."""
        if value is None:
            return "", ""
        today = self.now.astimezone(SHANGHAI).date()
        days = (last_day(value, SHANGHAI.key) - today).days
        if value <= self.now:
            return "late", self.say("due.late_days", days=-days) if days < 0 else self.say("due.late")
        if days <= 0:
            return "today", self.say("due.today")
        if days == 1:
            return "soon", self.say("due.tomorrow")
        return ("soon" if days <= 3 else "later"), self.say("due.days", days=days)

    def size(self, count: int) -> str:
        """A size of a file in words."""
        return f"{count / 1024 / 1024:.1f} MB" if count >= 1024 * 1024 else f"{max(1, round(count / 1024))} KB"
