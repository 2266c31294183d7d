"""Receiving what an institution sends, corrects and supplements: version, receipt, letter. Every version stays as it came."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from engine.handlers import Call
from engine.ids import new_id
from engine.model import Definition
from engine.states import definition_of
from engine.tables import user_task
from engine.work import Work
from workflows.campaigns import windows
from workflows.campaigns.lateness import ACCEPT
from workflows.campaigns.windows import Reception, Window
from workflows.duplicates import refuse_second
from workflows.mails import find_members, queue_letter
from workflows.search import write_number
from workflows.tables import application_version, audit, campaign, case, receipt

COLLECTION_CLOSED = "collection_closed"
"""The message that tells cases of the collection's end."""
LATENESS = "lateness"
"""The kind of an audit that refuses a case because it was late."""
TITLE, DIRECTIONS = "title", "directions"
"""Fields of the application form that lists show; other fields stay in the versions only."""


# ---- handlers --------------------------------------------------------------------------------------------------------
def submit(call: Call) -> Mapping[str, Any]:
    """`applications.submit`: the application reaches its window (the body's own, or the organiser's) in time.

    Stores version and receipt; a direct case has reached the organiser (`outcome` "direct").
    Raises TooLate, CollectionEnded and CaseRecordedAlready.
    """
    row, received = _receive(call, "application", "applications.submit")
    received_at = received.received_at
    values: dict[str, Any] = {"state": "submitted", **_marked(received)}
    if row.received_at is None:
        values["received_at"] = received_at
    if row.channel == "direct" and row.reported_at is None:
        values["reported_at"] = received_at
    _update(call, **values, **_shown(call.form))
    return {"outcome": "direct"} if row.channel == "direct" else {}


def correct(call: Call) -> None:
    """`applications.correct`: what the body returned comes back corrected, in time for the organiser's window.

    Raises TooLate and CollectionEnded.
    """
    _, received = _receive(call, "correction", "applications.correct")
    _update(call, state="submitted", **_marked(received), **_shown(call.form))


def supplement(call: Call) -> None:
    """`applications.supplement`: what the organiser asked for; no cut-off but that of the diagram.

    Where the diagram ends the step with the collection, so does this: what comes after the collection's end and before the
    message that tells the case of it is too late like a correction.
    Raises TooLate and CollectionEnded.
    """
    bound = ends_with_collection(definition_of(call.work, call.instance_id).model, call.element_id)
    _, received = _receive(call, "supplement", "applications.correct" if bound else "applications.supplement")
    _update(call, state="submitted", **_marked(received), **_shown(call.form))


def ends_with_collection(model: Definition, element_id: str) -> bool:
    """Whether a diagram takes a step away when the collection ends: the message is caught at the step or at a scope around it."""
    here: str | None = element_id
    while here is not None:
        node = model.nodes[here]
        caught = [event for each in node.boundaries for event in model.nodes[each].events]
        if any(event.kind == "message" and event.name == COLLECTION_CLOSED for event in caught):
            return True
        here = node.parent
    return False


def expire(call: Call) -> Mapping[str, Any]:
    """`applications.expire`: the cut-off passed before anything was sent (`outcome` "expired")."""
    _update(call, state="lapsed")
    return {"outcome": "expired"}


def lapse(call: Call) -> Mapping[str, Any]:
    """`applications.lapse`: time is over for a case that was neither recommended nor complete (`outcome` "lapsed"), or what was
    late in it was refused."""
    refused = sa.select(audit.c.id).where(audit.c.case_id == call.variables["case"], audit.c.kind == LATENESS)
    _update(call, state="lapsed" if call.work.connection.execute(refused).first() is None else "rejected")
    return {"outcome": "lapsed"}


# ---- versions and receipts -------------------------------------------------------------------------------------------
def hash_data(data: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON (keys sorted, no spaces, UTF-8): what a receipt prints and anybody can recompute."""
    return hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()


def last_version(work: Work, case_id: str) -> sa.Row[Any] | None:
    """The latest version of a case's application; None before the first."""
    return work.connection.execute(_LAST_VERSION, {"case": case_id}).one_or_none()


_LAST_VERSION = (
    sa.select(application_version)
    .where(application_version.c.case_id == sa.bindparam("case"))
    .order_by(application_version.c.version.desc())
    .limit(1)
)


def write_receipt(
    work: Work,
    *,
    campaign_id: str,
    case_id: str | None,
    organisation_id: str,
    kind: str,
    where: Window | None,
    accepted: bool,
    received_at: datetime,
    sha256: str,
    report_id: str | None = None,
    cutoff_at: datetime | None = None,
    lateness: str | None = None,
    late_reason: str | None = None,
) -> str:
    """Note what reached us, when, and against which cut-off as it stood (the window's, or `cutoff_at`); the row's id.

    `lateness` and its reason where it was taken although it came after the cut-off (`windows.Reception`).
    """
    receipt_id = new_id()
    values = {
        "id": receipt_id,
        "campaign_id": campaign_id,
        "case_id": case_id,
        "report_id": report_id,
        "organisation_id": organisation_id,
        "kind": kind,
        "window_id": None if where is None else where.id,
        "accepted": accepted,
        "received_at": received_at,
        "cutoff_at": cutoff_at if where is None else where.cutoff_at,
        "sha256": sha256,
        "by": work.by,
        "lateness": lateness,
        "late_reason": late_reason,
    }
    work.connection.execute(_INSERT_RECEIPT, values)
    return receipt_id


_INSERT_RECEIPT = sa.insert(receipt)
_INSERT_VERSION = sa.insert(application_version)
_RECEIVING = (
    sa.select(case, campaign.c.settings)
    .add_columns(
        sa.select(sa.func.max(application_version.c.version))
        .where(application_version.c.case_id == case.c.id)
        .scalar_subquery()
        .label("last_version"),
        sa.select(user_task.c.form_key).where(user_task.c.id == sa.bindparam("task")).scalar_subquery().label("form_key"),
    )
    .join(campaign, campaign.c.id == case.c.campaign_id)
    .where(case.c.id == sa.bindparam("case"))
)
"""All that receiving an application goes by: its case, the campaign's settings, the last version, and the task's form."""


def _receive(call: Call, kind: str, handler: str) -> tuple[sa.Row[Any], Reception]:
    """Take a version in time, with its receipt and a letter; the case's row as it was, and what was decided.

    Raises TooLate, CollectionEnded, CaseRecordedAlready, and FormInvalid where it is late without a reason.
    """
    work = call.work
    row = work.connection.execute(_RECEIVING, {"case": call.variables["case"], "task": call.task_id}).one()
    where = windows.window_of_case(work, handler, row, row.settings, lock=True)
    if where is not None:
        received = windows.receive(work, where, call.form)
    elif handler in windows.COLLECTED:
        received = Reception(windows.decide_collecting(work, row.campaign_id))
    else:
        received = Reception(work.decide())
    received_at = received.received_at
    title = _shown(call.form)["title"]
    refuse_second(work, row, row.settings, title)
    if title != row.title:
        write_number(work, row.number, title)
    version = (row.last_version or 0) + 1
    digest = hash_data(call.form)
    values = {
        "case_id": row.id,
        "version": version,
        "form_key": row.form_key,
        "data": dict(call.form),
        "sha256": digest,
        "received_at": received_at,
        "received_by": "online",
        "submitted_by": call.by,
    }
    work.connection.execute(_INSERT_VERSION, values)
    write_receipt(
        work,
        campaign_id=row.campaign_id,
        case_id=row.id,
        organisation_id=row.institution_id,
        kind=kind,
        where=where,
        accepted=True,
        received_at=received_at,
        sha256=digest,
        lateness=received.lateness,
        late_reason=received.reason,
    )
    queue_letter(
        work,
        "application_received",
        find_members(work, [f"applicant@{row.institution_id}"]),
        campaign_id=row.campaign_id,
        about=row.number,
        unique_key=f"application_received:{row.number}:{version}",
        values={"number": row.number, "title": title, "received": received_at},
    )
    return row, received


def _marked(received: Reception) -> dict[str, datetime]:
    """What a case keeps of what came late and was taken with a reason."""
    return {"late_at": received.received_at} if received.lateness == ACCEPT else {}


def _update(call: Call, **values: Any) -> None:
    call.work.connection.execute(_UPDATE_CASE, {"this": call.variables["case"], **values})


_UPDATE_CASE = sa.update(case).where(case.c.id == sa.bindparam("this"))


def _shown(form: Mapping[str, Any]) -> dict[str, Any]:
    """What the rows of lists show of an application."""
    directions = form.get(DIRECTIONS) or []
    return {
        "title": str(form.get(TITLE) or "")[:300],
        "directions": list(directions) if isinstance(directions, list | tuple) else [directions],
    }
