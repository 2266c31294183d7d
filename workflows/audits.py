"""Audits: the recommending body's audit of a case (in its own stage after a prefecture's check), the organiser's acceptance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.ids import new_id
from engine.moments import parse_instant
from engine.states import definition_of
from workflows.applications import ends_with_collection, hash_data, write_receipt
from workflows.campaigns import windows
from workflows.campaigns.forms import campaign_notice
from workflows.forms import FormInvalid
from workflows.mails import find_members, queue_letter
from workflows.recommendations import get_body, tell_list
from workflows.tables import application_version, audit, campaign, case

RESULTS = ("pass", "return", "reject")
SUPPLEMENT = "applications.supplement"


class AuditResultUnknown(Problem):
    """The result is none of `RESULTS`."""


def record(call: Call) -> Mapping[str, Any]:
    """`audits.record`: the body's result; returns `audit_result`, and `outcome` "rejected" where it rejects.

    A case that passes after its body's list was sent is told at once that it is not in it: nothing waits in vain.
    """
    row, result = store_result(call, "audit")
    _set_state(call, {"pass": "audited", "return": "returned", "reject": "rejected"}[result])
    if result == "pass" and get_body(call.work, row.campaign_id, row.body_id, lock=True).recommended_at is not None:
        tell_list(call, row.number, recommended=False, rank=None)
    return {"audit_result": result, **({"outcome": "rejected"} if result == "reject" else {})}


def report(call: Call) -> Mapping[str, Any]:
    """`audits.report`: a body examines a case and reports it onward, each by itself, in time for the organiser's window.

    Returns `audit_result`, and `outcome` "reported" or "rejected". Only what is reported has to be in time. Raises TooLate, and
    FormInvalid where it is late without a reason.
    """
    work, passed = call.work, call.form.get("result") == "pass"
    where = windows.deciding_window(work, "audits.report", call.variables, lock=True) if passed else None
    received = windows.Reception(work.decide()) if where is None else windows.receive(work, where, call.form)
    reported_at = received.received_at
    row, result = store_result(call, "audit")
    if not passed:
        _set_state(call, {"return": "returned", "reject": "rejected"}[result])
        return {"audit_result": result, **({"outcome": "rejected"} if result == "reject" else {})}
    _set_state(call, "reported", reported_at=reported_at)
    write_receipt(
        work,
        campaign_id=row.campaign_id,
        case_id=row.id,
        organisation_id=row.body_id,
        kind="report",
        where=where,
        accepted=True,
        received_at=reported_at,
        sha256=hash_data(call.form),
        lateness=received.lateness,
        late_reason=received.reason,
    )
    return {"audit_result": result, "outcome": "reported"}


def assess(call: Call) -> Mapping[str, Any]:
    """`audits.assess`: the organiser's comprehensive review of one case, criterion by criterion; returns `assess_result`.

    When it was accepted is decided once, with a window's row held like everything that a round goes by.
    """
    work, campaign_id = call.work, call.variables["campaign"]
    windows.find_window(work, campaign_id, windows.COLLECTION, lock=True)
    accepted_at = work.decide()
    row, result = store_result(call, "assessment")
    if result == "pass":
        _set_state(call, "accepted", accepted_at=accepted_at)
        queue_letter(
            work,
            "case_accepted",
            find_members(work, [f"applicant@{row.institution_id}"]),
            campaign_id=row.campaign_id,
            about=row.number,
            unique_key=f"case_accepted:{row.number}",
            values={"number": row.number, "title": row.title},
        )
    else:
        _set_state(call, {"return": "returned", "reject": "rejected"}[result])
    return {"assess_result": result}


def accept(call: Call) -> Mapping[str, Any]:
    """`audits.accept`: the organiser's result for a direct case; returns `accept_result`.

    Raises FormInvalid for a return after the collection's end where the diagram takes the supplement away with it.
    """
    if call.form.get("result") == "return":
        _refuse_in_vain(call)
    _row, result = store_result(call, "acceptance")
    _set_state(call, {"pass": "accepted", "return": "returned", "reject": "rejected"}[result])
    return {"accept_result": result}


def send_back(call: Call) -> None:
    """`audits.send_back`: the step is returned to the applicant (退回) instead of completed; recorded as an audit's return."""
    form = {"result": "return", "opinion": call.form["reason"]}
    checked = call.variables.get("checked", True)  # outside of a body's own stage nobody checks before the audit
    store_result(replace(call, form=form), "audit" if checked else "check", until=parse_instant(call.variables["cutoff"]))
    _set_state(call, "returned")


def store_result(call: Call, kind: str, *, until: datetime | None = None) -> tuple[sa.Row[Any], str]:
    """Write what was decided about a case and tell the institution of a return or a rejection; the case's row and the result.

    Raises AuditResultUnknown.
    """
    work, result = call.work, str(call.form.get("result"))
    if result not in RESULTS:
        raise AuditResultUnknown(result=result)
    row = work.connection.execute(_AUDITED, {"case": call.variables["case"]}).one()
    values = {
        "id": new_id(),
        "case_id": row.id,
        "organisation_id": {"check": row.prefecture_id, "audit": row.body_id}.get(kind, call.variables["organiser"]),
        "kind": kind,
        "result": result,
        "grades": _grades(call) or None,
        "opinion": str(call.form.get("opinion") or ""),
        "application_version": row.last_version or 0,
        "by": call.by,
        "at": call.now,
    }
    work.connection.execute(_INSERT_AUDIT, values)
    if result != "pass":
        queue_letter(
            work,
            {"return": "application_returned", "reject": "application_rejected"}[result],
            find_members(work, [f"applicant@{row.institution_id}"]),
            campaign_id=row.campaign_id,
            about=row.number,
            unique_key=f"{kind}:{result}:{call.task_id}",
            values={
                "number": row.number,
                "title": row.title,
                "opinion": str(call.form.get("opinion") or ""),
                "until": until or _correct_until(call, kind),
            },
        )
    return row, result


def _refuse_in_vain(call: Call) -> None:
    """What is returned must be able to come back: a case would wait for ever for the end of a collection that has ended."""
    model = definition_of(call.work, call.instance_id).model
    steps = [name for name, node in model.nodes.items() if SUPPLEMENT in node.camunda.listeners.get("complete", ())]
    if any(ends_with_collection(model, step) for step in steps):
        try:
            windows.decide_collecting(call.work, call.variables["campaign"])
        except windows.CollectionEnded as ended:
            raise FormInvalid(findings=[Finding("ReturnInVain", path="result")]) from ended


def _correct_until(call: Call, kind: str) -> datetime:
    """Until when what is returned can come back: the collection's cut-off, or the days that the diagram gives."""
    if kind in ("check", "audit"):
        return parse_instant(call.variables["dates"]["collection_cutoff"])
    days = sa.select(campaign.c.settings).where(campaign.c.id == call.variables["campaign"])
    settings = call.work.connection.execute(days).scalar_one()
    return call.now + timedelta(days=int(settings.get("supplement_days", 10)))


def _grades(call: Call) -> dict[str, str]:
    """What the form says criterion by criterion, where it asks for the notice's demands by their keys."""
    demands = campaign_notice(call.work, call.variables["campaign"]).notice.demands
    return {demand.key: str(call.form[demand.key]) for demand in demands if call.form.get(demand.key)}


def _set_state(call: Call, state: str, **moments: datetime) -> None:
    call.work.connection.execute(_UPDATE_CASE, {"this": call.variables["case"], "state": state, **moments})


_AUDITED = (
    sa.select(case)
    .add_columns(
        sa.select(sa.func.max(application_version.c.version))
        .where(application_version.c.case_id == case.c.id)
        .scalar_subquery()
        .label("last_version")
    )
    .where(case.c.id == sa.bindparam("case"))
)
_INSERT_AUDIT = sa.insert(audit)
_UPDATE_CASE = sa.update(case).where(case.c.id == sa.bindparam("this"))
