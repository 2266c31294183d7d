"""Completing a task: rule, form, engine, one transaction; and what remains when it is refused.

Whatever is refused leaves the task as it was. The typed text is kept as a draft, and what came too late gets a receipt that says
so: both in a transaction of their own, because the first one is rolled back whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem, TaskChanged
from engine.idempotency import KeyReused, once
from engine.instances import instance_variables
from engine.states import definition_of
from engine.tasks import complete_task, get_task, hold_task
from engine.work import ProcessEngine, Work
from workflows.applications import ends_with_collection, hash_data, write_receipt
from workflows.campaigns.forms import file_fields
from workflows.campaigns.windows import (
    COLLECTED,
    LATE_REASON,
    CollectionEnded,
    TooLate,
    Window,
    decide_collecting,
    deciding_window,
    too_late,
)
from workflows.files import drop_unused, files_of_task, named_ids
from workflows.forms import Form, FormInvalid
from workflows.inbox.acting import act_for, drop_drafts, keep_draft, require_doable, resume_drafts, see_task
from workflows.inbox.lateness import find_late_field, is_bound
from workflows.inbox.preparing import Ground, find_body, find_form, find_handlers, prepare
from workflows.inbox.viewing import find_ground
from workflows.people import Person
from workflows.tables import receipt

KINDS = {
    "applications.submit": "application",
    "applications.correct": "correction",
    "applications.supplement": "supplement",
    "recommendations.submit": "recommendation",
    "audits.report": "report",
    "reports.submit": "report",
}
"""Which kind of receipt a form gets, by the handler that takes it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a person gets for a completed task. `received_at` is the moment that decided, `sha256` that of the form's data.

    `case_number` is None for tasks of a campaign, `receipt_id` for steps that receive nothing from outside.
    """

    task_id: str
    case_number: str | None
    received_at: datetime
    sha256: str
    receipt_id: str | None = None


def complete(
    process_engine: ProcessEngine, person: Person, task_id: str, data: Mapping[str, Any], *, revision: int, key: str
) -> Receipt:
    """Complete a task with what was filled in (办理). Opens its own transactions.

    `revision` is the one of the view that the person had; `key` names this one action: the same again gives the same answer,
    also when that was a refusal for being late.
    Nothing is changed by a refusal but the person's draft and the receipt of what came too late.
    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted, TaskChanged, FormInvalid, TooLate,
    CollectionEnded, KeyReused, InstanceNotRunning, and what the step's handlers raise.
    """
    request = {"task": task_id, "data": data, "revision": revision}
    try:
        with process_engine.begin(by=person.id) as work:
            answer = once(work, key, "inbox.complete", request, lambda: complete_within(work, person, task_id, data, revision))
    except TooLate as late:
        with process_engine.begin(by=person.id) as work:
            note = partial(note_refusal, work, person, task_id, data, late)
            answer = once(work, key, "inbox.complete", request, note)
            keep_draft(work, person, task_id, data, revision=revision)
    except KeyReused:
        raise
    except Problem:
        _keep_typed(process_engine, person, task_id, data, revision)
        raise
    if "late" in answer:
        raise TooLate(**answer["late"])
    return Receipt(**{**answer, "received_at": datetime.fromisoformat(answer["received_at"])})


def complete_within(work: Work, person: Person, task_id: str, data: Mapping[str, Any], revision: int) -> dict[str, Any]:
    """Complete a task within the caller's unit of work; the receipt's values as JSON.

    Raises what `complete` raises, but KeyReused.
    """
    row = hold_task(work, task_id)  # from here on the task, its files and its options stay as they are
    subject = see_task(work, person, task_id)
    if row.state == "cancelled":
        _refuse_if_late(work, row)
    require_doable(person, "task.complete", subject)
    act_for(work, person, subject)
    if row.revision != revision:
        raise TaskChanged(shown=revision, now=row.revision)
    ground = find_ground(work, person, row)
    form, clean, unused = _parse(work, ground, data)
    complete_task(work, task_id, {}, form=clean, revision=revision)
    drop_drafts(work, task_id)
    resume_drafts(work, row, ground.node)
    if form is not None and unused:
        drop_unused(work, task_id, named_ids(form, clean))
    sha256 = hash_data(clean)
    given = _find_receipt(work, ground, sha256)
    return {
        "task_id": task_id,
        "case_number": None if ground.case is None else ground.case.number,
        "received_at": (given.received_at if given is not None else work.now).isoformat(),
        "sha256": sha256,
        "receipt_id": None if given is None else given.id,
    }


def find_faults(work: Work, person: Person, task_id: str, data: Mapping[str, Any]) -> list[Finding]:
    """All that is wrong with what was filled in, in the order of the page; what makes it late first. Nothing is changed.

    Raises TaskUnknown, TaskAlreadyCompleted.
    """
    require_doable(person, "task.draft", see_task(work, person, task_id))
    try:
        _parse(work, find_ground(work, person, get_task(work, task_id)), data)
    except FormInvalid as invalid:
        return list(invalid.findings)
    return []


def _parse(work: Work, ground: Ground, data: Mapping[str, Any]) -> tuple[Form | None, dict[str, Any], bool]:
    """The task's form and its clean data, with the read-only values that belong to it; and whether files were uploaded that it
    does not name.

    Raises FormInvalid with all faults, also that it is too late where it is.
    """
    prepared = prepare(work, replace(ground, shown=False))
    form = prepared.finish(find_form(work, ground))
    if form is None:
        return None, {}, False
    if LATE_REASON in data and (late := find_late_field(ground.handlers)) is not None:
        form = form.append(late)  # whether it is needed is decided with the window's row
    taking, task_id = file_fields(form), ground.task.id
    files = files_of_task(work, task_id, earlier=named_ids(form, prepared.values)) if taking else []
    own = {file.field for file in files if file.task_id == task_id}
    given = dict(data)
    for name in taking:
        if name not in given:  # nothing said: what was uploaded now, else what the last version had
            given[name] = [file.id for file in files if file.field == name and (file.task_id == task_id or name not in own)]
    try:
        clean = form.parse(given, files=files)
    except FormInvalid as invalid:
        raise FormInvalid(findings=[*_tell_late(work, ground, form, data), *invalid.findings]) from invalid
    unused = {file.id for file in files if file.task_id == task_id} - named_ids(form, clean)
    return form, {**{key: value for key, value in prepared.fixed.items() if key in form.by_key}, **clean}, bool(unused)


def _tell_late(work: Work, ground: Ground, form: Form, data: Mapping[str, Any]) -> list[Finding]:
    """What the window's row would say to this data once its other faults are mended: nobody mends them to be refused then."""
    if not is_bound(ground.handlers, data):
        return []
    try:
        _refuse_if_late(work, ground.task)
    except (TooLate, CollectionEnded) as late:
        return [Finding(late.code, values=late.values)]
    where = _find_window(work, ground.task)
    if where is not None and LATE_REASON not in form.by_key and where.asks_reason(work.decide()):
        return [Finding("LateReasonMissing", path=LATE_REASON, values=where.cutoff_values)]
    return []


def _find_receipt(work: Work, ground: Ground, sha256: str) -> sa.Row[Any, Any] | None:
    """The receipt that the step's handler wrote in this transaction, if it wrote one."""
    if not any(name in KINDS for name in ground.handlers):
        return None
    given = {"campaign": ground.campaign_id, "case": None if ground.case is None else ground.case.id, "by": work.by, "of": sha256}
    return work.connection.execute(_RECEIPT_OF_CASE if ground.case is not None else _RECEIPT, given).one_or_none()


_RECEIPT = (
    sa.select(receipt.c.id, receipt.c.received_at)
    .where(receipt.c.campaign_id == sa.bindparam("campaign"), receipt.c.by == sa.bindparam("by"), receipt.c.accepted)
    .where(receipt.c.sha256 == sa.bindparam("of"))
    .order_by(receipt.c.id.desc())
    .limit(1)
)
_RECEIPT_OF_CASE = _RECEIPT.where(receipt.c.case_id == sa.bindparam("case"))


# ---- refused ---------------------------------------------------------------------------------------------------------
def _refuse_if_late(work: Work, task: sa.Row[Any]) -> None:
    """A task that the cut-off (or without one the organiser, ending the collection) took away is answered as late: the clock's
    housekeeping may have been faster than the person.

    Raises TooLate and CollectionEnded.
    """
    where = _find_window(work, task)
    if where is None and any(name in COLLECTED for name in _deciding_handlers(work, task)):
        decide_collecting(work, instance_variables(work, task.instance_id)["campaign"])
    elif where is not None and (received_at := work.decide()) >= where.ends_at:
        raise too_late(where, received_at)


def _find_window(work: Work, task: sa.Row[Any]) -> Window | None:
    variables = instance_variables(work, task.instance_id)
    for name in _deciding_handlers(work, task):
        where = deciding_window(work, name, variables, lock=True)
        if where is not None:
            return where
    return None


def _deciding_handlers(work: Work, task: sa.Row[Any]) -> tuple[str, ...]:
    """The handlers that take the task's form; a supplement that ends with the collection goes by what binds a correction."""
    names = find_handlers(work, task)
    bound = "applications.supplement" in names and ends_with_collection(
        definition_of(work, task.instance_id).model, task.element_id
    )
    return tuple("applications.correct" if bound and name == "applications.supplement" else name for name in names)


def note_refusal(work: Work, person: Person, task_id: str, data: Mapping[str, Any], late: TooLate) -> dict[str, Any]:
    """Write a receipt for what came too late: when it reached us, and against which cut-off. The refusal's values as `late`."""
    task = get_task(work, task_id)
    ground = find_ground(work, person, task)
    write_receipt(
        work,
        campaign_id=ground.campaign_id,
        case_id=None if ground.case is None else ground.case.id,
        organisation_id=find_body(work, task_id) if ground.case is None else ground.case.institution_id,
        kind=next(KINDS[name] for name in ground.handlers if name in KINDS),
        where=_find_window(work, task),
        accepted=False,
        received_at=datetime.fromisoformat(late.values["received_at"]),
        sha256=hash_data(data),
    )
    return {"late": late.values}


def _keep_typed(process_engine: ProcessEngine, person: Person, task_id: str, data: Mapping[str, Any], revision: int) -> None:
    """The typed text stays, as far as there is a task that the person may see."""
    with suppress(Problem), process_engine.begin(by=person.id) as work:
        see_task(work, person, task_id)
        keep_draft(work, person, task_id, data, revision=revision)
