"""What a new task with a due date brings: its reminders, and the weekly letter of its campaign."""

from __future__ import annotations

from contextlib import suppress

import sqlalchemy as sa

from engine.handlers import Call
from engine.tables import user_task
from engine.work import Work
from workflows.campaigns.reading import of_campaign
from workflows.reminders.ownership import find_plan, planned_by_stages, rules_of
from workflows.reminders.series import Series, arm_series
from workflows.reminders.weekly import arm_board


def plan(call: Call) -> None:
    """`reminders.plan`: arm the reminders of a task that was just made, and the weekly letter about its campaign.

    Harmless for every task: without a due date or a campaign nothing happens, without a rule in the notice no reminder.
    """
    work = call.work
    due_at = work.connection.execute(_DUE, {"task": call.task_id}).scalar_one_or_none()
    if due_at is None:
        return
    with suppress(LookupError):
        campaign_id = find_plan(work, call.business_key, call.element_id)
        arm_series(work, Series(campaign_id, call.element_id, due_at), rules_of(work, campaign_id))
        arm_board(work, campaign_id)


_DUE = sa.select(user_task.c.due_at).where(user_task.c.id == sa.bindparam("task"))


def plan_for_campaign(work: Work, campaign_id: str) -> int:
    """Arm the reminders still to come for all open tasks of a campaign: after its plan or its tasks were changed. How many are
    new, but for the weekly letter, which is armed too.
    """
    rules = rules_of(work, campaign_id)
    query = sa.select(user_task.c.element_id, user_task.c.due_at).where(
        of_campaign(campaign_id),
        ~planned_by_stages(work, campaign_id),
        user_task.c.state == "open",
        user_task.c.due_at.is_not(None),
    )
    series = {Series(campaign_id, each.element_id, each.due_at) for each in work.connection.execute(query.distinct())}
    if series:
        arm_board(work, campaign_id)
    return sum(arm_series(work, each, rules) for each in sorted(series, key=lambda each: each.key))
