"""Rounds for pages: how many cases each has, body by body, and which they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.errors import Problem
from engine.work import Work
from workflows.notices.model import Round
from workflows.people import Person
from workflows.rounds.plans import Occurrence, Plan, in_round, read_plans
from workflows.rules import campaign_subject, require
from workflows.tables import campaign, case, organisation, round_, round_case

CLOSED, OPEN, PLANNED = "closed", "open", "planned"


class RoundUnknown(Problem):
    """The campaign has no such round."""

    kind = "missing"


@dataclass(frozen=True, slots=True)
class BodyCount:
    """How many cases of a round came by one body; `body` is its short name, None for those that were sent directly."""

    body: str | None
    count: int


@dataclass(frozen=True, slots=True)
class RoundLine:
    """One round. `state`: `closed` (rolled up), `open` (now collecting), `planned`. An open one shows what it has so far."""

    plan: Round
    occurrence: Occurrence
    state: str
    closed_at: datetime | None
    counts: tuple[BodyCount, ...]
    publicity: str | None
    publicised_at: datetime | None

    @property
    def total(self) -> int:
        """Cases of all bodies."""
        return sum(each.count for each in self.counts)


@dataclass(frozen=True, slots=True)
class RoundCase:
    """One case of a round's list. `decided`: a person put it there, no moment."""

    id: str
    number: str
    title: str
    unit: str
    body: str | None
    moment: datetime
    decided: bool


def list_rounds(work: Work, reader: Person, campaign_id: str) -> list[RoundLine]:
    """All rounds of a campaign, cadence by cadence. Who does not organise it sees the cases of the bodies it audits for.

    Raises CampaignUnknown, NotPermitted.
    """
    mine = _narrow(work, reader, campaign_id)
    closed = {
        (row.plan, row.occurrence): row
        for row in work.connection.execute(sa.select(round_).where(round_.c.campaign_id == campaign_id))
    }
    lines = []
    for plan in read_plans(work, campaign_id).values():
        for occurrence in plan.occurrences:
            row = closed.get((plan.key, occurrence.key))
            begun = occurrence.opens_at is None or occurrence.opens_at <= work.now
            lines.append(
                RoundLine(
                    plan=plan.round,
                    occurrence=occurrence,
                    state=CLOSED if row is not None else OPEN if begun else PLANNED,
                    closed_at=None if row is None else row.closed_at,
                    counts=_count(work, sa.and_(mine, _belongs(campaign_id, plan, occurrence, None if row is None else row.id))),
                    publicity=None if row is None else row.publicity,
                    publicised_at=None if row is None else row.publicised_at,
                )
            )
    return lines


def list_round_cases(
    work: Work, reader: Person, campaign_id: str, plan_key: str, occurrence_key: str
) -> tuple[RoundLine, list[RoundCase]]:
    """One round and its list, in the order of the moments that decided.

    Raises CampaignUnknown, NotPermitted, RoundUnknown.
    """
    lines = [
        line
        for line in list_rounds(work, reader, campaign_id)
        if (line.plan.key, line.occurrence.key) == (plan_key, occurrence_key)
    ]
    if not lines:
        raise RoundUnknown()
    (line,), plan = lines, read_plans(work, campaign_id)[plan_key]
    row = work.connection.execute(
        sa.select(round_.c.id).where(
            round_.c.campaign_id == campaign_id, round_.c.plan == plan_key, round_.c.occurrence == occurrence_key
        )
    ).one_or_none()
    body = organisation.alias("body")
    query = (
        sa.select(
            case.c.id,
            case.c.number,
            case.c.title,
            organisation.c.name.label("unit"),
            body.c.short_name.label("body"),
            plan.moment.label("moment"),
            round_case.c.decided_by,
        )
        .join(organisation, organisation.c.id == case.c.institution_id)
        .outerjoin(body, body.c.id == case.c.body_id)
        .outerjoin(round_case, sa.and_(round_case.c.case_id == case.c.id, round_case.c.plan == plan_key))
        .where(_narrow(work, reader, campaign_id), _belongs(campaign_id, plan, line.occurrence, None if row is None else row.id))
        .order_by(plan.moment, case.c.number)
    )
    return line, [
        RoundCase(row.id, row.number, row.title, row.unit, row.body, row.moment, row.decided_by is not None)
        for row in work.connection.execute(query)
    ]


def _belongs(campaign_id: str, plan: Plan, occurrence: Occurrence, round_id: str | None) -> sa.ColumnElement[bool]:
    """The cases of a round: those it was closed with, else those it has so far."""
    if round_id is None:
        return sa.and_(case.c.campaign_id == campaign_id, in_round(plan, occurrence))
    return case.c.id.in_(sa.select(round_case.c.case_id).where(round_case.c.round_id == round_id))


def _count(work: Work, which: sa.ColumnElement[bool]) -> tuple[BodyCount, ...]:
    query = (
        sa.select(organisation.c.short_name, sa.func.count())
        .select_from(case)
        .outerjoin(organisation, organisation.c.id == case.c.body_id)
        .where(which)
        .group_by(organisation.c.short_name, organisation.c.region)
        .order_by(organisation.c.region, organisation.c.short_name)
    )
    rows: Sequence[tuple[str | None, int]] = [(name, count) for name, count in work.connection.execute(query)]
    ordered = [row for row in rows if row[0] is not None] + [row for row in rows if row[0] is None]
    return tuple(BodyCount(name, count) for name, count in ordered)


def _narrow(work: Work, reader: Person, campaign_id: str) -> sa.ColumnElement[bool]:
    require(reader, "campaign.board", campaign_subject(work, campaign_id))
    organiser = work.connection.execute(sa.select(campaign.c.organiser_id).where(campaign.c.id == campaign_id)).scalar_one()
    if ("organiser", organiser) in reader.memberships:
        return sa.true()
    return case.c.body_id.in_(sorted(reader.organisations("auditor")))
