"""Task specs of gateways. Joins count tokens on flows: every waiting task of a join is one token on the flow it came by.

The library's joins read arrivals from the tree of finished tasks, which goes wrong in loops and when history is dropped.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import Finding, StepFailed
from engine.kernel import WaitKind
from engine.spiff.elements import Element, SequenceFlow, instance_of
from engine.spiff.events import BoundaryEvent, CatchEvent, ThrowEvent, linked
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
            raise StepFailed(element=self.bpmn_id, reason=Finding("spiff_no_flow"))
        return others[:1]


class TokenJoin(Element):
    """A gateway that collects tokens: each waiting task is one token on the flow that it came by (`flow`)."""

    def _update_hook(self, my_task: Task) -> bool:
        my_task.internal_data["flow"] = my_task.parent.task_spec.name
        return True

    @property
    def joins(self) -> bool:
        """Whether there is anything to wait for."""
        return len(self._inputs) > 1

    def tokens(self, my_task: Task) -> dict[str, list[Task]]:
        """The tokens waiting at this join in the scope of a task, oldest first, by flow."""
        found: dict[str, list[Task]] = {}
        for each in my_task.workflow.live():
            if each.task_spec is self and each.state == TaskState.STARTED:
                found.setdefault(each.internal_data["flow"], []).append(each)
        return found

    def stay(self, my_task: Task) -> None:
        """The token waits from now on."""
        instance_of(my_task).token(my_task)


class ParallelGateway(TokenJoin):
    """Fires with one token on every flow; further tokens stay."""

    def _run_hook(self, my_task: Task) -> bool | None:
        if not self.joins:
            return True
        waiting = self.tokens(my_task)
        others = set(self._inputs) - {my_task.internal_data["flow"]}
        if others - waiting.keys():
            self.stay(my_task)
            return None
        for flow in others:
            my_task.workflow.discard(waiting[flow][0])
        return True

    def choose(self, my_task: Task) -> list[SequenceFlow]:
        """All flows."""
        flows: list[SequenceFlow] = self.outputs
        return flows


class InclusiveGateway(TokenJoin):
    """Fires when no further token can come (clause 13.4.3); decided when nothing else moves."""

    def _run_hook(self, my_task: Task) -> bool | None:
        if self.joins:
            self.stay(my_task)
        return None if self.joins else True

    def decide(self, my_task: Task) -> bool:
        """Fire if it may."""
        if not self.joins or my_task.state != TaskState.STARTED:
            return False
        waiting = self.tokens(my_task)
        empty = set(self._inputs) - waiting.keys()
        for task in my_task.workflow.live():
            if task.task_spec is not self:
                near = reach(task.task_spec, self)
                if near & empty and not near & waiting.keys():
                    return False
        for tasks in waiting.values():
            if tasks[0] is not my_task:
                my_task.workflow.discard(tasks[0])
        my_task.complete()
        return True


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

    def _run_hook(self, my_task: Task) -> None:
        instance_of(my_task).token(my_task)
        for event in self.events():
            if isinstance(event, CatchEvent):
                event.arm(my_task, my_task)

    def waits(self, my_task: Task) -> list[WaitRow]:
        """All of its events."""
        return [row for event in self.events() for row in event.rows(my_task)]

    def sight(self, task: Task) -> Task:
        """The gateway's token."""
        return task

    def look(self, task: Task) -> bool:
        """Let a conditional event happen whose condition has become true."""
        for event in self.events():
            if event.becomes_true(task):
                self.happen(task, event.bpmn_id, WaitKind.CONDITION)
                return True
        return False

    def happen(self, task: Task, element_id: str, kind: WaitKind) -> None:
        """The token goes on behind the event that came first."""
        top, scope = instance_of(task), task.workflow
        event = next(each for each in self.events() if each.bpmn_id == element_id)
        top.closing(task, element_id, "fired", kind)
        passed = scope.hang(event)
        scope.discard(task)
        top.note("completed", event.bpmn_id)
        top.note("completed", self.bpmn_id)
        event.leave(passed)
        for flow in passed.children:
            flow.task_spec._update(flow)
        scope.discard(passed)
