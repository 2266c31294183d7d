"""Whose plan of reminders a task has: that of its campaign, or of the stage that its body runs itself."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from engine.tables import user_task
from engine.work import Work
from workflows.campaigns.forms import followed_notice
from workflows.campaigns.reading import find_campaign
from workflows.reminders.plans import Rule, read_rules
from workflows.tables import campaign, case


def rules_of(work: Work, campaign_id: str) -> Mapping[str, Rule]:
    """The plan of a campaign, by step."""
    return read_rules(work, followed_notice(work, campaign_id)[0])


def find_plan(work: Work, business_key: str, task: str) -> str:
    """The id of the campaign whose plan has the task: for a case that goes through a body's own stage that stage, if its plan
    names the step.

    Raises LookupError for the instance of no campaign.
    """
    row = work.connection.execute(_CASE, {"number": business_key}).one_or_none()
    if row is None:
        return find_campaign(work, business_key)
    planned = row.stage_id is not None and task in rules_of(work, row.stage_id)
    return str(row.stage_id if planned else row.campaign_id)


_CASE = sa.select(case.c.stage_id, case.c.campaign_id).where(case.c.number == sa.bindparam("number"))


def planned_by_stages(work: Work, campaign_id: str) -> sa.ColumnElement[bool]:
    """Tasks of the campaign's cases that the plans of bodies' own stages within it have."""
    stages = work.connection.execute(sa.select(campaign.c.id).where(campaign.c.parent_id == campaign_id)).scalars().all()
    parts = [
        sa.and_(
            user_task.c.element_id.in_(sorted(rules_of(work, stage_id))),
            user_task.c.business_key.in_(sa.select(case.c.number).where(case.c.stage_id == stage_id)),
        )
        for stage_id in stages
    ]
    return sa.or_(sa.false(), *parts)
