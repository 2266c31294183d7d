"""What gave up and waits for an administrator: tried again, passed over, or tried again with other variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson
import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Finding, Problem, StepFailed
from engine.idempotency import once
from engine.incidents import IncidentUnknown, get_incident, list_incidents, retry_incident
from engine.instances import instance_variables
from engine.mending import (
    LONGEST_VALUES,
    IncidentNotEditable,
    IncidentNotSkippable,
    VariablesInvalid,
    edit_incident,
    skip_incident,
)
from engine.work import Work
from workflows.inbox import check_reason
from workflows.inbox.acting import ReasonRequired
from workflows.people import Person
from workflows.rules import can, incident_subject, require

pages = Blueprint("incidents", __name__)
REFUSALS = (IncidentNotSkippable, IncidentNotEditable, VariablesInvalid, ReasonRequired, StepFailed)


@pages.get("/incidents")
@signed_in
def show() -> str:
    """Open incidents that the person may see; administrators can have them tried again.

    Raises NotPermitted for people who could never see one.
    """
    person = reader()
    with process_engine().read(by=person.id) as work:
        rows = list_seen(work, person)
    return render_template("incidents.html", incidents=rows)


@pages.get("/incidents/<incident_id>")
@signed_in
def show_one(incident_id: str) -> str:
    """One open incident, with what an administrator can do about it.

    Raises IncidentUnknown, NotPermitted.
    """
    return page(incident_id)


@pages.post("/incidents/<incident_id>/retry")
@signed_in
def retry(incident_id: str) -> Response:
    """Try again what gave up.

    Raises IncidentUnknown, NotPermitted.
    """
    person = reader()

    def act(work: Work) -> dict[str, Any]:
        retry_seen(work, person, incident_id)
        return {}

    with process_engine().begin(by=person.id) as work:
        once(work, read_key(), "incident.retry", {"incident": incident_id}, lambda: act(work))
    tell_next("incidents.retried")
    return redirect(url_for("incidents.show"), 303)


@pages.post("/incidents/<incident_id>/skip")
@signed_in
def skip(incident_id: str) -> Any:
    """Pass over what gave up, with a reason; a refusal is told on the page with what was typed.

    Raises IncidentUnknown, NotPermitted, InstanceNotRunning.
    """
    person, typed = reader(), {"skip_reason": request.form.get("reason", "")}

    def act(work: Work) -> dict[str, Any]:
        skip_seen(work, person, incident_id, reason=typed["skip_reason"])
        return {}

    try:
        with process_engine().begin(by=person.id) as work:
            once(work, read_key(), "incident.skip", {"incident": incident_id, **typed}, lambda: act(work))
    except REFUSALS as problem:
        return page(incident_id, typed=typed, problem=problem), STATUS[problem.kind]
    tell_next("incidents.skipped")
    return redirect(url_for("incidents.show"), 303)


@pages.post("/incidents/<incident_id>/edit")
@signed_in
def edit(incident_id: str) -> Any:
    """Change variables of the instance and try again, with a reason; a refusal is told on the page with what was typed.

    Raises IncidentUnknown, NotPermitted, InstanceNotRunning.
    """
    person = reader()
    typed = {"edit_reason": request.form.get("reason", ""), "variables": request.form.get("variables", "")}

    def act(work: Work) -> dict[str, Any]:
        see(work, person, incident_id, "incident.edit")
        edit_seen(work, person, incident_id, read_variables(typed["variables"]), reason=typed["edit_reason"])
        return {}

    try:
        with process_engine().begin(by=person.id) as work:
            once(work, read_key(), "incident.edit", {"incident": incident_id, **typed}, lambda: act(work))
    except REFUSALS as problem:
        return page(incident_id, typed=typed, problem=problem), STATUS[problem.kind]
    tell_next("incidents.edited")
    return redirect(url_for("incidents.show"), 303)


def page(incident_id: str, *, typed: Mapping[str, str] | None = None, problem: Problem | None = None) -> str:
    """The page of an incident, with what was typed and why it was refused.

    Raises IncidentUnknown, NotPermitted.
    """
    person = reader()
    with process_engine().read(by=person.id) as work:
        see(work, person, incident_id, "incident.retry")
        row = get_incident(work, incident_id)
        variables = None if row.instance_id is None else instance_variables(work, row.instance_id)
    return render_template(
        "incident.html",
        incident=row,
        variables=None if variables is None else json.dumps(variables, ensure_ascii=False, indent=2, sort_keys=True),
        typed=typed or {},
        problem=words().tell(problem) if problem else None,
        faults=[words().tell(each) for each in problem.findings] if problem else [],
    )


def read_variables(text: str) -> dict[str, Any]:
    """The JSON object that was typed.

    Raises VariablesInvalid.
    """
    try:
        found = orjson.loads(text) if len(text) <= LONGEST_VALUES else None  # as strict as what is stored: no NaN
    except orjson.JSONDecodeError as fault:
        where = {"line": fault.lineno, "column": fault.colno}
        raise VariablesInvalid(findings=[Finding("VariablesNotJson", path="variables", values=where)]) from fault
    if not isinstance(found, dict):
        raise VariablesInvalid(findings=[Finding("VariablesUnfit", path="variables", values={"most": LONGEST_VALUES})])
    return found


# ---- with permission, for pages and programs -------------------------------------------------------------------------
def list_seen(work: Work, person: Person) -> list[tuple[sa.Row[Any], bool]]:
    """The open incidents that the person may see, and whether the person may have each tried again.

    Raises NotPermitted for people who could never see one.
    """
    if not {role for role, _ in person.memberships} & {"administrator", "organiser"}:
        require(person, "outbox.read")
    return [
        (row, can(person, "incident.retry", subject))
        for row in list_incidents(work)
        if (subject := incident_subject(work, row.id)) is not None and can(person, "incident.read", subject)
    ]


def see(work: Work, person: Person, incident_id: str, action: str) -> None:
    """Nothing when the person may do this with the incident.

    Raises IncidentUnknown for who may not see it, NotPermitted.
    """
    subject = incident_subject(work, incident_id)
    if subject is None or not can(person, "incident.read", subject):
        raise IncidentUnknown()
    require(person, action, subject)


def retry_seen(work: Work, person: Person, incident_id: str) -> None:
    """Have an incident tried again that the person may see.

    Raises IncidentUnknown, NotPermitted.
    """
    see(work, person, incident_id, "incident.retry")
    retry_incident(work, incident_id)


def skip_seen(work: Work, person: Person, incident_id: str, *, reason: str) -> None:
    """Pass over what gave up.

    Raises IncidentUnknown, NotPermitted, ReasonRequired, IncidentNotSkippable, InstanceNotRunning.
    """
    see(work, person, incident_id, "incident.skip")
    skip_incident(work, incident_id, reason=check_reason(reason))


def edit_seen(work: Work, person: Person, incident_id: str, variables: Mapping[str, Any], *, reason: str) -> None:
    """Change variables of the instance, and have it tried again.

    Raises IncidentUnknown, NotPermitted, ReasonRequired, IncidentNotEditable, VariablesInvalid, InstanceNotRunning, StepFailed.
    """
    see(work, person, incident_id, "incident.edit")
    edit_incident(work, incident_id, variables, reason=check_reason(reason))
