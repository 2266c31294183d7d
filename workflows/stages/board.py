"""The board of a stage: prefecture by prefecture what has come, what passed, who still owes something; and the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.tables import user_task
from engine.work import Work
from workflows.campaigns.board import DeadlineLine, list_deadlines
from workflows.campaigns.progress import has_come_to
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.organisations import get_organisation
from workflows.people import Person
from workflows.ranked_lists import RankedList, list_ranked, read_list
from workflows.rules import CampaignUnknown, campaign_subject, can
from workflows.tables import campaign, case, organisation, recommending_body


@dataclass(frozen=True, slots=True)
class Counts:
    """Cases by how far they are; `waiting` are those received that wait for the first check, `late` those of them overdue."""

    opened: int
    received: int
    waiting: int
    late: int
    checked: int
    audited: int
    listed: int


NOTHING = Counts(0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PrefectureLine:
    """One prefecture (None: units directly below the body), its cases and what it is asked for."""

    organisation_id: str | None
    name: str
    cases: Counts
    quota_min: int | None = None
    quota_max: int | None = None

    @property
    def missing(self) -> int:
        """How many cases it still owes of those asked for."""
        return max(0, (self.quota_min or 0) - self.cases.checked)


@dataclass(frozen=True, slots=True)
class StageBoard:
    """The whole board. `lines` are those that the reader may see, `ranked` the list's cases in order."""

    stage: Campaign
    parent: Campaign
    body: str
    deadlines: Sequence[DeadlineLine]
    states: Mapping[str, int]
    lines: Sequence[PrefectureLine]
    ranking: RankedList | None
    ranked: Sequence[sa.Row[Any, Any, Any, Any, Any, Any]]
    runs: bool  # whether the reader is one of those who run it
    watches: bool  # whether the reader sees counts at all


@dataclass(frozen=True, slots=True)
class StageLine:
    """A stage within a campaign: whose it is and how far."""

    id: str
    body_id: str
    body: str
    phase: str


def list_stages(work: Work, campaign_id: str) -> list[StageLine]:
    """The stages that bodies run within a campaign, in the order of the bodies."""
    query = (
        sa.select(campaign.c.id, organisation.c.id.label("body_id"), organisation.c.short_name, campaign.c.phase)
        .join(recommending_body, recommending_body.c.stage_id == campaign.c.id)
        .join(organisation, organisation.c.id == recommending_body.c.organisation_id)
        .where(recommending_body.c.campaign_id == campaign_id)
        .order_by(recommending_body.c.place)
    )
    return [StageLine(row.id, row.body_id, row.short_name, row.phase) for row in work.connection.execute(query)]


def stage_board(work: Work, stage_id: str, *, person: Person) -> StageBoard:
    """The board of a stage as the person may see it: the body's officials all of it, a prefecture's its own line, others dates.

    Raises CampaignUnknown, also for a campaign that is no stage.
    """
    found = get_campaign(work, stage_id, person=person)
    if found.parent_id is None:
        raise CampaignUnknown()
    subject = campaign_subject(work, stage_id)
    runs, watches = can(person, "stage.run", subject), can(person, "campaign.board", subject)
    own = person.organisations("auditor")
    lines = _list_lines(work, found) if watches else []
    ranking = read_list(work, stage_id) if runs else None
    states = sa.select(case.c.state, sa.func.count().label("number")).where(case.c.stage_id == stage_id).group_by(case.c.state)
    return StageBoard(
        stage=found,
        parent=get_campaign(work, found.parent_id),
        body=get_organisation(work, found.organiser_id).name,
        deadlines=list_deadlines(work, found),
        states={row.state: row.number for row in work.connection.execute(states.order_by(case.c.state))} if runs else {},
        lines=[line for line in lines if runs or line.organisation_id in own],
        ranking=ranking,
        ranked=[] if ranking is None else list_ranked(work, ranking.cases),
        runs=runs,
        watches=watches,
    )


def _list_lines(work: Work, found: Campaign) -> list[PrefectureLine]:
    """One line for each prefecture in the stage's order, and one for units without, if there are cases of such."""
    asked = (
        sa.select(recommending_body, organisation.c.short_name)
        .join(organisation, organisation.c.id == recommending_body.c.organisation_id)
        .where(recommending_body.c.campaign_id == found.id)
        .order_by(recommending_body.c.place)
    )
    counts = _count(work, found.id)
    lines = [
        PrefectureLine(
            row.organisation_id, row.short_name, counts.pop(row.organisation_id, NOTHING), row.quota_min, row.quota_max
        )
        for row in work.connection.execute(asked)
    ]
    return lines + [PrefectureLine(None, "", count) for count in counts.values()]


def _count(work: Work, stage_id: str) -> dict[str | None, Counts]:
    """The counts by prefecture."""

    def count(which: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((which, 1), else_=0)), 0)

    first = sa.and_(case.c.state == "submitted", case.c.checked_at.is_(None), case.c.prefecture_id.is_not(None))
    overdue = sa.exists().where(
        user_task.c.business_key == case.c.number, user_task.c.state == "open", user_task.c.due_at <= work.now
    )
    ranking = read_list(work, stage_id)
    listed = case.c.id.in_(list(ranking.cases)) if ranking is not None else sa.false()
    query = (
        sa.select(
            case.c.prefecture_id,
            sa.func.count(),
            count(case.c.received_at.is_not(None)),
            count(first),
            count(sa.and_(first, overdue)),
            count(sa.and_(case.c.checked_at.is_not(None), case.c.state != "rejected")),
            count(has_come_to("audited")),
            count(listed),
        )
        .where(case.c.stage_id == stage_id)
        .group_by(case.c.prefecture_id)
    )
    return {row[0]: Counts(*(int(number) for number in row[1:])) for row in work.connection.execute(query)}
