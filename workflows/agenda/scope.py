"""Whose agenda: the campaigns that the person may see, which of them the person runs, and the places that concern the person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from pydantic import TypeAdapter

from engine.work import Work
from workflows.notices.model import Activity, Round
from workflows.notices.reporting import Milestone, ReportPlan
from workflows.people import Person
from workflows.rules import visible_campaigns
from workflows.tables import campaign, notice, organisation

PARTS = ("activities", "rounds", "milestones", "reports")


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a notice has to do with time."""

    activities: tuple[Activity, ...] = ()
    rounds: tuple[Round, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    reports: tuple[ReportPlan, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows of the campaigns by id, what their notices say, which ones the person runs, and whose cut-offs concern the
    person: the own organisations and those above them."""

    campaigns: Mapping[str, sa.Row[Any]]
    parts: Mapping[str, Parts]
    run: frozenset[str]
    places: frozenset[str]


def read_scope(work: Work, person: Person, campaign_id: str | None = None) -> Scope:
    """All campaigns that the person may see, or one of them. Stages of bodies only where they concern the person, or are asked
    for."""
    places = _find_places(work, person)
    whole = campaign.c.parent_id.is_(None)
    which = sa.or_(whole, campaign.c.organiser_id.in_(sorted(places))) if campaign_id is None else campaign.c.id == campaign_id
    names = ("id", "key", "title", "demo", "organiser_id", "parent_id", "dates", "notice_id", "created_at", "phase")
    query = sa.select(*(campaign.c[name] for name in names)).where(visible_campaigns(person), which)
    rows = work.connection.execute(query.order_by(campaign.c.created_at.desc(), campaign.c.id)).all()
    run = [
        row.id for row in rows if ("organiser" if row.parent_id is None else "auditor", row.organiser_id) in person.memberships
    ]
    return Scope({row.id: row for row in rows}, _read_parts(work, {row.notice_id for row in rows}), frozenset(run), places)


def _find_places(work: Work, person: Person) -> frozenset[str]:
    own = sorted(person.organisations("auditor") | person.organisations("applicant"))
    if not own:
        return frozenset()
    paths = work.connection.execute(sa.select(organisation.c.path).where(organisation.c.id.in_(own))).scalars()
    return frozenset(each for path in paths for each in path.strip("/").split("/"))


def _read_parts(work: Work, ids: set[str]) -> dict[str, Parts]:
    query = sa.select(notice.c.id, *(notice.c.content[name].label(name) for name in PARTS)).where(notice.c.id.in_(sorted(ids)))
    rows = work.connection.execute(query).all()
    return {row.id: _parse(orjson.dumps([getattr(row, name) or [] for name in PARTS])) for row in rows}


_PARTS: TypeAdapter[tuple[Any, ...]] = TypeAdapter(
    tuple[tuple[Activity, ...], tuple[Round, ...], tuple[Milestone, ...], tuple[ReportPlan, ...]]
)


@lru_cache(maxsize=64)
def _parse(text: bytes) -> Parts:
    """By its text alone, so that nothing is ever out of date."""
    return Parts(*_PARTS.validate_json(text))
