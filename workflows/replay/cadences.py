"""What a replay tells of rounds and of the calendar of activities, and how it writes moments."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.work import Work
from workflows.campaigns.reading import get_campaign
from workflows.deadlines import expand
from workflows.notices import get_notice
from workflows.rounds import read_plans
from workflows.tables import case, round_, round_case

ZONE = ZoneInfo("Asia/Shanghai")


def in_zone(moment: datetime) -> str:
    """An instant with Beijing's offset."""
    return moment.astimezone(ZONE).isoformat()


def last_day(cutoff_at: datetime) -> str:
    """The last permitted day before a half-open cut-off."""
    return (cutoff_at - timedelta(microseconds=1)).astimezone(ZONE).date().isoformat()


def round_cutoffs(work: Work, campaign_id: str) -> list[dict[str, Any]]:
    """The cut-offs of all rounds, as the notice's dates say; `month/2023-05`."""
    return [
        {
            "name": f"{plan.key}/{each.key}",
            "cutoff_at": in_zone(each.cutoff_at),
            "due_on": each.due_on.isoformat(),
        }
        for plan in read_plans(work, campaign_id).values()
        for each in plan.occurrences
    ]


def read_rounds(work: Work, campaign_id: str) -> list[dict[str, Any]]:
    """The rounds that were rolled up, in order, each with its cases and the moment that decided."""
    rows = work.connection.execute(
        sa.select(round_).where(round_.c.campaign_id == campaign_id).order_by(round_.c.cutoff_at, round_.c.plan)
    ).all()
    query = sa.select(round_case, case.c.number).join(case, case.c.id == round_case.c.case_id).order_by(case.c.number)
    cases = work.connection.execute(query.where(case.c.campaign_id == campaign_id)).all()
    return [
        {
            "plan": row.plan,
            "period": row.occurrence,
            "due_on": row.due_on.isoformat(),
            "cutoff_at": in_zone(row.cutoff_at),
            "closed_at": in_zone(row.closed_at),
            "publicised": row.publicised_at is not None,
            "cases": [
                {"number": each.number, "moment": in_zone(each.moment), "placed": each.decided_by is not None}
                for each in cases
                if each.round_id == row.id
            ],
        }
        for row in rows
    ]


def read_calendar(work: Work, campaign_id: str) -> list[dict[str, Any]]:
    """Every single day or range of the notice's activities, in the notice's order."""
    activities = get_notice(work, get_campaign(work, campaign_id).notice_id).notice.activities
    found = []
    for activity in activities:
        for single in expand(activity.date):
            assert single.days is not None
            first, last = single.days
            names = [each.name for each in activity.organisers]
            days = {"first": first.isoformat(), "last": last.isoformat()}
            found.append({"activity": activity.key, **days, "words": activity.date.words, "organisers": names})
    return found
