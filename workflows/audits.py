"""Audits: the recommending body's audit of a case, and the organiser's acceptance of what was sent directly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.handlers import Call
from engine.ids import new_id
from engine.moments import parse_instant
from workflows.applications import last_version
from workflows.mails import find_members, queue_letter
from workflows.recommendations import get_body, tell_list
from workflows.tables import audit, campaign, case

RESULTS = ("pass", "return", "reject")


class AuditResultUnknown(Problem):
    """The result is none of `RESULTS`."""


def record(call: Call) -> Mapping[str, Any]:
    """`audits.record`: the body's result; returns `audit_result`, and `outcome` "rejected" where it rejects.

    A case that passes after its body's list was sent is told at once that it is not in it: nothing waits in vain.
    """
    row, result = _store(call, "audit")
    _set_state(call, {"pass": "audited", "return": "returned", "reject": "rejected"}[result])
    if result == "pass" and get_body(call.work, row.campaign_id, row.body_id, lock=True).recommended_at is not None:
        tell_list(call, row.number, recommended=False, rank=None)
    return {"audit_result": result, **({"outcome": "rejected"} if result == "reject" else {})}


def accept(call: Call) -> Mapping[str, Any]:
    """`audits.accept`: the organiser's result for a direct case; returns `accept_result`."""
    _row, result = _store(call, "acceptance")
    _set_state(call, {"pass": "accepted", "return": "returned", "reject": "rejected"}[result])
    return {"accept_result": result}


def send_back(call: Call) -> None:
    """`audits.send_back`: the step is returned to the applicant (退回) instead of completed; recorded as an audit's return."""
    form = {"result": "return", "opinion": call.form["reason"]}
    _store(replace(call, form=form), "audit", until=parse_instant(call.variables["cutoff"]))
    _set_state(call, "returned")


def _store(call: Call, kind: str, *, until: datetime | None = None) -> tuple[sa.Row[Any], str]:
    work, result = call.work, str(call.form.get("result"))
    if result not in RESULTS:
        raise AuditResultUnknown(result=result)
    row = work.connection.execute(sa.select(case).where(case.c.id == call.variables["case"])).one()
    version = last_version(work, row.id)
    work.connection.execute(
        sa.insert(audit).values(
            id=new_id(),
            case_id=row.id,
            organisation_id=row.body_id if kind == "audit" else call.variables["organiser"],
            kind=kind,
            result=result,
            opinion=str(call.form.get("opinion") or ""),
            application_version=0 if version is None else version.version,
            by=call.by,
            at=call.now,
        )
    )
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


def _correct_until(call: Call, kind: str) -> datetime:
    """Until when what is returned can come back: the collection's cut-off, or the days that the diagram gives."""
    if kind == "audit":
        return parse_instant(call.variables["dates"]["collection_cutoff"])
    days = sa.select(campaign.c.settings).where(campaign.c.id == call.variables["campaign"])
    settings = call.work.connection.execute(days).scalar_one()
    return call.now + timedelta(days=int(settings.get("supplement_days", 10)))


def _set_state(call: Call, state: str) -> None:
    call.work.connection.execute(sa.update(case).where(case.c.id == call.variables["case"]).values(state=state))
