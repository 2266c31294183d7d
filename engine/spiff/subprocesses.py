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

    def goes_on(self, my_task: Task, inner: Task) -> bool:
        """Whether tokens leave an activity inside that is done."""
        return True


class AdHocSubProcess(SubProcess):
    """An ad-hoc sub-process: everything without incoming flow begins, at once or one after the other (clause 13.3.5)."""

    sequential = False
    completion: str | None = None
    cancel_remaining = True

    def act(self, my_task: Task) -> None:
        """Open the inner scope; `todo` are the activities that a sequence still has to do."""
        scope = instance_of(my_task).create_subprocess(my_task, self.spec)
        first: list[Any] = scope.spec.first
        if self.sequential:
            my_task.internal_data["todo"] = [spec.name for spec in first[1:]]
            first = first[:1]
        begin(scope, first)

    def scope_done(self, my_task: Task, scope: SubScope) -> None:
        """The next of the sequence, or nothing is left to do."""
        if my_task.internal_data.get("todo"):
            scope.send(scope.spec.task_specs[my_task.internal_data["todo"].pop(0)])
        else:
            super().scope_done(my_task, scope)

    def goes_on(self, my_task: Task, inner: Task) -> bool:
        """Once the completion condition holds (`full`) nothing new begins, and what runs is cancelled or runs out."""
        state = my_task.internal_data
        if "full" not in state and self.completion and ENGINE.value(my_task, self.completion, self.bpmn_id):
            state.update(full=True, todo=[])
            if self.cancel_remaining:
                instance_of(my_task).clear(inner.workflow, but=inner)
        return "full" not in state


class CallActivity(SubProcess):
    """A called process. Without mapping it sees what the caller sees, and what it writes comes back."""

    def act(self, my_task: Task) -> None:
        """Open the called process."""
        top = instance_of(my_task)
        inputs = self.extensions.get("call_in")
        values = {name: ENGINE.text(my_task, text, self.bpmn_id) for name, text in (inputs or {}).items()}
        scope = top.create_subprocess(my_task, self.spec)
        scope.called, scope.closed, scope.data = True, inputs is not None, values
        top.note("entered", self.spec)
        open_scope(scope)

    def scope_done(self, my_task: Task, scope: SubScope) -> None:
        """The called process has ended: what it wrote, or what the call maps out, is written around the call."""
        top = instance_of(my_task)
        top.note("completed", self.spec)
        outputs = self.extensions.get("call_out")
        values: dict[str, Any] = {} if scope.closed and not self.extensions.get("all_out") else scope.data
        if outputs is not None:
            mapped = {name: ENGINE.text_inside(scope, text, self.bpmn_id) for name, text in outputs.items()}
            values = {**(scope.data if self.extensions.get("all_out") else {}), **mapped}
        del top.subprocesses[my_task.id]
        top.assign(my_task, values)
        my_task.complete()


def open_scope(scope: Scope, element_id: str | None = None) -> None:
    """Put the first tokens into a scope: at its none start events, at what has no incoming flow, or where the event that
    starts the process has happened already (at a start event, an instantiating task, behind an instantiating gateway).

    Raises OperationNotSupported when a process cannot begin there.
    """
    spec = scope.spec
    if element_id in spec.instantiating:
        scope.top_workflow.note("completed", element_id)
        start = spec.task_specs[element_id]
        start.pass_on(scope.hang(start))
        for other in spec.instantiating[element_id]:
            scope.send(spec.entry(other))
        return
    starts = [spec.task_specs.get(element_id)] if element_id else spec.first
    if element_id and not isinstance(starts[0], Start) or spec.is_process and not starts:
        raise OperationNotSupported(reason=Finding("spiff_no_start", element=element_id, values={"process": spec.name}))
    begin(scope, starts)


def begin(scope: Scope, starts: list[Any]) -> None:
    """Put tokens into a scope; an empty one is complete at once."""
    for start in starts:
        scope.send(start)
    scope.top_workflow.touched.append(scope)
