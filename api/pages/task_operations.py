"""What the diagram allows with a task beyond completing it: first what it would do is shown, then it is confirmed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from api.pages.errors import STATUS
from api.pages.present import process_engine, read_revision, reader, signed_in
from api.pages.task_page import Refusal, show_task
from api.pages.tasks import act, open_view
from engine.errors import Problem, TaskUnknown
from workflows import inbox
from workflows.inbox import Asked
from workflows.rules import NotPermitted

pages = Blueprint("task_operations", __name__)


@pages.post("/tasks/<task_id>/preview")
@signed_in
def preview(task_id: str) -> Any:
    """What the operation would cancel and begin, with the form that does it. Nothing is changed.

    Raises TaskUnknown, NotPermitted.
    """
    asked, revision = read_asked(), read_revision()
    try:
        inbox.check_reason(asked.reason)
        with process_engine().read(by=reader().id) as work:
            seen = inbox.preview_operation(work, reader(), task_id, asked)
    except (TaskUnknown, NotPermitted):
        raise
    except Problem as problem:
        refusal = Refusal(problem, operation=asked.operation, reason=asked.reason)
        return show_task(task_id, refusal=refusal), STATUS[problem.kind]
    view = open_view(task_id)
    does = "tasks.send_back" if asked.operation == "return" else "task_operations.operate"
    steps = {step.element_id: step.name for step in view.return_targets}
    helpers = {each.id: each.name for each in view.helpers}
    return render_template(
        "task_preview.html",
        view=view,
        task=view.task,
        asked=asked,
        seen=seen,
        revision=revision,
        address=url_for(does, task_id=task_id),
        about=steps.get(asked.target) or helpers.get(asked.person),
        demo_page=view.campaign.demo,
    )


@pages.post("/tasks/<task_id>/operate")
@signed_in
def operate(task_id: str) -> Any:
    """Do the operation."""
    asked, revision = read_asked(), read_revision()
    sent = {name: getattr(asked, name) for name in Asked.__slots__}
    return act(
        task_id,
        asked.operation,
        {**sent, "revision": revision},
        lambda work: inbox.operate(work, reader(), task_id, asked, revision=revision),
        done=f"operation.done.{asked.operation}",
        reason=asked.reason,
        stay=asked.operation in ("add_signer", "remove_signer") and asked.place != "before",
    )


def read_asked() -> Asked:
    """The operation that was sent, with what it needs."""
    return Asked(**{name: request.form.get(name, "") for name in Asked.__slots__})
