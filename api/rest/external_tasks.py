"""`/external-tasks`: what programs outside fetch by topic, do and report back (`docs/reference/rest.md`, Workers)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, JsonValue, StringConstraints

from api.pages.present import reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Told
from engine import external
from engine.work import Work
from workflows.rules import require

resource = Resource("external_tasks")
LONGEST = int(external.LONGEST_LEASE.total_seconds())
OVER = (external.ExternalTaskOver, external.ExternalTaskLost)
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Seconds = Annotated[int, Field(ge=1, le=LONGEST)]


class FetchAsked(Asked):
    """`worker` is the program's own name: only it may report on what it fetched, until others fetch it after `lock_seconds`."""

    worker: Name
    topics: Annotated[list[Code], Field(min_length=1, max_length=100)]
    lock_seconds: Seconds = 300
    most: Annotated[int, Field(ge=1, le=external.MOST_FETCHED)] = 1


class WorkerAsked(Asked):
    """Who reports."""

    worker: Name


class CompleteAsked(WorkerAsked):
    """`variables` are written to the instance."""

    variables: dict[Code, JsonValue] = {}


class FailAsked(WorkerAsked):
    """What went wrong, how many tries are left (0: a person has to look), and when the next one may begin."""

    error: Annotated[str, StringConstraints(min_length=1, max_length=external.LONGEST_ERROR)]
    retries: Annotated[int, Field(ge=0, le=1000)] = 0
    retry_after_seconds: Annotated[int, Field(ge=0, le=LONGEST)] = 0


class ThrowAsked(WorkerAsked):
    """The code of a BPMN error that the diagram catches."""

    code: Code
    message: Annotated[str, StringConstraints(max_length=external.LONGEST_ERROR)] | None = None
    variables: dict[Code, JsonValue] = {}


class ExtendAsked(WorkerAsked):
    """How long the task is kept from now."""

    lock_seconds: Seconds = 300


class ExternalTaskTold(Told):
    """A task that was fetched: `variables` are what its element sees, `retries` what the last worker that failed has left."""

    id: str
    topic: str
    priority: int
    business_key: str
    instance_id: str
    element_id: str
    process: str
    version: int
    variables: dict[str, JsonValue]
    properties: dict[str, str]
    retries: int | None
    last_error: str | None
    locked_until: datetime
    created_at: datetime


class FetchedTold(Told):
    """What was fetched, most urgent first; empty when there is nothing."""

    items: list[ExternalTaskTold]


class ReportedTold(Told):
    """The task that was reported on; until when it is still the worker's."""

    id: str
    locked_until: datetime | None = None


@resource.post("/external-tasks/fetch", FetchedTold, takes=FetchAsked)
def fetch(body: FetchAsked, key: str) -> Any:
    """Fetch tasks of some topics and lock them.

    Raises NotPermitted.
    """

    def take(work: Work) -> FetchedTold:
        require(reader(), "external.work")
        lock_for = timedelta(seconds=body.lock_seconds)
        found = external.fetch_tasks(work, body.topics, _name(body.worker), lock_for=lock_for, most=body.most)
        return FetchedTold(items=[ExternalTaskTold.model_validate(each) for each in found])

    return act(key, "external.fetch", body.model_dump(), take)


def _report(name: str, external_id: str, body: WorkerAsked, key: str, do: Callable[[Work, str], datetime | None]) -> Any:
    """A worker's report on a task: `do` gets the name that the engine knows the worker by."""

    def report(work: Work) -> ReportedTold:
        require(reader(), "external.work")
        return ReportedTold(id=external_id, locked_until=do(work, _name(body.worker)))

    return act(key, f"external.{name}", {"external": external_id, **body.model_dump()}, report)


@resource.post("/external-tasks/<external_id>/complete", ReportedTold, takes=CompleteAsked, raises=OVER)
def complete(external_id: str, body: CompleteAsked, key: str) -> Any:
    """The work is done.

    Raises NotPermitted, ExternalTaskUnknown, ExternalTaskOver, ExternalTaskLost.
    """

    def do(work: Work, worker: str) -> None:
        external.complete_external(work, external_id, worker, body.variables)

    return _report("complete", external_id, body, key, do)


@resource.post("/external-tasks/<external_id>/fail", ReportedTold, takes=FailAsked, raises=OVER)
def fail(external_id: str, body: FailAsked, key: str) -> Any:
    """The work failed.

    Raises NotPermitted, ExternalTaskUnknown, ExternalTaskOver, ExternalTaskLost.
    """

    def do(work: Work, worker: str) -> None:
        pause = timedelta(seconds=body.retry_after_seconds)
        external.fail_external(work, external_id, worker, body.error, retries=body.retries, retry_after=pause)

    return _report("fail", external_id, body, key, do)


@resource.post("/external-tasks/<external_id>/throw", ReportedTold, takes=ThrowAsked, raises=OVER)
def throw(external_id: str, body: ThrowAsked, key: str) -> Any:
    """The work ended in a BPMN error.

    Raises NotPermitted, ExternalTaskUnknown, ExternalTaskOver, ExternalTaskLost.
    """

    def do(work: Work, worker: str) -> None:
        external.throw_external(work, external_id, worker, body.code, message=body.message, variables=body.variables)

    return _report("throw", external_id, body, key, do)


@resource.post("/external-tasks/<external_id>/extend", ReportedTold, takes=ExtendAsked, raises=OVER)
def extend(external_id: str, body: ExtendAsked, key: str) -> Any:
    """Keep a task for longer.

    Raises NotPermitted, ExternalTaskUnknown, ExternalTaskOver, ExternalTaskLost.
    """

    def do(work: Work, worker: str) -> datetime:
        return external.extend_lease(work, external_id, worker, lock_for=timedelta(seconds=body.lock_seconds))

    return _report("extend", external_id, body, key, do)


@resource.post("/external-tasks/<external_id>/release", ReportedTold, takes=WorkerAsked, raises=OVER)
def release(external_id: str, body: WorkerAsked, key: str) -> Any:
    """Give a task back undone.

    Raises NotPermitted, ExternalTaskUnknown, ExternalTaskOver, ExternalTaskLost.
    """

    def do(work: Work, worker: str) -> None:
        external.release_external(work, external_id, worker)

    return _report("release", external_id, body, key, do)


def _name(worker: str) -> str:
    """Whose program: two people's programs of one name are not the same worker."""
    return f"{reader().login}/{worker}"
