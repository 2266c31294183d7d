"""Reports: their part of a campaign's page, one report with all of it, and what is done beside its tasks: asking, summing up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from api.pages.diagrams import draw
from api.pages.fields import Filling, show_form
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Finding
from engine.idempotency import once
from engine.work import Work
from workflows import reports
from workflows.campaigns.confirming import Confirmation, list_confirmations
from workflows.campaigns.forms import campaign_notice
from workflows.campaigns.reading import Campaign
from workflows.deadlines import Day
from workflows.notices.reporting import Milestone, ReportPlan
from workflows.people import Person
from workflows.reports import CollectionRefused, Reached, Reporter, ReportLine
from workflows.reports.filling import fill_draft
from workflows.rules import campaign_subject, can

pages = Blueprint("reports", __name__)


@dataclass(frozen=True, slots=True)
class Column:
    """One report at one time: a column of the matrix. `missing` bodies have sent nothing yet, or never did."""

    plan: ReportPlan
    period: str
    due_at: datetime | None
    missing: int


@dataclass(frozen=True, slots=True)
class Reporting:
    """What a campaign's page says of reports. `rows` are the bodies that the reader sees, each with its cell per column."""

    plans: tuple[ReportPlan, ...]
    milestones: tuple[Milestone, ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[Reporter, tuple[ReportLine | None, ...]], ...]
    unscheduled: tuple[ReportLine, ...]
    asked: tuple[ReportLine, ...]  # reports that a body above the reader asked for, or that the reader's body asked for
    targets: tuple[Reached, ...]
    told: tuple[Any, ...]  # targets with a figure that a source states
    startable: tuple[ReportPlan, ...]
    bodies: tuple[Reporter, ...]  # for which the reader may begin one
    organises: bool  # whether the figures are those of the whole campaign, or of the reader's own bodies


def read_reporting(work: Work, who: Person, campaign: Campaign) -> Reporting | None:
    """The part about reports, as this person may see it; None where the notice asks for none."""
    notice = campaign_notice(work, campaign.id).notice
    if not notice.reports:
        return None
    subject = campaign_subject(work, campaign.id)
    lines = reports.list_reports(work, campaign.id, reader=who)
    organises = ("organiser", campaign.organiser_id) in who.memberships
    audits = who.organisations("auditor")
    scheduled = {plan.key: plan for plan in notice.reports if not plan.unscheduled}
    top = [line for line in lines if line.parent_id is None]
    cells = {(line.plan, line.period, line.reporter_id): line for line in top if line.plan in scheduled}
    keys = {(line.plan, line.period): line.due_at for line in cells.values()}
    columns = tuple(
        Column(scheduled[plan], period, due_at, sum(line.missing for (*key, _), line in cells.items() if key == [plan, period]))
        for (plan, period), due_at in sorted(keys.items(), key=lambda item: (str(item[1]), item[0]))
    )
    seen = [each for each in reports.list_reporters(work, campaign.id) if organises or each.id in audits]
    rows = tuple(
        (each, tuple(cells.get((column.plan.key, column.period, each.id)) for column in columns)) for each in seen if columns
    )
    starts = can(who, "report.start", subject)
    shown = can(who, "campaign.board", subject)
    return Reporting(
        plans=notice.reports,
        milestones=notice.milestones,
        columns=columns,
        rows=rows,
        unscheduled=tuple(line for line in top if line.plan not in scheduled),
        asked=tuple(line for line in lines if line.parent_id is not None),
        targets=tuple(reports.reached_targets(work, campaign.id, bodies=None if organises else audits)) if shown else (),
        told=tuple(target for target in notice.targets if target.reached is not None),
        startable=tuple(plan for plan in notice.reports if plan.unscheduled) if starts else (),
        bodies=tuple(each for each in seen if each.id in audits),
        organises=organises,
    )


def read_confirmations(work: Work, campaign_id: str) -> Mapping[str, Confirmation]:
    """Who confirmed which unknown date, by name."""
    return list_confirmations(work, campaign_id)


@pages.get("/reports/<report_id>")
@signed_in
def show(report_id: str) -> str:
    """One report: state, versions, receipts, what the recipient said, history, and the reports asked for below it.

    Raises ReportUnknown.
    """
    return page(report_id)


def page(report_id: str, *, findings: tuple[Finding, ...] = ()) -> str:
    """The report's page; `findings` say why reports could not be asked for."""
    with process_engine().read(by=reader().id) as work:
        view = reports.get_report(work, reader(), report_id)
        drawing = draw(work, view.marks.definition_id, view.marks.done, view.marks.current) if view.marks else None
        below = reports.list_subordinates(work, view.line.reporter_id) if view.collects else []
        rolled = reports.roll_up(work, report_id) if view.children else None
        task_id = reports.first_report_task(work, report_id)
    versions = [(each, show_form(each.form, Filling(each.values, words().language))) for each in reversed(view.versions)]
    asked = {line.reporter_id for line in view.children}
    return render_template(
        "report.html",
        report=view,
        line=view.line,
        versions=versions,
        drawing=drawing,
        units=[each for each in below if each.id not in asked],
        rolled=rolled,
        task_id=task_id,
        faults=[(found.path, words().tell(found)) for found in findings],
        typed=request.form,
        demo_page=view.campaign.demo,
    )


@pages.post("/campaigns/<campaign_id>/reports")
@signed_in
def start(campaign_id: str) -> Response:
    """Begin an unscheduled report (重要情况随时报送) and go to its task.

    Raises CampaignUnknown, NotPermitted, ReportPlanUnknown, ReportScheduled, ReporterUnclear.
    """
    who = reader()
    asked = {"campaign": campaign_id, "plan": request.form.get("plan", ""), "body": request.form.get("body") or None}

    def begin(work: Work) -> dict[str, Any]:
        report_id = reports.start_report(work, who, campaign_id, asked["plan"] or "", reporter_id=asked["body"])
        return {"report": report_id, "task": reports.first_report_task(work, report_id)}

    with process_engine().begin(by=who.id) as work:
        answer = once(work, read_key(), "report.start", asked, lambda: begin(work))
    if answer["task"] is None:
        return redirect(url_for("reports.show", report_id=answer["report"]), 303)
    return redirect(url_for("tasks.show", task_id=answer["task"]), 303)


@pages.post("/reports/<report_id>/collect")
@signed_in
def collect(report_id: str) -> Any:
    """Ask subordinate organisations for the same report (向下级收集).

    Raises ReportUnknown, NotPermitted.
    """
    who = reader()
    units, day = request.form.getlist("units"), request.form.get("due", "").strip()
    try:
        due_at = Day(value=date.fromisoformat(day), source="ours").cutoff_at if day else None
    except ValueError:
        return page(report_id, findings=(Finding("CollectionDueUnreadable", path="due"),)), 422

    def ask(work: Work) -> dict[str, Any]:
        return {"asked": reports.collect(work, who, report_id, units, due_at)}

    try:
        with process_engine().begin(by=who.id) as work:
            asked = {"report": report_id, "units": units, "due": day}
            answer = once(work, read_key(), "report.collect", asked, lambda: ask(work))
    except CollectionRefused as refused:
        return page(report_id, findings=tuple(refused.findings)), 422
    tell_next("report.asked", count=answer["asked"])
    return redirect(url_for("reports.show", report_id=report_id) + "#below", 303)


@pages.post("/reports/<report_id>/roll-up")
@signed_in
def roll_up(report_id: str) -> Response:
    """Put the sum of the accepted reports below into one's draft, and go to the task.

    Raises ReportUnknown, NotPermitted, and what keeping a draft raises.
    """
    who = reader()

    def fill(work: Work) -> dict[str, Any]:
        return {"task": fill_draft(work, who, report_id)}

    with process_engine().begin(by=who.id) as work:
        answer = once(work, read_key(), "report.roll_up", {"report": report_id}, lambda: fill(work))
    tell_next("report.filled")
    return redirect(url_for("tasks.show", task_id=answer["task"]), 303)
