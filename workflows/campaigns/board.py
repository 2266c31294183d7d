"""The board of a campaign: how far it is, body by body, what is due when and who says so, and what needs a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.tables import OPEN, candidate_set, incident, instance, user_task
from engine.work import Work
from workflows.campaigns.progress import has_come_to
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.campaigns.windows import BODY, COLLECTION, list_windows
from workflows.case_states import state_for
from workflows.deadlines import DateValue, load_date
from workflows.people import Person
from workflows.tables import case, organisation, recommending_body, report


@dataclass(frozen=True, slots=True)
class BodyLine:
    """One recommending body. `recommended` counts its listed cases once its list was received."""

    organisation_id: str
    name: str
    short_name: str
    cutoff_at: datetime | None  # None while the campaign's cut-off is unknown
    opened: int
    submitted: int
    audited: int
    recommended: int
    quota_min: int | None
    quota_max: int | None
    recommended_at: datetime | None

    @property
    def below_quota(self) -> bool:
        """Whether fewer cases than asked for stand in its list (none while it has not sent one)."""
        return self.quota_min is not None and self.recommended < self.quota_min


@dataclass(frozen=True, slots=True)
class DeadlineLine:
    """A date of the campaign: the value keeps words, reading and source; `state` is that of its window, if it has one."""

    name: str
    date: DateValue
    cutoff_at: datetime | None
    state: str | None


@dataclass(frozen=True, slots=True)
class Board:
    """The whole board. `states` counts cases by the state that the reader is told, `direct` those of them reported directly."""

    campaign: Campaign
    states: Mapping[str, int]
    direct: Mapping[str, int]
    bodies: tuple[BodyLine, ...]
    deadlines: tuple[DeadlineLine, ...]
    open_tasks: Mapping[str, int]
    overdue_tasks: int
    incidents: int


def campaign_board(work: Work, campaign_id: str, *, person: Person | None = None) -> Board:
    """The board of a campaign. For a `person` who does not organise it, only the bodies that the person audits for, and
    only their cases.

    Raises CampaignUnknown.
    """
    found = get_campaign(work, campaign_id, person=person)
    own = None
    if person is not None and ("organiser", found.organiser_id) not in person.memberships:
        own = person.organisations("auditor")
    states, direct = _count_states(work, found, own)
    tasks, overdue = _count_tasks(work, found, own)
    return Board(
        campaign=found,
        states=states,
        direct=direct,
        bodies=tuple(line for line in list_bodies(work, campaign_id) if own is None or line.organisation_id in own),
        deadlines=list_deadlines(work, found),
        open_tasks=tasks,
        overdue_tasks=overdue,
        incidents=_count_incidents(work, found) if own is None else 0,
    )


def below_quota(work: Work, campaign_id: str) -> list[BodyLine]:
    """The bodies with fewer listed cases than the notice asks for, in the campaign's order."""
    return [line for line in list_bodies(work, campaign_id) if line.below_quota]


def list_bodies(work: Work, campaign_id: str) -> list[BodyLine]:
    """All recommending bodies with their counts, in the campaign's order."""
    cutoffs = {each.organisation_id: each.cutoff_at for each in list_windows(work, campaign_id) if each.name == BODY}

    def count(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((which, 1), else_=0))

    # The campaign's cases are read by themselves: a body's of all years are no way to them.
    passed = sa.case((has_come_to("audited"), 1), else_=0).label("passed")
    ours = sa.select(case.c.body_id, case.c.received_at, case.c.rank, passed).where(case.c.campaign_id == campaign_id)
    own = ours.offset(0).subquery("ours").c
    numbers = {
        "opened": sa.func.count(),
        "submitted": count(own.received_at.is_not(None)),
        "audited": sa.func.sum(own.passed),
        "recommended": count(own.rank.is_not(None)),
    }
    by_body = sa.select(own.body_id, *(number.label(name) for name, number in numbers.items())).group_by(own.body_id)
    counted = by_body.subquery("counted")
    query = (
        sa.select(
            recommending_body,
            organisation.c.name,
            organisation.c.short_name,
            *(sa.func.coalesce(counted.c[name], 0).label(name) for name in numbers),
        )
        .join(organisation, organisation.c.id == recommending_body.c.organisation_id)
        .outerjoin(counted, counted.c.body_id == recommending_body.c.organisation_id)
        .where(recommending_body.c.campaign_id == campaign_id)
        .order_by(recommending_body.c.place)
    )
    return [
        BodyLine(
            organisation_id=row.organisation_id,
            name=row.name,
            short_name=row.short_name,
            cutoff_at=cutoffs.get(row.organisation_id),
            opened=row.opened,
            submitted=int(row.submitted),
            audited=int(row.audited),
            recommended=int(row.recommended),
            quota_min=row.quota_min,
            quota_max=row.quota_max,
            recommended_at=row.recommended_at,
        )
        for row in work.connection.execute(query)
    ]


def _count_states(work: Work, found: Campaign, own: Collection[str] | None) -> tuple[dict[str, int], dict[str, int]]:
    query = sa.select(case.c.state, case.c.channel, sa.func.count()).where(case.c.campaign_id == found.id, _is_of(own))
    states: dict[str, int] = {}
    direct: dict[str, int] = {}
    for state, channel, count in work.connection.execute(query.group_by(case.c.state, case.c.channel)):
        shown = state_for(state, found.phase, organiser=own is None)
        states[shown] = states.get(shown, 0) + count
        if channel == "direct":
            direct[shown] = direct.get(shown, 0) + count
    return states, direct


def _is_of(bodies: Collection[str] | None) -> sa.ColumnElement[bool]:
    return sa.true() if bodies is None else case.c.body_id.in_(sorted(bodies))


def open_tasks(found: Campaign, bodies: Collection[str] | None = None) -> sa.ColumnElement[bool]:
    """The rows of `user_task` that are open in a campaign; of these `bodies` what they owe themselves, as their lists, and what
    is open in their cases and reports."""
    place = sa.and_(OPEN, user_task.c.belongs_to == found.id)
    if bodies is None:
        return place
    places = sorted(bodies)
    reported = sa.or_(report.c.reporter_id.in_(places), report.c.recipient_id.in_(places))
    numbers = (
        sa.select(case.c.number).where(case.c.campaign_id == found.id, _is_of(places)),
        sa.select(report.c.number).where(report.c.campaign_id == found.id, reported),
    )
    own = candidate_set.c
    asked = sa.select(own.id).where(own.kind == "group", own.candidate.in_([f"auditor@{each}" for each in places]))
    return sa.and_(place, sa.or_(user_task.c.business_key.in_(sa.union_all(*numbers)), user_task.c.candidate_set.in_(asked)))


def _count_tasks(work: Work, found: Campaign, own: Collection[str] | None) -> tuple[dict[str, int], int]:
    """Open tasks by step, and how many of all are overdue."""
    late = sa.func.sum(sa.case((user_task.c.due_at <= work.now, 1), else_=0))
    query = sa.select(user_task.c.element_id, sa.func.count(), late).where(open_tasks(found, own))
    rows: list[Any] = list(work.connection.execute(query.group_by(user_task.c.element_id)))
    return {element_id: count for element_id, count, _ in rows}, sum(int(overdue or 0) for _, _, overdue in rows)


def list_deadlines(work: Work, found: Campaign) -> tuple[DeadlineLine, ...]:
    """The campaign's dates, the earliest first and unknown ones last."""
    windows = {each.name: each for each in list_windows(work, found.id) if each.organisation_id is None}
    lines = []
    for name, stored in found.dates.items():
        value = load_date(stored)
        where = windows.get(COLLECTION) if name == "collection_cutoff" else None
        lines.append(
            DeadlineLine(name, value, value.cutoff_at if where is None else where.cutoff_at, where.state if where else None)
        )
    return tuple(sorted(lines, key=lambda line: (line.cutoff_at is None, line.cutoff_at, line.name)))


def _count_incidents(work: Work, found: Campaign) -> int:
    stopped = sa.select(instance.c.id).where(instance.c.id == incident.c.instance_id, instance.c.belongs_to == found.id)
    query = sa.select(sa.func.count()).select_from(incident).where(incident.c.resolved_at.is_(None), stopped.exists())
    count: int = work.connection.execute(query).scalar_one()
    return count
