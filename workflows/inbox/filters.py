"""Filters of the inbox that are kept under a name: by one person, perhaps for a group of that person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.work import Work
from workflows.forms import clean_text
from workflows.people import Person
from workflows.tables import person as person_table
from workflows.tables import saved_filter

LONGEST_NAME = 60
MOST = 50
"""Filters that one person keeps."""
PARAMETERS = ("view", "campaign", "step", "body", "due", "q", "sort")
"""What of the inbox's address a filter keeps."""


class FilterInvalid(Problem):
    """The filter cannot be kept; `findings` by field: `name`, `group`."""


class FilterUnknown(Problem):
    """The person keeps no such filter."""

    kind = "missing"


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A kept filter. `owner` is the name of whoever shares it, None for one's own; `kept_at`: since when it lets through what it
    does now."""

    id: str
    name: str
    asked: Mapping[str, str]
    shared_with: str | None
    owner: str | None
    kept_at: datetime


def list_filters(work: Work, reader: Person) -> list[SavedFilter]:
    """The person's own filters, and those that are shared with one of the person's groups, by name."""
    own = saved_filter.c
    query = sa.select(saved_filter, person_table.c.name.label("owner")).join(person_table, person_table.c.id == own.person_id)
    mine = sa.or_(own.person_id == reader.id, own.shared_with.in_(sorted(reader.groups)))
    rows = work.connection.execute(query.where(mine).order_by(own.name, own.id)).all()
    return [
        SavedFilter(
            row.id, row.name, row.asked, row.shared_with, None if row.person_id == reader.id else row.owner, row.created_at
        )
        for row in rows
    ]


def keep_filter(work: Work, reader: Person, name: str, asked: Mapping[str, str], *, group: str | None = None) -> str:
    """Keep a filter, in the place of one of the same name; its id. `group` is one of the person's groups.

    Raises FilterInvalid.
    """
    own, clean = saved_filter.c, clean_text(name)
    kept = _read_names(work, reader)
    findings = _check(reader, clean, group)
    if clean not in kept and len(kept) >= MOST:
        findings.append(Finding("FilterTooMany", path="name", values={"most": MOST}))
    if findings:
        raise FilterInvalid(findings=findings)
    known = {key: value for key, value in asked.items() if key in PARAMETERS and value}
    values = {"name": clean, "shared_with": group, "asked": known, "created_at": work.now}
    if clean in kept:
        work.connection.execute(sa.update(saved_filter).where(own.id == kept[clean]).values(values))
        return kept[clean]
    filter_id = new_id()
    work.connection.execute(sa.insert(saved_filter).values(id=filter_id, person_id=reader.id, **values))
    return filter_id


def rename_filter(work: Work, reader: Person, filter_id: str, name: str, *, group: str | None = None) -> None:
    """Give one's own filter another name, and share it with another of one's groups, or with none.

    Raises FilterUnknown, FilterInvalid.
    """
    clean, kept = clean_text(name), _read_names(work, reader)
    if filter_id not in kept.values():
        raise FilterUnknown()
    findings = _check(reader, clean, group)
    if kept.get(clean, filter_id) != filter_id:
        findings.append(Finding("FilterNameTaken", path="name", values={"name": clean}))
    if findings:
        raise FilterInvalid(findings=findings)
    change = sa.update(saved_filter).where(saved_filter.c.id == filter_id)
    work.connection.execute(change.values(name=clean, shared_with=group))


def _read_names(work: Work, reader: Person) -> dict[str, str]:
    """The person's own filters: name → id."""
    own = saved_filter.c
    return {row.name: row.id for row in work.connection.execute(sa.select(own.id, own.name).where(own.person_id == reader.id))}


def _check(reader: Person, name: str, group: str | None) -> list[Finding]:
    findings = []
    if not 0 < len(name) <= LONGEST_NAME:
        findings.append(Finding("FilterNameUnfit", path="name", values={"most": LONGEST_NAME}))
    if group is not None and group not in reader.groups:
        findings.append(Finding("FilterGroupForeign", path="group"))
    return findings


def drop_filter(work: Work, reader: Person, filter_id: str) -> None:
    """Keep one's own filter no more.

    Raises FilterUnknown.
    """
    own = saved_filter.c
    gone = sa.delete(saved_filter).where(own.id == filter_id, own.person_id == reader.id)
    if work.connection.execute(gone).rowcount == 0:
        raise FilterUnknown()
