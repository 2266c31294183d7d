"""Reports as people see them: the lines of a campaign, and one report with its versions, receipts, history and what is below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.history import list_entries
from engine.work import Work
from workflows.campaigns.forms import campaign_form
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.cases.history import Actors, HistoryLine, Marks, read_lines, read_marks
from workflows.cases.views import ReceiptView, VersionView
from workflows.notices.reporting import ReportPlan
from workflows.organisations import Organisation, get_organisation
from workflows.people import Person
from workflows.reports.plans import get_plan, list_occurrences, planned_dates
from workflows.rules import ReportUnknown, can, report_subject, visible_reports
from workflows.tables import organisation, person, receipt, report, report_examination, report_version

UNFINISHED = ("draft", "returned")
"""States of a report that its reporter works on."""


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A report in a list. `received_at` is that of its first version, which decides whether it is late."""

    id: str
    number: str
    plan: str
    period: str
    parent_id: str | None
    reporter_id: str
    reporter: str
    state: str
    due_at: datetime | None
    received_at: datetime | None
    created_at: datetime

    @property
    def late(self) -> bool:
        """Whether it was received at or after its due date."""
        return self.due_at is not None and self.received_at is not None and self.received_at >= self.due_at

    def is_overdue(self, now: datetime) -> bool:
        """Whether its due date has passed and nothing was received."""
        return self.due_at is not None and self.received_at is None and now >= self.due_at

    @property
    def missing(self) -> bool:
        """Whether nothing was ever received."""
        return self.received_at is None


@dataclass(frozen=True, slots=True)
class ExaminationView:
    """What the recipient said of a version."""

    version: int
    result: str
    opinion: str
    by: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report with all of it, for who may read it."""

    line: ReportLine
    plan: ReportPlan
    campaign: Campaign
    reporter: Organisation
    recipient: Organisation
    parent: ReportLine | None
    children: tuple[ReportLine, ...]
    versions: tuple[VersionView, ...]
    examinations: tuple[ExaminationView, ...]
    receipts: tuple[ReceiptView, ...]
    history: tuple[HistoryLine, ...]
    marks: Marks | None
    collects: bool

    @property
    def latest(self) -> VersionView | None:
        """The report as it stands."""
        return self.versions[-1] if self.versions else None


def list_reports(
    work: Work,
    campaign_id: str,
    *,
    reader: Person | None = None,
    parent_id: str | None = None,
    reporter_id: str | None = None,
    top: bool = False,
) -> list[ReportLine]:
    """The reports of a campaign that `reader` may see (None: all), by plan, period and body; with `parent_id` those below one,
    with `reporter_id` those of one body, with `top` those that reach the organiser."""
    query = _select().where(report.c.campaign_id == campaign_id)
    if reader is not None:
        query = query.where(visible_reports(reader))
    if parent_id is not None:
        query = query.where(report.c.parent_id == parent_id)
    if reporter_id is not None:
        query = query.where(report.c.reporter_id == reporter_id)
    if top:
        query = query.where(report.c.parent_id.is_(None))
    return [ReportLine(**row._mapping) for row in work.connection.execute(query.order_by(report.c.number))]


def list_unfinished(work: Work, campaign_id: str, properties: Mapping[str, str]) -> list[ReportLine]:
    """The reports that a concluding step closes: not handed in, or returned and not corrected. Its properties `report` (keys;
    without it all) and `date` say of which."""
    query = _select().where(report.c.campaign_id == campaign_id, report.c.state.in_(UNFINISHED))
    if "report" in properties:
        query = query.where(report.c.plan.in_(properties["report"].split()))
    if "date" in properties:
        occurrences = list_occurrences(planned_dates(work, campaign_id)[properties["date"]])
        query = query.where(report.c.period.in_([each.period for each in occurrences]))
    return [ReportLine(**row._mapping) for row in work.connection.execute(query.order_by(report.c.number))]


def get_report(work: Work, reader: Person, report_id: str) -> ReportView:
    """The report as `reader` may see it.

    Raises ReportUnknown, also when the person may not see it.
    """
    subject = report_subject(work, report_id)
    if not can(reader, "report.read", subject):
        raise ReportUnknown()
    line = ReportLine(**work.connection.execute(_select().where(report.c.id == report_id)).one()._mapping)
    instance_id = work.connection.execute(sa.select(report.c.instance_id).where(report.c.id == report_id)).scalar_one()
    entries = list_entries(work, instance_id)
    above = None
    if line.parent_id is not None and can(reader, "report.read", report_subject(work, line.parent_id)):
        above = ReportLine(**work.connection.execute(_select().where(report.c.id == line.parent_id)).one()._mapping)
    own = can(reader, "report.collect", subject)
    return ReportView(
        line=line,
        plan=get_plan(work, subject.campaign_id, line.plan),
        campaign=get_campaign(work, subject.campaign_id),
        reporter=get_organisation(work, subject.reporter_id),
        recipient=get_organisation(work, subject.recipient_id),
        parent=above,
        children=tuple(list_reports(work, subject.campaign_id, reader=reader, parent_id=report_id)),
        versions=tuple(_versions(work, subject.campaign_id, report_id)),
        examinations=tuple(_examinations(work, report_id)),
        receipts=tuple(_receipts(work, report_id)),
        history=tuple(read_lines(work, instance_id, entries, Actors(work, reader, entries))),
        marks=read_marks(work, instance_id, entries),
        collects=own,
    )


def latest_versions(work: Work, report_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The data of the newest version of each report, by report."""
    newest = (
        sa.select(report_version.c.report_id, sa.func.max(report_version.c.version).label("version"))
        .where(report_version.c.report_id.in_(report_ids))
        .group_by(report_version.c.report_id)
        .subquery()
    )
    query = sa.select(report_version.c.report_id, report_version.c.data).join(
        newest, sa.and_(newest.c.report_id == report_version.c.report_id, newest.c.version == report_version.c.version)
    )
    return {row.report_id: row.data for row in work.connection.execute(query)}


def _select() -> sa.Select[Any]:
    names = ("id", "number", "plan", "period", "parent_id", "reporter_id", "state", "due_at", "received_at", "created_at")
    return sa.select(*(report.c[name] for name in names), organisation.c.short_name.label("reporter")).join(
        organisation, organisation.c.id == report.c.reporter_id
    )


def _versions(work: Work, campaign_id: str, report_id: str) -> list[VersionView]:
    query = (
        sa.select(report_version, person.c.name)
        .outerjoin(person, person.c.id == report_version.c.submitted_by)
        .where(report_version.c.report_id == report_id)
        .order_by(report_version.c.version)
    )
    found = []
    for row in work.connection.execute(query).all():
        form = campaign_form(work, campaign_id, row.form_key)
        values = form.show(row.data)
        found.append(VersionView(row.version, form, values, row.sha256, row.received_at, "online", row.name))
    return found


def _examinations(work: Work, report_id: str) -> list[ExaminationView]:
    query = (
        sa.select(report_examination, person.c.name)
        .outerjoin(person, person.c.id == report_examination.c.by)
        .where(report_examination.c.report_id == report_id)
        .order_by(report_examination.c.version)
    )
    return [ExaminationView(row.version, row.result, row.opinion, row.name, row.at) for row in work.connection.execute(query)]


def _receipts(work: Work, report_id: str) -> list[ReceiptView]:
    query = sa.select(receipt).where(receipt.c.report_id == report_id).order_by(receipt.c.received_at, receipt.c.id)
    return [
        ReceiptView(row.id, row.kind, row.accepted, row.received_at, row.cutoff_at, row.sha256)
        for row in work.connection.execute(query)
    ]
