"""The page of a task, put together: form with what was typed and what is wrong, case, operations, history, diagram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import g, render_template, request, url_for

from api.pages.diagrams import Drawing, draw, draw_instance
from api.pages.fields import Filling, ShownField, ShownPart, keep_shown, show_field, show_form, sort_faults
from api.pages.present import process_engine, reader, words
from engine.errors import Problem
from engine.moments import SHANGHAI
from engine.work import Work
from workflows import inbox
from workflows.campaigns.forms import file_fields
from workflows.cases import CaseView, note_view
from workflows.cases.comparing import Difference
from workflows.deadlines import last_day
from workflows.files import Part, list_parts
from workflows.inbox import TaskView
from workflows.people import PersonUnknown, get_person
from workflows.workdays import read_calendar


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an operation on the task was refused, and what was typed beside its form."""

    problem: Problem
    operation: str = "complete"
    reason: str = ""
    changes: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of faults at the head of the page: links are (element id or None, text)."""

    title: str
    text: str = ""
    links: tuple[tuple[str | None, str], ...] = field(default=())


def show_task(task_id: str, *, typed: Mapping[str, Any] | None = None, refusal: Refusal | None = None) -> str:
    """The page of a task as the person may see it, after a refusal with what was typed and what is wrong.

    Raises TaskUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        view = inbox.open_task(work, reader(), task_id)
        drawing = draw_task(work, view)
        handler = name_handler(work, view)
        left = count_work_days(work, view)
    g.page_address = url_for("tasks.show", task_id=task_id)
    blind: CaseView | None = view.context.get("case")
    case = blind or view.case
    if case is not None and refusal is None:
        note_view(process_engine(), reader(), case.id, "task")
    findings = list(refusal.problem.findings) if refusal else []
    faults = sort_faults(findings, [words().tell(finding) for finding in findings])
    shown = show_fields(view, typed, faults)
    of_report = view.context.get("report")
    latest = case.latest if case else of_report.latest if of_report else None
    is_application = latest is not None and view.form is not None and latest.form.id == view.form.id
    files = {each.id: each for each in case.attachments} if case else {}
    context_parts = (
        show_form(latest.form, Filling(latest.values, words().language, files=files)) if latest and not is_application else ()
    )
    return render_template(
        "task.html",
        view=view,
        task=view.task,
        campaign=view.campaign,
        case=case,
        context=view.context,
        context_parts=context_parts,
        context_version=latest.version if latest else None,
        shown_parts=shown,
        summary=summarise(refusal, faults, shown) if refusal else None,
        refusal=refusal,
        work_days=left,
        priorities=inbox.PRIORITIES,
        changes=show_changes(refusal, files) if refusal else (),
        came_from=read_origin(),
        typed_parts=show_form(view.form, Filling(typed, words().language))
        if refusal and typed and view.form and not shown
        else (),
        draft_address=url_for("tasks.save_draft", task_id=task_id),
        upload_address=url_for("uploads.begin", task_id=task_id) if takes_files(view) else "",
        unfinished=group_unfinished(view),
        seen_draft=view.draft_at.isoformat() if view.draft_at else "",
        drawing=drawing,
        handler=handler,
        history=case.history if case else of_report.history if of_report else (),
        demo_page=view.campaign.demo,
    )


def takes_files(view: TaskView) -> bool:
    """Whether the form has a field for files."""
    return view.form is not None and bool(file_fields(view.form))


def group_unfinished(view: TaskView) -> dict[str, list[Part]]:
    """What the person has begun to upload for the task and not finished, by field."""
    found: dict[str, list[Part]] = {}
    if takes_files(view):
        for part in list_parts(process_engine(), reader(), view.task.id):
            found.setdefault(part.field, []).append(part)
    return found


def count_work_days(work: Work, view: TaskView) -> int | None:
    """Work days until an open task is due; None where it is late, or not due at all."""
    due_at = view.task.due_at
    if due_at is None or due_at <= work.now or view.task.state != "open":
        return None
    today = work.now.astimezone(SHANGHAI).date()
    return read_calendar(work).workdays_between(today, last_day(due_at, SHANGHAI.key)).count


def show_changes(refusal: Refusal, files: Mapping[str, Any]) -> list[tuple[Difference, ShownField, ShownField]]:
    """What is stored now and what was typed, field by field, as forms print it."""

    def show(each: Difference, value: Any) -> ShownField:
        return show_field(each.field, each.field.key, Filling({each.field.key: value}, words().language, files=files))

    return [(each, show(each, each.before), show(each, each.after)) for each in refusal.changes]


def read_origin() -> str:
    """Of which list the person came to the task: the parameters of the inbox's address."""
    return request.values.get("list", "")


def show_fields(view: TaskView, typed: Mapping[str, Any] | None, faults: Mapping[str, list[str]]) -> tuple[ShownPart, ...]:
    """The form's fields with what was typed last; nothing where the person cannot complete the task."""
    if view.form is None or "draft" not in view.allowed:
        return ()
    values = view.values if typed is None else keep_shown(view.form, view.values, typed)
    return show_form(view.form, Filling(values, words().language, faults, {each.id: each for each in view.files}))


def summarise(refusal: Refusal, faults: Mapping[str, list[str]], shown: tuple[ShownPart, ...]) -> Summary:
    """What happened, where, and what to do: one link for each fault of a field."""
    ids = {each: f"field_{each.replace('.', '_')}" for each in faults if each}
    known = {shown_field.name for part in shown for shown_field in walk(part)}
    links = tuple((ids[path] if path in known else None, text) for path, texts in faults.items() for text in texts)
    message = words().tell(refusal.problem)
    if links:
        return Summary(words().say("task.faults", count=len(links)), message, links)
    kept = words().say("task.typed_kept") if refusal.operation == "complete" and shown else ""
    return Summary(message, kept)


def walk(part: ShownPart) -> list[Any]:
    """All fields of a part, those of groups, rows and of 其它 too."""
    found: list[Any] = []
    for inner in part.parts:
        found += walk(inner)
    for each in part.fields:
        found.append(each)
        if each.other:
            found.append(each.other)
        for row in each.rows:
            found += [column for line in row for column in line]
    return found


def draw_task(work: Work, view: TaskView) -> Drawing | None:
    """The diagram of the task's instance; in blind review only the present step."""
    if view.case is None:
        return draw_instance(work, view.task.instance_id)
    if view.case.marks is not None:
        marks = view.case.marks
        return draw(work, marks.definition_id, marks.done, marks.current)
    return draw(work, view.campaign.case_definition_id, (), (view.task.element_id,))


def name_handler(work: Work, view: TaskView) -> str | None:
    """Who has claimed the task or, once it is closed, who closed it; None for nobody, and for the flow itself."""
    task = view.task
    person_id = task.assignee if task.state == "open" else task.closed_by
    try:
        return get_person(work, person_id).name if person_id else None
    except PersonUnknown:
        return None  # a diagram may name an assignee that is no person here
