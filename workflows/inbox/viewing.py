"""One task with all that is needed to do it: form, values, what to look at, what the person may do with it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem, TaskUnknown, WithdrawalTooLate
from engine.instances import instance_variables
from engine.kernel import Move
from engine.operations import find_withdrawal, list_signers, signs_in_turn
from engine.states import definition_of
from engine.tasks import ReturnTarget, get_task, return_targets
from engine.work import Work
from workflows.applications import ends_with_collection
from workflows.campaigns.forms import file_fields
from workflows.campaigns.reading import Campaign, find_campaign
from workflows.campaigns.windows import deciding_window, is_collecting
from workflows.cases import CaseView, get_case
from workflows.cases.rows import find_row
from workflows.files import Attachment, files_of_task, named_ids
from workflows.forms import Form
from workflows.inbox.preparing import Ground, Prepared, find_form, find_handlers, find_node, prepare
from workflows.people import Person, PersonUnknown, find_name, get_person, list_members
from workflows.reminders.urges import Urged, read_urged
from workflows.rules import TaskSubject, can, case_subject, task_subject
from workflows.tables import draft, report

ALWAYS = ("claim", "unclaim", "complete", "draft", "hand_back", "plan")
DRAWN = ("return", "transfer", "delegate", "skip", "add_signer", "remove_signer", "cancel_branch")
"""What the diagram has to allow; taking back a completed task has to be possible, too."""


@dataclass(frozen=True, slots=True)
class Task:
    """A user task's row."""

    id: str
    instance_id: str
    business_key: str
    element_id: str
    name: str
    state: str
    revision: int
    assignee: str | None
    owner: str | None
    form_key: str | None
    priority: int
    due_at: datetime | None
    created_at: datetime
    claimed_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    follow_up_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """One open task of a step that several sign; `name` is None where nobody has it, or nobody whom the reader may know."""

    task_id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as one person sees it.

    `values` are the form's values to begin with (the person's draft over the last version), `files` the attachments they may
    name; `context` is what belongs beside the form (candidates of a list, blind material of a review, the cut-off that will
    decide). `case` is None for tasks of the campaign, and for whoever may do the task without seeing the case.
    `colleagues` are the others who could do it: to whom it can be transferred, where that is allowed.
    `in_turn`: several sign the step one after the other.
    `on_behalf_of` is the name of who has it and is away, where the reader stands in.
    """

    task: Task
    campaign: Campaign
    case: CaseView | None
    form: Form | None
    values: Mapping[str, Any]
    files: tuple[Attachment, ...]
    context: Mapping[str, Any]
    draft_at: datetime | None
    allowed: frozenset[str]
    return_targets: tuple[ReturnTarget, ...]
    colleagues: tuple[Person, ...]
    urged: Urged = Urged()
    helpers: tuple[Person, ...] = ()
    signers: tuple[Signer, ...] = ()
    in_turn: bool = False
    on_behalf_of: str | None = None

    @property
    def revision(self) -> int:
        """What completing it must name: the state of the task that this view shows."""
        return self.task.revision


def open_task(work: Work, reader: Person, task_id: str) -> TaskView:
    """The task as `reader` may see it.

    Raises TaskUnknown, also when the person may not see it.
    """
    subject = task_subject(work, task_id)
    if not can(reader, "task.read", subject):
        raise TaskUnknown()
    row = get_task(work, task_id)
    ground = find_ground(work, reader, row)
    allowed = find_allowed(work, reader, row, subject)
    may_act = can(reader, "task.receive", subject) and row.state == "open"
    colleagues = tuple(find_colleagues(work, reader, subject)) if may_act or "transfer" in allowed else ()
    prepared = prepare(work, ground) if row.state == "open" else Prepared()
    form = prepared.finish(find_form(work, ground))
    kept = work.connection.execute(_DRAFT, {"task": task_id, "person": reader.id}).one_or_none()
    values = {} if form is None else {**form.defaults, **prepared.values, **(kept.data if kept else {}), **prepared.fixed}
    earlier = named_ids(form, prepared.values) if form is not None else set()
    seen = ground.case is not None and can(reader, "case.read", case_subject(work, ground.case.id))
    return TaskView(
        task=Task(**{name: getattr(row, name) for name in Task.__slots__}),
        campaign=ground.campaign,
        case=prepared.context.get("case") or (get_case(work, reader, ground.case.id) if seen and ground.case else None),
        form=form,
        values={key: value for key, value in values.items() if form is not None and key in form.by_key},
        files=tuple(files_of_task(work, task_id, earlier=earlier)) if "draft" in allowed and form and file_fields(form) else (),
        context=prepared.context,
        draft_at=kept.saved_at if kept else None,
        allowed=allowed,
        return_targets=tuple(find_targets(work, row)) if "return" in allowed else (),
        colleagues=colleagues,
        urged=read_urged(work, [task_id]).get(task_id, Urged()),
        helpers=tuple(find_helpers(work, reader, subject)) if allowed & {"delegate", "add_signer"} else (),
        signers=tuple(find_signers(work, reader, row)) if "remove_signer" in allowed else (),
        in_turn=signs_in_turn(ground.node),
        on_behalf_of=find_name(work, subject.find_absent(reader.id)) if row.assignee not in (None, reader.id) else None,
    )


def find_ground(work: Work, reader: Person, task: sa.Row[Any]) -> Ground:
    """What a task belongs to: its campaign, and its case or report if it has one."""
    of_case = find_row(work, task.business_key)
    of_report = None if of_case is not None else work.connection.execute(_REPORT, {"number": task.business_key}).one_or_none()
    owned = of_case if of_case is not None else of_report
    campaign_id = find_campaign(work, task.business_key) if owned is None else owned.campaign_id
    return Ground(work, task, campaign_id, of_case, of_report, reader, find_node(work, task))


_REPORT = sa.select(report).where(report.c.number == sa.bindparam("number"))
_DRAFT = sa.select(draft.c.data, draft.c.saved_at).where(
    draft.c.task_id == sa.bindparam("task"), draft.c.person_id == sa.bindparam("person")
)


def find_allowed(work: Work, reader: Person, task: sa.Row[Any], subject: TaskSubject) -> frozenset[str]:
    """What the person may do with the task, by the rules and (for all but the usual) by the diagram."""
    drawn = drawn_operations(work, task)
    names = [*ALWAYS, *(name for name in DRAWN if name in drawn)]
    allowed = {name for name in names if can(reader, f"task.{name}", subject)}
    if "withdraw" in drawn and can(reader, "task.withdraw", subject):
        with suppress(Problem):
            find_way_back(work, task)
            allowed.add("withdraw")
    return frozenset(allowed)


def drawn_operations(work: Work, task: sa.Row[Any]) -> frozenset[str]:
    """The operations that the diagram allows at the task's step (property `allow`)."""
    return find_node(work, task).camunda.allowed


def find_targets(work: Work, task: sa.Row[Any]) -> list[ReturnTarget]:
    """Where the task can be returned to: what the diagram allows, but for steps whose cut-off has passed.

    Whatever came back from there would be too late, and the step's own timer would end the case at once.
    """
    return [target for target in return_targets(work, task.id) if is_in_time(work, task, target.element_id)]


def is_in_time(work: Work, task: sa.Row[Any], element_id: str) -> bool:
    """Whether no cut-off has passed that decides about a step of the task's instance, and the collection has not ended with which
    the diagram takes the step away."""
    variables = instance_variables(work, task.instance_id)
    windows = [deciding_window(work, name, variables) for name in find_handlers(work, task, element_id)]
    if any(windows):
        return all(where is None or work.now < where.ends_at for where in windows)
    bound = ends_with_collection(definition_of(work, task.instance_id).model, element_id)
    return not bound or is_collecting(work, variables["campaign"])


def find_colleagues(work: Work, reader: Person, subject: TaskSubject) -> list[Person]:
    """To whom the task can be transferred: the other members of its candidate groups."""
    return [each for each in list_members(work, subject.candidates) if each.id != reader.id]


def find_helpers(work: Work, reader: Person, subject: TaskSubject) -> list[Person]:
    """Who can be asked to sign or to prepare: as for a transfer; where the step has no groups, those of the reader's own."""
    groups = subject.candidates if any("@" in name for name in subject.candidates) else reader.groups
    return [each for each in list_members(work, groups) if each.id != reader.id]


def find_signers(work: Work, reader: Person, task: sa.Row[Any]) -> list[Signer]:
    """The open tasks of a step that several sign, with who has them."""
    return [Signer(row.id, name_colleague(work, reader, row.assignee)) for row in list_signers(work, task)]


def name_colleague(work: Work, reader: Person, person_id: str | None) -> str | None:
    """A person's name, for those who belong to one of the same organisations; None for others and for nobody."""
    try:
        other = get_person(work, person_id) if person_id is not None else None
    except PersonUnknown:  # a diagram may name an assignee that is no person here
        return None
    if other is None:
        return None
    places = {place for _, place in other.memberships} & {place for _, place in reader.memberships}
    return other.name if places or other.id == reader.id else None


def find_way_back(work: Work, task: sa.Row[Any]) -> Move:
    """How a completed task is taken back now (撤回): nobody has typed in what would go, and no cut-off has passed.

    Raises what `find_withdrawal` raises.
    """
    found = find_withdrawal(work, task.id)
    drafted = sa.select(sa.func.count()).select_from(draft).where(draft.c.task_id.in_(found.tasks))
    if work.connection.execute(drafted).scalar_one() or not is_in_time(work, task, task.element_id):
        raise WithdrawalTooLate(element=task.name)
    return found.operation
