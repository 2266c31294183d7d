"""`/incidents`: what gave up and waits for a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.pages.incidents import list_seen, retry_seen
from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Told
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


class RetriedTold(Told):
    """The incident that is tried again."""

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
