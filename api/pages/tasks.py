"""One task: its page, and everything that can be done with it. Each action carries the page's key and revision."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.errors import STATUS
from api.pages.fields import change_rows, read_draft
from api.pages.inbox import go_back, read_asked, read_filter
from api.pages.present import process_engine, read_key, read_revision, reader, signed_in, tell_next, words
from api.pages.substitutions import read_day
from api.pages.task_page import Refusal, read_origin, show_fields, show_task
from api.pages.uploads import take_uploads
from engine.errors import Finding, Problem, TaskAlreadyCompleted, TaskUnknown
from engine.idempotency import once
from engine.work import Work
from workflows import inbox, reviews
from workflows.cases.comparing import Difference, compare_values
from workflows.forms import FormInvalid
from workflows.inbox import TaskView
from workflows.rules import NotPermitted

pages = Blueprint("tasks", __name__)


@pages.get("/tasks/<task_id>")
@signed_in
def show(task_id: str) -> str:
    """The task's page.

    Raises TaskUnknown.
    """
    return show_task(task_id)


@pages.post("/tasks/<task_id>/complete")
@signed_in
def complete(task_id: str) -> Any:
    """Complete the task with what was filled in; every fault at once, nothing typed lost.

    Raises TaskUnknown, NotPermitted.
    """
    revision, key = read_revision(), read_key()
    data: dict[str, Any] = {}
    refused: list[Finding] = []
    try:
        view = open_view(task_id)
        data = read_draft(view.form, request.form) if view.form is not None else {}
        with suppress(TaskAlreadyCompleted):  # new files have no place any more; completing tells why, and what is too late
            data, refused = read_form(view, task_id)
        if refused:
            raise FormInvalid(findings=find_all_faults(view, data, refused))
        if changes := find_changes(view, data):
            refusal = Refusal(DraftElsewhere(), changes=changes)
            return show_task(task_id, typed=data, refusal=refusal), STATUS[DraftElsewhere.kind]
        receipt = inbox.complete(process_engine(), reader(), task_id, data, revision=revision, key=key)
    except (TaskUnknown, NotPermitted):
        raise
    except Problem as problem:
        keep_typed(task_id, data, revision)
        return show_task(task_id, typed=data, refusal=Refusal(problem)), STATUS[problem.kind]
    tell_what_is_next(task_id)
    if receipt.receipt_id and view.case is not None:
        tell_next("task.received", task=view.task.name, at=words().exact(receipt.received_at))
        return redirect(url_for("cases.show", case_id=view.case.id) + "#receipts", 303)
    of_report = view.context.get("report")
    if receipt.receipt_id and of_report is not None:
        tell_next("task.received", task=view.task.name, at=words().exact(receipt.received_at))
        return redirect(url_for("reports.show", report_id=of_report.line.id) + "#receipts", 303)
    code = "task.received" if receipt.receipt_id else "task.completed"
    tell_next(code, task=view.task.name, at=words().exact(receipt.received_at))
    return go_back(read_asked(dict(parse_qsl(read_origin()))))


@pages.post("/tasks/<task_id>/draft")
@signed_in
def save_draft(task_id: str) -> Any:
    """Keep what was typed. For htmx only a line that says so; it never overwrites a newer draft of another window.

    Raises TaskUnknown, TaskAlreadyCompleted, NotPermitted, DraftTooLarge.
    """
    view = open_view(task_id)
    revision, quiet = read_revision(), bool(request.headers.get("HX-Request"))
    seen, present = request.form.get("seen_draft", ""), mark_draft(view)
    if quiet and present != seen:
        return render_template("draft_state.html", message=words().say("task.draft_elsewhere"), seen=seen, warn=True), 409
    refused: list[Finding] = []
    if quiet and view.form is not None:
        data = read_draft(view.form, request.form)
    else:
        data, refused = read_form(view, task_id)
    if not quiet and (changes := find_changes(view, data)):
        refusal = Refusal(DraftElsewhere(), changes=changes)
        return show_task(task_id, typed=data, refusal=refusal), STATUS[DraftElsewhere.kind]
    if view.form is not None:
        data = change_rows(view.form, data, request.form.get("op", ""))
    with process_engine().begin(by=reader().id) as work:
        inbox.save_draft(work, reader(), task_id, data, revision=revision)
    if refused:
        return show_task(task_id, typed=data, refusal=Refusal(FormInvalid(findings=refused))), 422
    after = open_view(task_id)
    saved = words().say("task.draft_saved", at=words().exact(after.draft_at))
    if quiet:
        return render_template("draft_state.html", message=saved, seen=mark_draft(after), warn=False)
    operation = request.form.get("op", "")
    if operation == "print":
        return redirect(url_for("tasks.print_form", task_id=task_id), 303)
    if not operation:
        tell_next("task.draft_saved", at=words().exact(after.draft_at))
    place = f"#field_{operation.split(':')[1]}" if ":" in operation else ""
    return redirect(url_for("tasks.show", task_id=task_id) + place, 303)


@pages.get("/tasks/<task_id>/print")
@signed_in
def print_form(task_id: str) -> str:
    """What is filled in so far, as a sheet of paper with a place for the seal.

    Raises TaskUnknown.
    """
    view = open_view(task_id)
    return render_template("task_print.html", view=view, parts=show_fields(view, None, {}), demo_page=view.campaign.demo)


@pages.post("/tasks/<task_id>/claim")
@signed_in
def claim(task_id: str) -> Any:
    """Take the task."""
    return act(task_id, "claim", {}, lambda work: inbox.claim(work, reader(), task_id), done="task.claimed", stay=True)


@pages.post("/tasks/<task_id>/unclaim")
@signed_in
def unclaim(task_id: str) -> Any:
    """Put the task back."""
    return act(task_id, "unclaim", {}, lambda work: inbox.unclaim(work, reader(), task_id), done="task.put_back")


@pages.post("/tasks/<task_id>/return")
@signed_in
def send_back(task_id: str) -> Any:
    """Return the case to an earlier step, with a reason."""
    target, reason = request.form.get("target", ""), request.form.get("reason", "")
    revision = read_revision()
    return act(
        task_id,
        "return",
        {"target": target, "reason": reason, "revision": revision},
        lambda work: inbox.return_(work, reader(), task_id, target, reason, revision=revision),
        done="task.returned",
        reason=reason,
    )


@pages.post("/tasks/<task_id>/transfer")
@signed_in
def transfer(task_id: str) -> Any:
    """Give the task to a colleague, with a reason."""
    to, reason = request.form.get("person", ""), request.form.get("reason", "")
    return act(
        task_id,
        "transfer",
        {"person": to, "reason": reason},
        lambda work: inbox.transfer(work, reader(), task_id, to, reason),
        done="task.transferred",
        reason=reason,
    )


@pages.post("/tasks/<task_id>/plan")
@signed_in
def plan(task_id: str) -> Any:
    """Say how urgent the task is, and when to look at it again."""
    sent = {name: request.form.get(name, "") for name in ("priority", "follow_up_on")}
    number = int(sent["priority"]) if sent["priority"].isdecimal() and len(sent["priority"]) < 5 else 0

    def keep(work: Work) -> None:
        inbox.plan(work, reader(), task_id, priority=number, follow_up_on=read_day(sent["follow_up_on"]))

    return act(task_id, "plan", sent, keep, done="plan.kept", stay=True)


@pages.post("/tasks/<task_id>/conflict")
@signed_in
def declare_conflict(task_id: str) -> Any:
    """An expert declares an interest in the case (回避); somebody else reviews it."""
    view = open_view(task_id)
    if view.case is None:
        raise TaskUnknown()
    reason = request.form.get("reason", "")

    def declare(work: Work) -> None:
        reviews.declare_conflict(work, reader(), task_id, reason=reason)

    return act(task_id, "conflict", {"reason": reason}, declare, done="task.conflict_declared", reason=reason)


def act(
    task_id: str,
    operation: str,
    asked: dict[str, Any],
    function: Callable[[Work], None],
    *,
    done: str,
    reason: str = "",
    stay: bool = False,
) -> Any:
    """Do one operation once and go on to the inbox (or `stay` at the task); a refusal is told on the task's page."""

    def run(work: Work) -> dict[str, Any]:
        function(work)
        return {}

    try:
        with process_engine().begin(by=reader().id) as work:
            once(work, read_key(), f"task.{operation}", {"task": task_id, **asked}, lambda: run(work))
    except (TaskUnknown, NotPermitted):
        raise
    except Problem as problem:
        return show_task(task_id, refusal=Refusal(problem, operation=operation, reason=reason)), STATUS[problem.kind]
    tell_next(done)
    return redirect(url_for("tasks.show", task_id=task_id) if stay else url_for("inbox.show"), 303)


def tell_what_is_next(task_id: str) -> None:
    """Let the next page lead to the next task of the list that the person came from."""
    asked = read_asked(dict(parse_qsl(read_origin())))
    view: Any = asked.get("view")
    with process_engine().read(by=reader().id) as work:
        found = inbox.find_next(
            work, reader(), task_id, view=view if view in inbox.VIEWS and view != "done" else "mine", asked=read_filter(asked)
        )
    if found is not None:
        name = " ".join(each for each in (found.name, found.title or found.number) if each)
        tell_next("task.next", name=name, address=url_for("tasks.show", task_id=found.id, list=read_origin() or None))


# ---- what was sent ---------------------------------------------------------------------------------------------------
def open_view(task_id: str) -> TaskView:
    """The task as the person may see it.

    Raises TaskUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        return inbox.open_task(work, reader(), task_id)


def read_form(view: TaskView, task_id: str) -> tuple[dict[str, Any], list[Finding]]:
    """What was typed, with the ids of the files that came along; and the files that were refused."""
    if view.form is None:
        return {}, []
    data = read_draft(view.form, request.form)
    kept, refused = take_uploads(view.form, task_id)
    for field, ids in kept.items():
        one = view.form.by_key[field].max_files == 1
        data[field] = ids if one else list(dict.fromkeys([*data.get(field, []), *ids]))
    return data, refused


def find_all_faults(view: TaskView, data: dict[str, Any], refused: list[Finding]) -> list[Finding]:
    """The faults of the whole form together with those of the refused files, in the order of the page."""
    assert view.form is not None
    with process_engine().begin(by=reader().id) as work:  # whether it is late is asked of a window that does not change
        others = inbox.find_faults(work, reader(), view.task.id, data)
    told = {finding.path for finding in refused}
    found = refused + [finding for finding in others if finding.path not in told]
    places = {each.key: place for place, each in enumerate(view.form.fields)}
    return sorted(found, key=lambda finding: places.get((finding.path or "").split(".")[0], -1))


def keep_typed(task_id: str, data: dict[str, Any], revision: int) -> None:
    """Keep what was typed as a draft, as far as the task can still have one."""
    try:
        with process_engine().begin(by=reader().id) as work:
            inbox.save_draft(work, reader(), task_id, data, revision=revision)
    except Problem:
        return  # the page itself still shows what was typed


class DraftElsewhere(Problem):
    """The person's other window, or whoever prepared the task, has kept something else than this page knows of."""

    kind = "conflict"


def find_changes(view: TaskView, data: dict[str, Any]) -> tuple[Difference, ...]:
    """Where the stored draft differs from what was typed on a page that does not know it."""
    seen = request.form.get("seen_draft")
    if seen is None or view.draft_at is None or view.form is None or seen == mark_draft(view):
        return ()
    return compare_values(view.form, view.values, data)


def mark_draft(view: TaskView) -> str:
    """Names the stored draft: a page with another mark does not know what is stored now."""
    return view.draft_at.isoformat() if view.draft_at else ""
