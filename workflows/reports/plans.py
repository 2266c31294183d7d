"""Who owes which report by when: the notice's plan, the campaign's bodies and dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.work import Work
from workflows.campaigns.forms import campaign_notice
from workflows.deadlines import DateValue, expand, load_date
from workflows.notices.reporting import ReportPlan
from workflows.tables import campaign, organisation, recommending_body


class ReportPlanUnknown(Problem):
    """The campaign's notice asks for no report of this key."""

    kind = "missing"


@dataclass(frozen=True, slots=True)
class Reporter:
    """A body of the campaign; `place` counts from 1 in the campaign's order, `kind` is the notice's."""

    id: str
    place: int
    name: str
    short_name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One time at which a report is due; `period` names it among those of its plan."""

    period: str
    due_at: datetime | None


def list_plans(work: Work, campaign_id: str) -> tuple[ReportPlan, ...]:
    """The reports that the campaign's notice asks for, in its order."""
    return campaign_notice(work, campaign_id).notice.reports


def get_plan(work: Work, campaign_id: str, key: str) -> ReportPlan:
    """One of them.

    Raises ReportPlanUnknown.
    """
    for plan in list_plans(work, campaign_id):
        if plan.key == key:
            return plan
    raise ReportPlanUnknown(plan=key)


def list_reporters(work: Work, campaign_id: str, plan: ReportPlan | None = None) -> list[Reporter]:
    """The campaign's bodies, in its order; with `plan` those that owe this report."""
    query = (
        sa.select(organisation.c.id, organisation.c.name, organisation.c.short_name, organisation.c.kind)
        .join(recommending_body, recommending_body.c.organisation_id == organisation.c.id)
        .where(recommending_body.c.campaign_id == campaign_id)
        .order_by(recommending_body.c.place)
    )
    listed = campaign_notice(work, campaign_id).notice.recipients.bodies
    kinds = {body.short_name: body.kind for body in listed} | {body.name: body.kind for body in listed}
    found = [
        Reporter(row.id, place, row.name, row.short_name, kinds.get(row.name) or kinds.get(row.short_name) or row.kind)
        for place, row in enumerate(work.connection.execute(query), start=1)
    ]
    return [each for each in found if plan is None or each.kind in plan.by]


def list_occurrences(stored: Mapping[str, Any]) -> list[Occurrence]:
    """When a report by this date of a campaign is due: once, or at each occurrence of a series; never while it is unknown."""
    value: DateValue = load_date(stored)
    return [Occurrence(each.key, each.cutoff_at) for each in expand(value) if each.key is not None and each.cutoff_at is not None]


def planned_dates(work: Work, campaign_id: str) -> Mapping[str, Mapping[str, Any]]:
    """The campaign's dates as stored, by name."""
    found: Mapping[str, Mapping[str, Any]] = work.connection.execute(
        sa.select(campaign.c.dates).where(campaign.c.id == campaign_id)
    ).scalar_one()
    return found
