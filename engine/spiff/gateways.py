"""Task specs of gateways. Joins count tokens on flows: every waiting task of a join is one token on the flow it came by.

The library's joins read arrivals from the tree of finished tasks, which goes wrong in loops and when history is dropped.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import StepFailed
from engine.kernel import WaitKind
from engine.spiff.elements import Element, SequenceFlow, instance_of
from engine.spiff.events import BoundaryEvent, CatchEvent, ReceiveTask, ThrowEvent, linked
from engine.spiff.scopes import WaitRow


class ExclusiveGateway(Element):
    """The first flow whose condition holds, else the default flow, else the flow without condition."""

    def choose(self, my_task: Task) -> list[SequenceFlow]:
        """One flow. Raises StepFailed when no condition holds and there is no other flow."""
        flows: list[SequenceFlow] = self.outputs
        for flow in flows:
            if flow.condition and not flow.default and flow.holds(my_task):
                return [flow]
        others = [flow for flow in flows if flow.default] or [flow for flow in flows if not flow.condition]
        if flows and not others:
            raise StepFailed(element=self.bpmn_id, reason="no condition holds and there is no default flow")
        return others[:1]


class TokenJoin(Element):
    """A gateway that collects tokens."""

    def tokens(self, task: Task) -> dict[str, list[Task]]:
        """The tasks waiting at this join in the scope of `task`, oldest first, by the flow they came by."""
        found: dict[str, list[Task]] = {}
        for each in task.workflow.live():
            if each.task_spec is self and each.state == TaskState.WAITING:
                found.setdefault(each.internal_data["flow"], []).append(each)
        return found

    def collect(self, my_task: Task) -> bool:
        """Note the flow that a token came by; whether there is anything to wait for."""
        my_task.internal_data["flow"] = my_task.parent.task_spec.name
        my_task._set_state(TaskState.WAITING)
        return len(self._inputs) > 1

    def take(self, tasks: list[Task]) -> None:
        """Consume tokens."""
        for task in tasks:
            task.workflow.discard(task)


class ParallelGateway(TokenJoin):
    """Fires with one token on every flow; further tokens stay."""

    def _update_hook(self, my_task: Task) -> bool:
        if not self.collect(my_task):
            return True
        waiting = self.tokens(my_task)
        if len(waiting) < len(self._inputs):
            return False
        self.take([tasks[0] for tasks in waiting.values() if tasks[0] is not my_task and my_task not in tasks[:1]])
        return True

    def choose(self, my_task: Task) -> list[SequenceFlow]:
        """All flows."""
        flows: list[SequenceFlow] = self.outputs
        return flows


class InclusiveGateway(TokenJoin):
    """Fires when no further token can come (clause 13.4.3); decided when nothing else moves."""

    def _update_hook(self, my_task: Task) -> bool:
        return not self.collect(my_task)

    def decide(self, my_task: Task) -> bool:
        """Fire if it may."""
        if my_task.state != TaskState.WAITING:
            return False
        waiting = self.tokens(my_task)
        empty = set(self._inputs) - waiting.keys()
        for task in my_task.workflow.live():
            if task.task_spec is not self:
                near = reach(task.task_spec, self)
                if near & empty and not near & waiting.keys():
                    return False
        self.take([tasks[0] for tasks in waiting.values() if tasks[0] is not my_task])
        my_task._ready()
        return True

    def choose(self, my_task: Task) -> list[SequenceFlow]:
        """Raises StepFailed when no condition holds and there is no other flow."""
        chosen = super().choose(my_task)
        if self.outputs and not chosen:
            raise StepFailed(element=self.bpmn_id, reason="no condition holds and there is no default flow")
        return chosen


def reach(source: Any, join: Any) -> set[str]:
    """The incoming flows of `join` that a token at `source` can still take inside its scope without passing the join."""
    cache: dict[Any, set[str]] = join._wf_spec.reach
    if (source.name, join.name) not in cache:
        seen, todo = {source.name}, [source]
        while todo:
            for spec in followers(todo.pop()):
                if spec.name not in seen and spec is not join:
                    seen.add(spec.name)
                    todo.append(spec)
        cache[source.name, join.name] = seen & set(join._inputs)
    return cache[source.name, join.name]


def followers(spec: Any) -> list[Any]:
    """Where a token at `spec` can go next: along flows, to boundary events and over links."""
    specs = spec._wf_spec.task_specs
    found = list(spec.outputs) + [specs[name] for name in getattr(spec, "boundaries", ())]
    if isinstance(spec, ThrowEvent):
        names = [definition.name for kind, definition in spec.definitions if kind == "link"]
        found += [end for end in specs.values() if names and isinstance(end, CatchEvent) and linked(end, names)]
    if isinstance(spec, BoundaryEvent) and not spec.cancel_activity:
        found.append(spec)
    return found


class EventGateway(Element):
    """Waits for the first of the events that follow it: one token for all of them."""

    def events(self) -> list[Any]:
        """The events behind the flows."""
        return [target for flow in self.outputs for target in flow.outputs]

    def _update_hook(self, my_task: Task) -> bool:
        my_task._set_state(TaskState.WAITING)
        for event in self.events():
            if isinstance(event, CatchEvent):
                event.arm(my_task, my_task)
        return False

    def waits(self, my_task: Task) -> list[WaitRow]:
        """All of its events."""
        return [row for event in self.events() for row in event.rows(my_task)]

    def sight(self, task: Task) -> Task:
        """The gateway's token."""
        return task

    def look(self, task: Task) -> bool:
        """Let a conditional event happen whose condition has become true."""
        if task.state != TaskState.WAITING:
            return False
        for event in self.events():
            if event.becomes_true(task):
                self.happen(task, event.bpmn_id, WaitKind.CONDITION)
                return True
        return False

    def happen(self, task: Task, element_id: str, kind: WaitKind) -> None:
        """The token goes on behind the event that came first."""
        top, scope = instance_of(task), task.workflow
        event = next(each for each in self.events() if each.bpmn_id == element_id)
        top.closing(task, element_id, "fired")
        scope.discard(task)
        passed = scope.task_tree._add_child(event, TaskState.FUTURE)
        passed.triggered = True
        if isinstance(event, ReceiveTask):
            top.note("entered", passed)
        passed.complete()
