"""Task specs: what every node of a diagram does when a token comes, and the activities.

They follow SpiffWorkflow's life of a task (`_update` → READY → `run` → STARTED → `complete`) through its hooks. What differs
from the library's own specs: nothing is predicted, task data stay empty (variables live in scopes), sequence flows are specs
of their own (so joins know the flow that a token came by, and conditions and ids of flows are kept), and whatever waits is
STARTED.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.bpmn_spec_mixin import BpmnSpecMixin
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import Finding, StepFailed
from engine.kernel import Thrown, WaitKind
from engine.spiff.language import ENGINE
from engine.spiff.process import Instance
from engine.spiff.scopes import SubScope, WaitRow


def instance_of(task: Task) -> Instance:
    """The running instance that a task belongs to."""
    top: Instance = task.workflow.top_workflow
    return top


class Element(BpmnSpecMixin):
    """What all nodes have in common. `outputs` are `SequenceFlow`s."""

    triggered = False
    """Whether it is an event sub-process: begun by an event, not by a token."""
    for_compensation = False
    """Whether it compensates another activity: begun by compensation alone."""

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.extensions: dict[str, Any] = {}

    # ---- hooks of the library ----------------------------------------------------------------------------------------
    def _predict_hook(self, my_task: Task) -> None:
        """Nothing is predicted: children exist when a token is sent."""

    def test(self) -> None:
        """The library's check at run time: ours is the reader's."""

    def _update_hook(self, my_task: Task) -> bool:
        """A token arrives; no data to inherit."""
        return True

    def _on_ready_hook(self, my_task: Task) -> None:
        instance_of(my_task).ready.append(my_task)

    def _run_hook(self, my_task: Task) -> bool | None:
        return True

    def _on_complete_hook(self, my_task: Task) -> None:
        instance_of(my_task).note("completed", self.bpmn_id, my_task)
        self.leave(my_task)

    # ---- ours --------------------------------------------------------------------------------------------------------
    def leave(self, my_task: Task) -> None:
        """Send tokens along the flows."""
        my_task._sync_children(self.choose(my_task), TaskState.FUTURE)

    def pass_on(self, my_task: Task) -> None:
        """Leave without a word, whatever the task was about to do."""
        self.leave(my_task)
        for child in my_task.children:
            child.task_spec._update(child)
        my_task.workflow.discard(my_task)

    def choose(self, my_task: Task) -> list[SequenceFlow]:
        """Each flow whose condition holds and each without condition; the default flow if there is none (clause 13.3.2).

        Raises StepFailed when there are flows and none is chosen.
        """
        flows: list[SequenceFlow] = self.outputs
        conditional = [flow for flow in flows if flow.condition and not flow.default and flow.holds(my_task)]
        chosen = conditional + [flow for flow in flows if not flow.condition and not flow.default]
        # the default of a gateway stands for "none of the others", that of an activity for "no condition holds"
        if not (conditional if isinstance(self, Activity) else chosen):
            chosen += [flow for flow in flows if flow.default]
        if flows and not chosen:
            raise StepFailed(element=self.bpmn_id, reason=Finding("spiff_no_flow"))
        return chosen

    def waits(self, my_task: Task) -> list[WaitRow]:
        """What a live task of this element waits for."""
        return []

    def sight(self, task: Task) -> Task:
        """The task whose variables are seen by what a live task of this element waits for."""
        return task

    def rank(self, element_id: str) -> tuple[int, bool]:
        """Of those at the same depth the least hears an event first: event sub-processes, then what interrupts."""
        return 1, False

    def cancelled(self, my_task: Task) -> None:
        """A live task is about to be taken away."""


class SequenceFlow(Element):
    """A sequence flow; a token passes it at once."""

    condition: str | None = None
    default = False

    def _on_ready_hook(self, my_task: Task) -> None:
        my_task.run()

    def _on_complete_hook(self, my_task: Task) -> None:
        my_task._sync_children(self.outputs, TaskState.FUTURE)

    def holds(self, my_task: Task) -> bool:
        """Whether the condition is true for a token that leaves the flow's source."""
        counted = my_task.internal_data.get("counted")  # by a complex gateway
        return bool(ENGINE.value(my_task, self.condition or "", self.bpmn_id, around=True, more=counted))


class Activity(Element):
    """An activity. `wait` is what it waits for; None passes through."""

    wait: WaitKind | None = None
    compensation: str | None = None
    """The activity that compensates this one."""

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.boundaries: list[str] = []
        self.completion_quantity = 1

    def _run_hook(self, my_task: Task) -> bool | None:
        top = instance_of(my_task)
        top.token(my_task)
        self.arm(my_task)
        top.note("entered", self.bpmn_id, my_task)
        self.map_in(my_task)
        return self.act(my_task)

    def _on_complete_hook(self, my_task: Task) -> None:
        top = instance_of(my_task)
        top.closing(my_task, self.waits(my_task), "completed")
        top.note("completed", self.bpmn_id, my_task)
        self.map_out(my_task)
        self.remember(my_task)
        self.disarm(my_task)
        body = my_task.parent
        if isinstance(body.task_spec, LoopTask) and body.task_spec.task_spec == self.name:
            body.task_spec.instance_done(body, my_task)
        else:
            self.leave(my_task)

    def leave(self, my_task: Task) -> None:
        """Send so many tokens as the completion quantity says, unless nothing is to follow in an ad-hoc sub-process."""
        scope = my_task.workflow
        if not isinstance(scope, SubScope) or scope.compensates or scope.holder.task_spec.goes_on(scope.holder, my_task):
            flows = self.choose(my_task)
            my_task._sync_children([flow for flow in flows for _ in range(self.completion_quantity)], TaskState.FUTURE)

    def act(self, my_task: Task) -> bool | None:
        """Do what the activity is for. True: done already; None: it waits."""
        return True if self.wait is None else None

    def map_in(self, my_task: Task) -> None:
        """Input mapping: local variables."""
        inputs = self.extensions.get("inputs")
        if inputs:
            values = {name: ENGINE.text(my_task, text, self.bpmn_id) for name, text in inputs.items()}
            my_task.internal_data["vars"] = {**my_task.internal_data.get("vars", {}), **values}

    def map_out(self, my_task: Task) -> None:
        """Output mapping: variables around the activity."""
        outputs = self.extensions.get("outputs")
        if outputs:
            values = {name: ENGINE.text(my_task, text, self.bpmn_id) for name, text in outputs.items()}
            instance_of(my_task).assign(my_task, values, around=True)

    def remember(self, my_task: Task) -> None:
        """Note a completed activity, if there is anything that compensates it (clause 10.7): with its own variables as they are
        now and what was completed inside.
        """
        inner = my_task.internal_data.get("done")
        if self._wf_spec.task_specs[self.bpmn_id].compensation is None and not inner and not self.undoes_itself(my_task):
            return
        entry: dict[str, Any] = {"at": self.bpmn_id}
        if my_task.internal_data.get("vars"):
            entry["vars"] = dict(my_task.internal_data["vars"])
        if inner:
            entry["done"] = inner
        my_task.workflow.task_tree.internal_data.setdefault("done", []).append(entry)

    def undoes_itself(self, my_task: Task) -> bool:
        """Whether it has an event sub-process for its compensation."""
        return False

    def waits(self, my_task: Task) -> list[WaitRow]:
        """The one thing that this kind of activity waits for."""
        return [] if self.wait is None else [(self.wait, self.bpmn_id, None, None, 0)]

    def cancelled(self, my_task: Task) -> None:
        """Its boundary events go with it."""
        instance_of(my_task).note("cancelled", self.bpmn_id, my_task)
        self.disarm(my_task)

    def arm(self, my_task: Task) -> None:
        """Let the boundary events wait."""
        for name in self.boundaries:
            self._wf_spec.task_specs[name].attach(my_task)

    def disarm(self, my_task: Task) -> None:
        """Take the boundary events away."""
        token = my_task.internal_data.get("token")
        for task in my_task.workflow.live() if self.boundaries and token else ():
            if task.internal_data.get("host") == token:
                my_task.workflow.discard(task)


class PassTask(Activity):
    """A plain task: nothing to do."""


class PersonTask(Activity):
    """A user or manual task."""

    wait = WaitKind.TASK


class HandlerTask(Activity):
    """A service or business rule task: our code does it."""

    wait = WaitKind.HANDLER


class SendTask(Activity):
    """A send task: its handler sends, or the message that it names goes out."""

    message: str | None = None

    def act(self, my_task: Task) -> bool | None:
        """Throw the message, or wait for the handler."""
        if self.extensions["handler"]:
            return None
        top = instance_of(my_task)
        if self.message is not None:
            top.thrown.append(Thrown("message", self.message, self.bpmn_id, top.environment(my_task)))
        return True

    def waits(self, my_task: Task) -> list[WaitRow]:
        """Its handler."""
        return [(WaitKind.HANDLER, self.bpmn_id, None, None, 0)] if self.extensions["handler"] else []


class ScriptTask(Activity):
    """A script task; its text is run outside."""

    wait = WaitKind.SCRIPT
