"""Ranked lists: the cases that a body will recommend out of its own stage, in order; sealed they cannot be changed any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.applications import hash_data
from workflows.tables import application_version, case, organisation, ranked_list


@dataclass(frozen=True, slots=True)
class RankedList:
    """A stage's list. `cases` are ids, the first is the first recommended; `dropped` those that an upheld objection took out.

    `sha256` (once it is sealed) is of the numbers in order, each with the digest of its application.
    """

    stage_id: str
    cases: Sequence[str]
    dropped: Sequence[str]
    remark: str
    ranked_by: str | None
    ranked_at: datetime
    sha256: str | None
    sealed_by: str | None
    sealed_at: datetime | None

    @property
    def sealed(self) -> bool:
        """Whether it is the list that the body recommends."""
        return self.sealed_at is not None


def read_list(work: Work, stage_id: str, *, lock: bool = False) -> RankedList | None:
    """The list of a stage; None before it is ranked. With `lock` it stays as it is until this unit of work ends."""
    query = sa.select(ranked_list).where(ranked_list.c.stage_id == stage_id)
    row = work.connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else RankedList(**row._mapping)


def list_ranked(work: Work, cases: Sequence[str]) -> list[sa.Row[Any, Any, Any, Any, Any, Any]]:
    """These cases in their order: id, number, title, unit, and version and digest of the application as it stands."""
    each = application_version.alias()
    last = sa.select(sa.func.max(each.c.version)).where(each.c.case_id == case.c.id).correlate(case).scalar_subquery()
    query = (
        sa.select(
            case.c.id,
            case.c.number,
            case.c.title,
            organisation.c.name.label("unit"),
            application_version.c.version,
            application_version.c.sha256,
        )
        .join(organisation, organisation.c.id == case.c.institution_id)
        .outerjoin(
            application_version,
            sa.and_(application_version.c.case_id == case.c.id, application_version.c.version == last),
        )
        .where(case.c.id.in_(list(cases)))
    )
    places = {case_id: place for place, case_id in enumerate(cases)}
    return sorted(work.connection.execute(query).all(), key=lambda row: places[row.id])


def digest_list(work: Work, cases: Sequence[str]) -> str:
    """SHA-256 of the canonical JSON of a list: what the sealed paper is compared with."""
    entries = [{"number": row.number, "version": row.version, "sha256": row.sha256} for row in list_ranked(work, cases)]
    return hash_data({"cases": entries})
