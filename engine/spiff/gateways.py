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
from engine.spiff.elements import Element, SequenceFlow, instance_of
from engine.spiff.events import BoundaryEvent, CatchEvent, ThrowEvent, linked
from engine.spiff.language import ENGINE
from engine.spiff.scopes import Scope, WaitRow


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

    def tokens(self, scope: Scope) -> dict[str, list[Task]]:
        """The tokens waiting at this join in a scope, oldest first, by flow."""
        found: dict[str, list[Task]] = {}
        for each in scope.live():
            if each.task_spec is self and each.state == TaskState.STARTED and "flow" in each.internal_data:
                found.setdefault(each.internal_data["flow"], []).append(each)
        return found

    def stay(self, my_task: Task) -> None:
        """The token waits from now on."""
        instance_of(my_task).token(my_task)


class Quantity(TokenJoin):
    """Before an activity with a start quantity: lets one token on when there are so many (clause 13.3.1)."""

    quantity = 1
    joins = False

    def _run_hook(self, my_task: Task) -> bool | None:
        waiting = [task for tasks in self.tokens(my_task.workflow).values() for task in tasks]
        if len(waiting) + 1 < self.quantity:
            self.stay(my_task)
            return None
        for task in waiting:
            my_task.workflow.discard(task)
        return True

    def _on_complete_hook(self, my_task: Task) -> None:
        my_task._sync_children(self.outputs, TaskState.FUTURE)


class ParallelGateway(TokenJoin):
    """Fires with one token on every flow; further tokens stay."""

    def _run_hook(self, my_task: Task) -> bool | None:
        if not self.joins:
            return True
        waiting = self.tokens(my_task.workflow)
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
        waiting = self.tokens(my_task.workflow)
        if self.may_come(my_task, set(self._inputs) - waiting.keys()):
            return False
        for tasks in waiting.values():
            if tasks[0] is not my_task:
                my_task.workflow.discard(tasks[0])
        my_task.complete()
        return True

    def may_come(self, my_task: Task, wanted: set[str]) -> bool:
        """Whether a token of the scope can still come to a flow of `wanted` and to none of the other ones. What waits on the
        boundary of an activity is no token: that is the activity's.
        """
        others = set(self._inputs) - wanted
        tokens = [task for task in my_task.workflow.live() if task.task_spec is not self and "host" not in task.internal_data]
        ways = [reach(task.task_spec, self) for task in tokens]
        return any(way & wanted and not way & others for way in ways)


class ComplexGateway(InclusiveGateway):
    """Fires when its activation condition holds, then waits for what else may come before it resets (clause 13.4.5).

    Between the two phases one more task of the gateway lives: `reset` are the flows that it still expects a token from.
    Without activation condition it joins as an inclusive gateway does.
    """

    activation: str | None = None

    def _run_hook(self, my_task: Task) -> bool | None:
        if not self.joins or self.activation is None:
            return super()._run_hook(my_task)
        scope, flow = my_task.workflow, my_task.internal_data["flow"]
        resetting = next((task for task in scope.live() if task.task_spec is self and "reset" in task.internal_data), None)
        if resetting and flow in resetting.internal_data["reset"]:
            resetting.internal_data["reset"].remove(flow)
            scope.discard(my_task)
            return None
        self.stay(my_task)
        my_task._set_state(TaskState.STARTED)
        if not resetting:
            self.activate(scope)
        return None

    def activate(self, scope: Scope) -> None:
        """First phase: if the activation condition holds, take one token of every flow that has one."""
        waiting = self.tokens(scope)
        counted = {"activationCount": sum(map(len, waiting.values())), "waitingForStart": True}
        oldest = [tasks[0] for tasks in waiting.values()]
        if not oldest or not ENGINE.value(oldest[0], self.activation or "", self.bpmn_id, more=counted):
            return
        for task in oldest:
            scope.discard(task)
        rest = scope.hang(self, state=TaskState.STARTED, reset=[flow for flow in self._inputs if flow not in waiting])
        self.stay(rest)
        scope.hang(self, counted=counted).complete()

    def decide(self, my_task: Task) -> bool:
        """Second phase: reset when nothing can come any more. Without activation condition: fire."""
        if "reset" not in my_task.internal_data:
            return self.activation is None and super().decide(my_task)
        if self.may_come(my_task, set(my_task.internal_data["reset"])):
            return False
        my_task.internal_data["counted"] = {"activationCount": 0, "waitingForStart": False}
        self.pass_on(my_task)
        self.activate(my_task.workflow)
        return True

    def choose(self, my_task: Task) -> list[SequenceFlow]:
        """Conditions may ask for the phase; in the second a flow without condition gets nothing."""
        if "reset" in my_task.internal_data:
            return [flow for flow in self.outputs if flow.condition and flow.holds(my_task)]
        return super().choose(my_task)


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
    """Waits for the first of the events that follow it: one token for all of them. A parallel one only starts processes."""

    parallel = False

    def events(self) -> list[Any]:
        """The events behind the flows."""
        return [self._wf_spec.task_specs[target.bpmn_id] for flow in self.outputs for target in flow.outputs]

    def _run_hook(self, my_task: Task) -> None:
        instance_of(my_task).token(my_task)
        for event in self.events():
            if isinstance(event, CatchEvent):
                event.arm(my_task, my_task)

    def waits(self, my_task: Task) -> list[WaitRow]:
        """All of its events."""
        return [row for event in self.events() for row in event.rows(my_task)]

    def look(self, task: Task) -> bool:
        """Let a conditional event happen whose condition has become true."""
        for event in self.events():
            index = event.becomes_true(task)
            if index is not None:
                self.happen(task, event.bpmn_id, index)
                return True
        return False

    def happen(self, task: Task, element_id: str, index: int) -> None:
        """The token goes on behind the event that came first."""
        top, scope = instance_of(task), task.workflow
        event = next(each for each in self.events() if each.bpmn_id == element_id)
        if not event.came(task, index):
            return
        passed = scope.hang(event)
        scope.discard(task)
        top.note("completed", event.bpmn_id)
        top.note("completed", self.bpmn_id)
        event.pass_on(passed)
