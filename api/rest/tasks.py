"""`/tasks`: the inbox, one task with its form, and what is done with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import JsonValue, StringConstraints

from api.pages.present import process_engine, reader
from api.rest.cases import CaseTold, FileTold, tell_case
from api.rest.forms import FormTold, tell_form
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Free, Id, Listed, Paging, Text, Told, write_cursor
from engine.errors import TaskAlreadyClaimed, TaskAlreadyCompleted, TaskChanged
from engine.tasks import get_task
from engine.work import Work
from workflows import inbox, reviews
from workflows.campaigns import CollectionEnded, TooLate
from workflows.inbox import TaskFilter
from workflows.inbox.acting import LONGEST_REASON
from workflows.inbox.narrowing import DueRange
from workflows.inbox.picking import View
from workflows.inbox.sorting import Sort
from workflows.reviews.replacement import REASON_LENGTH

resource = Resource("tasks")
TAKEN = (TaskAlreadyCompleted, TaskAlreadyClaimed)
Allowed = Literal[
    "claim",
    "unclaim",
    "complete",
    "draft",
    "return",
    "transfer",
    "withdraw",
    "skip",
    "cancel_branch",
    "add_signer",
    "remove_signer",
    "delegate",
    "hand_back",
    "plan",
]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REASON)]


class ListAsked(Asked):
    """What of the inbox is asked for, and in which order."""

    view: View = "mine"
    campaign: Id | None = None
    step: Text | None = None
    body: Id | None = None
    due: DueRange | None = None
    q: Text | None = None
    sort: Sort = "due"


class TasksAsked(ListAsked, Paging):
    """`view`: claimed by or assigned to the caller (`mine`), unclaimed in the caller's `groups`, `delegated` by the caller, of
    cases that the caller watches (`watched`) or `sent` on, or `done` by the caller. `step` is an `element_id`, `body` recommends
    the case. Of more than 1,000 tasks the order is `due`, whatever `sort` says."""


class TaskLineTold(Told):
    """A task in a list; `institution` is null in blind review. Not `readable`: the caller may read its case, but not open it."""

    id: str
    name: str
    element_id: str
    form_key: str | None
    state: str
    revision: int
    priority: int
    readable: bool
    claimed_by: str | None
    created_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    overdue: bool
    campaign_id: str
    campaign_title: str
    case_id: str | None
    number: str | None
    title: str | None
    institution: str | None


class TasksTold(Listed):
    """A page of tasks: those due first on top."""

    items: list[TaskLineTold]


class TargetTold(Told):
    """A step that the task may be returned to."""

    element_id: str
    name: str


class ColleagueTold(Told):
    """Somebody to whom the task may be transferred."""

    id: str
    name: str


class SignerTold(Told):
    """One open task of a step that several sign; `name` where the caller may know who has it."""

    task_id: str
    name: str | None


class TaskTold(Told):
    """One task: `allowed` names what the caller may do with it, `values` what its form begins with, `data_format` of `complete`
    is `form.schema`. The `ETag` of the answer is what `If-Match` wants."""

    id: str
    name: str
    element_id: str
    state: str
    revision: int
    priority: int
    created_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    campaign_id: str
    allowed: list[Allowed]
    form: FormTold | None
    values: Free
    draft_at: datetime | None
    files: list[FileTold]
    case: CaseTold | None
    return_targets: list[TargetTold]
    colleagues: list[ColleagueTold]
    helpers: list[ColleagueTold]
    signers: list[SignerTold]
    in_turn: bool


class TaskStateTold(Told):
    """How a task stands after something was done with it."""

    id: str
    state: str
    revision: int


class ReceiptTold(Told):
    """What one gets for a completed task; `sha256` is that of the form's data, canonical JSON."""

    task_id: str
    case_number: str | None
    received_at: datetime
    sha256: str
    receipt_id: str | None


class FilledIn(Asked):
    """What is filled into the form, by the keys of its fields; files by their ids."""

    data: dict[str, JsonValue]


class ReturnAsked(Asked):
    """Whereto (`element_id` of one of `return_targets`) and why."""

    target: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    reason: Reason


class TransferAsked(Asked):
    """To whom (`id` of one of `colleagues`) and why."""

    person: Id
    reason: Reason


class ConflictAsked(Asked):
    """Why the expert cannot judge the case; the organisers read it."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=REASON_LENGTH)]


class ConflictTold(Told):
    """Whether somebody else reviews the case already; else it waits for the organisers."""

    task: str
    replaced: bool


class DraftTold(Told):
    """What the caller typed and did not send yet."""

    data: Free
    saved_at: datetime | None


@resource.get("/tasks", TasksTold, query=TasksAsked)
def list_all(query: TasksAsked) -> TasksTold:
    """Tasks of the caller.

    Raises PageUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        page = inbox.list_tasks(
            work,
            reader(),
            view=query.view,
            asked=TaskFilter(query.campaign, query.step, query.body, query.due, (query.q or "").strip() or None),
            sort=query.sort,
            limit=query.limit,
            after=query.after,
        )
    return TasksTold(items=[TaskLineTold.model_validate(row) for row in page.rows], next=write_cursor(page.next))


@resource.get("/tasks/<task_id>", TaskTold, tagged=True)
def show(task_id: str) -> TaskTold:
    """One task with its form, what it begins with, its case.

    Raises TaskUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        view = inbox.open_task(work, reader(), task_id)
    of_task = {name: getattr(view.task, name) for name in TaskTold.model_fields if hasattr(view.task, name)}
    return TaskTold.model_validate(
        {
            **of_task,
            "campaign_id": view.campaign.id,
            "allowed": sorted(view.allowed),
            "form": None if view.form is None else tell_form(view.form),
            "values": view.values,
            "draft_at": view.draft_at,
            "files": view.files,
            "case": None if view.case is None else tell_case(view.case),
            "return_targets": view.return_targets,
            "colleagues": view.colleagues,
            "helpers": view.helpers,
            "signers": view.signers,
            "in_turn": view.in_turn,
        }
    )


@resource.post("/tasks/<task_id>/claim", TaskStateTold, tagged=True, raises=TAKEN)
def claim(task_id: str, key: str) -> Any:
    """Take a task of one's groups (签收).

    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted.
    """

    def take(work: Work) -> TaskStateTold:
        inbox.claim(work, reader(), task_id)
        return TaskStateTold.model_validate(get_task(work, task_id))

    return act(key, "task.claim", {"task": task_id}, take)


@resource.post("/tasks/<task_id>/unclaim", TaskStateTold, tagged=True, raises=TAKEN)
def unclaim(task_id: str, key: str) -> Any:
    """Put a task back for its groups.

    Raises TaskUnknown, TaskAlreadyCompleted, NotPermitted.
    """

    def put_back(work: Work) -> TaskStateTold:
        inbox.unclaim(work, reader(), task_id)
        return TaskStateTold.model_validate(get_task(work, task_id))

    return act(key, "task.unclaim", {"task": task_id}, put_back)


@resource.post("/tasks/<task_id>/complete", ReceiptTold, takes=FilledIn, raises=(*TAKEN, TaskChanged, TooLate, CollectionEnded))
def complete(task_id: str, body: FilledIn, key: str, revision: int) -> inbox.Receipt:
    """Complete a task with what is filled in (办理); all faults at once. What was sent is kept as the draft if it is refused.

    Raises what `inbox.complete` raises.
    """
    return inbox.complete(process_engine(), reader(), task_id, body.data, revision=revision, key=key)


@resource.post("/tasks/<task_id>/return", TaskStateTold, takes=ReturnAsked, raises=(*TAKEN, TaskChanged))
def send_back(task_id: str, body: ReturnAsked, key: str, revision: int) -> Any:
    """Return the case to a completed step (退回), where the diagram allows it.

    Raises what `inbox.return_` raises.
    """

    def give_back(work: Work) -> TaskStateTold:
        inbox.return_(work, reader(), task_id, body.target, body.reason, revision=revision)
        return TaskStateTold.model_validate(get_task(work, task_id))

    return act(key, "task.return", {"task": task_id, **body.model_dump(), "revision": revision}, give_back)


@resource.post("/tasks/<task_id>/transfer", TaskStateTold, takes=TransferAsked, raises=TAKEN)
def transfer(task_id: str, body: TransferAsked, key: str) -> Any:
    """Give the task to a colleague for good (转办), where the diagram allows it.

    Raises what `inbox.transfer` raises.
    """

    def hand_over(work: Work) -> TaskStateTold:
        inbox.transfer(work, reader(), task_id, body.person, body.reason)
        return TaskStateTold.model_validate(get_task(work, task_id))

    return act(key, "task.transfer", {"task": task_id, **body.model_dump()}, hand_over)


@resource.post("/tasks/<task_id>/conflict", ConflictTold, takes=ConflictAsked)
def declare_conflict(task_id: str, body: ConflictAsked, key: str) -> Any:
    """An expert declares an interest in the case (回避); somebody else reviews it.

    Raises TaskUnknown, ReviewAlreadySubmitted, ReasonMissing, ReviewNotStarted.
    """

    def declare(work: Work) -> ConflictTold:
        replaced = reviews.declare_conflict(work, reader(), task_id, reason=body.reason)
        return ConflictTold(task=task_id, replaced=bool(replaced.filled))

    return act(key, "task.conflict", {"task": task_id, **body.model_dump()}, declare)


@resource.get("/tasks/<task_id>/draft", DraftTold, tagged=True)
def show_draft(task_id: str) -> DraftTold:
    """What the caller has kept for a task; empty when nothing was.

    Raises TaskUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        data, saved_at = inbox.read_draft(work, reader(), task_id)
    return DraftTold(data=dict(data), saved_at=saved_at)


@resource.put("/tasks/<task_id>/draft", DraftTold, takes=FilledIn, raises=TAKEN)
def save_draft(task_id: str, body: FilledIn, revision: int) -> DraftTold:
    """Keep what was typed, unchecked, for the caller alone; `If-Match` names the task as it was shown.

    Raises what `inbox.save_draft` raises.
    """
    with process_engine().begin(by=reader().id) as work:
        inbox.save_draft(work, reader(), task_id, body.data, revision=revision)
        return DraftTold(data=body.data, saved_at=work.now)
