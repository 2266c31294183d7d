"""`/incidents`: what gave up and waits for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.pages.incidents import edit_seen, list_seen, retry_seen, skip_seen
from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Told
from engine.work import Work

resource = Resource("incidents")


class IncidentTold(Told):
    """Something that gave up; `retryable` for administrators."""

    id: str
    kind: str
    code: str
    detail: str
    instance_id: str | None
    element_id: str | None
    created_at: datetime
    retryable: bool


class IncidentsTold(Told):
    """Open incidents, oldest first."""

    items: list[IncidentTold]


class SkipAsked(Asked):
    """Why it is passed over."""

    reason: str


class EditAsked(Asked):
    """The variables to write (what is not named stays), and why."""

    variables: dict[str, Any]
    reason: str


class RetriedTold(Told):
    """The incident that was closed: tried again, or passed over."""

    id: str


@resource.get("/incidents", IncidentsTold)
def list_all() -> IncidentsTold:
    """Open incidents that the caller may see.

    Raises NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        found = list_seen(work, reader())
    return IncidentsTold(items=[IncidentTold.model_validate({**row._mapping, "retryable": may}) for row, may in found])


@resource.post("/incidents/<incident_id>/retry", RetriedTold)
def retry(incident_id: str, key: str) -> Any:
    """Try again what gave up.

    Raises IncidentUnknown, NotPermitted.
    """

    def again(work: Work) -> RetriedTold:
        retry_seen(work, reader(), incident_id)
        return RetriedTold(id=incident_id)

    return act(key, "incident.retry", {"incident": incident_id}, again)


@resource.post("/incidents/<incident_id>/skip", RetriedTold, takes=SkipAsked)
def skip(incident_id: str, body: SkipAsked, key: str) -> Any:
    """Pass over what gave up: the process goes on without what the system does at the step that failed.

    Raises IncidentUnknown, NotPermitted, ReasonRequired, IncidentNotSkippable, InstanceNotRunning.
    """

    def pass_over(work: Work) -> RetriedTold:
        skip_seen(work, reader(), incident_id, reason=body.reason)
        return RetriedTold(id=incident_id)

    return act(key, "incident.skip", {"incident": incident_id, **body.model_dump()}, pass_over)


@resource.post("/incidents/<incident_id>/edit", RetriedTold, takes=EditAsked)
def edit(incident_id: str, body: EditAsked, key: str) -> Any:
    """Change variables of the instance, then try again.

    Raises IncidentUnknown, NotPermitted, ReasonRequired, IncidentNotEditable, VariablesInvalid, InstanceNotRunning, StepFailed.
    """

    def change(work: Work) -> RetriedTold:
        edit_seen(work, reader(), incident_id, body.variables, reason=body.reason)
        return RetriedTold(id=incident_id)

    return act(key, "incident.edit", {"incident": incident_id, **body.model_dump()}, change)
