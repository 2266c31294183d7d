"""What a replay tells: the timeline, what the simulated clients saw, and the counts, all read from the database at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.tables import history, incident, instance
from engine.work import Work
from workflows.deadlines import Unknown, load_date
from workflows.replay.cadences import in_zone, last_day, read_calendar, read_rounds, round_cutoffs
from workflows.replay.reminders import read_reminders
from workflows.reports import list_reports
from workflows.tables import (
    campaign,
    case,
    organisation,
    publication,
    publication_item,
    receipt,
    recommending_body,
    report,
    review,
    window,
)

TOLD = ("started", "completed", "fired", "returned", "ended", "cancelled")
"""Kinds of history rows that become lines of the timeline."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One thing that a simulated client sent, and what it was answered. `answer` is `accepted` or `refused`."""

    id: str
    channel: str  # application | correction | supplement | list | comment | report | duplicate | arrival
    window: str  # the cut-off that binds it: `collection`, `body/<short name>`, `comments`, or "" for none
    subject: str
    sent_at: str
    answer: str
    reason: str | None
    answered_at: str


@dataclass(frozen=True, slots=True)
class Report:
    """The whole result; `as_json` is what `--json` prints."""

    notice: str
    campaign: str
    seed: int
    kernel: str
    timeline: list[dict[str, Any]]
    submissions: list[dict[str, Any]]
    cutoffs: list[dict[str, Any]]
    published: list[dict[str, Any]]
    rounds: list[dict[str, Any]]
    calendar: list[dict[str, Any]]
    below_quota: list[str]
    counts: dict[str, Any]
    reminders: list[dict[str, Any]]
    reports: list[dict[str, Any]]
    unknown_dates: list[str]
    incidents: list[dict[str, Any]]
    open_instances: list[str]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in a fixed order."""
        return asdict(self)


def make_report(
    work: Work, campaign_id: str, *, notice: str, seed: int, kernel: str, submissions: Sequence[Submission]
) -> Report:
    """Read the result of a replay."""
    row = work.connection.execute(sa.select(campaign).where(campaign.c.id == campaign_id)).one()
    names = {r.id: r.short_name for r in work.connection.execute(sa.select(organisation.c.id, organisation.c.short_name))}
    cutoffs = _read_cutoffs(work, campaign_id, names) + round_cutoffs(work, campaign_id)
    cutoffs.sort(key=lambda cutoff: (cutoff["cutoff_at"], cutoff["name"]))
    return Report(
        notice=notice,
        campaign=row.key,
        seed=seed,
        kernel=kernel,
        timeline=_read_timeline(work, row, names, cutoffs),
        submissions=[asdict(submission) for submission in submissions],
        cutoffs=cutoffs,
        published=_read_published(work, campaign_id, names),
        rounds=read_rounds(work, campaign_id),
        calendar=read_calendar(work, campaign_id),
        below_quota=_read_below_quota(work, campaign_id, names),
        counts=_count(work, campaign_id),
        reminders=read_reminders(work, campaign_id),
        reports=_read_reports(work, campaign_id),
        unknown_dates=_unknown_dates(work, campaign_id),
        incidents=[
            {"kind": r.kind, "code": r.code, "element": r.element_id, "at": in_zone(r.created_at), "detail": r.detail}
            for r in work.connection.execute(sa.select(incident).order_by(incident.c.created_at, incident.c.id))
        ],
        open_instances=list(
            work.connection.execute(
                sa.select(instance.c.business_key)
                .where(instance.c.state.in_(("running", "suspended")))
                .order_by(instance.c.business_key)
            ).scalars()
        ),
    )


def _read_cutoffs(work: Work, campaign_id: str, names: dict[str, str]) -> list[dict[str, Any]]:
    rows = work.connection.execute(sa.select(window).where(window.c.campaign_id == campaign_id)).all()
    found = [
        {
            "name": f"{row.name}/{names[row.organisation_id]}" if row.organisation_id else row.name,
            "cutoff_at": in_zone(row.cutoff_at),
            "due_on": last_day(row.cutoff_at),
        }
        for row in rows
    ]
    return sorted(found, key=lambda cutoff: (cutoff["cutoff_at"], cutoff["name"]))


def _read_timeline(work: Work, row: sa.Row[Any], names: dict[str, str], cutoffs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every step of the campaign and of its cases, every receipt and every cut-off."""
    lines = [{"at": cut["cutoff_at"], "due_on": cut["due_on"], "event": "cutoff", "subject": cut["name"]} for cut in cutoffs]
    keys = sa.union_all(
        sa.select(case.c.number).where(case.c.campaign_id == row.id),
        sa.select(report.c.number).where(report.c.campaign_id == row.id),
    )
    steps = (
        sa.select(history.c.at, history.c.kind, history.c.element_id, history.c.detail, instance.c.business_key)
        .join(instance)
        .where(history.c.kind.in_(TOLD), sa.or_(instance.c.business_key == row.key, instance.c.business_key.in_(keys)))
    )
    for step in work.connection.execute(steps):
        due_at = step.detail.get("due_at")
        lines.append(
            {
                "at": in_zone(step.at),
                "due_on": last_day(datetime.fromisoformat(due_at)) if due_at else None,
                "event": step.kind if step.element_id is None else f"{step.element_id}.{step.kind}",
                "subject": step.business_key,
            }
        )
    receipts = (
        sa.select(receipt, sa.func.coalesce(case.c.number, report.c.number).label("number"))
        .join(case, case.c.id == receipt.c.case_id, isouter=True)
        .join(report, report.c.id == receipt.c.report_id, isouter=True)
        .where(receipt.c.campaign_id == row.id)
    )
    for got in work.connection.execute(receipts):
        lines.append(
            {
                "at": in_zone(got.received_at),
                "due_on": last_day(got.cutoff_at) if got.cutoff_at else None,
                "event": f"{got.kind}.{'accepted' if got.accepted else 'refused'}",
                "subject": got.number or names[got.organisation_id],
            }
        )
    return sorted(lines, key=lambda line: (line["at"], line["subject"], line["event"]))


def _read_reports(work: Work, campaign_id: str) -> list[dict[str, Any]]:
    return [
        {
            "number": line.number,
            "plan": line.plan,
            "period": line.period,
            "reporter": line.reporter,
            "due_at": None if line.due_at is None else in_zone(line.due_at),
            "due_on": None if line.due_at is None else last_day(line.due_at),
            "received_at": None if line.received_at is None else in_zone(line.received_at),
            "state": line.state,
            "late": line.late,
        }
        for line in list_reports(work, campaign_id)
    ]


def _read_published(work: Work, campaign_id: str, names: dict[str, str]) -> list[dict[str, Any]]:
    query = (
        sa.select(
            case.c.number,
            case.c.title,
            case.c.institution_id,
            case.c.body_id,
            publication_item.c.place,
            publication.c.published_at,
        )
        .join(publication_item, publication_item.c.case_id == case.c.id)
        .join(publication)
        .where(publication.c.campaign_id == campaign_id)
        .order_by(publication.c.published_at, publication_item.c.place, case.c.number)
    )
    return [
        {
            "place": row.place,
            "number": row.number,
            "title": row.title,
            "institution": names[row.institution_id],
            "body": names[row.body_id] if row.body_id else None,
            "published_at": in_zone(row.published_at),
        }
        for row in work.connection.execute(query)
    ]


def _read_below_quota(work: Work, campaign_id: str, names: dict[str, str]) -> list[str]:
    reached = (
        sa.select(case.c.body_id, sa.func.count().label("cases"))
        .where(case.c.campaign_id == campaign_id, case.c.rank.is_not(None))
        .group_by(case.c.body_id)
        .subquery()
    )
    query = (
        sa.select(recommending_body.c.organisation_id)
        .join(reached, reached.c.body_id == recommending_body.c.organisation_id, isouter=True)
        .where(
            recommending_body.c.campaign_id == campaign_id,
            recommending_body.c.quota_min.is_not(None),
            sa.func.coalesce(reached.c.cases, 0) < recommending_body.c.quota_min,
        )
        .order_by(recommending_body.c.place)
    )
    return [names[found] for found in work.connection.execute(query).scalars()]


def _count(work: Work, campaign_id: str) -> dict[str, Any]:
    cases = Counter(work.connection.execute(sa.select(case.c.state).where(case.c.campaign_id == campaign_id)).scalars())
    receipts = Counter(
        f"{row.kind}.{'accepted' if row.accepted else 'refused'}"
        for row in work.connection.execute(sa.select(receipt).where(receipt.c.campaign_id == campaign_id))
    )
    reviews = Counter(
        work.connection.execute(sa.select(review.c.state).join(case).where(case.c.campaign_id == campaign_id)).scalars()
    )
    reports = Counter(work.connection.execute(sa.select(report.c.state).where(report.c.campaign_id == campaign_id)).scalars())
    lists = work.connection.execute(
        sa.select(sa.func.count()).where(
            recommending_body.c.campaign_id == campaign_id, recommending_body.c.recommended_at.is_not(None)
        )
    ).scalar_one()
    return {
        "cases": dict(sorted(cases.items())),
        "receipts": dict(sorted(receipts.items())),
        "reviews": dict(sorted(reviews.items())),
        "lists": lists,
        "reports": dict(sorted(reports.items())),
    }


def _unknown_dates(work: Work, campaign_id: str) -> list[str]:
    """Names of the dates that nobody has confirmed."""
    dates = work.connection.execute(sa.select(campaign.c.dates).where(campaign.c.id == campaign_id)).scalar_one()
    return sorted(name for name, stored in dates.items() if isinstance(load_date(stored), Unknown))
