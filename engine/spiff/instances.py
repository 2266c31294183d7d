"""Task specs of loops and multi-instance activities: one task for the activity, one child for each instance.

The library's own merge the children's data into the parent, raise when an item's name is known already, stay stuck after a
reload and raise when they are entered again. Here the state is one small dict of the activity's task (`instances`), each
instance has variables of its own (`vars`), and nothing is connected at run time.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.task import Task

from engine.errors import StepFailed
from engine.spiff.elements import Activity, instance_of
from engine.spiff.language import ENGINE


class Repeated(Activity, LoopTask):
    """What loops and multi-instance activities have in common; `task_spec` is the name of the repeated activity's spec."""

    task_spec: str

    def add_instance(self, body: Task, index: int, /, **variables: Any) -> None:
        """One more instance."""
        spec = self._wf_spec.task_specs[self.task_spec]
        body.workflow.add(spec, body, vars={"loopCounter": index, **variables})

    def _on_complete_hook(self, my_task: Task) -> None:
        self.disarm(my_task)
        self.leave(my_task)


class MultiInstance(Repeated):
    """A multi-instance activity, parallel or sequential."""

    sequential = False
    cardinality: str | None = None
    collection: str | None = None
    item: str | None = None
    output: str | None = None
    output_item: str | None = None
    completion: str | None = None

    def _run_hook(self, my_task: Task) -> bool | None:
        items = self.items(my_task)
        number = len(items) if items is not None else self.number(my_task)
        state = {"n": number, "done": 0, "next": 0, "items": items, "results": {}}
        my_task.internal_data["instances"] = state
        self.arm(my_task)
        for _ in range(min(number, 1) if self.sequential else number):
            self.start_next(my_task)
        return True if number == 0 else None

    def items(self, my_task: Task) -> list[Any] | None:
        """The items of the collection; None when a cardinality is given. Raises StepFailed when it is no list."""
        if self.collection is None:
            return None
        value = ENGINE.value(my_task, self.collection, self.bpmn_id)
        if not isinstance(value, list | tuple):
            raise StepFailed(element=self.bpmn_id, reason=f"the collection {self.collection} is not a list")
        return list(value)

    def number(self, my_task: Task) -> int:
        """The cardinality. Raises StepFailed when it is no number of instances."""
        value = ENGINE.value(my_task, self.cardinality or "", self.bpmn_id)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise StepFailed(element=self.bpmn_id, reason=f"{value!r} is no number of instances")
        return value

    def start_next(self, body: Task) -> None:
        """Start the next instance."""
        state = body.internal_data["instances"]
        index = state["next"]
        state["next"] += 1
        local: dict[str, Any] = {self.output_item: None} if self.output_item else {}
        if self.item and state["items"] is not None:
            local[self.item] = state["items"][index]
        self.add_instance(body, index, **local)

    def instance_done(self, body: Task, child: Task) -> None:
        """One instance is done."""
        state, top = body.internal_data["instances"], instance_of(body)
        state["done"] += 1
        if self.output_item:
            seen = top.environment(child)
            state["results"][str(child.internal_data["vars"]["loopCounter"])] = seen.get(self.output_item)
        body.workflow.discard(child)
        if self.completion and ENGINE.value(body, self.completion, self.bpmn_id):
            for other in [body.workflow.tasks[key] for key in list(body._children)]:
                top.cancel_task(other)
            self.finish(body)
        elif state["done"] >= state["n"]:
            self.finish(body)
        elif self.sequential and state["next"] < state["n"]:
            self.start_next(body)

    def finish(self, body: Task) -> None:
        """All that is wanted is done: collect the results and go on."""
        top, results = instance_of(body), body.internal_data["instances"]["results"]
        if self.output:
            top.assign(body, {self.output: [results[key] for key in sorted(results, key=int)]})
        body.complete()


class Loop(Repeated):
    """A standard loop."""

    condition: str | None = None
    maximum: int | None = None
    test_before = False

    def _run_hook(self, my_task: Task) -> bool | None:
        my_task.internal_data["instances"] = {"n": None, "done": 0}
        self.arm(my_task)
        if self.test_before and not self.goes_on(my_task):
            return True
        self.add_instance(my_task, 0)
        return None

    def goes_on(self, body: Task) -> bool:
        """Whether there is another round."""
        if self.maximum is not None and body.internal_data["instances"]["done"] >= self.maximum:
            return False
        return self.condition is None or bool(ENGINE.value(body, self.condition, self.bpmn_id))

    def instance_done(self, body: Task, child: Task) -> None:
        """One round is done."""
        state = body.internal_data["instances"]
        state["done"] += 1
        body.workflow.discard(child)
        if self.goes_on(body):
            self.add_instance(body, state["done"])
        else:
            body.complete()
