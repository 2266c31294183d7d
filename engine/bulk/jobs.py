"""Bulk jobs as rows: one for the job, one for each chunk with its items and, once it is done, their results.

Nothing counts in the job's own row, so that chunks that are done at the same time do not wait for each other: how far a job is
follows from its chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

import sqlalchemy as sa

from engine.bulk.operations import find_operation
from engine.database import insert_once
from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.tables import bulk_chunk, bulk_job
from engine.work import Work

State = Literal["running", "done", "stuck", "cancelled"]


class BulkUnknown(Problem):
    """No bulk job has this id."""

    kind = "missing"


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A job and how far it is: `done` and `refused` items, `left` those that are still to be done.

    `stuck`: what is left waits for an administrator (an incident). `cancelled`: what was left was not done.
    """

    id: str
    operation: str
    subject: str | None
    created_at: datetime
    created_by: str | None
    done_at: datetime | None
    total: int
    done: int
    refused: int
    left: int
    state: State


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of one item; `position` counts from 1. Neither done nor refused: it is still to be done, or was cancelled."""

    position: int
    item: Mapping[str, Any]
    state: Literal["left", "done", "refused"]
    result: Mapping[str, Any] | None = None
    problem: Finding | None = None
    findings: tuple[Finding, ...] = ()


def start_bulk(
    work: Work,
    operation: str,
    items: Iterable[Mapping[str, Any]],
    *,
    shared: Mapping[str, Any] | None = None,
    subject: str | None = None,
    unique_key: str | None = None,
) -> str:
    """Write a job that does `operation` (`engine.bulk.operations`) with each of the items; the background does it. Its id.

    Each item is done in the name of whoever acts now, once, whatever is killed meanwhile; what is refused does not stop the
    others. Whether an item is in time is decided by the present moment: that at which the complete request is with us.
    `shared` holds the values that all items have, `subject` says what it belongs to (a campaign's key). A second job with the
    same `unique_key` is not written; the first one's id is given.
    Raises BulkOperationUnknown.
    """
    size = find_operation(work, operation).chunk
    job_id = new_id()
    values = {
        "id": job_id,
        "unique_key": unique_key or job_id,
        "operation": operation,
        "shared": dict(shared or {}),
        "subject": subject,
        "received_at": work.decide(),
        "created_at": work.now,
        "created_by": work.by,
        "on_behalf_of": work.on_behalf_of,
    }
    if not insert_once(work.connection, bulk_job, values):
        return str(work.connection.execute(sa.select(bulk_job.c.id).where(bulk_job.c.unique_key == unique_key)).scalar_one())
    coming, first = iter(items), 1
    while part := [dict(item) for item in islice(coming, size)]:
        chunk_id = new_id()
        chunk = {"id": chunk_id, "job_id": job_id, "first": first, "items": part, "size": len(part), "done": 0, "refused": 0}
        tried = {"generation": 1, "state": "waiting", "attempt": 0, "next_try_at": work.now}
        work.connection.execute(bulk_chunk.insert().values(**chunk, **tried))
        work.schedule("bulk", chunk_id, 1, work.now, new=True)
        first += len(part)
    return job_id


def cancel_bulk(work: Work, job_id: str) -> int:
    """Do no more of a job than what is being done at this moment; how many items are not done.

    Raises BulkUnknown.
    """
    find_bulk(work, job_id)
    open_ = sa.and_(bulk_chunk.c.job_id == job_id, bulk_chunk.c.state.in_(("waiting", "dead")))
    stop = bulk_chunk.update().where(open_).values(state="cancelled", done_at=work.now).returning(bulk_chunk.c.size)
    return sum(work.connection.execute(stop).scalars())


def read_bulk(work: Work, job_id: str) -> BulkJob:
    """A job and how far it is.

    Raises BulkUnknown.
    """
    found = list_bulk(work, bulk_job.c.id == job_id)
    if not found:
        raise BulkUnknown()
    return found[0]


def find_bulk(work: Work, job_id: str) -> sa.Row[Any]:
    """The row of a job.

    Raises BulkUnknown.
    """
    row = work.connection.execute(sa.select(bulk_job).where(bulk_job.c.id == job_id)).one_or_none()
    if row is None:
        raise BulkUnknown()
    return row


def list_bulk(work: Work, which: sa.ColumnElement[bool], *, limit: int = 50) -> list[BulkJob]:
    """The jobs of which a condition on their row holds, newest first."""

    def in_state(state: str) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(bulk_chunk.c.size).filter(bulk_chunk.c.state == state), 0)

    told = [column for column in bulk_job.c if column.name != "shared"]
    jobs = sa.select(*told).where(which).order_by(bulk_job.c.id.desc()).limit(limit).subquery()
    counted = (
        sa.select(
            jobs,
            sa.func.coalesce(sa.func.sum(bulk_chunk.c.size), 0).label("total"),
            sa.func.coalesce(sa.func.sum(bulk_chunk.c.done), 0).label("done"),
            sa.func.coalesce(sa.func.sum(bulk_chunk.c.refused), 0).label("refused"),
            in_state("waiting").label("waiting"),
            in_state("dead").label("dead"),
            in_state("cancelled").label("cancelled"),
            sa.func.max(bulk_chunk.c.done_at, type_=bulk_chunk.c.done_at.type).label("done_at"),
        )
        .outerjoin(bulk_chunk, bulk_chunk.c.job_id == jobs.c.id)
        .group_by(*jobs.c)
        .order_by(jobs.c.id.desc())
    )
    return [_tell(row) for row in work.connection.execute(counted)]


def _tell(row: sa.Row[Any]) -> BulkJob:
    state: State = "running" if row.waiting else "stuck" if row.dead else "cancelled" if row.cancelled else "done"
    return BulkJob(
        row.id,
        row.operation,
        row.subject,
        row.created_at,
        row.created_by,
        None if state in ("running", "stuck") else row.done_at or row.created_at,
        row.total,
        row.done,
        row.refused,
        row.waiting + row.dead,
        state,
    )


def list_results(work: Work, job_id: str, *, after: int = 0, limit: int = 50, refused: bool = False) -> list[BulkResult]:
    """What became of the items, in their order: at most `limit` behind position `after`; with `refused` those refused only."""
    query = sa.select(bulk_chunk).where(bulk_chunk.c.job_id == job_id, bulk_chunk.c.first + bulk_chunk.c.size > after + 1)
    if refused:
        query = query.where(bulk_chunk.c.refused > 0)
    found: list[BulkResult] = []
    with work.connection.execute(query.order_by(bulk_chunk.c.first), execution_options={"yield_per": 4}) as chunks:
        for row in chunks:
            found += [each for each in _read(row) if each.position > after and (not refused or each.state == "refused")]
            if len(found) >= limit:
                break
    return found[:limit]


def _read(row: sa.Row[Any]) -> Iterable[BulkResult]:
    if row.results is None:
        return [BulkResult(row.first + place, item, "left") for place, item in enumerate(row.items)]
    return [
        _read_one(row.first + place, item, told) for place, (item, told) in enumerate(zip(row.items, row.results, strict=True))
    ]


def _read_one(position: int, item: Mapping[str, Any], told: Mapping[str, Any] | None) -> BulkResult:
    if told is None or "refused" not in told:
        return BulkResult(position, item, "done", (told or {}).get("done"))
    kept = told["refused"]
    return BulkResult(position, item, "refused", None, _load(kept), tuple(map(_load, kept.get("findings", ()))))


# ---- a problem as JSON -------------------------------------------------------------------------------------------------
def dump_problem(problem: Problem | Finding) -> dict[str, Any]:
    """A refusal as it is kept: code and values, from which it is told in any language."""
    told: dict[str, Any] = {"code": problem.code}
    told |= {"values": {name: _dump(value) for name, value in problem.values.items()}} if problem.values else {}
    if isinstance(problem, Finding):
        return told | {name: text for name in ("element", "path") if (text := getattr(problem, name)) is not None}
    return told | ({"findings": [dump_problem(each) for each in problem.findings]} if problem.findings else {})


def _dump(value: Any) -> Any:
    if isinstance(value, Problem | Finding):
        return dump_problem(value)
    if isinstance(value, Mapping):
        return {str(name): _dump(each) for name, each in value.items()}
    if isinstance(value, Sequence | frozenset | set) and not isinstance(value, str | bytes):
        return [_dump(each) for each in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _load(told: Mapping[str, Any]) -> Finding:
    values = {
        name: _load(value) if isinstance(value, Mapping) and "code" in value else value
        for name, value in told.get("values", {}).items()
    }
    return Finding(told["code"], element=told.get("element"), path=told.get("path"), values=values)
