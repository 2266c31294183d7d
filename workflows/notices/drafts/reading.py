"""Drafts as they stand: lists, versions with their files, and what people decided about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from engine.work import Work
from workflows.notices.drafts.problems import DraftUnknown
from workflows.notices.store import export_notice
from workflows.tables import notice, notice_draft, notice_draft_file, notice_draft_step, notice_draft_version, person

State = Literal["editing", "submitted", "released", "discarded"]
CLOSE = timedelta(minutes=10)
"""Between two autosaves that are shown as one version, at most."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft. `version` is the number of its latest version; people are named, None for one who is unknown."""

    id: str
    key: str
    state: State
    version: int
    based_on: str | None
    base_key: str | None
    base_version: int | None
    notice_id: str | None
    created_at: datetime
    saved_at: datetime
    saved_by: str | None
    writers: frozenset[str]

    @property
    def open(self) -> bool:
        """Whether it can be edited."""
        return self.state == "editing"


@dataclass(frozen=True, slots=True)
class Version:
    """One save. `changed` are the paths that differ from the version before; `kind`: started, saved, autosaved or restored."""

    number: int
    kind: str
    at: datetime
    by: str | None
    changed: tuple[str, ...]
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Span:
    """Versions that are shown as one: `newest` stands for all from the number `first` on."""

    newest: Version
    first: int


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody decided about a version: submitted, withdrawn, sent_back, released, discarded."""

    kind: str
    at: datetime
    by: str | None
    version: int
    reason: str | None


def list_drafts(work: Work, *, states: tuple[State, ...] = ("editing", "submitted")) -> list[Draft]:
    """Drafts in these states, the last saved first."""
    query = _select().where(notice_draft.c.state.in_(states)).order_by(notice_draft.c.saved_at.desc(), notice_draft.c.id)
    return [_read(work, row) for row in work.connection.execute(query).all()]


def count_submitted(work: Work) -> int:
    """How many drafts wait for somebody who releases them."""
    query = sa.select(sa.func.count()).select_from(notice_draft).where(notice_draft.c.state == "submitted")
    return int(work.connection.execute(query).scalar_one())


def get_draft(work: Work, draft_id: str) -> Draft:
    """One draft.

    Raises DraftUnknown.
    """
    row = work.connection.execute(_select().where(notice_draft.c.id == draft_id)).one_or_none()
    if row is None:
        raise DraftUnknown()
    return _read(work, row)


def list_versions(work: Work, draft_id: str) -> list[Version]:
    """All versions, the newest first."""
    table = notice_draft_version
    query = sa.select(table, person.c.name).outerjoin(person, person.c.id == table.c.by).where(table.c.draft_id == draft_id)
    return [_version(row) for row in work.connection.execute(query.order_by(table.c.number.desc()))]


def fold_versions(versions: Sequence[Version]) -> list[Span]:
    """The versions, the newest first, with what pages saved by themselves one after the other told as one.

    Such are autosaves of the same files by one person, each at most `CLOSE` after the one before. Pure.
    """
    spans: list[Span] = []
    before: Version | None = None
    for each in versions:
        if before is not None and _follows(before, each):
            spans[-1] = Span(spans[-1].newest, each.number)
        else:
            spans.append(Span(each, each.number))
        before = each
    return spans


def _follows(later: Version, each: Version) -> bool:
    alike = later.kind == each.kind == "autosaved" and later.by == each.by and later.changed == each.changed
    return alike and later.at - each.at <= CLOSE


def find_writer(work: Work, draft_id: str, path: str) -> str:
    """The name of who changed a file last; empty for nobody who is known."""
    found = next((each.by for each in list_versions(work, draft_id) if path in each.changed), None)
    return found or ""


def list_steps(work: Work, draft_id: str) -> list[Step]:
    """What was decided about the draft, the newest first."""
    table = notice_draft_step
    query = sa.select(table, person.c.name).outerjoin(person, person.c.id == table.c.by).where(table.c.draft_id == draft_id)
    rows = work.connection.execute(query.order_by(table.c.number.desc()))
    return [Step(row.kind, row.at, row.name, row.version, row.reason) for row in rows]


def get_version(work: Work, draft_id: str, number: int) -> Version:
    """One version.

    Raises DraftUnknown.
    """
    table = notice_draft_version
    query = sa.select(table, person.c.name).outerjoin(person, person.c.id == table.c.by)
    row = work.connection.execute(query.where(table.c.draft_id == draft_id, table.c.number == number)).one_or_none()
    if row is None:
        raise DraftUnknown()
    return _version(row)


def read_files(work: Work, draft_id: str, number: int) -> dict[str, bytes]:
    """The folder of a version, by paths.

    Raises DraftUnknown.
    """
    version = get_version(work, draft_id, number)
    table = notice_draft_file
    query = sa.select(table.c.sha256, table.c.content).where(
        table.c.draft_id == draft_id, table.c.sha256.in_(sorted(set(version.files.values())))
    )
    contents = {row.sha256: row.content for row in work.connection.execute(query)}
    return {path: contents[digest] for path, digest in version.files.items()}


def base_files(work: Work, draft: Draft) -> dict[str, bytes]:
    """The folder of the version that the draft is based on; empty when it stands on nothing."""
    return export_notice(work, draft.based_on) if draft.based_on is not None else {}


def _select() -> sa.Select[Any]:
    base = notice.alias("base")
    return (
        sa.select(notice_draft, person.c.name.label("saver"), base.c.key.label("base_key"), base.c.version.label("base_version"))
        .outerjoin(person, person.c.id == notice_draft.c.saved_by)
        .outerjoin(base, base.c.id == notice_draft.c.based_on)
    )


def _read(work: Work, row: sa.Row[Any]) -> Draft:
    wrote = sa.select(notice_draft_version.c.by).where(notice_draft_version.c.draft_id == row.id).distinct()
    return Draft(
        id=row.id,
        key=row.key,
        state=row.state,
        version=row.version,
        based_on=row.based_on,
        base_key=row.base_key,
        base_version=row.base_version,
        notice_id=row.notice_id,
        created_at=row.created_at,
        saved_at=row.saved_at,
        saved_by=row.saver,
        writers=frozenset(by for by in work.connection.execute(wrote).scalars() if by is not None),
    )


def _version(row: sa.Row[Any]) -> Version:
    return Version(row.number, row.kind, row.at, row.name, tuple(row.changed), row.files)
