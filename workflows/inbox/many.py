"""The same step of many tasks (批量办理): a bulk job of the engine, each task with the rules, forms and receipts of a single one.

The job is done in the background in the name of whoever asked; only they read it. Whether a task is in time is decided by the
moment at which they asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.bulk import (
    BulkJob,
    BulkOperation,
    BulkResult,
    BulkUnknown,
    cancel_bulk,
    list_bulk,
    list_results,
    lock_tasks,
    read_bulk,
    start_bulk,
    tell_who,
)
from engine.errors import Finding, Problem, TaskAlreadyCompleted
from engine.tables import bulk_job, user_task
from engine.tasks import get_task
from engine.work import Work
from workflows.campaigns.windows import TooLate
from workflows.cases.scrubbing import hide_titles, shown_title
from workflows.desk.notifications import Told, ring
from workflows.inbox.acting import check_reason, claim, return_, transfer, unclaim
from workflows.inbox.completing import complete_within, note_refusal
from workflows.inbox.viewing import name_colleague
from workflows.people import Person, get_person
from workflows.reminders.urging import clean_remark
from workflows.reminders.waiting import urge_many
from workflows.rules import BulkSubject, blind_case, can, visible_cases, visible_tasks
from workflows.tables import case, organisation

MOST = 2_000
"""Tasks of one job."""
CHUNK = 20
"""Tasks of one transaction: rules, form and handlers of each take their time, and SQLite has one writer."""


class BulkInvalid(Problem):
    """The job cannot be begun; `findings` say why."""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What became of one task of a job.

    `name`, `number` and `title` (of its case) as far as the reader may see the task now. For one that was over already `who`
    ended it, where that is a colleague, and when: `closed_at`. `received_at` and `receipt_id` are those of a completed one.
    """

    position: int
    task_id: str
    state: str
    name: str | None
    number: str | None
    title: str | None
    problem: Finding | None
    findings: tuple[Finding, ...]
    who: str | None
    closed_at: datetime | None
    received_at: datetime | None
    receipt_id: str | None


def start_many(
    work: Work,
    person: Person,
    action: str,
    tasks: Sequence[Mapping[str, Any]],
    *,
    data: Mapping[str, Any] | None = None,
    target: str = "",
    to_person: str = "",
    reason: str = "",
) -> str:
    """Begin to do one thing with many tasks: `claim`, `unclaim`, `complete`, `return`, `transfer` or `urge`; the job's id.

    Each of `tasks` has its id (`task`), perhaps the `revision` that was shown, and what is filled in for it alone (`data`) over
    the `data` of all. `target` and `reason` are those of a return, `to_person` and `reason` of a transfer, `reason` perhaps a
    sentence that goes with urging. Whether the person may do it is asked for each task when it is done; what is refused is in
    the job's results.
    Raises BulkInvalid for an unknown action, no tasks, too many or the same one twice; ReasonRequired, RemarkTooLong.
    """
    check_many(action, [each["task"] for each in tasks])
    shared: dict[str, Any] = {"data": dict(data or {})} if action == "complete" else {}
    if action == "urge":
        shared["remark"] = clean_remark(reason)
    if action in ("return", "transfer"):
        shared["reason"] = check_reason(reason)
        shared |= {"target": target} if action == "return" else {"to_person": to_person}
    own = {"revision": "revision", "data": "own"}
    items = [{"task": each["task"]} | {name: each[key] for key, name in own.items() if each.get(key)} for each in tasks]
    return start_bulk(work, PREFIX + action, items, shared=shared)


def check_many(action: str, ids: Sequence[str], *, most: int = MOST) -> None:
    """Whether there can be such a job.

    Raises BulkInvalid.
    """
    findings = [] if action in ACTIONS else [Finding("BulkActionUnknown", path="action", values={"known": ", ".join(ACTIONS)})]
    if not 0 < len(ids) <= most:
        findings.append(Finding("BulkSize", path="tasks", values={"count": len(ids), "most": most}))
    first = {task_id: place for place, task_id in reversed(list(enumerate(ids)))}
    twice = [place for place, task_id in enumerate(ids) if first[task_id] != place]
    findings += [Finding("BulkTaskTwice", path=f"tasks.{place}") for place in twice[:20]]
    if findings:
        raise BulkInvalid(findings=findings)


def list_many(work: Work, person: Person, *, limit: int = 50, after: str | None = None) -> list[BulkJob]:
    """The person's jobs, newest first, older than `after`."""
    mine = sa.and_(bulk_job.c.created_by == person.id, bulk_job.c.operation.startswith(PREFIX))
    return list_bulk(work, mine if after is None else sa.and_(mine, bulk_job.c.id < after), limit=limit)


def read_many(work: Work, person: Person, job_id: str) -> BulkJob:
    """A job and how far it is, for who asked for it.

    Raises BulkUnknown.
    """
    job = read_bulk(work, job_id)
    if not job.operation.startswith(PREFIX) or not can(person, "bulk.read", BulkSubject(job.created_by)):
        raise BulkUnknown()
    return job


def cancel_many(work: Work, person: Person, job_id: str) -> int:
    """Do no more of a job; how many tasks are left as they are.

    Raises BulkUnknown.
    """
    return cancel_bulk(work, read_many(work, person, job_id).id)


def list_task_results(
    work: Work, person: Person, job_id: str, *, after: int = 0, limit: int = 50, refused: bool = False
) -> list[TaskResult]:
    """What became of the tasks, in the order in which they were given (behind position `after`).

    Raises BulkUnknown.
    """
    read_many(work, person, job_id)
    found = list_results(work, job_id, after=after, limit=limit, refused=refused)
    told = name_tasks(work, person, [each.item["task"] for each in found])
    names: dict[str, str | None] = {}
    return [_tell(work, person, each, told.get(each.item["task"]), names) for each in found]


@dataclass(frozen=True, slots=True)
class NamedTask:
    """What a task is called, which revision it has, and number and title of its case as the reader may read them."""

    name: str
    revision: int
    number: str | None
    title: str | None


def name_tasks(work: Work, person: Person, ids: Sequence[str]) -> dict[str, NamedTask]:
    """Those of the tasks that the person may see, or whose case."""
    blind = blind_case(person)
    query = (
        sa.select(user_task.c.id, user_task.c.name, user_task.c.revision, case.c.number)
        .add_columns(case.c.id.label("case_id"), blind.label("blind"), shown_title(organisation, blind=blind).label("title"))
        .outerjoin(case, case.c.number == user_task.c.business_key)
        .outerjoin(organisation, organisation.c.id == case.c.institution_id)
        .where(user_task.c.id.in_(ids), sa.or_(visible_tasks(person, work.now), visible_cases(person)))
    )
    rows = work.connection.execute(query).all()
    titles = hide_titles(work, {row.case_id: row.title for row in rows if row.blind})
    return {row.id: NamedTask(row.name, row.revision, row.number, titles.get(row.case_id, row.title)) for row in rows}


def _tell(work: Work, person: Person, each: BulkResult, row: Any, names: dict[str, str | None]) -> TaskResult:
    result, values = each.result or {}, {} if each.problem is None else each.problem.values
    ended = each.problem is not None and each.problem.code == TaskAlreadyCompleted.__name__ and row is not None
    by = values.get("by") if ended else None
    if by is not None and by not in names:
        names[by] = name_colleague(work, person, by)
    moments = {"closed_at": values.get("at") if ended else None, "received_at": result.get("received_at")}
    return TaskResult(
        position=each.position,
        task_id=each.item["task"],
        state=each.state,
        name=row and row.name,
        number=row and row.number,
        title=row and row.title,
        problem=each.problem,
        findings=each.findings,
        who=None if by is None else names[by],
        receipt_id=result.get("receipt_id"),
        **{name: None if text is None else datetime.fromisoformat(text) for name, text in moments.items()},
    )


# ---- one task of a job -----------------------------------------------------------------------------------------------
def _enter(work: Work, items: Sequence[Mapping[str, Any]]) -> Person:
    lock_tasks(work, (item["task"] for item in items))
    return get_person(work, work.by or "")


def _complete(work: Work, item: Mapping[str, Any], person: Person) -> dict[str, Any]:
    revision = item.get("revision") or get_task(work, item["task"]).revision
    answer = complete_within(work, person, item["task"], _data(item), revision)
    return {name: answer[name] for name in ("received_at", "sha256", "receipt_id")}


def _data(item: Mapping[str, Any]) -> dict[str, Any]:
    return {**item.get("data", {}), **item.get("own", {})}


def _note_late(work: Work, item: Mapping[str, Any], problem: Problem, person: Person) -> None:
    """What came too late gets its receipt, as a single task does; of one that was over it is told who ended it."""
    if isinstance(problem, TooLate):
        note_refusal(work, person, item["task"], _data(item), problem)
    tell_who(work, problem, item["task"])


def _claim(work: Work, item: Mapping[str, Any], person: Person) -> None:
    claim(work, person, item["task"])


def _return(work: Work, item: Mapping[str, Any], person: Person) -> None:
    return_(work, person, item["task"], item["target"], item["reason"], revision=item.get("revision"))


def _transfer(work: Work, item: Mapping[str, Any], person: Person) -> None:
    transfer(work, person, item["task"], item["to_person"], item["reason"])


def _unclaim(work: Work, item: Mapping[str, Any], person: Person) -> None:
    unclaim(work, person, item["task"])


def _urge_all(work: Work, items: Sequence[Mapping[str, Any]]) -> Mapping[str, Problem]:
    """All at once, so that whoever owes several gets one letter; why some could not be urged."""
    return urge_many(work, get_person(work, work.by or ""), [item["task"] for item in items], items[0]["remark"])


def _urge(work: Work, item: Mapping[str, Any], refused: Mapping[str, Problem]) -> None:
    if item["task"] in refused:
        raise refused[item["task"]]


def _tell_done(work: Work, job_id: str) -> None:
    """Who asked for it hears by the bell that it is done: it may be long since they left its page."""
    job = read_bulk(work, job_id)
    values = {"job": job_id, "action": job.operation.removeprefix(PREFIX), "done": job.done, "refused": job.refused}
    ring(work, [job.created_by or ""], Told("bulk", values=values))


PREFIX = "tasks."
OPERATIONS = {
    PREFIX + "claim": BulkOperation(_claim, _enter, _note_late, CHUNK, finish=_tell_done),
    PREFIX + "unclaim": BulkOperation(_unclaim, _enter, _note_late, CHUNK, finish=_tell_done),
    PREFIX + "complete": BulkOperation(_complete, _enter, _note_late, CHUNK, finish=_tell_done),
    PREFIX + "return": BulkOperation(_return, _enter, _note_late, CHUNK, finish=_tell_done),
    PREFIX + "transfer": BulkOperation(_transfer, _enter, _note_late, CHUNK, finish=_tell_done),
    PREFIX + "urge": BulkOperation(_urge, _urge_all, _note_late, MOST, finish=_tell_done),
}
"""The bulk operations that `api/wiring.py` registers with the engine."""
ACTIONS = tuple(name.removeprefix(PREFIX) for name in OPERATIONS)
