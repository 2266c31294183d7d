"""`/tasks/<id>/operations`, `/preview`, `/plan`: what is done with a task beyond completing it, and what it would do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from api.pages.present import process_engine, reader
from api.rest.desk import Day
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Told
from api.rest.tasks import TAKEN, Reason, TaskStateTold
from engine.errors import (
    NothingToWithdraw,
    OperationNotAllowed,
    SignerNotTaken,
    SignersTogether,
    SignerThere,
    SkipRefused,
    TaskChanged,
    WithdrawalTooLate,
)
from engine.tasks import get_task
from engine.work import Work
from workflows import inbox
from workflows.inbox.acting import SignerRefused

resource = Resource("task_operations")
OF_SIGNERS = (SignerNotTaken, SignersTogether, SignerThere, SignerRefused)
REFUSED = (OperationNotAllowed, NothingToWithdraw, WithdrawalTooLate, SkipRefused, *OF_SIGNERS)
Key = Annotated[str, StringConstraints(max_length=200)]


class EffectAsked(Asked):
    """What is to be done. `target` (`element_id` of one of `return_targets`) belongs to `return`, `person` (`id` of one of
    `helpers`) to `add_signer` and `delegate`, `task` (`task_id` of one of `signers`) to `remove_signer`.
    Where several sign `in_turn`, `place` says whether a signer comes before or after this task, or last (empty: last)."""

    operation: Literal["return", "withdraw", "skip", "cancel_branch", "add_signer", "remove_signer", "delegate", "hand_back"]
    target: Key = ""
    person: Key = ""
    task: Key = ""
    place: Literal["", "before", "after", "last"] = ""


class OperationAsked(EffectAsked):
    """What is to be done, and why."""

    reason: Reason


class PlanAsked(Asked):
    """How urgent the task is, and on which day (as `2022-07-01`) whoever has it is told to look at it again; null: on none."""

    priority: Literal[25, 50, 75, 100]
    follow_up_on: Day | None = None


class EffectTold(Told):
    """Something that would be cancelled or begun: a wait of this kind, or an open sub-process (`scope`). `holder` is the person
    who has a task, where the caller may know; `taken` whether somebody has claimed it."""

    kind: Literal["task", "handler", "script", "call", "timer", "message", "signal", "condition", "scope"]
    element_id: str
    name: str
    holder: str | None
    taken: bool
    due_at: datetime | None


class OperationPreviewTold(Told):
    """What the operation would do now; `ends`: the process would be over; `straight`: what is returned comes straight back to
    this step, and not by all steps again."""

    cancelled: list[EffectTold]
    started: list[EffectTold]
    ends: bool
    straight: bool


@resource.get("/tasks/<task_id>/preview", OperationPreviewTold, query=EffectAsked, raises=(*TAKEN, *REFUSED))
def preview(task_id: str, query: EffectAsked) -> OperationPreviewTold:
    """What an operation would cancel and begin; nothing is changed.

    Raises what `inbox.preview_operation` raises.
    """
    with process_engine().read(by=reader().id) as work:
        seen = inbox.preview_operation(work, reader(), task_id, inbox.Asked(**query.model_dump()))
    return OperationPreviewTold.model_validate(seen, from_attributes=True)


@resource.post("/tasks/<task_id>/operations", TaskStateTold, takes=OperationAsked, raises=(*TAKEN, TaskChanged, *REFUSED))
def operate(task_id: str, body: OperationAsked, key: str, revision: int) -> Any:
    """Do an operation that the diagram allows; how the task stands then.

    Raises what `inbox.operate` raises.
    """

    def do(work: Work) -> TaskStateTold:
        inbox.operate(work, reader(), task_id, inbox.Asked(**body.model_dump()), revision=revision)
        return TaskStateTold.model_validate(get_task(work, task_id))

    return act(key, "task.operate", {"task": task_id, **body.model_dump(), "revision": revision}, do)


@resource.post("/tasks/<task_id>/plan", TaskStateTold, takes=PlanAsked, raises=TAKEN)
def plan(task_id: str, body: PlanAsked, key: str) -> Any:
    """Say how urgent a task is and when to look at it again.

    Raises what `inbox.plan` raises.
    """

    def set_plan(work: Work) -> TaskStateTold:
        inbox.plan(work, reader(), task_id, priority=body.priority, follow_up_on=body.follow_up_on)
        return TaskStateTold.model_validate(get_task(work, task_id))

    return act(key, "task.plan", {"task": task_id, **body.model_dump(mode="json")}, set_plan)
