"""A notice cloned for another year: a new key, its processes renamed, its dates moved, its sources told as they are now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.notices.drafts.problems import DraftKeyRefused
from workflows.notices.drafts.saving import KEY, create_draft
from workflows.notices.folders import Files
from workflows.notices.source import NOTICE, read_yaml
from workflows.notices.store import export_notice, write_yaml
from workflows.people import Person
from workflows.rules import require
from workflows.tables import notice, notice_draft

MOVED = ("value", "first", "last", "until")
"""Keys of a date that hold days, months, half-years or moments."""
MOST_YEARS = 50


def clone_notice(work: Work, by: Person, notice_id: str, *, key: str, number: str | None, years: int) -> str:
    """A draft of a new notice that begins as a stored one does, moved by so many years. Returns its id.

    Raises NotPermitted, NoticeUnknown, DraftKeyRefused for a key that is badly written or taken.
    """
    require(by, "notice.edit")
    files = export_notice(work, notice_id)
    taken = sa.select(notice.c.key).where(notice.c.key == key)
    drafted = sa.select(notice_draft.c.key).where(notice_draft.c.key == key, notice_draft.c.state.in_(("editing", "submitted")))
    if not KEY.fullmatch(key) or work.connection.execute(taken.union(drafted)).first() is not None:
        raise DraftKeyRefused(key=key[:60])
    return create_draft(work, by, key, move_notice(files, key=key, number=number, years=years), based_on=notice_id)


def move_notice(files: Files, *, key: str, number: str | None, years: int) -> dict[str, bytes]:
    """The folder of `files` as that of the notice `key`, with the document number (None: not known yet), `years` later.

    Diagrams differ only in the ids of their processes. In `notice.yaml` moved dates are ours until somebody states their
    source again; what came from another of the old notice's texts (its result) is from outside for the new one.
    """
    data, _faults = read_yaml(files[NOTICE])
    assert data is not None, "a stored notice can be read"
    old, years = data["key"], max(-MOST_YEARS, min(years, MOST_YEARS))
    moved = {name: _tell_outside(part) for name, part in data.items() if name != "result"}
    moved["key"] = key
    document = moved["document"]
    document["number"] = {"value": number, "source": "notice" if number else "ours"}
    for name in ("issued_on", "published_on"):
        if name in document:
            document[name] = {"value": move_year(document[name]["value"], years), "source": "ours"}
    main = next(iter(moved.get("texts", {})), None)  # an overlay need not state any
    if main is not None:
        name = number or key
        moved["texts"] = {main: {"zh": name, "en": name}}
    moved["dates"] = {name: move_date(value, years) for name, value in moved["dates"].items()}
    moved["recurrence"] = {**moved.get("recurrence", {}), "cloned_from": {"value": old, "source": "ours"}}
    renamed = {path: _rename_processes(content, old, key) for path, content in files.items() if path.endswith((".bpmn", ".dmn"))}
    return {**files, **renamed, NOTICE: write_yaml(moved)}


def move_date(value: Mapping[str, Any], years: int) -> dict[str, Any]:
    """A date of `notice.yaml`, so many years later; the old text's words do not say it any more."""
    kept = {name: part for name, part in value.items() if name not in ("words", "reading", "note", "text")}
    for name in MOVED:
        if name in kept:
            kept[name] = move_year(kept[name], years)
    if isinstance(kept.get("candidates"), list):
        kept["candidates"] = [move_date(each, years) for each in kept["candidates"]]
    return {**kept, "source": "ours"}


def move_year(value: Any, years: int) -> Any:
    """A day, a month (`2023-06`), a half-year (`2023-H1`) or a moment, so many years later; 29 February becomes the 28th."""
    if isinstance(value, date):
        with suppress(ValueError):
            return value.replace(year=value.year + years)
        return value.replace(year=value.year + years, day=28)
    if isinstance(value, str) and (found := re.match(r"(\d{4})(-.*)", value, re.ASCII | re.DOTALL)):
        rest = re.sub(r"^-02-29", "-02-28", found[2])
        return f"{int(found[1]) + years:04}{rest}"
    return value


def _tell_outside(part: Any) -> Any:
    """Values of another text than the main one are, for the new notice, from outside."""
    if isinstance(part, list):
        return [_tell_outside(each) for each in part]
    if not isinstance(part, dict):
        return part
    told = {name: _tell_outside(value) for name, value in part.items()}
    if "source" in told and told.get("text") is not None:
        del told["text"]
        told["source"] = "outside"
    return told


def _rename_processes(xml: bytes, old: str, new: str) -> bytes:
    """Ids of processes and what refers to them: attribute values that are the old key with something behind it."""
    text = xml.decode("utf-8")
    return re.sub(rf"""(["']){re.escape(old)}(_\w+)\1""", rf"\g<1>{new}\g<2>\g<1>", text).encode()
