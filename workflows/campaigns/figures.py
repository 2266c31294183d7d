"""The figures of a campaign's board: how far its cases are, what is open and for how long, how much is done in a week.

Few statements, each one pass over the campaign's own rows; narrowed as the board is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.moments import SHANGHAI
from engine.tables import user_task
from engine.work import Work
from workflows.campaigns.board import BodyLine, list_bodies, open_tasks
from workflows.campaigns.forms import drawn_handlers
from workflows.campaigns.progress import has_come_to, list_steps
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.case_states import PUBLIC
from workflows.organisations import OrganisationUnknown
from workflows.people import Person
from workflows.rules import campaign_subject, can, require
from workflows.tables import audit, case, panel_member, person, review

AGES = (3, 7, 14, 30)
"""Days by which open tasks are told apart; the last group is older."""
WEEKS = 12
"""So many weeks of work are told, the present one the last."""


@dataclass(frozen=True, slots=True)
class OpenStep:
    """The open tasks of the steps of one name: how many of each age (`AGES`, then older), how many overdue, since when the oldest
    waits."""

    name: str
    ages: tuple[int, ...]
    overdue: int
    oldest_at: datetime

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.ages)


@dataclass(frozen=True, slots=True)
class Week:
    """What was done in the week (of Beijing) that begins on this Monday."""

    begins_on: date
    submitted: int
    audited: int
    reviewed: int


@dataclass(frozen=True, slots=True)
class Load:
    """One reviewer who was drawn: sheets handed in and still owed."""

    name: str
    done: int
    owed: int


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it. `bodies` are those that the reader may see, `body` the one that they are narrowed to (None: all of these).

    `funnel` counts the cases that have come to each step that the campaign's diagrams draw; who is selected is told to others
    than the organisers once it is public. `lists`: the bodies send lists of what they recommend. `load` is empty for whoever does
    not organise the campaign.
    """

    campaign: Campaign
    bodies: tuple[BodyLine, ...]
    body: BodyLine | None
    lists: bool
    funnel: Mapping[str, int]
    steps: tuple[OpenStep, ...]
    weeks: tuple[Week, ...]
    load: tuple[Load, ...]


def read_figures(work: Work, reader: Person, campaign_id: str, *, body_id: str | None = None) -> Figures:
    """The figures of a campaign, of all that the reader sees of it or of one body.

    Raises CampaignUnknown, NotPermitted, OrganisationUnknown for a body that is not among those that the reader sees.
    """
    found = get_campaign(work, campaign_id, person=reader)
    subject = campaign_subject(work, campaign_id)
    require(reader, "campaign.board", subject)
    organises = ("organiser", found.organiser_id) in reader.memberships
    own = None if organises else reader.organisations("auditor")
    bodies = tuple(line for line in list_bodies(work, campaign_id) if own is None or line.organisation_id in own)
    body = next((line for line in bodies if line.organisation_id == body_id), None)
    if body_id is not None and body is None:
        raise OrganisationUnknown()
    places = None if body is None and own is None else sorted({body.organisation_id} if body else own or ())
    mine = sa.true() if places is None else case.c.body_id.in_(places)
    drawn = drawn_handlers(work, campaign_id)
    return Figures(
        campaign=found,
        bodies=bodies,
        body=body,
        lists="recommendations.submit" in drawn,
        funnel=_count_funnel(work, mine, campaign_id, list_steps(drawn, tell_selected=organises or found.phase in PUBLIC)),
        steps=_list_steps(work, found, places),
        weeks=_count_weeks(work, campaign_id, mine, reviews=organises),
        load=_list_load(work, campaign_id) if can(reader, "campaign.manage", subject) and body is None else (),
    )


def _count_if(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((which, 1), else_=0)), 0)


def _count_funnel(work: Work, mine: sa.ColumnElement[bool], campaign_id: str, steps: Sequence[str]) -> dict[str, int]:
    counts = (_count_if(has_come_to(step)).label(step) for step in steps)
    query = sa.select(*counts).select_from(case).where(case.c.campaign_id == campaign_id, mine)
    return {name: int(count) for name, count in work.connection.execute(query).one()._mapping.items()}


def _list_steps(work: Work, found: Campaign, places: Sequence[str] | None) -> tuple[OpenStep, ...]:
    bounds = [work.now, *(work.now - timedelta(days=days) for days in AGES)]
    ages = [
        _count_if(sa.and_(user_task.c.created_at <= newest, user_task.c.created_at > oldest)).label(f"age_{place}")
        for place, (newest, oldest) in enumerate(zip(bounds, bounds[1:], strict=False))
    ]
    ages.append(_count_if(user_task.c.created_at <= bounds[-1]).label("older"))
    oldest = sa.func.min(user_task.c.created_at, type_=user_task.c.created_at.type)
    query = sa.select(user_task.c.name, *ages, _count_if(user_task.c.due_at <= work.now), oldest)
    rows: list[Any] = list(work.connection.execute(query.where(open_tasks(found, places)).group_by(user_task.c.name)))
    steps = (OpenStep(row[0], tuple(map(int, row[1:-2])), int(row[-2]), row[-1]) for row in rows)
    return tuple(sorted(steps, key=lambda step: (-step.overdue, -step.count, step.name)))


def _count_weeks(work: Work, campaign_id: str, mine: sa.ColumnElement[bool], *, reviews: bool) -> tuple[Week, ...]:
    today = work.now.astimezone(SHANGHAI).date()
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(weeks=week - WEEKS + 1) for week in range(WEEKS + 1)]
    bounds = [datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) for day in days]

    def count(moment: sa.ColumnElement[Any], *joins: tuple[sa.Table, sa.ColumnElement[bool]]) -> list[int]:
        week = sa.case(*((moment >= bounds[place], place) for place in reversed(range(WEEKS)))).label("week")
        rows = sa.select(week).select_from(case).where(case.c.campaign_id == campaign_id, mine)
        for table, on in joins:
            rows = rows.join(table, on)
        inner = rows.where(moment >= bounds[0], moment < bounds[-1]).subquery("done")
        found = work.connection.execute(sa.select(inner.c.week, sa.func.count()).group_by(inner.c.week))
        counts: dict[int, int] = {place: number for place, number in found}
        return [counts.get(place, 0) for place in range(WEEKS)]

    submitted = count(case.c.received_at)
    audited = count(audit.c.at, (audit, audit.c.case_id == case.c.id))
    handed_in = (review, sa.and_(review.c.case_id == case.c.id, review.c.state == "submitted"))
    reviewed = count(review.c.submitted_at, handed_in) if reviews else [0] * WEEKS
    return tuple(Week(*each) for each in zip(days, submitted, audited, reviewed, strict=False))


def _list_load(work: Work, campaign_id: str) -> tuple[Load, ...]:
    of_campaign = sa.select(review.c.expert_id, review.c.state).join(case, case.c.id == review.c.case_id)
    own = of_campaign.where(case.c.campaign_id == campaign_id).subquery("own")
    done, owed = (_count_if(own.c.state == state).label(state) for state in ("submitted", "assigned"))
    query = (
        sa.select(person.c.name, done, owed, panel_member.c.state)
        .select_from(panel_member)
        .join(person, person.c.id == panel_member.c.person_id)
        .outerjoin(own, own.c.expert_id == panel_member.c.person_id)
        .where(panel_member.c.campaign_id == campaign_id)
        .group_by(person.c.id, person.c.name, panel_member.c.state)
    )
    rows = (
        Load(row.name, int(row.submitted), int(row.assigned))
        for row in work.connection.execute(query)
        if row.state == "drawn" or row.submitted or row.assigned
    )
    return tuple(sorted(rows, key=lambda row: (-row.owed, -row.done, row.name)))
