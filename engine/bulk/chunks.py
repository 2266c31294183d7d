"""Doing a chunk: all its items in one transaction, one by one in savepoints only when one of them was refused.

The chunk's row is locked first and passed over when another worker has it, so that workers take different chunks. Items and their
results are committed together: a chunk that was killed is done again as if it had never begun.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import sqlalchemy as sa

from engine.attempts import record_failure
from engine.bulk.jobs import BulkJob, dump_problem, read_bulk
from engine.bulk.operations import BulkOperation, Item, find_operation
from engine.database import name_fault
from engine.errors import Problem
from engine.tables import bulk_chunk, bulk_job
from engine.work import ProcessEngine, Work

log = logging.getLogger(__name__)

Result = Mapping[str, Any] | None
"""What is kept of an item that is done (None, or `done` with its result) or was `refused`."""
Way = Callable[[Work, BulkOperation, Sequence[Item]], list[Result]]


class ItemFailed(Problem):
    """A fault of ours at one item; the log has the details."""

    kind = "internal"


class _NotAllDone(Exception):
    """An item was refused: the chunk is done again, one by one."""


def run_bulk(process_engine: ProcessEngine, job_id: str) -> BulkJob:
    """Do what is left of a job now, in this thread; how far it is then (another worker may have some of it still).

    Raises BulkUnknown.
    """
    left = sa.select(bulk_chunk.c.id).where(bulk_chunk.c.job_id == job_id, bulk_chunk.c.state == "waiting")
    with process_engine.read() as work:
        waiting = work.connection.execute(left.order_by(bulk_chunk.c.first)).scalars().all()
    for chunk_id in waiting:
        do_chunk(process_engine, chunk_id)
    with process_engine.read() as work:
        return read_bulk(work, job_id)


def do_chunk(process_engine: ProcessEngine, chunk_id: str, generation: int | None = None) -> bool:
    """Do a chunk now; whether this call did it. Quiet for one that is done, of another generation, or that somebody else does.

    A refused item is noted with its problem. What spoils the chunk as a whole (the database is out of reach) is counted
    (`engine.attempts`) and not raised.
    """
    try:
        query = sa.select(bulk_job).join(bulk_chunk).where(bulk_chunk.c.id == chunk_id, bulk_chunk.c.state == "waiting")
        with process_engine.read() as work:
            job = work.connection.execute(query).one_or_none()
        if job is None:
            return False
        try:
            return _do(process_engine, job, chunk_id, generation, _do_together)
        except _NotAllDone:
            return _do(process_engine, job, chunk_id, generation, _do_one_by_one)
    except Exception as error:  # one bad chunk never stops the others
        record_failure(process_engine, "bulk", bulk_chunk, chunk_id, "waiting", error)
        return False


def _do(process_engine: ProcessEngine, job: sa.Row[Any], chunk_id: str, generation: int | None, way: Way) -> bool:
    with process_engine.begin(by=job.created_by, on_behalf_of=job.on_behalf_of) as work:
        work.received_at = job.received_at
        due = sa.and_(bulk_chunk.c.id == chunk_id, bulk_chunk.c.state == "waiting", bulk_chunk.c.next_try_at <= work.now)
        row = work.connection.execute(sa.select(bulk_chunk).where(due).with_for_update(skip_locked=True)).one_or_none()
        if row is None or generation not in (None, row.generation):
            return False
        operation = find_operation(work, job.operation)
        results = way(work, operation, [{**job.shared, **item} for item in row.items])
        refused = sum("refused" in (result or ()) for result in results)
        told = {"results": results, "refused": refused, "done": row.size - refused}
        work.connection.execute(
            bulk_chunk.update().where(bulk_chunk.c.id == chunk_id).values(state="done", done_at=work.now, **told)
        )
        if operation.finish is not None and _is_last(work, job.id):
            operation.finish(work, job.id)
        return True


def _is_last(work: Work, job_id: str) -> bool:
    """Whether nothing of the job is left. The job's row is locked until the commit that follows, so that of two chunks that end
    at the same time the later one sees the other."""
    work.connection.execute(sa.select(bulk_job.c.id).where(bulk_job.c.id == job_id).with_for_update(key_share=True))
    left = sa.select(bulk_chunk.c.id).where(bulk_chunk.c.job_id == job_id, bulk_chunk.c.state != "done").limit(1)
    return work.connection.execute(left).first() is None


def _do_together(work: Work, operation: BulkOperation, items: Sequence[Item]) -> list[Result]:
    """Raises _NotAllDone as soon as an item is refused; what passes by itself goes through."""
    try:
        shared = operation.enter(work, items)
        with work.together() if operation.together else nullcontext():
            return [_note(operation.do(work, item, shared)) for item in items]
    except Exception as fault:
        if name_fault(fault) is not None:
            raise
        raise _NotAllDone() from fault


def _do_one_by_one(work: Work, operation: BulkOperation, items: Sequence[Item]) -> list[Result]:
    """Each item in a part of its own, so that what one of them wrote or read before it was refused is gone."""
    try:
        with work.part() as part:
            shared = operation.enter(part, items)
    except Problem as refusal:
        return [{"refused": dump_problem(refusal)} for _ in items]
    results: list[Result] = []
    for item in items:
        try:
            with work.part() as part:
                results.append(_note(operation.do(part, item, shared)))
        except Exception as fault:
            if name_fault(fault) is not None:
                raise
            if not isinstance(fault, Problem) or fault.kind == "internal":
                log.warning("an item of a bulk job failed", exc_info=fault)
            problem = fault if isinstance(fault, Problem) else ItemFailed(reason=type(fault).__name__)
            kept = operation.refuse(work, item, problem, shared)
            results.append({"refused": dump_problem(problem)} if kept is None else _note(kept))
    return results


def _note(result: Mapping[str, Any] | None) -> Result:
    return None if result is None else {"done": dict(result)}
