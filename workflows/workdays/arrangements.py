"""The arrangement of a year as a file: CSV or JSON, every fault told with its row.

Columns (JSON: keys of the entries of `days`): `first` (a day), `last` (left out: the same day), `kind` (holiday | workday, or
休 | 班), `name_zh`, and `name_en` where there is one. A JSON file may also say its `year` and `source`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import orjson

from engine.errors import Finding, Problem
from workflows.forms import clean_text

FIRST_YEAR, LAST_YEAR = 1950, 2199
LONGEST_NAME, LONGEST_SOURCE = 60, 200
LARGEST = 200_000
"""Bytes of a file: an arrangement has some ten lines."""
MOST_DAYS = 120
"""Days of one line: no holiday is longer."""
KINDS = {"holiday": False, "休": False, "workday": True, "班": True}
COLUMNS = ("first", "last", "kind", "name_zh", "name_en")


class ArrangementInvalid(Problem):
    """The arrangement of a year cannot be taken; `findings` tell every fault with its row."""


class ArrangementUnknown(Problem):
    """This version of the software brings no arrangement of the year; a file has to say it."""

    kind = "missing"


@dataclass(frozen=True, slots=True)
class Arranged:
    """What is decided about one day."""

    is_workday: bool
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The days of a year that differ from plain weeks, as somebody announces them; some may lie in the December before it."""

    year: int
    days: Mapping[date, Arranged]
    source: str


def read_arrangement(content: bytes, year: int, *, source: str = "") -> Arrangement:
    """The arrangement that a CSV or JSON file holds; `source` stands above the file's own.

    Raises ArrangementInvalid.
    """
    findings: list[Finding] = []
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ArrangementInvalid(findings=[Finding("ArrangementYear", path="year", values={"year": year})])
    if len(content) > LARGEST:
        raise ArrangementInvalid(findings=[Finding("ArrangementTooLarge", path="file", values={"most": LARGEST})])
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ArrangementInvalid(findings=[Finding("ArrangementNotText", path="file")]) from None
    stated, rows = _read_json(text) if text.startswith(("{", "[")) else ({}, _read_csv(text))
    if stated.get("year") not in (None, year):
        findings.append(Finding("ArrangementOtherYear", path="year", values={"year": year, "stated": str(stated["year"])[:20]}))
    days: dict[date, Arranged] = {}
    for number, row in rows:
        for day, arranged in _read_row(number, row, year, findings):
            if day in days:
                findings.append(Finding("ArrangementDayTwice", path=f"row {number}", values={"row": number, "day": str(day)}))
            days[day] = arranged
    if not days and not findings:
        findings.append(Finding("ArrangementEmpty", path="file"))
    source = check_source(source or stated.get("source") or "", findings)
    if findings:
        raise ArrangementInvalid(findings=findings)
    return Arrangement(year, dict(sorted(days.items())), source)


def with_source(arrangement: Arrangement, source: str) -> Arrangement:
    """The same arrangement with what was said about its source, if anything was.

    Raises ArrangementInvalid.
    """
    if not source:
        return arrangement
    findings: list[Finding] = []
    source = check_source(source, findings)
    if findings:
        raise ArrangementInvalid(findings=findings)
    return replace(arrangement, source=source)


def check_source(source: Any, findings: list[Finding]) -> str:
    """The source as it is stored; what is wrong with it is added to `findings`."""
    found = clean_text(str(source))
    if not 0 < len(found) <= LONGEST_SOURCE:
        findings.append(Finding("WorkdaySourceMissing", path="source", values={"most": LONGEST_SOURCE}))
    return found


def check_names(name_zh: Any, name_en: Any, findings: list[Finding], *, path: str = "") -> tuple[str, str]:
    """The names of a day as they are stored, the Chinese one also where no English one is given."""
    zh, en = clean_text(str(name_zh or "")), clean_text(str(name_en or ""))
    if not 0 < len(zh) <= LONGEST_NAME or len(en) > LONGEST_NAME:
        findings.append(Finding("WorkdayNameMissing", path=path or "name_zh", values={"most": LONGEST_NAME}))
    return zh, en or zh


def _read_json(text: str) -> tuple[Mapping[str, Any], Iterable[tuple[int, Mapping[str, Any]]]]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    whole: Any = {"days": found} if isinstance(found, list) else found
    rows = whole.get("days") if isinstance(whole, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ArrangementInvalid(findings=[Finding("ArrangementNotRead", path="file")])
    return whole, list(enumerate(rows, start=1))


def _read_csv(text: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """Rows by the line that they stand on."""
    reader = csv.DictReader(io.StringIO(text), restkey="more", skipinitialspace=True)
    try:
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error:
        rows = []
    if not {"first", "kind", "name_zh"} <= set(reader.fieldnames or ()):
        raise ArrangementInvalid(findings=[Finding("ArrangementColumns", path="file", values={"columns": ", ".join(COLUMNS)})])
    return rows


def _read_row(number: int, row: Mapping[str, Any], year: int, findings: list[Finding]) -> Iterator[tuple[date, Arranged]]:
    path, before = f"row {number}", len(findings)
    days = []
    for key in ("first", "last"):
        given = str(row.get(key) or row.get("first") or "").strip()
        try:
            days.append(date.fromisoformat(given))
        except ValueError:
            findings.append(Finding("ArrangementDayUnreadable", path=path, values={"row": number, "given": given[:40]}))
    kind = KINDS.get(str(row.get("kind") or "").strip())
    if kind is None:
        given = str(row.get("kind") or "")[:40]
        findings.append(Finding("ArrangementKind", path=path, values={"row": number, "given": given, "kinds": ", ".join(KINDS)}))
    zh, en = check_names(row.get("name_zh"), row.get("name_en"), findings, path=path)
    if len(findings) > before or kind is None:
        return
    first, last = days
    if (last - first).days not in range(MOST_DAYS):
        findings.append(Finding("ArrangementDaysTurned", path=path, values={"row": number, "most": MOST_DAYS}))
        return
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day.year != year and (day.year, day.month) != (year - 1, 12):
            findings.append(Finding("ArrangementDayElsewhere", path=path, values={"row": number, "day": str(day), "year": year}))
            return
        yield day, Arranged(kind, zh, en)
