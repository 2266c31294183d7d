"""The life of a report, as its diagram names it: handed in, examined, returned and corrected, accepted, or closed unwritten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.messages import send_message
from engine.tables import user_task
from workflows.applications import hash_data, write_receipt
from workflows.campaigns.forms import campaign_notice
from workflows.deadlines import Day
from workflows.mails import find_members, queue_letter
from workflows.reports.reading import list_unfinished
from workflows.tables import report, report_examination, report_version

RESULTS = ("accept", "return")
CLOSED = "report_closed"
"""The message that ends a report which was not handed in."""


class ExaminationRefused(Problem):
    """The form of the examination has faults; `findings` by field."""


def submit(call: Call) -> None:
    """`reports.submit`: the report, or its correction, is with us. What comes late is taken, and counts as late (ours).

    Whether it is late is decided by its first version: `received_at` is read while the row is locked.
    """
    work, row = call.work, _row(call, lock=True)
    received_at = work.decide()
    newest = sa.select(sa.func.max(report_version.c.version)).where(report_version.c.report_id == row.id)
    version = (work.connection.execute(newest).scalar_one() or 0) + 1
    form_key = work.connection.execute(sa.select(user_task.c.form_key).where(user_task.c.id == call.task_id)).scalar_one()
    digest = hash_data(call.form)
    work.connection.execute(
        sa.insert(report_version).values(
            report_id=row.id,
            version=version,
            form_key=form_key,
            data=dict(call.form),
            sha256=digest,
            received_at=received_at,
            submitted_by=call.by,
        )
    )
    _update(call, state="submitted", **({} if row.received_at else {"received_at": received_at}))
    write_receipt(
        work,
        campaign_id=row.campaign_id,
        case_id=None,
        report_id=row.id,
        organisation_id=row.reporter_id,
        kind="report",
        where=None,
        cutoff_at=row.due_at,
        accepted=True,
        received_at=received_at,
        sha256=digest,
    )
    _tell(call, row, "report_received", f"report_received:{row.number}:{version}", {"received": received_at})


def examine(call: Call) -> Mapping[str, Any]:
    """`reports.examine`: the recipient accepts the report, or returns it with a reason; returns `result`, `correct_until`.

    The form: `result` (`accept`, `return`), `opinion` (needed for a return), `until` (a day by which the correction is wanted).
    Raises ExaminationRefused.
    """
    work, row, form = call.work, _row(call, lock=True), call.form
    result, opinion, until = str(form.get("result")), str(form.get("opinion") or ""), form.get("until")
    findings = []
    if result not in RESULTS:
        findings.append(Finding("ReportResultUnknown", path="result"))
    if result == "return" and not opinion.strip():
        findings.append(Finding("ReportReasonMissing", path="opinion"))
    correct_until = Day(value=date.fromisoformat(until), source="ours").cutoff_at if until and result == "return" else None
    if correct_until is not None and correct_until <= work.now:
        findings.append(Finding("CollectionDuePassed", path="until"))
    if findings:
        raise ExaminationRefused(findings=findings)
    newest = sa.select(sa.func.max(report_version.c.version)).where(report_version.c.report_id == row.id)
    version = work.connection.execute(newest).scalar_one()
    work.connection.execute(
        sa.insert(report_examination).values(
            report_id=row.id, version=version, result=result, opinion=opinion, by=call.by, at=call.now
        )
    )
    if result == "accept":
        _update(call, state="accepted", ended_at=call.now)
    else:
        _update(call, state="returned")
        _tell(call, row, "report_returned", f"report_returned:{row.number}:{version}", {"opinion": opinion})
    return {"result": result, "correct_until": None if correct_until is None else correct_until.isoformat()}


def conclude(call: Call) -> None:
    """`reports.conclude`: the organiser ends the collection of the reports `report` (property: keys; without it, of all), of
    those due by `date` where this property is given.

    Those that were not handed in (or were returned and never corrected) are told `report_closed`; so are the reports that were
    asked for below them. What waits for its examination goes on.
    """
    work, campaign_id = call.work, call.variables["campaign"]
    rows = list_unfinished(work, campaign_id, call.properties)
    for row in rows:
        send_message(work, CLOSED, row.number, unique_key=f"{CLOSED}:{row.number}", sent_by=call.instance_id)
    detail = {"closed": len(rows), "missing": sum(row.missing for row in rows)}
    record_entry(work, call.instance_id, "reports_concluded", element_id=call.element_id, detail=detail)


def close(call: Call) -> None:
    """`reports.close`: the collection was concluded before this report (or its correction) was handed in."""
    _update(call, state="closed", ended_at=call.now)


def _row(call: Call, *, lock: bool = False) -> sa.Row[Any]:
    query = sa.select(report).where(report.c.id == call.variables["report"])
    return call.work.connection.execute(query.with_for_update() if lock else query).one()


def _update(call: Call, **values: Any) -> None:
    call.work.connection.execute(sa.update(report).where(report.c.id == call.variables["report"]).values(**values))


def _tell(call: Call, row: sa.Row[Any], letter: str, unique_key: str, values: Mapping[str, Any]) -> None:
    """A letter to those who report."""
    names = {plan.key: {"zh": plan.zh, "en": plan.en} for plan in campaign_notice(call.work, row.campaign_id).notice.reports}
    queue_letter(
        call.work,
        letter,
        find_members(call.work, [f"auditor@{row.reporter_id}"]),
        campaign_id=row.campaign_id,
        about=row.number,
        unique_key=unique_key,
        values={"number": row.number, "report": names[row.plan], **values},
    )
