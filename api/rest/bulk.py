"""`/bulk-jobs`: one thing done with many tasks, in the background; how far it is, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StringConstraints

from api.pages.present import process_engine, reader, words
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, FindingTold, Id, Listed, Paging, Told, write_cursor
from engine.bulk import BulkJob
from engine.work import Work
from workflows.inbox import many
from workflows.inbox.acting import LONGEST_REASON
from workflows.inbox.picking import PageUnknown

resource = Resource("bulk")


class BulkTaskAsked(Asked):
    """One task: the `revision` that was shown (without it, whatever it is at now), and what is filled in for it alone."""

    task: Id
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    data: dict[str, JsonValue] | None = None


class BulkAsked(Asked):
    """What is done with which tasks. `data` is filled in for all (complete); `target` and `reason` belong to a return, `person`
    and `reason` to a transfer; to `urge` takes a `reason` as the sentence that goes with it."""

    action: Literal["claim", "unclaim", "complete", "return", "transfer", "urge"]
    tasks: Annotated[list[BulkTaskAsked], Field(min_length=1, max_length=many.MOST)]
    data: dict[str, JsonValue] | None = None
    target: Annotated[str, StringConstraints(max_length=200)] = ""
    person: Id | None = None
    reason: Annotated[str, StringConstraints(max_length=LONGEST_REASON)] = ""


class BulkJobTold(Told):
    """A job: `total` tasks, of which some are `done`, some `refused` and some `left`.

    `state`: `running`, `done`, `cancelled` (what was left was not done), `stuck` (what is left waits for an administrator).
    """

    id: str
    action: str
    state: Literal["running", "done", "cancelled", "stuck"]
    total: int
    done: int
    refused: int
    left: int
    created_at: datetime
    done_at: datetime | None


class BulkJobsTold(Listed):
    """One's own jobs, newest first."""

    items: list[BulkJobTold]


class BulkProblemTold(Told):
    """Why a task was refused: `code` for programs, `detail` for people, all faults at once."""

    code: str
    detail: str
    findings: list[FindingTold]


class BulkResultTold(Told):
    """What became of one task. For one that was over already: `who` ended it (null: not a colleague, or the flow) and when
    (`closed_at`). `received_at` and `receipt_id` are those of a completed one."""

    position: int
    task: str
    state: Literal["left", "done", "refused"]
    name: str | None
    number: str | None
    title: str | None
    problem: BulkProblemTold | None
    who: str | None
    closed_at: datetime | None
    received_at: datetime | None
    receipt_id: str | None


class BulkResultsTold(Listed):
    """Results in the order in which the tasks were given."""

    items: list[BulkResultTold]


class ResultsAsked(Paging):
    """With `refused` those that were refused only."""

    refused: bool = False


class StoppedTold(Told):
    """How many tasks are left as they are."""

    id: str
    left: int


@resource.post("/bulk-jobs", BulkJobTold, takes=BulkAsked, status=202)
def begin(body: BulkAsked, key: str) -> Any:
    """Begin a job: the background does it, each task with its own permission, form and receipt.

    Raises BulkInvalid, ReasonRequired.
    """

    def start(work: Work) -> BulkJobTold:
        job_id = many.start_many(
            work,
            reader(),
            body.action,
            [each.model_dump(exclude_none=True) for each in body.tasks],
            data=body.data,
            target=body.target,
            to_person=body.person or "",
            reason=body.reason,
        )
        return tell_job(many.read_many(work, reader(), job_id))

    return act(key, "bulk.begin", body.model_dump(), start)


@resource.get("/bulk-jobs", BulkJobsTold, query=Paging)
def list_all(query: Paging) -> BulkJobsTold:
    """The caller's own jobs, newest first.

    Raises PageUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        found = many.list_many(work, reader(), limit=query.limit + 1, after=query.after)
    page = found[: query.limit]
    return BulkJobsTold(items=[*map(tell_job, page)], next=write_cursor(page[-1].id if len(found) > query.limit else None))


@resource.get("/bulk-jobs/<bulk_id>", BulkJobTold, tagged=True)
def show(bulk_id: str) -> BulkJobTold:
    """How far a job is.

    Raises BulkUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        return tell_job(many.read_many(work, reader(), bulk_id))


@resource.get("/bulk-jobs/<bulk_id>/results", BulkResultsTold, query=ResultsAsked)
def list_results(bulk_id: str, query: ResultsAsked) -> BulkResultsTold:
    """What became of each task so far.

    Raises BulkUnknown, PageUnknown.
    """
    after = query.after or "0"
    if not (after.isascii() and after.isdigit() and len(after) < 10):
        raise PageUnknown()
    with process_engine().read(by=reader().id) as work:
        found = many.list_task_results(work, reader(), bulk_id, after=int(after), limit=query.limit + 1, refused=query.refused)
    page = found[: query.limit]
    following = str(page[-1].position) if len(found) > query.limit else None
    return BulkResultsTold(items=[*map(tell_result, page)], next=write_cursor(following))


@resource.post("/bulk-jobs/<bulk_id>/cancel", StoppedTold)
def cancel(bulk_id: str, key: str) -> Any:
    """Do no more of a job than what is being done at this moment.

    Raises BulkUnknown.
    """

    def stop(work: Work) -> StoppedTold:
        return StoppedTold(id=bulk_id, left=many.cancel_many(work, reader(), bulk_id))

    return act(key, "bulk.cancel", {"job": bulk_id}, stop)


def tell_job(job: BulkJob) -> BulkJobTold:
    """A job as it is told."""
    told = {name: getattr(job, name) for name in BulkJobTold.model_fields if name != "action"}
    return BulkJobTold(action=job.operation.removeprefix(many.PREFIX), **told)


def tell_result(each: many.TaskResult) -> BulkResultTold:
    """A result with its refusal in the reader's language."""
    problem = None
    if each.problem is not None:
        findings = [
            FindingTold(
                code=found.code, severity=found.severity, element=found.element, path=found.path, text=words().tell(found)
            )
            for found in each.findings
        ]
        problem = BulkProblemTold(code=each.problem.code, detail=words().tell(each.problem), findings=findings)
    told = {name: getattr(each, name) for name in BulkResultTold.model_fields if name not in ("task", "problem")}
    return BulkResultTold(task=each.task_id, problem=problem, **told)
