"""Listeners of a user task beside completing: that it is there, that somebody has it, that it is gone, that time has passed.

What they return is not written: the task waits, or is over, whatever they say. A timeout listener has a timer row of its own
(kind `listener`), which goes with the task.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine import mirror
from engine.errors import StepFailed
from engine.expressions import ExpressionFailed
from engine.kernel import Wait, WaitKind
from engine.moments import Due, MomentInvalid, first_due

if TYPE_CHECKING:
    from engine.runs import Run


def tell_opened(run: Run, task_id: str, wait: Wait) -> None:
    """A task has come into being: its `create` listeners, its `assignment` listeners if it has somebody already, its timeouts.

    Raises StepFailed, and whatever a handler raises.
    """
    camunda, variables = run.definition.model.nodes[wait.element_id].camunda, wait.variables or {}
    run.listen(wait.element_id, wait.token, "create", variables, task_id=task_id)
    if "assignment" in camunda.listeners:
        assignee, _ = mirror.find_people(camunda, variables)
        if assignee is not None:
            run.listen(wait.element_id, wait.token, "assignment", variables, form={"assignee": assignee}, task_id=task_id)
    for index, timeout in enumerate(camunda.timeouts):
        try:
            due = first_due(timeout.timer.kind, timeout.timer.value.evaluate(variables), run.work.now, workdays=run.work.workdays)
        except (MomentInvalid, ExpressionFailed) as problem:
            raise StepFailed(element=wait.element_id, reason=problem) from problem
        arm_timeout(run, wait, index, due)


def tell_closed(run: Run) -> None:
    """Tasks that were open before this step are over: their timeouts go; those that the flow took away call `delete` listeners.

    Raises StepFailed, and whatever a handler raises.
    """
    definition = run.definition
    for closed in run.closed:
        if closed.kind is not WaitKind.TASK:
            continue
        camunda = definition.model.nodes[closed.element_id].camunda
        if camunda.timeouts:
            mirror.close_timer(run.work, run.place, closed)
        if closed.reason != "completed" and "delete" in camunda.listeners:
            variables = definition.kernel.variables(definition.model, definition.key, run.state)
            run.listen(closed.element_id, closed.token, "delete", variables)


def arm_timeout(run: Run, wait: Wait, index: int, due: Due) -> None:
    """Arm a timeout listener of a task for a moment."""
    payload = {"listener": index, "due": due.dump()}
    mirror.open_timer(run.work, run.place, replace(wait, due_at=due.at), kind="listener", payload=payload)
