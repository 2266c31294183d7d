"""Task specs of what opens a scope: start events, sub-processes, call activities."""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.task import Task

from engine.errors import Finding, OperationNotSupported
from engine.spiff.elements import Activity, Element, instance_of
from engine.spiff.events import Event
from engine.spiff.language import ENGINE
from engine.spiff.scopes import Scope, SubScope, WaitRow, find_catching


class Start(Event):
    """A start event. That of an event sub-process is waited for at the root of the scope around (`ScopeRoot`)."""

    def __init__(self, wf_spec: Any, bpmn_id: str, interrupting: bool = True, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.interrupting = interrupting


class SubProcess(Activity, SubWorkflowTask):
    """An embedded sub-process. The library's parser finds the inner spec by `spec`."""

    def act(self, my_task: Task) -> None:
        """Open the inner scope."""
        open_scope(instance_of(my_task).create_subprocess(my_task, self.spec))

    def scope_done(self, my_task: Task, scope: SubScope) -> None:
        """Nothing is left inside."""
        del instance_of(my_task).subprocesses[my_task.id]
        my_task.internal_data["done"] = scope.task_tree.internal_data.get("done")
        my_task.complete()

    def goes_on(self, my_task: Task, inner: Task) -> bool:
        """Whether tokens leave an activity inside that is done."""
        return True

    def undoes_itself(self, my_task: Task) -> bool:
        """Whether an event sub-process inside is for compensation."""
        return instance_of(my_task).subprocess_specs[self.spec].start.undoing() is not None


class AdHocSubProcess(SubProcess):
    """An ad-hoc sub-process: everything without incoming flow begins, at once or one after the other (clause 13.3.5)."""

    sequential = False
    completion: str | None = None
    cancel_remaining = True

    def act(self, my_task: Task) -> None:
        """Open the inner scope; `todo` are the activities that a sequence still has to do."""
        scope = instance_of(my_task).create_subprocess(my_task, self.spec)
        scope.listen()
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


class EventSubProcess(SubProcess):
    """A sub-process that an event begins; nothing leads to it and nothing leaves it."""

    triggered = True

    def act(self, my_task: Task) -> None:
        """Open the inner scope behind the start event, which has happened (`ScopeRoot.open`)."""
        scope = instance_of(my_task).create_subprocess(my_task, self.spec)
        start = scope.spec.task_specs[my_task.internal_data.pop("start")]
        scope.listen()
        start.pass_on(scope.hang(start))


class CallActivity(SubProcess):
    """A called process. Without mapping it sees what the caller sees, and what it writes comes back."""

    def undoes_itself(self, my_task: Task) -> bool:
        """What a called process has done is not compensated from outside."""
        return False

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


class ScopeRoot(Element):
    """The root of every scope's tree: listens for what starts the scope's event sub-processes, until one interrupts it.

    `triggers` are their start events by id, each with its event sub-process.
    """

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.triggers: dict[str, tuple[Start, EventSubProcess]] = {}

    def starts(self, root: Task) -> list[Start]:
        """The start events that are listened for now."""
        if root.workflow.compensates or not root.workflow.open or root.internal_data.get("interrupted"):
            return []
        return [start for start, _ in self.triggers.values()]

    def arm(self, root: Task) -> None:
        """Note when timers are due."""
        for start in self.starts(root):
            start.arm(root, root)

    def waits(self, my_task: Task) -> list[WaitRow]:
        """What starts event sub-processes, but for errors and escalations, which are looked up when they are raised."""
        return [row for start in self.starts(my_task) for row in start.rows(my_task)]

    def catching(self, root: Task, kind: str, code: str | None) -> Start | None:
        """The start event that catches an error or escalation."""
        found: Start | None = find_catching(self.starts(root), kind, code)
        return found

    def undoing(self) -> Start | None:
        """The start event that compensates the scope."""
        starts = (start for start, _ in self.triggers.values())
        return next((start for start in starts if any(kind == "compensate" for kind, _ in start.definitions)), None)

    def rank(self, element_id: str) -> tuple[int, bool]:
        """Before the boundary events around."""
        return 0, not self.triggers[element_id][0].interrupting

    def look(self, root: Task) -> bool:
        """Let a conditional event happen whose condition has become true."""
        for start in self.starts(root):
            index = start.becomes_true(root)
            if index is not None:
                self.happen(root, start.bpmn_id, index)
                return True
        return False

    def happen(self, root: Task, element_id: str, index: int) -> None:
        """A definition of one of the start events has come."""
        start = self.triggers[element_id][0]
        if start.came(root, index):
            self.begin(root, start)

    def begin(self, root: Task, start: Start) -> None:
        """A start event has happened: begin its event sub-process. One that interrupts ends all else in the scope, and no other
        can begin there any more (clause 13.5.4).
        """
        if start.interrupting:
            root.internal_data["interrupted"] = True
            root.internal_data.pop("due", None)
            if isinstance(root.workflow, SubScope):
                root.workflow.holder.internal_data.pop("todo", None)
            instance_of(root).clear(root.workflow)
        self.open(root, start)

    def open(self, root: Task, start: Start) -> None:
        """Begin the event sub-process of a start event beside what else there is."""
        instance_of(root).note("completed", start.bpmn_id)
        root.workflow.begin(self.triggers[start.bpmn_id][1], start=start.bpmn_id)


def open_scope(scope: Scope, element_id: str | None = None) -> None:
    """Put the first tokens into a scope: at its none start events, at what has no incoming flow, or where the event that
    starts the process has happened already (at a start event, an instantiating task, behind an instantiating gateway).

    Raises OperationNotSupported when a process cannot begin there.
    """
    spec = scope.spec
    scope.listen()
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
