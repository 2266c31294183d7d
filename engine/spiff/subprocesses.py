"""Task specs of what opens a scope: start events, sub-processes, call activities."""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.task import Task

from engine.errors import Finding, OperationNotSupported
from engine.spiff.elements import Activity, Element, instance_of
from engine.spiff.language import ENGINE
from engine.spiff.scopes import Scope, SubScope


class Start(Element):
    """A start event; which ones get a token is decided where the scope is opened."""

    def __init__(self, wf_spec: Any, bpmn_id: str, event_definition: Any = None, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.event_definition = event_definition


class SubProcess(Activity, SubWorkflowTask):
    """An embedded sub-process. The library's parser finds the inner spec by `spec`."""

    def act(self, my_task: Task) -> None:
        """Open the inner scope."""
        open_scope(instance_of(my_task).create_subprocess(my_task, self.spec))

    def scope_done(self, my_task: Task, scope: SubScope) -> None:
        """Nothing is left inside."""
        del instance_of(my_task).subprocesses[my_task.id]
        my_task.complete()


class CallActivity(SubProcess):
    """A called process. Without mapping it sees what the caller sees, and what it writes comes back."""

    def map_in(self, my_task: Task) -> None:
        """Variables go into the called process, not to the activity."""

    def map_out(self, my_task: Task) -> None:
        """Done when the called process ends."""

    def act(self, my_task: Task) -> None:
        """Open the called process."""
        top = instance_of(my_task)
        inputs = self.extensions.get("inputs")
        values = {name: ENGINE.text(my_task, text, self.bpmn_id) for name, text in (inputs or {}).items()}
        scope = top.create_subprocess(my_task, self.spec)
        scope.called, scope.closed, scope.data = True, inputs is not None, values
        top.note("entered", self.spec)
        open_scope(scope)

    def scope_done(self, my_task: Task, scope: SubScope) -> None:
        """The called process has ended: what it wrote, or what the call maps out, is written around the call."""
        top = instance_of(my_task)
        top.note("completed", self.spec)
        outputs = self.extensions.get("outputs")
        values: dict[str, Any] = {} if scope.closed else scope.data
        if outputs is not None:
            values = {name: ENGINE.text_inside(scope, text, self.bpmn_id) for name, text in outputs.items()}
        del top.subprocesses[my_task.id]
        top.assign(my_task, values)
        my_task.complete()


def open_scope(scope: Scope, element_id: str | None = None) -> None:
    """Put the first tokens into a scope: at its none start events, at what has no incoming flow, or at one given start event.

    Raises OperationNotSupported when a process cannot begin there.
    """
    spec = scope.spec
    starts = [spec.task_specs.get(element_id)] if element_id else spec.first
    if element_id and not isinstance(starts[0], Start) or spec.is_process and not starts:
        raise OperationNotSupported(reason=Finding("spiff_no_start", element=element_id, values={"process": spec.name}))
    for start in starts:
        scope.send(start)
    scope.top_workflow.touched.append(scope)
