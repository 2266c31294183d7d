"""What doing one thing with many tasks would do to each of them, before a bulk job is begun. Nothing is changed here.

Rules and diagram are asked for each task as they are when it is done; what a return would cancel is found by really making the
step on the stored document (`engine.preview`). What they look at is read for `PART` tasks at once: statements do not grow with
the tasks, but for a return, which asks for each task which cut-offs have passed and whose tasks would go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.bulk import tell_who
from engine.errors import OperationNotAllowed, Problem
from engine.states import foresee_states
from engine.tables import user_task
from engine.tasks import ReturnTarget, get_task
from engine.work import Work, foresee
from workflows.forms import Form, Kind
from workflows.inbox.acting import TransferRefused, require_doable, see_task
from workflows.inbox.many import NamedTask, check_many, name_tasks
from workflows.inbox.operating import Asked, Line, preview_operation
from workflows.inbox.picking import View
from workflows.inbox.viewing import drawn_operations, find_colleagues, find_targets, name_colleague, open_task
from workflows.people import Person
from workflows.reminders.waiting import judge_urges
from workflows.rules import foresee_tasks

MOST_SEEN = 500
"""Tasks of one preview: each is asked for by itself, and a person reads them."""
PART = 100
"""Tasks that are read at once: what is known of them (`engine.work.MOST_KNOWN`) is kept until they are looked at."""
OFFERED: dict[View, tuple[str, ...]] = {
    "mine": ("complete", "return", "transfer", "unclaim"),
    "groups": ("claim", "complete", "return", "transfer"),
    "delegated": ("urge",),
    "watched": ("urge",),
    "sent": ("urge",),
    "done": (),
}
"""What can be done with many tasks of a view."""


class BulkStepOther(Problem):
    """The task is at another step than the first one that can be completed: one form is for one step."""


class BulkFormSingle(Problem):
    """The step's form asks for files, or for what differs from case to case: its tasks are completed one by one."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What would become of one task: done, where there is no `problem`. `cancelled` would go with a return, `ends`: the case
    would be over. `name`, `number` and `title` as far as the reader may see them; `who` ended what is over already, and when."""

    task_id: str
    revision: int | None
    name: str | None
    number: str | None
    title: str | None
    problem: Problem | None = None
    who: str | None = None
    closed_at: datetime | None = None
    cancelled: tuple[Line, ...] = ()
    ends: bool = False


@dataclass(frozen=True, slots=True)
class ManyPreview:
    """What a bulk job would do. Of a return `targets` are the steps to which some of the tasks can go and `target` the one looked
    at, of a transfer `colleagues` who can receive some of them and `receiver` (an id) the one looked at; `form` is what is filled
    in for all, with the task (`form_of`) that it was taken from."""

    action: str
    rows: tuple[Prospect, ...]
    targets: tuple[ReturnTarget, ...] = ()
    target: str = ""
    colleagues: tuple[Person, ...] = ()
    receiver: str = ""
    form: Form | None = None
    form_of: str | None = None

    @property
    def able(self) -> int:
        """How many can be done."""
        return sum(row.problem is None for row in self.rows)


@dataclass(slots=True)
class _Look:
    """What was found on the way, by task."""

    work: Work
    person: Person
    action: str
    target: str
    receiver: str
    targets: dict[str, list[ReturnTarget]] = field(default_factory=dict)
    colleagues: dict[str, list[Person]] = field(default_factory=dict)
    members: dict[frozenset[str], list[Person]] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    places: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    seen: dict[str, tuple[tuple[Line, ...], bool]] = field(default_factory=dict)


def preview_many(
    work: Work, person: Person, action: str, task_ids: Sequence[str], *, target: str = "", to_person: str = ""
) -> ManyPreview:
    """What `many.start_many` would do with the tasks now. Without `target` (or `to_person`) the first possible one is looked at.

    Raises BulkInvalid for an unknown action, no tasks, more than `MOST_SEEN` or the same one twice.
    """
    check_many(action, task_ids, most=MOST_SEEN)
    look = _Look(work, person, action, target, to_person)
    if action == "urge":
        look.problems = judge_urges(work, person, task_ids)[1]
    else:
        _try_all(look, task_ids, _begin)
    targets = tuple({each.element_id: each for found in look.targets.values() for each in found}.values())
    look.target = target if target in {each.element_id for each in targets} else targets[0].element_id if targets else ""
    colleagues = {each.id: each for found in look.colleagues.values() for each in found}
    receivers = tuple(sorted(colleagues.values(), key=lambda each: (each.name, each.id)))
    look.receiver = to_person if to_person in colleagues else receivers[0].id if receivers else ""
    if action in FINISH:
        _try_all(look, [each for each in task_ids if each not in look.problems], FINISH[action])
    form_of = _find_form(look, task_ids) if action == "complete" else (None, None)
    told = name_tasks(work, person, task_ids)
    rows = tuple(_tell(look, task_id, told.get(task_id)) for task_id in task_ids)
    return ManyPreview(action, rows, targets, look.target, receivers, look.receiver, *form_of)


def _try_all(look: _Look, task_ids: Sequence[str], step: Callable[[_Look, str], None]) -> None:
    """The step for each task; what is in the way of one is noted."""
    for start in range(0, len(task_ids), PART):
        part = task_ids[start : start + PART]
        foresee_tasks(look.work, part)
        rows = look.work.connection.execute(sa.select(user_task).where(user_task.c.id.in_(part))).all()
        foresee(look.work, get_task, [(row.id, row) for row in rows])
        if look.action in ("return", "transfer"):
            foresee_states(look.work, [row.instance_id for row in rows if row.state == "open"])
        for task_id in part:
            try:
                step(look, task_id)
            except Problem as problem:
                look.problems[task_id] = tell_who(look.work, problem, task_id)


def _begin(look: _Look, task_id: str) -> None:
    """Whether the rules and the diagram allow it, and with which choices."""
    work, person, action = look.work, look.person, look.action
    subject = see_task(work, person, task_id)
    if action != "claim" or subject.state != "open" or subject.assignee != person.id:
        require_doable(person, f"task.{action}", subject)
    row = get_task(work, task_id)
    look.places[task_id] = row.belongs_to, row.element_id
    if action in ("return", "transfer") and action not in drawn_operations(work, row):
        raise OperationNotAllowed()
    if action == "return":
        look.targets[task_id] = find_targets(work, row)
    if action == "transfer":
        if subject.candidates not in look.members:
            look.members[subject.candidates] = find_colleagues(work, person, subject)
        look.colleagues[task_id] = look.members[subject.candidates]


def _see_return(look: _Look, task_id: str) -> None:
    """What the return to the chosen step would cancel beside the task itself."""
    asked = Asked("return", target=look.target)
    seen = preview_operation(look.work, look.person, task_id, asked)
    own = look.places[task_id][1]
    others = [line for line in seen.cancelled if not (line.kind == "task" and line.element_id == own)]
    same = [line for line in seen.cancelled if line.kind == "task" and line.element_id == own]
    look.seen[task_id] = (*others, *same[1:]), seen.ends


def _see_transfer(look: _Look, task_id: str) -> None:
    if look.receiver not in {each.id for each in look.colleagues[task_id]}:
        raise TransferRefused()


FINISH: dict[str, Callable[[_Look, str], None]] = {"return": _see_return, "transfer": _see_transfer}


def _find_form(look: _Look, task_ids: Sequence[str]) -> tuple[Form | None, str | None]:
    """The form of the first task that can be completed; those at other steps are refused, and all where the form is for one."""
    able = [each for each in task_ids if each not in look.problems]
    if not able:
        return None, None
    for task_id in able:
        if look.places[task_id] != look.places[able[0]]:
            look.problems[task_id] = BulkStepOther()
    form = open_task(look.work, look.person, able[0]).form
    if form is not None and not all(map(is_for_many, form.fields)):
        look.problems |= {task_id: BulkFormSingle() for task_id in able}
        return None, None
    return form, able[0]


def is_for_many(each: Any) -> bool:
    """Whether a field of a form can have one answer for many tasks."""
    return each.kind not in (Kind.FILE, Kind.RANKING) and not each.read_only and not each.fixed_rows


def _tell(look: _Look, task_id: str, row: NamedTask | None) -> Prospect:
    problem = look.problems.get(task_id)
    values = {} if problem is None else problem.values
    at = values.get("at")
    cancelled, ends = look.seen.get(task_id, ((), False))
    return Prospect(
        task_id,
        revision=None if row is None else row.revision,
        name=None if row is None else row.name,
        number=None if row is None else row.number,
        title=None if row is None else row.title,
        problem=problem,
        who=name_colleague(look.work, look.person, values.get("by")),
        closed_at=None if at is None else datetime.fromisoformat(at),
        cancelled=cancelled,
        ends=ends,
    )
