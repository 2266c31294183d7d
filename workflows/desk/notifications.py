"""The notifications of a person (消息): written where something is told, read by the bell and its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.tables import user_task
from engine.work import Work
from workflows.desk.kinds import BELL_ALONE, KINDS, LETTERS, PREFERENCE, USUAL, WAYS, choose_way, kind_of_letter
from workflows.people import Person
from workflows.preferences import keep_preference, read_preference, read_preferences
from workflows.rules import visible_cases, visible_tasks
from workflows.tables import case, notification, person, preference
from workflows.tables.desk import UNREAD

COUNTED = 100
"""The bell counts so far."""
PART = 300
"""Rows and values in one statement: SQLite bounds them."""


class NotificationUnknown(Problem):
    """The person has no such notification."""

    kind = "missing"


class NotificationPageUnknown(Problem):
    """The mark of a page of notifications was not given out by this list."""


class NotificationWaysInvalid(Problem):
    """A kind or a way is not known, or a letter is to be without its mail."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told: of which kind, about what, with the values of its text."""

    kind: str
    campaign_id: str | None = None
    case_id: str | None = None
    task_id: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification as its person may read it now.

    `case_id` and `task_id` are None where the person may not (or no longer) read them; then `values` hold no words of others.
    """

    id: str
    kind: str
    at: datetime
    by: str | None
    number: str | None
    campaign_id: str | None
    case_id: str | None
    task_id: str | None
    values: Mapping[str, Any]
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotificationPage:
    """Some notifications, the newest on top; `next` is the mark of the next page, None on the last one."""

    rows: tuple[Notification, ...]
    next: str | None


# ---- writing -----------------------------------------------------------------------------------------------------------
def ring(work: Work, person_ids: Iterable[str], told: Told) -> None:
    """Put it on the desk of each of these people who wants to hear of it by the bell."""
    ids = list(dict.fromkeys(person_ids))
    for start in range(0, len(ids), PART):
        part = ids[start : start + PART]
        kept = read_preferences(work, part, PREFERENCE)
        _write(work, [(each, told) for each in part if choose_way(kept.get(each), told.kind) in ("bell", "both")])


def ring_with_letters(work: Work, letters: Sequence[tuple[str, str, str]], campaign_id: str) -> None:
    """With each letter (person, its name, its subject) that leaves, what it says stands on its recipient's desk, too, unless that
    is switched off: one statement, because nearly every step that writes a letter comes here."""
    rows = [
        _describe(work, who, Told(kind_of_letter(name), campaign_id, values={"subject": subject}))
        | {"quiet": kind_of_letter(name)}
        for who, name, subject in letters
    ]
    if rows:
        work.connection.execute(_ADD_UNLESS_QUIET, rows)


def _write(work: Work, each: Sequence[tuple[str, Told]]) -> None:
    if each:
        work.connection.execute(_ADD, [_describe(work, person_id, told) for person_id, told in each])


def _describe(work: Work, person_id: str, told: Told) -> dict[str, Any]:
    return {
        "id": new_id(),
        "person_id": person_id,
        "kind": told.kind,
        "at": work.now,
        "by": work.by,
        "campaign_id": told.campaign_id,
        "case_id": told.case_id,
        "task_id": told.task_id,
        "values": dict(told.values),
        "read_at": None,
    }


_ADD = sa.insert(notification)
_KIND = sa.bindparam("quiet", type_=sa.JSON.JSONStrIndexType())
_QUIET = (
    sa.select(preference.c.name)
    .where(
        preference.c.person_id == sa.bindparam("person_id"),
        preference.c.name == PREFERENCE,
        preference.c.value[_KIND].as_string() == "none",
    )
    .exists()
)
_ADD_UNLESS_QUIET = sa.insert(notification).from_select(
    [column.name for column in notification.c],
    sa.select(*(sa.bindparam(column.name, type_=column.type) for column in notification.c)).where(sa.not_(_QUIET)),
)


# ---- reading -----------------------------------------------------------------------------------------------------------
def count_unread(work: Work, reader: Person) -> int:
    """How many notifications the person has not read, at most `COUNTED`."""
    return int(work.connection.execute(_COUNT, {"reader": reader.id}).scalar_one())


_COUNT = sa.select(sa.func.count()).select_from(
    sa.select(notification.c.id).where(notification.c.person_id == sa.bindparam("reader"), UNREAD).limit(COUNTED).subquery()
)


def list_notifications(work: Work, reader: Person, *, limit: int = 50, after: str | None = None) -> NotificationPage:
    """A page of the person's notifications.

    Raises NotificationPageUnknown.
    """
    own = notification.c
    query = sa.select(notification, person.c.name.label("name"), case.c.number).where(own.person_id == reader.id)
    query = query.outerjoin(person, person.c.id == own.by).outerjoin(case, case.c.id == own.case_id)
    if after is not None:
        query = query.where(_beyond(after))
    rows = work.connection.execute(query.order_by(own.at.desc(), own.id.desc()).limit(limit + 1)).all()
    shown = rows[:limit]
    cases = _readable(work, case, visible_cases(reader), {row.case_id for row in shown})
    tasks = _readable(work, user_task, visible_tasks(reader, work.now), {row.task_id for row in shown})
    found = tuple(_show(row, cases, tasks) for row in shown)
    return NotificationPage(found, f"{shown[-1].at.isoformat()}~{shown[-1].id}" if len(rows) > limit else None)


def _readable(work: Work, table: sa.Table, visible: sa.ColumnElement[bool], ids: set[str | None]) -> set[str]:
    wanted = sorted(each for each in ids if each is not None)
    if not wanted:
        return set()
    return set(work.connection.execute(sa.select(table.c.id).where(table.c.id.in_(wanted), visible)).scalars())


def _show(row: sa.Row[Any], cases: set[str], tasks: set[str]) -> Notification:
    reads = row.case_id is None or row.case_id in cases
    task_id = row.task_id if row.task_id in tasks else None
    return Notification(
        id=row.id,
        kind=row.kind,
        at=row.at,
        by=row.name,
        number=row.number if reads else None,
        campaign_id=row.campaign_id,
        case_id=row.case_id if reads else None,
        task_id=task_id,
        values=row.values if reads else {},
        read_at=row.read_at,
    )


def _beyond(after: str) -> sa.ColumnElement[bool]:
    moment, _, last = after.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError as fault:
        raise NotificationPageUnknown() from fault
    if at.tzinfo is None or not last:
        raise NotificationPageUnknown()
    own = notification.c
    beyond: sa.ColumnElement[bool] = sa.tuple_(own.at, own.id) < sa.tuple_(sa.literal(at, own.at.type), last)
    return beyond


def read_notification(work: Work, reader: Person, notification_id: str) -> Notification:
    """Mark one as read; what it is about.

    Raises NotificationUnknown.
    """
    own = notification.c
    mine = sa.and_(own.id == notification_id, own.person_id == reader.id)
    row = work.connection.execute(
        sa.select(notification, sa.null().label("name"), case.c.number).outerjoin(case, case.c.id == own.case_id).where(mine)
    ).one_or_none()
    if row is None:
        raise NotificationUnknown()
    work.connection.execute(sa.update(notification).where(mine, UNREAD).values(read_at=work.now))
    cases = _readable(work, case, visible_cases(reader), {row.case_id})
    return _show(row, cases, _readable(work, user_task, visible_tasks(reader, work.now), {row.task_id}))


def read_about_job(work: Work, reader: Person, job_id: str) -> int:
    """Mark what tells that a bulk job is done as read, because the person has its page before them; how much was not read."""
    own = notification.c
    about = sa.and_(own.kind == "bulk", own["values"]["job"].as_string() == job_id)
    change = sa.update(notification).where(own.person_id == reader.id, UNREAD, about).values(read_at=work.now)
    return int(work.connection.execute(change).rowcount)


def read_all(work: Work, reader: Person) -> int:
    """Mark all as read; how many were not."""
    own = notification.c
    change = sa.update(notification).where(own.person_id == reader.id, UNREAD).values(read_at=work.now)
    return int(work.connection.execute(change).rowcount)


# ---- settings ----------------------------------------------------------------------------------------------------------
def read_ways(work: Work, who: Person) -> dict[str, str]:
    """How the person is told of each kind."""
    kept = read_preference(work, who.id, PREFERENCE)
    return {kind: choose_way(kept, kind) for kind in KINDS}


def list_ways(kind: str) -> tuple[str, ...]:
    """The ways that can be chosen for a kind."""
    return ("bell", "none") if kind in LETTERS + BELL_ALONE else WAYS


def keep_ways(work: Work, who: Person, ways: Mapping[str, str]) -> None:
    """Have the person told of kinds by other ways; what `ways` does not name stays as it is.

    Raises NotificationWaysInvalid with all faults.
    """
    faults = [
        Finding("NotificationKindUnknown", path=kind, values={"kinds": ", ".join(KINDS)}) for kind in ways if kind not in KINDS
    ]
    faults += [
        Finding("NotificationWayUnknown", path=kind, values={"ways": ", ".join(list_ways(kind))})
        for kind, way in ways.items()
        if kind in KINDS and way not in list_ways(kind)
    ]
    if faults:
        raise NotificationWaysInvalid(findings=faults)
    whole = {**read_ways(work, who), **ways}
    keep_preference(work, who.id, PREFERENCE, {kind: way for kind, way in whole.items() if way != USUAL})
