"""`/campaigns/{id}/rounds` and `/campaigns/{id}/activities`: what is rolled up when, and the calendar of activities."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Text, Told
from engine.work import Work
from workflows import activities
from workflows.activities import report_progress
from workflows.rounds import RoundLine, list_round_cases, list_rounds

resource = Resource("rounds")


class BodyCountTold(Told):
    """Cases by one body; null for those that came directly."""

    body: str | None
    count: int


class RoundTold(Told):
    """One round of a cadence: `takes` says which moment of a case decides, `state` is `closed`, `open` or `planned`."""

    plan: str
    zh: str
    en: str
    takes: str
    period: str
    due_on: date
    cutoff_at: datetime
    state: str
    closed_at: datetime | None
    total: int
    bodies: list[BodyCountTold]


class RoundsTold(Told):
    """All rounds of a campaign, cadence by cadence."""

    items: list[RoundTold]


class RoundCaseTold(Told):
    """One case of a round: the moment that decided, or (`decided`) a person did."""

    id: str
    number: str
    title: str
    unit: str
    body: str | None
    moment: datetime
    decided: bool


class RoundListTold(Told):
    """A round with its list."""

    round: RoundTold
    items: list[RoundCaseTold]


class ProgressTold(Told):
    """What was last reported about a day of an activity."""

    state: str
    note: str
    organisation: str
    by: str
    at: datetime


class ActivityTold(Told):
    """One day (or range) of an activity; `overdue`: it is over and nobody said that it was held or called off."""

    activity: str
    zh: str
    en: str | None
    organisers: list[str]
    period: str
    first: date
    last: date
    overdue: bool
    may_report: bool
    progress: ProgressTold | None


class ActivitiesTold(Told):
    """The whole calendar, by first day."""

    items: list[ActivityTold]


class ProgressAsked(Asked):
    """How it went."""

    state: Literal["done", "under_way", "postponed", "cancelled"]
    note: Text | None = None


class NotedTold(Told):
    """It is noted."""

    activity: str
    period: str
    state: str


@resource.get("/campaigns/<campaign_id>/rounds", RoundsTold)
def list_all(campaign_id: str) -> RoundsTold:
    """The rounds of a campaign with their counts.

    Raises CampaignUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        return RoundsTold(items=[tell_round(line) for line in list_rounds(work, reader(), campaign_id)])


@resource.get("/campaigns/<campaign_id>/rounds/<plan_key>/<period>", RoundListTold)
def show(campaign_id: str, plan_key: str, period: str) -> RoundListTold:
    """One round with its list.

    Raises CampaignUnknown, NotPermitted, RoundUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        line, found = list_round_cases(work, reader(), campaign_id, plan_key, period)
    return RoundListTold(round=tell_round(line), items=[RoundCaseTold.model_validate(each) for each in found])


@resource.get("/campaigns/<campaign_id>/activities", ActivitiesTold)
def list_activities(campaign_id: str) -> ActivitiesTold:
    """The calendar of activities.

    Raises CampaignUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        return ActivitiesTold(items=[tell_activity(each) for each in activities.list_occurrences(work, reader(), campaign_id)])


@resource.post("/campaigns/<campaign_id>/activities/<activity_key>/<period>", NotedTold, takes=ProgressAsked)
def note_progress(campaign_id: str, activity_key: str, period: str, body: ProgressAsked, key: str) -> NotedTold:
    """Report how a day of an activity went.

    Raises CampaignUnknown, ActivityUnknown, NotPermitted, ProgressInvalid.
    """

    def note(work: Work) -> NotedTold:
        report_progress(work, reader(), campaign_id, activity_key, period, state=body.state, note=body.note or "")
        return NotedTold(activity=activity_key, period=period, state=body.state)

    asked = {"campaign": campaign_id, "activity": activity_key, "period": period, **body.model_dump()}
    told: NotedTold = act(key, "activity.report", asked, note)
    return told


def tell_round(line: RoundLine) -> RoundTold:
    """A round with its counts."""
    return RoundTold(
        plan=line.plan.key,
        zh=line.plan.zh,
        en=line.plan.en,
        takes=line.plan.takes.value,
        period=line.occurrence.key,
        due_on=line.occurrence.due_on,
        cutoff_at=line.occurrence.cutoff_at,
        state=line.state,
        closed_at=line.closed_at,
        total=line.total,
        bodies=[BodyCountTold.model_validate(each) for each in line.counts],
    )


def tell_activity(each: activities.Occurrence) -> ActivityTold:
    """A day of the calendar."""
    return ActivityTold(
        activity=each.activity.key,
        zh=each.activity.zh,
        en=each.activity.en,
        organisers=[organiser.name for organiser in each.activity.organisers],
        period=each.key,
        first=each.first,
        last=each.last,
        overdue=each.overdue,
        may_report=each.reports,
        progress=None if each.progress is None else ProgressTold.model_validate(each.progress),
    )
