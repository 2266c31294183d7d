"""Standing in (代办): for whom somebody may do which open task now, as one condition over a task and a substitution.

`can` reads it as facts of the task, narrowed queries as a clause: both say the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.tables import candidate_set, history, user_task
from workflows.tables import campaign, case, membership, report, review, substitution


def is_acting(at: Any) -> sa.ColumnElement[bool]:
    """A substitution that counts at this moment: begun, not over, not ended."""
    own = substitution.c
    return sa.and_(own.ends_at > at, own.begins_at <= at, own.ended_at.is_(None))


def stands_in(at: Any) -> sa.ColumnElement[bool]:
    """Whether the row of `substitution` lets its substitute do the row of `user_task` at this moment.

    What the person who is away has claimed, where the substitute is in the step's groups too; where an administrator appointed
    the substitute, also without that, and what waits for the absent person's groups. Never a task that is somebody's alone (a
    review, a prepared one); never for an expert of the case, also one who stepped back (回避); never a second time where several
    sign; never by who prepared it (two pairs of eyes).
    """
    task, own = user_task.c, substitution.c
    of_case = sa.select(case.c.id).where(case.c.number == task.business_key, case.c.campaign_id == own.campaign_id)
    of_campaign = sa.select(campaign.c.id).where(campaign.c.key == task.business_key, campaign.c.id == own.campaign_id)
    of_report = sa.select(report.c.id).where(report.c.number == task.business_key, report.c.campaign_id == own.campaign_id)
    reviewed = (
        sa.select(review.c.case_id)
        .join(case, case.c.id == review.c.case_id)
        .where(case.c.number == task.business_key, review.c.expert_id == own.substitute_id)
    )
    other = user_task.alias("other")
    signs = sa.select(other.c.id).where(
        other.c.instance_id == task.instance_id,
        other.c.element_id == task.element_id,
        other.c.id != task.id,
        sa.or_(
            sa.and_(other.c.state == "open", other.c.assignee == own.substitute_id),
            sa.and_(other.c.closed_by == own.substitute_id, other.c.closed_at >= task.created_at),
        ),
    )
    prepared = sa.select(history.c.seq).where(
        history.c.instance_id == task.instance_id,
        history.c.element_id == task.element_id,
        history.c.kind == "handed_back",
        history.c.by == own.substitute_id,
    )
    return sa.and_(
        is_acting(at),
        task.state == "open",
        task.owner.is_(None),
        own.substitute_id != sa.func.coalesce(task.assignee, ""),
        sa.or_(
            sa.and_(own.person_id == task.assignee, _in_groups(own.person_id)),
            sa.and_(own.appointed, task.assignee.is_(None), _in_groups(own.person_id)),
        ),
        sa.or_(own.appointed, _in_groups(own.substitute_id)),
        sa.or_(own.campaign_id.is_(None), _exists(of_case), _exists(of_campaign), _exists(of_report)),
        ~_exists(reviewed),
        ~_exists(signs),
        ~_exists(prepared),
    )


def _exists(query: sa.Select[Any]) -> sa.ColumnElement[bool]:
    """Of this task and this substitution: said aloud, because within a subquery that names its own correlation nothing is
    correlated by itself, and the condition would hold for any task."""
    return query.correlate(user_task, substitution).exists()


def _in_groups(person_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether somebody is in one of the groups of the task's candidates."""
    own, held = candidate_set.alias("of_task"), membership.c
    member = sa.select(own.c.id).join(membership, own.c.candidate == held.role + "@" + held.organisation_id)
    where = sa.and_(own.c.id == user_task.c.candidate_set, own.c.kind == "group", held.person_id == person_id)
    return member.where(where).correlate(user_task, substitution).exists()


def acted_tasks(person_id: str, at: datetime) -> sa.ColumnElement[bool]:
    """Rows of `user_task` that the person may do for somebody else at this moment."""
    mine = sa.select(substitution.c.id).where(substitution.c.substitute_id == person_id, stands_in(at))
    return mine.correlate(user_task).exists()
