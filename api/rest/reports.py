"""`/campaigns/{id}/reports` and `/reports/{id}`: what bodies report. Writing and examining are tasks: see `/tasks`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from api.pages.present import process_engine, reader
from api.rest.cases import HistoryTold, ReceiptTold, VersionTold, tell_version
from api.rest.me import OrganisationTold
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Id, Text, Told
from engine.work import Work
from workflows import reports
from workflows.campaigns.reading import get_campaign
from workflows.deadlines import Day
from workflows.reports.filling import fill_draft
from workflows.rules import campaign_subject, can

resource = Resource("reports")


class ReportLineTold(Told):
    """A report in a list: `plan` is its key in the notice, `period` names it among those of its plan."""

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
    late: bool
    created_at: datetime


class BodyFigureTold(Told):
    """What one body reached of a target."""

    organisation_id: str
    short_name: str
    actual: Decimal


class TargetTold(Told):
    """A counted target: what is `planned`, what accepted reports or cases reached (`actual`, for `per` body the bodies that did),
    what is being examined (`pending`). `bodies` have each one's own figure, `elsewhere` are cases that belong to none of them."""

    key: str
    zh: str
    en: str
    planned: Decimal
    per: str
    actual: Decimal
    pending: Decimal
    missing: list[str]
    bodies: list[BodyFigureTold]
    elsewhere: Decimal


class ReportsTold(Told):
    """The reports of a campaign that the caller may see, by number, and its targets (those who run it, and its bodies)."""

    items: list[ReportLineTold]
    targets: list[TargetTold]


class ExaminationTold(Told):
    """What the recipient said of a version."""

    version: int
    result: str
    opinion: str
    by: str | None
    at: datetime


class ReportTold(ReportLineTold):
    """One report with its life, the reports that were asked for below it, and (while one may ask) of whom they can be asked."""

    campaign_id: str
    reporter_organisation: OrganisationTold
    recipient: OrganisationTold
    children: list[ReportLineTold]
    subordinates: list[OrganisationTold]
    versions: list[VersionTold]
    examinations: list[ExaminationTold]
    receipts: list[ReceiptTold]
    history: list[HistoryTold]


class ReportAsked(Asked):
    """Which unscheduled report begins; `body` only for who reports for several."""

    plan: Text
    body: Id | None = None


class CollectionAsked(Asked):
    """Of which `subordinates` the same report is asked for, by which day (null where the report itself has no due date)."""

    units: Annotated[list[Id], Field(min_length=1, max_length=500)]
    due: Annotated[date, Field(ge=date(1990, 1, 1), le=date(2199, 12, 31))] | None = None


class CollectedTold(Told):
    """How many were asked; who was asked before is not asked twice."""

    asked: int


class FilledTold(Told):
    """The task whose draft holds the sum now."""

    task: str


class BegunTold(Told):
    """The new report, and the task at which it waits."""

    report: str
    task: str | None


@resource.get("/campaigns/<campaign_id>/reports", ReportsTold)
def list_all(campaign_id: str) -> ReportsTold:
    """The reports of a campaign that the caller may see.

    Raises CampaignUnknown.
    """
    who = reader()
    with process_engine().read(by=who.id) as work:
        get_campaign(work, campaign_id, person=who)
        subject = campaign_subject(work, campaign_id)
        lines = reports.list_reports(work, campaign_id, reader=who)
        targets = []
        if can(who, "campaign.board", subject):
            own = None if can(who, "campaign.manage", subject) else who.organisations("auditor") & subject.bodies
            targets = [tell_target(each) for each in reports.reached_targets(work, campaign_id, bodies=own)]
    return ReportsTold(items=[ReportLineTold.model_validate(line) for line in lines], targets=targets)


@resource.post("/campaigns/<campaign_id>/reports", BegunTold, takes=ReportAsked, status=201, raises=(reports.ReportScheduled,))
def begin(campaign_id: str, body: ReportAsked, key: str) -> BegunTold:
    """Begin an unscheduled report.

    Raises CampaignUnknown, NotPermitted, ReportPlanUnknown, ReportScheduled, ReporterUnclear.
    """
    who = reader()

    def start(work: Work) -> BegunTold:
        get_campaign(work, campaign_id, person=who)
        report_id = reports.start_report(work, who, campaign_id, body.plan, reporter_id=body.body)
        return BegunTold(report=report_id, task=reports.first_report_task(work, report_id))

    told: BegunTold = act(key, "report.start", {"campaign": campaign_id, **body.model_dump()}, start)
    return told


@resource.get("/reports/<report_id>", ReportTold, tagged=True)
def show(report_id: str) -> ReportTold:
    """One report.

    Raises ReportUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        view = reports.get_report(work, reader(), report_id)
        below = reports.list_subordinates(work, view.line.reporter_id) if view.collects else []
    return ReportTold(
        **ReportLineTold.model_validate(view.line).model_dump(),
        campaign_id=view.campaign.id,
        reporter_organisation=OrganisationTold.model_validate(view.reporter),
        recipient=OrganisationTold.model_validate(view.recipient),
        children=[ReportLineTold.model_validate(line) for line in view.children],
        subordinates=[OrganisationTold.model_validate(each) for each in below],
        versions=[tell_version(each) for each in view.versions],
        examinations=[ExaminationTold.model_validate(each) for each in view.examinations],
        receipts=[ReceiptTold.model_validate(each) for each in view.receipts],
        history=[HistoryTold.model_validate(each) for each in view.history],
    )


@resource.post("/reports/<report_id>/collect", CollectedTold, takes=CollectionAsked)
def collect(report_id: str, body: CollectionAsked, key: str) -> Any:
    """Ask subordinate organisations for the same report (向下级收集).

    Raises ReportUnknown, NotPermitted, CollectionRefused.
    """
    due_at = None if body.due is None else Day(value=body.due, source="ours").cutoff_at

    def ask(work: Work) -> CollectedTold:
        return CollectedTold(asked=reports.collect(work, reader(), report_id, body.units, due_at))

    return act(key, "report.collect", {"report": report_id, **body.model_dump(mode="json")}, ask)


@resource.post("/reports/<report_id>/roll-up", FilledTold)
def roll_up(report_id: str, key: str) -> Any:
    """Put the sum of the accepted reports below into one's draft.

    Raises ReportUnknown, NotPermitted, and what keeping a draft raises.
    """

    def fill(work: Work) -> FilledTold:
        return FilledTold(task=fill_draft(work, reader(), report_id))

    return act(key, "report.roll_up", {"report": report_id}, fill)


def tell_target(reached: reports.Reached) -> TargetTold:
    """A target with what was reached of it."""
    target = reached.target
    return TargetTold(
        key=target.key,
        zh=target.zh,
        en=target.en,
        planned=Decimal(target.value),
        per=target.per,
        actual=reached.actual,
        pending=reached.pending,
        missing=[each.short_name for each in reached.missing],
        bodies=[
            BodyFigureTold(organisation_id=each.id, short_name=each.short_name, actual=figure) for each, figure in reached.bodies
        ],
        elsewhere=reached.elsewhere,
    )
