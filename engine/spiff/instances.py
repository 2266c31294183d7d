"""Task specs of loops and multi-instance activities: one task for the activity, one child for each instance.

The library's own merge the children's data into the parent, raise when an item's name is known already, stay stuck after a
reload and raise when they are entered again. Here the state is one small dict of the activity's task (`instances`), each
instance has variables of its own (`vars`), and nothing is connected at run time.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.task import Task

from engine.errors import Finding, StepFailed
from engine.spiff.elements import Activity, instance_of
from engine.spiff.events import named_event
from engine.spiff.language import ENGINE

MAX_INSTANCES = 10_000
"""Instances of one multi-instance activity."""


def no_instances(value: Any) -> Finding:
    """Why a collection or cardinality cannot be used."""
    return Finding("spiff_no_instances", values={"value": str(value)[:100], "limit": MAX_INSTANCES})


class Repeated(Activity, LoopTask):
    """What loops and multi-instance activities have in common; `task_spec` is the name of the repeated activity's spec.

    An instance that is done leaves the tree; when none is open the instance's workflow calls `go_on`.
    """

    task_spec: str

    def _run_hook(self, my_task: Task) -> None:
        instance_of(my_task).token(my_task)
        self.begin(my_task)
        instance_of(my_task).touched.append(my_task)

    def _on_complete_hook(self, my_task: Task) -> None:
        self.disarm(my_task)
        self.leave(my_task)

    def cancelled(self, my_task: Task) -> None:
        """The instances have gone already."""
        self.disarm(my_task)

    def begin(self, body: Task) -> None:
        """Arm the boundary events and open the first instances."""
        raise NotImplementedError

    def go_on(self, body: Task) -> None:
        """No instance is open: open the next, or be done."""
        raise NotImplementedError

    def instance_done(self, body: Task, child: Task) -> None:
        """One instance is done."""
        body.internal_data["instances"]["done"] += 1
        self.remove_instance(body, child)

    def remove_instance(self, body: Task, child: Task) -> None:
        """Take a finished instance away."""
        body.workflow.discard(child)
        instance_of(body).touched.append(body)

    def open_instance(self, body: Task, index: int, variables: dict[str, Any]) -> None:
        """One more instance; it begins at once."""
        spec = self._wf_spec.task_specs[self.task_spec]
        task = body.workflow.hang(spec, body, vars={"loopCounter": index, **variables})
        spec._update(task)
        task.run()


class Behavior(NamedTuple):
    """An event that is thrown when an instance completes: `None` each time, `One` the first time, `Complex` on a condition."""

    when: str
    condition: str | None
    kind: str
    name: str | None

    def is_caught(self, boundary: Any) -> bool:
        """Whether a definition of a boundary event is for this event: by name, or for any error or escalation."""
        names = (self.name, None) if self.kind in ("error", "escalation") else (self.name,)
        found = (named_event(definition) for _, definition in boundary.definitions)
        return any(kind == self.kind and name in names for kind, name in found)


class MultiInstance(Repeated):
    """A multi-instance activity, parallel or sequential."""

    sequential = False
    cardinality: str | None = None
    collection: str | None = None
    item: str | None = None
    output: str | None = None
    output_item: str | None = None
    completion: str | None = None
    behaviors: Sequence[Behavior] = ()

    def begin(self, body: Task) -> None:
        """All instances, or the first of a sequence when nothing else is to be settled."""
        items = self.items(body)
        number = len(items) if items is not None else self.number(body)
        body.internal_data["instances"] = {"n": number, "done": 0, "next": 0, "left": 0, "items": items, "results": {}}
        body.internal_data["instances"]["left"] = number if self.sequential else 0
        self.arm(body)
        for _ in range(0 if self.sequential else number):
            if body.id in body.workflow.tasks and not body.internal_data["instances"].get("over"):
                self.open_next(body)
        if not self.sequential:
            body.internal_data["instances"]["items"] = None  # each instance has its own

    def items(self, body: Task) -> list[Any] | None:
        """The items of the collection; None when there is none. Raises StepFailed when it is no list, or too long."""
        if self.collection is None:
            return None
        value = ENGINE.value(body, self.collection, self.bpmn_id)
        if not isinstance(value, list | tuple) or len(value) > MAX_INSTANCES:
            raise StepFailed(element=self.bpmn_id, reason=no_instances(self.collection))
        return list(value)

    def number(self, body: Task) -> int:
        """The cardinality. Raises StepFailed when it is no number of instances."""
        value = 1 if self.cardinality is None else ENGINE.value(body, self.cardinality, self.bpmn_id)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INSTANCES:
            raise StepFailed(element=self.bpmn_id, reason=no_instances(value))
        return value

    def open_next(self, body: Task, *extra: Any) -> None:
        """Open the next instance; `extra` is the item of one that was added to a parallel activity."""
        state = body.internal_data["instances"]
        index = state["next"]
        state["next"] += 1
        local: dict[str, Any] = {self.output_item: None} if self.output_item else {}
        if self.item and self.collection is not None:
            local[self.item] = extra[0] if extra else state["items"][index]
        self.open_instance(body, index, local)

    def instance_done(self, body: Task, child: Task) -> None:
        """Keep the result, throw its events, and look whether enough are done."""
        state, top = body.internal_data["instances"], instance_of(body)
        if self.output_item and self.output:
            result = top.environment(child).get(self.output_item)
            state["results"][str(child.internal_data["vars"]["loopCounter"])] = result
        state["done"] += 1
        stops = self.throw_events(body, child)
        if child.id not in child.workflow.tasks:  # what was thrown has ended the whole activity from outside
            return
        self.remove_instance(body, child)
        self.complete_early(body, stops)

    def complete_early(self, body: Task, stops: bool = False) -> None:
        """No further instance when the completion condition holds (or it `stops` in any case)."""
        if stops or self.completion and ENGINE.value(body, self.completion, self.bpmn_id):
            body.internal_data["instances"]["over"] = True
            for key in list(body._children):
                instance_of(body).cancel_task(body.workflow.tasks[key])

    def throw_events(self, body: Task, child: Task) -> bool:
        """What is thrown is caught on the boundary of the whole activity (table 10.29), else it goes out or outwards. On the
        boundary it tells of an instance that is done and interrupts nothing, but a complex behavior that is caught by an
        interrupting event ends the activity: the answer.
        """
        stops = False
        for behavior in self.behaviors:
            if behavior.when == "One" and body.internal_data["instances"]["done"] != 1:
                continue
            if behavior.condition and not ENGINE.value(child, behavior.condition, self.bpmn_id):
                continue
            caught = [boundary for boundary in map(self._wf_spec.task_specs.get, self.boundaries) if behavior.is_caught(boundary)]
            for boundary in caught:
                body.workflow.hang(boundary).complete()
                stops = stops or behavior.when == "Complex" and boundary.cancel_activity
            if not caught and behavior.kind in ("error", "escalation"):
                instance_of(body).raise_code(body, behavior.kind, behavior.name)
            elif not caught:
                instance_of(body).emit(child, self.bpmn_id, behavior.kind, behavior.name)
            if child.id not in child.workflow.tasks:
                return False
        return stops

    def go_on(self, body: Task) -> None:
        """The next of a sequence, or the results."""
        state = body.internal_data["instances"]
        if state["left"] and not state.get("over"):
            state["left"] -= 1
            self.open_next(body)
            return
        if self.output:
            results = state["results"]
            instance_of(body).assign(body, {self.output: [results[key] for key in sorted(results, key=int)]})
        body.complete()


class Loop(Repeated):
    """A standard loop."""

    condition: str | None = None
    maximum: int | None = None
    test_before = False

    def begin(self, body: Task) -> None:
        """The first round, unless the condition is tested before it."""
        body.internal_data["instances"] = {"done": 0}
        self.arm(body)
        if not (self.test_before or self.maximum == 0):
            self.open_instance(body, 0, {})

    def go_on(self, body: Task) -> None:
        """The next round, or the end."""
        done = body.internal_data["instances"]["done"]
        more = self.maximum is None or done < self.maximum
        if more and self.condition is not None:
            more = bool(ENGINE.value(body, self.condition, self.bpmn_id, more={"loopCounter": done}))
        elif more and self.maximum is None:
            more = done == 0
        if more:
            self.open_instance(body, done, {})
        else:
            body.complete()
