"""One thing with many tasks of the inbox: the preview that says what would become of each, then the bulk job.

Names in the forms begin with `many_`, so that the fields of a step's form can have any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.errors import STATUS
from api.pages.fields import Filling, read_draft, show_form, sort_faults
from api.pages.inbox import go_back, read_asked, read_filter
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from api.pages.task_page import Refusal, summarise
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows import inbox
from workflows.inbox import VIEWS, many
from workflows.inbox.acting import LONGEST_REASON
from workflows.inbox.previewing import MOST_SEEN, ManyPreview, preview_many
from workflows.reminders.urging import LONGEST_REMARK

pages = Blueprint("bulk_begin", __name__)


class BulkPreviewOld(Problem):
    """The step or colleague that is chosen now is not the one that the preview was about."""


@pages.post("/bulk/preview")
@signed_in
def preview() -> Any:
    """What doing one thing with the chosen tasks (`many_task`), or with all of a filter (`many_all`), would do to each."""
    form = request.form
    ids = form.getlist("many_shown") or form.getlist("many_task")
    more = False
    if form.get("many_all"):
        with process_engine().read(by=reader().id) as work:
            asked = read_back()
            view: Any = asked["view"] if asked.get("view") in VIEWS else "mine"
            page = inbox.list_tasks(work, reader(), view=view, asked=read_filter(asked), limit=MOST_SEEN)
        ids, more = [row.id for row in page.rows], page.next is not None
    if not ids:
        tell_next("bulk.choose_first")
        return go_back(read_back())
    return show(look(ids), more=more)


@pages.post("/bulk")
@signed_in
def begin() -> Any:
    """Begin the job with the tasks that stayed chosen. What cannot be begun is told on the preview, and nothing typed is lost.

    Raises BulkInvalid.
    """
    form = request.form
    action, reason = form.get("many_action", ""), form.get("many_reason", "")
    chosen = [each.partition(":") for each in form.getlist("many_task")]
    seen = look(form.getlist("many_shown"))
    data: dict[str, Any] = {}
    try:
        if (seen.target, seen.receiver) != (form.get("many_target_seen", ""), form.get("many_receiver_seen", "")):
            raise BulkPreviewOld()
        if seen.form is not None:
            data = read_draft(seen.form, form)
            seen.form.parse(data)
        tasks = [
            {"task": task_id, **({"revision": int(revision)} if revision.isdecimal() and len(revision) < 10 else {})}
            for task_id, _, revision in chosen
        ]
        asked: dict[str, Any] = {"data": data, "target": seen.target, "to_person": seen.receiver, "reason": reason}

        def act(work: Work) -> dict[str, Any]:
            return {"job": many.start_many(work, reader(), action, tasks, **asked)}

        with process_engine().begin(by=reader().id) as work:
            told = once(work, read_key(), f"bulk.{action}", {"tasks": tasks, **asked}, lambda: act(work))
    except Problem as problem:
        return show(seen, problem=problem, typed=data), STATUS[problem.kind]
    return redirect(url_for("bulk.show", bulk_id=told["job"]), 303)


def read_back() -> dict[str, str]:
    """The address of the list that the tasks were chosen from: its parameters one by one, later as a whole (`many_back`)."""
    back = request.form.get("many_back")
    return read_asked(request.form if back is None else dict(parse_qsl(back)))


def look(ids: list[str]) -> ManyPreview:
    """The preview of what the sent form asks for.

    Raises BulkInvalid.
    """
    form = request.form
    with process_engine().read(by=reader().id) as work:
        return preview_many(
            work,
            reader(),
            form.get("many_action", ""),
            ids,
            target=form.get("many_target", ""),
            to_person=form.get("many_receiver", ""),
        )


def show(seen: ManyPreview, *, more: bool = False, problem: Problem | None = None, typed: Mapping[str, Any] | None = None) -> str:
    """The preview; after a refusal with what was typed and what is wrong."""
    sent = request.form
    again = "many_shown" in sent
    left = {each.partition(":")[0] for each in sent.getlist("many_task")} if again else {row.task_id for row in seen.rows}
    findings = list(problem.findings) if problem else []
    faults = sort_faults(findings, [words().tell(finding) for finding in findings])
    shown: Any = ()
    if seen.form is not None:
        values = seen.form.defaults if typed is None else {**seen.form.defaults, **typed}
        shown = show_form(seen.form, Filling(values, words().language, faults, {}))
    return render_template(
        "bulk_preview.html",
        seen=seen,
        left=left,
        more=more,
        shown_parts=shown,
        summary=summarise(Refusal(problem, operation=seen.action), faults, shown) if problem else None,
        asked=read_back(),
        back=urlencode(read_back()),
        reason=sent.get("many_reason", ""),
        longest=LONGEST_REMARK if seen.action == "urge" else LONGEST_REASON,
    )
