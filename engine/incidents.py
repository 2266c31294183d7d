"""What gave up and needs a person: a timer, message or mail that failed too often."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.ids import new_id
from engine.tables import bulk_chunk, external_task, incident, message, outbox, timer
from engine.work import Work

ROWS = {
    "timer": (timer, "armed"),
    "message": (message, "waiting"),
    "mail": (outbox, "queued"),
    "bulk": (bulk_chunk, "waiting"),
    "external": (external_task, "open"),
}
"""Where the row of an incident stands, and the state in which it is tried again."""


class IncidentUnknown(Problem):
    """No open incident has this id."""

    kind = "missing"


def open_incident(
    work: Work,
    kind: str,
    code: str,
    detail: str,
    *,
    row_id: str | None = None,
    instance_id: str | None = None,
    element_id: str | None = None,
) -> str:
    """Note that something gave up. `detail` is for administrators, not for the public."""
    incident_id = new_id()
    work.connection.execute(
        incident.insert().values(
            id=incident_id,
            kind=kind,
            instance_id=instance_id,
            row_id=row_id,
            element_id=element_id,
            code=code,
            detail=detail[:4000],
            created_at=work.now,
        )
    )
    return incident_id


def get_incident(work: Work, incident_id: str) -> sa.Row[Any]:
    """One open incident.

    Raises IncidentUnknown.
    """
    query = sa.select(incident).where(incident.c.id == incident_id, incident.c.resolved_at.is_(None))
    found = work.connection.execute(query).one_or_none()
    if found is None:
        raise IncidentUnknown()
    return found


def list_incidents(work: Work, *, resolved: bool = False) -> list[sa.Row[Any]]:
    """The open incidents (or the resolved ones), oldest first."""
    condition = incident.c.resolved_at.is_not(None) if resolved else incident.c.resolved_at.is_(None)
    return list(
        work.connection.execute(sa.select(incident).where(condition).order_by(incident.c.created_at, incident.c.id)).all()
    )


def retry_incident(work: Work, incident_id: str, *, resolution: str = "retried", reason: str | None = None) -> None:
    """Give the row that gave up new tries, and close the incident. `resolution` and `reason` tell what was done before.

    Raises IncidentUnknown when it is not open.
    """
    found = work.connection.execute(
        sa.select(incident).where(incident.c.id == incident_id, incident.c.resolved_at.is_(None)).with_for_update()
    ).one_or_none()
    if found is None:
        raise IncidentUnknown()
    if found.kind in ROWS and found.row_id is not None:
        table, state = ROWS[found.kind]
        row = work.connection.execute(
            table.update()
            .where(table.c.id == found.row_id, table.c.state == "dead")
            .values(
                state=state,
                attempt=0,
                next_try_at=work.now,
                generation=table.c.generation + 1,
                lease_by=None,
                lease_until=None,
                **({"retries": 1} if found.kind == "external" else {}),
            )
            .returning(table.c.generation)
        ).one_or_none()
        if row is not None and found.kind != "external":  # a worker fetches it by itself
            work.schedule(found.kind, found.row_id, row.generation, work.now)
    resolve_incident(work, incident_id, resolution, reason)


def resolve_incident(work: Work, incident_id: str, resolution: str, reason: str | None = None) -> None:
    """Close an incident: what became of it, why, and by whom."""
    how = {"resolved_at": work.now, "resolved_by": work.by, "resolution": resolution, "reason": reason}
    work.connection.execute(incident.update().where(incident.c.id == incident_id).values(**how))


def settle_incidents(work: Work, row_id: str) -> int:
    """Close the open incidents of a row that was replaced by another; how many."""
    ours = sa.and_(incident.c.row_id == row_id, incident.c.resolved_at.is_(None))
    how = {"resolved_at": work.now, "resolved_by": work.by, "resolution": "replaced"}
    return work.connection.execute(incident.update().where(ours).values(**how)).rowcount
