"""Task specs: what every node of a diagram does when a token comes, and the activities.

They follow SpiffWorkflow's life of a task (`_update` → READY → `run` → STARTED → `complete`) through its hooks. What differs from
the library's own specs: nothing is predicted, task data stay empty (variables live in scopes), sequence flows are specs of their
own (so joins know the flow that a token came by, and conditions and ids of flows are kept), and an activity that waits is STARTED.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import StepFailed
from engine.kernel import WaitKind
from engine.spiff.language import ENGINE

if TYPE_CHECKING:
    from engine.spiff.scopes import Instance, Scope, WaitRow


def instance_of(task: Task) -> Instance:
    """The running instance that a task belongs to."""
    top: Instance = task.workflow.top_workflow
    return top


class Element(BpmnSpecMixin):
    """What all nodes have in common. `outputs` are `SequenceFlow`s."""

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.extensions: dict[str, Any] = {}

    # ---- hooks of the library ----------------------------------------------------------------------------------------
    def _predict_hook(self, my_task: Task) -> None:
        """Nothing is predicted: children exist when a token is sent."""

    def test(self) -> None:
        """The library's check at run time; ours is made before anything runs (`limits`)."""

    def _update_hook(self, my_task: Task) -> bool:
        """A token arrives; no data to inherit."""
        return True

    def _on_ready_hook(self, my_task: Task) -> None:
        instance_of(my_task).ready.append(my_task)

    def _run_hook(self, my_task: Task) -> bool | None:
        return True

    def _on_complete_hook(self, my_task: Task) -> None:
        self.leave(my_task)

    # ---- ours --------------------------------------------------------------------------------------------------------
    def leave(self, my_task: Task) -> None:
        """Send tokens along the flows."""
        my_task._sync_children(self.choose(my_task), TaskState.FUTURE)

    def choose(self, my_task: Task) -> list[SequenceFlow]:
        """Each flow whose condition holds, the default flow if none does, and each flow without condition (clause 13.2.1)."""
        flows: list[SequenceFlow] = self.outputs
        chosen = [flow for flow in flows if flow.condition and not flow.default and flow.holds(my_task)]
        chosen = chosen or [flow for flow in flows if flow.default]
        return chosen + [flow for flow in flows if not flow.condition and not flow.default]

    def waits(self, my_task: Task) -> list[WaitRow]:
        """What a live task of this element waits for."""
        return []

    def cancelled(self, my_task: Task) -> None:
        """A live task is about to be taken away."""


class SequenceFlow(Element):
    """A sequence flow; a token passes it at once."""

    condition: str | None = None
    default = False

    def _on_ready_hook(self, my_task: Task) -> None:
        my_task.run()

    def choose(self, my_task: Task) -> list[Any]:
        """The target."""
        targets: list[Any] = self.outputs
        return targets

    def holds(self, my_task: Task) -> bool:
        """Whether the condition is true for a token at the flow's source."""
        return bool(ENGINE.value(my_task, self.condition or "", self.bpmn_id))


class Start(Element):
    """A start event; which ones get a token is decided where the scope is opened."""

    def __init__(self, wf_spec: Any, bpmn_id: str, event_definition: Any = None, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.event_definition = event_definition

    def _run_hook(self, my_task: Task) -> bool:
        instance_of(my_task).note("completed", my_task)
        return True


class Activity(Element):
    """An activity. `wait` is what it waits for; None passes through."""

    wait: WaitKind | None = None

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.boundaries: list[str] = []

    def _run_hook(self, my_task: Task) -> bool | None:
        self.arm(my_task)
        instance_of(my_task).note("entered", my_task)
        return self.act(my_task)

    def _on_complete_hook(self, my_task: Task) -> None:
        top = instance_of(my_task)
        top.closing(my_task, self.bpmn_id, "completed")
        top.note("completed", my_task)
        self.disarm(my_task)
        body = my_task.parent
        if isinstance(body.task_spec, LoopTask) and body.task_spec.task_spec == self.name:
            body.task_spec.instance_done(body, my_task)
        else:
            self.leave(my_task)

    def act(self, my_task: Task) -> bool | None:
        """Do what the activity is for. True: done already; None: it waits."""
        return True if self.wait is None else None

    def waits(self, my_task: Task) -> list[WaitRow]:
        """The one thing that this kind of activity waits for."""
        return [] if self.wait is None else [(self.wait, self.bpmn_id, None, None)]

    def cancelled(self, my_task: Task) -> None:
        """Its boundary events go with it."""
        instance_of(my_task).note("cancelled", my_task)
        self.disarm(my_task)

    def arm(self, my_task: Task) -> None:
        """Let the boundary events wait."""
        for name in self.boundaries:
            self._wf_spec.task_specs[name].attach(my_task)

    def disarm(self, my_task: Task) -> None:
        """Take the boundary events away."""
        if not self.boundaries:
            return
        token = instance_of(my_task).token(my_task)
        for task in my_task.workflow.live():
            if task.internal_data.get("host") == token:
                my_task.workflow.discard(task)


class PassTask(Activity):
    """A plain task: nothing to do."""


class PersonTask(Activity):
    """A user or manual task."""

    wait = WaitKind.TASK


class HandlerTask(Activity):
    """A service, business rule or send task: our code does it."""

    wait = WaitKind.HANDLER


class ScriptTask(Activity):
    """A script task; its text is run outside."""

    wait = WaitKind.SCRIPT


class SubProcess(Activity, SubWorkflowTask):
    """An embedded sub-process. The library's parser finds the inner spec by `spec`."""

    called = False

    def act(self, my_task: Task) -> None:
        """Open the inner scope."""
        top = instance_of(my_task)
        scope = top.create_subprocess(my_task, self.spec)
        if self.called:
            scope.called, scope.data = True, top.environment(my_task)
        open_scope(scope)

    def scope_done(self, my_task: Task, scope: Scope) -> None:
        """Nothing is left inside."""
        top = instance_of(my_task)
        del top.subprocesses[my_task.id]
        if self.called:
            top.assign(my_task, scope.data)  # type: ignore[attr-defined]
        my_task.complete()


def open_scope(scope: Scope, element_id: str | None = None) -> None:
    """Put the first tokens into a scope: at its none start events, at what has no incoming flow, or at one given start event.

    Raises StepFailed when the start event is not there.
    """
    spec = scope.spec
    starts = [spec.task_specs.get(element_id)] if element_id else spec.first
    for start in starts:
        if not isinstance(start, Start) and element_id:
            raise StepFailed(element=element_id, reason="there is no such start event")
        scope.add(start)
    scope.top_workflow.touched.append(scope)  # type: ignore[attr-defined]
