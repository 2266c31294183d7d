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
    work, step = call.work, (plan, call.business_key, call.element_id)
    if call.task_id not in work.known.get(step, {}):  # several sign: all their tasks are there by now
        rows = work.connection.execute(_DUE, {"instance": call.instance_id, "element": call.element_id})
        work.known[step] = {row.id: row.due_at for row in rows}
    due_at = work.known[step].get(call.task_id)
    if due_at is None or (planned := (plan, *step, due_at)) in work.known:
        return
    work.known[planned] = True
    with suppress(LookupError):
        campaign_id = find_plan(work, call.business_key, call.element_id)
        arm_series(work, Series(campaign_id, call.element_id, due_at), rules_of(work, campaign_id))
        arm_board(work, campaign_id)


_DUE = sa.select(user_task.c.id, user_task.c.due_at).where(
    user_task.c.instance_id == sa.bindparam("instance"),
    user_task.c.element_id == sa.bindparam("element"),
    user_task.c.state == "open",
)


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
