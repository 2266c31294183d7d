"""One task with all that is needed to do it: form, values, what to look at, what the person may do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import TaskUnknown
from engine.instances import instance_variables
from engine.tasks import ReturnTarget, get_task, return_targets
from engine.work import Work
from workflows.campaigns.forms import task_form
from workflows.campaigns.reading import Campaign, find_campaign, get_campaign
from workflows.campaigns.windows import deciding_window
from workflows.cases import CaseView, get_case
from workflows.files import Attachment, files_of_task, named_ids
from workflows.forms import Form
from workflows.inbox.preparing import Ground, Prepared, find_handlers, find_node, prepare
from workflows.people import Person, list_members
from workflows.reminders.urges import Urged, read_urged
from workflows.rules import TaskSubject, can, case_subject, task_subject
from workflows.tables import case, draft, report

OPERATIONS = ("claim", "unclaim", "complete", "draft", "return", "transfer")


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


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as one person sees it.

    `values` are the form's values to begin with (the person's draft over the last version), `files` the attachments they may
    name; `context` is what belongs beside the form (candidates of a list, blind material of a review, the cut-off that will
    decide). `case` is None for tasks of the campaign, and for whoever may do the task without seeing the case.
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
    prepared = prepare(work, ground) if row.state == "open" else Prepared()
    form = prepared.finish(task_form(work, task_id))
    kept = work.connection.execute(
        sa.select(draft).where(draft.c.task_id == task_id, draft.c.person_id == reader.id)
    ).one_or_none()
    values = {} if form is None else {**form.defaults, **prepared.values, **(kept.data if kept else {}), **prepared.fixed}
    earlier = named_ids(form, prepared.values) if form is not None else set()
    seen = ground.case is not None and can(reader, "case.read", case_subject(work, ground.case.id))
    return TaskView(
        task=Task(**{name: getattr(row, name) for name in Task.__slots__}),
        campaign=ground.campaign,
        case=prepared.context.get("case") or (get_case(work, reader, ground.case.id) if seen and ground.case else None),
        form=form,
        values={key: value for key, value in values.items() if form is not None and key in form.by_key},
        files=tuple(files_of_task(work, task_id, earlier=earlier)) if "draft" in allowed else (),
        context=prepared.context,
        draft_at=kept.saved_at if kept else None,
        allowed=allowed,
        return_targets=tuple(find_targets(work, row)) if "return" in allowed else (),
        colleagues=tuple(find_colleagues(work, reader, subject)) if "transfer" in allowed else (),
        urged=read_urged(work, [task_id]).get(task_id, Urged()),
    )


def find_ground(work: Work, reader: Person, task: sa.Row[Any]) -> Ground:
    """What a task belongs to: its campaign, and its case or report if it has one."""
    of_case = work.connection.execute(sa.select(case).where(case.c.number == task.business_key)).one_or_none()
    of_report = work.connection.execute(sa.select(report).where(report.c.number == task.business_key)).one_or_none()
    campaign_id = find_campaign(work, task.business_key)
    return Ground(task, get_campaign(work, campaign_id), of_case, of_report, reader)


def find_allowed(work: Work, reader: Person, task: sa.Row[Any], subject: TaskSubject) -> frozenset[str]:
    """What the person may do with the task, by the rules and (for return and transfer) by the diagram."""
    drawn = drawn_operations(work, task)
    return frozenset(
        name
        for name in OPERATIONS
        if can(reader, f"task.{name}", subject) and (name not in ("return", "transfer") or name in drawn)
    )


def drawn_operations(work: Work, task: sa.Row[Any]) -> frozenset[str]:
    """The operations that the diagram allows at the task's step (property `allow`)."""
    return frozenset(find_node(work, task).camunda.properties.get("allow", "").split())


def find_targets(work: Work, task: sa.Row[Any]) -> list[ReturnTarget]:
    """Where the task can be returned to: what the diagram allows, but for steps whose cut-off has passed.

    Whatever came back from there would be too late, and the step's own timer would end the case at once.
    """
    variables = instance_variables(work, task.instance_id)

    def is_open(target: ReturnTarget) -> bool:
        windows = [deciding_window(work, name, variables) for name in find_handlers(work, task, target.element_id)]
        return all(where is None or work.now < where.cutoff_at for where in windows)

    return [target for target in return_targets(work, task.id) if is_open(target)]


def find_colleagues(work: Work, reader: Person, subject: TaskSubject) -> list[Person]:
    """To whom the task can be transferred: the other members of its candidate groups."""
    return [each for each in list_members(work, subject.candidates) if each.id != reader.id]
