"""Reports come into being: opened by the campaign's diagram, begun by a reporter, or asked for from subordinate organisations.

Each gets its own instance in a transaction of its own: whoever opens many arms a timer row for each, and `begin` does one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.database import lock_name
from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.ids import new_id
from engine.instances import start_instance
from engine.tables import user_task
from engine.timers import arm_timer
from engine.work import Work
from workflows.campaigns.forms import campaign_notice
from workflows.campaigns.reading import campaign_dates
from workflows.people import Person
from workflows.reports.plans import Occurrence, get_plan, list_occurrences, list_reporters, planned_dates
from workflows.rules import ReportUnknown, campaign_subject, can, report_subject, require
from workflows.search import write_number
from workflows.tables import campaign, membership, organisation, report

BEGIN = "reports.begin"


class DateUnconfirmed(Problem):
    """Reports by an unknown date were to be opened; nobody has confirmed it. Values: `date`."""

    kind = "conflict"


class ReporterUnclear(Problem):
    """The person reports for none or several of the bodies that may send this report: one must be named."""


class ReportScheduled(Problem):
    """This report has a date: it is opened by the campaign, not by hand."""

    kind = "conflict"


class CollectionRefused(Problem):
    """Reports cannot be asked for so; each finding names the field."""


# ---- the campaign's diagram ------------------------------------------------------------------------------------------
def open_reports(call: Call) -> None:
    """`reports.open`: each body that owes the report `report` (property) by the date `date` gets one to write.

    Of a series, all occurrences; or the one in the variable that the property `occurrence` names (`{key, cutoff}`, as
    `series.<name>` holds them). Each is opened by a timer row of its own, at once.
    Raises ReportPlanUnknown, DateUnconfirmed.
    """
    work, campaign_id = call.work, call.variables["campaign"]
    plan = get_plan(work, campaign_id, call.properties["report"])
    date, named = call.properties["date"], call.properties.get("occurrence")
    if named is not None:
        given = call.variables[named]
        occurrences = [Occurrence(given["key"], datetime.fromisoformat(given["cutoff"]))]
    else:
        occurrences = list_occurrences(planned_dates(work, campaign_id)[date])
    if not occurrences:
        raise DateUnconfirmed(date=date)
    for occurrence in occurrences:
        for reporter in list_reporters(work, campaign_id, plan):
            number = f"{call.business_key}-{plan.key}-{occurrence.period}-{reporter.place:02d}"
            _arm(work, campaign_id, plan.key, occurrence, number, reporter.id, call.variables["organiser"])


def begin(call: Call) -> None:
    """`reports.begin` (timer row): one report and its instance; nothing when it is there already."""
    form = call.form
    if call.work.connection.execute(sa.select(report.c.id).where(report.c.number == form["number"])).first():
        return
    due_at = None if form["due_at"] is None else datetime.fromisoformat(form["due_at"])
    begin_report(
        call.work,
        form["campaign"],
        plan_key=form["plan"],
        occurrence=Occurrence(form["period"], due_at),
        number=form["number"],
        reporter_id=form["reporter"],
        recipient_id=form["recipient"],
        parent_id=form["parent"],
        asked_by=form["by"],
    )


def begin_report(
    work: Work,
    campaign_id: str,
    *,
    plan_key: str,
    occurrence: Occurrence,
    number: str,
    reporter_id: str,
    recipient_id: str,
    parent_id: str | None = None,
    asked_by: str | None = None,
) -> str:
    """Write the report's row and start its instance, which waits for the reporter; its id."""
    stored = campaign_notice(work, campaign_id)
    plan = get_plan(work, campaign_id, plan_key)
    report_id = new_id()
    work.connection.execute(
        sa.insert(report).values(
            id=report_id,
            number=number,
            campaign_id=campaign_id,
            plan=plan_key,
            period=occurrence.period,
            reporter_id=reporter_id,
            recipient_id=recipient_id,
            parent_id=parent_id,
            due_at=occurrence.due_at,
            state="draft",
            created_at=work.now,
            created_by=work.by or asked_by,
        )
    )
    write_number(work, number)
    variables = {
        "report": report_id,
        "campaign": campaign_id,
        "plan": plan_key,
        "form": plan.form,
        "reporter": reporter_id,
        "examiners": f"{'organiser' if parent_id is None else 'auditor'}@{recipient_id}",
        "due": None if occurrence.due_at is None else occurrence.due_at.isoformat(),
        "correct_until": None,
        "result": "",
        "dates": campaign_dates(work, campaign_id),
    }
    instance_id = start_instance(work, stored.definitions["report"], number, variables, belongs_to=campaign_id)
    work.connection.execute(sa.update(report).where(report.c.id == report_id).values(instance_id=instance_id))
    return report_id


def first_report_task(work: Work, report_id: str) -> str | None:
    """The id of the open task that a report waits at; None when there is none."""
    query = sa.select(user_task.c.id).join(report, report.c.number == user_task.c.business_key)
    query = query.where(report.c.id == report_id, user_task.c.state == "open").order_by(user_task.c.id)
    found: str | None = work.connection.execute(query.limit(1)).scalar_one_or_none()
    return found


# ---- by hand ---------------------------------------------------------------------------------------------------------
def start_report(work: Work, person: Person, campaign_id: str, plan_key: str, *, reporter_id: str | None = None) -> str:
    """Begin an unscheduled report (重要情况随时报送) for the person's body; the report's id. There may be any number of them.

    `reporter_id` is needed only by who reports for several bodies.
    Raises CampaignUnknown, NotPermitted, ReportPlanUnknown, ReportScheduled, ReporterUnclear.
    """
    require(person, "report.start", campaign_subject(work, campaign_id))
    plan = get_plan(work, campaign_id, plan_key)
    if not plan.unscheduled:
        raise ReportScheduled(plan=plan.zh, plan_en=plan.en)
    own = {each.id: each for each in list_reporters(work, campaign_id, plan) if each.id in person.organisations("auditor")}
    chosen = next(iter(own)) if reporter_id is None and len(own) == 1 else reporter_id
    if chosen not in own:
        raise ReporterUnclear()
    row = work.connection.execute(sa.select(campaign.c.key, campaign.c.organiser_id).where(campaign.c.id == campaign_id)).one()
    lock_name(work.connection, f"report:{campaign_id}:{plan_key}:{chosen}")
    before = sa.select(sa.func.count()).where(
        report.c.campaign_id == campaign_id, report.c.plan == plan_key, report.c.reporter_id == chosen
    )
    period = str(work.connection.execute(before).scalar_one() + 1)
    return begin_report(
        work,
        campaign_id,
        plan_key=plan_key,
        occurrence=Occurrence(period, None),
        number=f"{row.key}-{plan_key}-{own[chosen].place:02d}-{period}",
        reporter_id=chosen,
        recipient_id=row.organiser_id,
    )


def list_subordinates(work: Work, reporter_id: str) -> list[sa.Row[Any]]:
    """The organisations right below a reporter where somebody can write a report (an auditor), which it may ask: by name."""
    staffed = sa.select(membership.c.organisation_id).where(membership.c.role == "auditor")
    query = sa.select(organisation).where(organisation.c.parent_id == reporter_id, organisation.c.id.in_(staffed))
    return list(work.connection.execute(query.order_by(organisation.c.name, organisation.c.id)))


def collect(work: Work, person: Person, report_id: str, organisation_ids: Iterable[str], due_at: datetime | None) -> int:
    """Ask subordinate organisations for the same report (向下级收集), due earlier than one's own; how many are asked now.

    Who was asked before is not asked twice. Raises ReportUnknown, NotPermitted, CollectionRefused.
    """
    subject = report_subject(work, report_id)
    if not can(person, "report.read", subject):
        raise ReportUnknown()
    require(person, "report.collect", subject)
    row = work.connection.execute(sa.select(report).where(report.c.id == report_id)).one()
    below = {each.id: place for place, each in enumerate(list_subordinates(work, row.reporter_id), start=1)}
    wanted = list(dict.fromkeys(organisation_ids))
    findings = []
    if not wanted or any(each not in below for each in wanted):
        findings.append(Finding("SubordinateUnknown", path="units"))
    if due_at is None and row.due_at is not None:
        findings.append(Finding("CollectionDueMissing", path="due"))
    if due_at is not None and due_at <= work.now:
        findings.append(Finding("CollectionDuePassed", path="due"))
    if due_at is not None and row.due_at is not None and due_at > row.due_at:
        findings.append(Finding("CollectionDueTooLate", path="due"))
    if findings:
        raise CollectionRefused(findings=findings)
    occurrence = Occurrence(row.period, due_at)
    return sum(
        _arm(
            work,
            row.campaign_id,
            row.plan,
            occurrence,
            f"{row.number}-{below[each]:02d}",
            each,
            row.reporter_id,
            parent_id=row.id,
        )
        for each in wanted
    )


def _arm(
    work: Work,
    campaign_id: str,
    plan_key: str,
    occurrence: Occurrence,
    number: str,
    reporter_id: str,
    recipient_id: str,
    *,
    parent_id: str | None = None,
) -> bool:
    """Have one report begun in a transaction of its own; False when it was armed before. Its number is unique for its place."""
    payload = {
        "campaign": campaign_id,
        "plan": plan_key,
        "period": occurrence.period,
        "due_at": None if occurrence.due_at is None else occurrence.due_at.isoformat(),
        "number": number,
        "reporter": reporter_id,
        "recipient": recipient_id,
        "parent": parent_id,
        "by": work.by,
    }
    key = f"report:{parent_id or campaign_id}:{plan_key}:{occurrence.period}:{reporter_id}"
    return arm_timer(work, BEGIN, work.now, unique_key=key, payload=payload, subject=number) is not None
