"""What gave up and waits for an administrator."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from api.pages.present import process_engine, read_key, reader, signed_in, tell_next
from engine.idempotency import once
from engine.incidents import IncidentUnknown, list_incidents, retry_incident
from engine.work import Work
from workflows.people import Person
from workflows.rules import can, incident_subject, require

pages = Blueprint("incidents", __name__)


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


def retry_seen(work: Work, person: Person, incident_id: str) -> None:
    """Have an incident tried again that the person may see.

    Raises IncidentUnknown, NotPermitted.
    """
    subject = incident_subject(work, incident_id)
    if subject is None or not can(person, "incident.read", subject):
        raise IncidentUnknown()
    require(person, "incident.retry", subject)
    retry_incident(work, incident_id)
