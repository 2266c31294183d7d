"""The calendar of a notice's activities: every day of the weekly ones, what was reported about each, and what is overdue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.moments import SHANGHAI
from engine.work import Work
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.deadlines import DateValue, expand
from workflows.notices import get_notice
from workflows.notices.model import Activity
from workflows.people import Person
from workflows.rules import ActivitySubject, activity_subject, can, require
from workflows.tables import activity_progress, organisation, person

STATES = ("done", "under_way", "postponed", "cancelled")
SETTLED = ("done", "cancelled")
"""States after which nothing is owed about an occurrence any more."""
NOTE_LENGTH = 1_000


class ActivityUnknown(Problem):
    """The campaign's notice has no such activity, or the activity no such day."""

    kind = "missing"


class ProgressInvalid(Problem):
    """What was typed has faults; `findings` by field: `state`, `note`."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What was reported about an occurrence, by whom of which organisation."""

    state: str
    note: str
    organisation: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One day (or range of days) of an activity. `overdue`: it is over, and nobody said that it was held or called off.

    `reports`: the reader may report about it.
    """

    activity: Activity
    key: str
    value: DateValue
    first: date
    last: date
    progress: Progress | None
    overdue: bool
    reports: bool


def list_occurrences(work: Work, reader: Person, campaign_id: str) -> list[Occurrence]:
    """The whole calendar, by first day and then in the notice's order.

    Raises CampaignUnknown.
    """
    found = get_campaign(work, campaign_id, person=reader)
    latest = _read_progress(work, campaign_id)
    today = work.now.astimezone(SHANGHAI).date()
    lines = []
    for activity in get_notice(work, found.notice_id).notice.activities:
        reports = can(reader, "activity.report", _subject(work, found, activity))
        for key, single in _expand(activity):
            assert single.days is not None
            first, last = single.days
            progress = latest.get((activity.key, key))
            overdue = last < today and (progress is None or progress.state not in SETTLED)
            lines.append(Occurrence(activity, key, single, first, last, progress, overdue, reports))
    return sorted(lines, key=lambda line: (line.first, line.last))


def report_progress(
    work: Work, official: Person, campaign_id: str, activity_key: str, occurrence: str, *, state: str, note: str
) -> str:
    """Report about one day of an activity; every report stays, the latest counts. The row's id.

    Raises CampaignUnknown, ActivityUnknown, NotPermitted, ProgressInvalid.
    """
    found = get_campaign(work, campaign_id, person=official)
    activities = {each.key: each for each in get_notice(work, found.notice_id).notice.activities}
    activity = activities.get(activity_key)
    if activity is None or occurrence not in dict(_expand(activity)):
        raise ActivityUnknown()
    subject = _subject(work, found, activity)
    require(official, "activity.report", subject)
    findings = []
    if state not in STATES:
        findings.append(Finding("ProgressStateUnknown", path="state", values={"state": state}))
    if len(note) > NOTE_LENGTH:
        findings.append(Finding("TextTooLong", path="note", values={"most": NOTE_LENGTH}))
    if findings:
        raise ProgressInvalid(findings=findings)
    own = sorted(official.organisations("auditor") & subject.organisations)
    progress_id = new_id()
    work.connection.execute(
        sa.insert(activity_progress).values(
            id=progress_id,
            campaign_id=campaign_id,
            activity=activity_key,
            occurrence=occurrence,
            state=state,
            note=note,
            organisation_id=own[0] if own else subject.organiser_id,
            by=official.id,
            at=work.now,
        )
    )
    return progress_id


def _subject(work: Work, found: Campaign, activity: Activity) -> ActivitySubject:
    return activity_subject(work, found.organiser_id, [each.name for each in activity.organisers])


def _expand(activity: Activity) -> Iterator[tuple[str, DateValue]]:
    for single in expand(activity.date):
        assert single.key is not None  # the notice's check: a series has to end
        yield single.key, single


def _read_progress(work: Work, campaign_id: str) -> dict[tuple[str, str], Progress]:
    query = (
        sa.select(activity_progress, organisation.c.short_name, person.c.name)
        .join(organisation, organisation.c.id == activity_progress.c.organisation_id)
        .join(person, person.c.id == activity_progress.c.by)
        .where(activity_progress.c.campaign_id == campaign_id)
        .order_by(activity_progress.c.at, activity_progress.c.id)
    )
    return {
        (row.activity, row.occurrence): Progress(row.state, row.note, row.short_name, row.name, row.at)
        for row in work.connection.execute(query)
    }
