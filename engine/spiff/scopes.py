"""Running instances: SpiffWorkflow's workflow classes with a queue in place of tree walks, and variables per scope.

The library keeps every finished task and walks the whole tree after each completion; it stalls when the tree is deeper than
1 000 and slows down with history. Here a task that is finished leaves the tree at once and its children are hung under the
root, so a scope's tree is its live tasks and nothing else. Joins, boundary events and ends therefore never look at ancestors.
"""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import StepFailed
from engine.kernel import Logged, Thrown, WaitKind

MAX_RUNS = 100_000
"""Tasks that may run in one step; more means that the process goes round without ever waiting."""


class Scope:
    """What the process and its sub-processes have in common."""

    tasks: dict[Any, Task]
    task_tree: Task
    spec: Any

    def plant(self) -> None:
        """Give a scope without tasks its root."""
        self.task_tree = Task(self, self.spec.start, state=TaskState.COMPLETED)

    def live(self) -> list[Task]:
        """The tasks of this scope that are not finished, oldest first."""
        return [task for task in self.tasks.values() if task is not self.task_tree]

    def add(self, spec: Any, parent: Task | None = None, **internal: Any) -> Task:
        """Put a token before `spec` and let it arrive."""
        task = (parent or self.task_tree)._add_child(spec, TaskState.FUTURE)
        task.triggered = True
        task.internal_data.update(internal)
        spec._update(task)
        return task

    def discard(self, task: Task) -> None:
        """Take one task out of the tree; what hangs below it goes under the root."""
        root = self.task_tree
        parent = self.tasks.get(task._parent)
        if parent is not None and task.id in parent._children:
            parent._children.remove(task.id)
        for child in task._children:
            self.tasks[child]._parent = root.id
            root._children.append(child)
        task._children = []
        self.tasks.pop(task.id, None)

    def _task_completed_notify(self, task: Task) -> None:
        """The library's notice that a task is done (it would walk the tree here)."""
        self.discard(task)
        self.top_workflow.touched.append(self)  # type: ignore[attr-defined]

    def update_waiting_tasks(self) -> None:
        """Nothing: tasks that wait are told when something happens."""

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        """No walk of the tree for each log line."""
        return dct or {}


class SubScope(Scope, BpmnSubWorkflow):
    """An open sub-process or called process. A called process has variables of its own: `data`."""

    def __init__(self, spec: Any, parent_task_id: Any, top_workflow: Instance) -> None:
        super().__init__(spec, parent_task_id, top_workflow, deserializing=True)
        self.called = False
        self.plant()

    @property
    def holder(self) -> Task:
        """The activity that this is the inside of."""
        return self.top_workflow.get_task_from_id(self.parent_task_id)


class Instance(Scope, BpmnWorkflow):
    """One process instance during one step. `data` are the variables of the process; the tasks' own data stay empty."""

    def __init__(self, spec: Any, subprocess_specs: Mapping[str, Any], engine: Any) -> None:
        super().__init__(spec, subprocess_specs, script_engine=engine, deserializing=True)
        self.data: dict[str, Any] = {}
        self.count = 0
        self.ready: deque[Task] = deque()
        self.throwing: deque[Task] = deque()
        self.touched: deque[Scope] = deque()
        self.log: list[Logged] = []
        self.reasons: dict[tuple[str, str], str] = {}
        self.thrown: list[Thrown] = []
        self.error: str | None = None
        self.moment: datetime | None = None
        self.plant()

    @property
    def now(self) -> datetime:
        """The moment of the step: the only clock there is."""
        assert self.moment is not None
        return self.moment

    # ---- tokens ------------------------------------------------------------------------------------------------------
    def token(self, task: Task) -> str:
        """The name of a live task for the outside; it keeps it as long as it lives."""
        if "token" not in task.internal_data:
            self.count += 1
            task.internal_data["token"] = str(self.count)
        token: str = task.internal_data["token"]
        return token

    def find(self, token: str) -> Task | None:
        """The live task with this token."""
        return next((task for task in self.all_live() if task.internal_data.get("token") == token), None)

    def scopes(self) -> Iterator[Scope]:
        """The process and all open sub-processes, outer before inner."""
        yield self
        yield from list(self.subprocesses.values())

    def all_live(self) -> list[Task]:
        """All live tasks of all scopes."""
        return [task for scope in self.scopes() for task in scope.live()]

    def create_subprocess(self, my_task: Task, spec_name: str) -> SubScope:
        """The library's factory, with our class."""
        scope = SubScope(self.subprocess_specs[spec_name], my_task.id, self)
        self.subprocesses[my_task.id] = scope
        return scope

    def cancel_task(self, task: Task) -> None:
        """Take a live task away with all that is inside it, without effect."""
        for child in [task.workflow.tasks[key] for key in list(task._children)]:
            self.cancel_task(child)
        self.cancel_inside(task)
        task.task_spec.cancelled(task)
        task._set_state(TaskState.CANCELLED)
        task.workflow.discard(task)
        self.touched.append(task.workflow)

    def cancel_inside(self, task: Task) -> None:
        """Take away the sub-process that a task holds."""
        scope = self.subprocesses.get(task.id)
        if scope is not None:
            self.clear(scope)
            del self.subprocesses[task.id]

    def clear(self, scope: Scope, but: Task | None = None) -> None:
        """Take away everything in a scope."""
        for task in scope.live():
            if task.id in scope.tasks and task is not but:
                self.cancel_task(task)

    # ---- variables ---------------------------------------------------------------------------------------------------
    def layers(self, task: Task | None) -> Iterator[dict[str, Any]]:
        """The variables that a task sees, innermost scope first; those that can be written come as the dicts themselves."""
        while task is not None:
            if "vars" in task.internal_data:
                yield task.internal_data["vars"]
            scope = task.workflow
            if scope is self:
                break
            if scope.called:
                yield scope.data
            task = scope.holder
        yield self.data

    def environment(self, task: Task | None) -> dict[str, Any]:
        """The variables that a task sees, and the counters of the multi-instance activity that it is in."""
        seen: dict[str, Any] = {}
        for layer in reversed(list(self.layers(task))):
            seen.update(layer)
        return {**counters(task), **seen} if task is not None else seen

    def assign(self, task: Task | None, values: Mapping[str, Any]) -> None:
        """Write each value where its name is known already, else at the process."""
        layers = list(self.layers(task))
        for name, value in values.items():
            next((layer for layer in layers if name in layer), layers[-1])[name] = value

    # ---- the loop ----------------------------------------------------------------------------------------------------
    def _do_engine_steps(self, will_complete_task: Any = None, did_complete_task: Any = None) -> int:
        """The library's step: here until nothing can move. Both callbacks are unused."""
        ran = 0
        while True:
            self.close_scopes()
            if not (self.ready or self.throwing):
                if not (self.fire_joins() or self.fire_conditions()):
                    return 0
                continue
            task = (self.ready or self.throwing).popleft()  # who waits is there before anything is thrown
            if task.state != TaskState.READY or task.id not in task.workflow.tasks:
                continue  # cancelled meanwhile
            ran += 1
            if ran > MAX_RUNS:
                raise StepFailed(element=task.task_spec.bpmn_id, reason="the process goes round without ever waiting")
            task.run()

    def close_scopes(self) -> None:
        """A scope without tokens is complete: its holder is done."""
        while self.touched:
            scope = self.touched.popleft()
            if isinstance(scope, SubScope) and not scope.live() and self.subprocesses.get(scope.parent_task_id) is scope:
                holder = scope.holder
                holder.task_spec.scope_done(holder, scope)

    def fire_joins(self) -> bool:
        """Inclusive joins decide when nothing else moves."""
        return any(task.task_spec.decide(task) for task in self.all_live() if hasattr(task.task_spec, "decide"))

    def fire_conditions(self) -> bool:
        """Conditional events happen when their condition becomes true."""
        return any(task.task_spec.look(task) for task in self.all_live() if hasattr(task.task_spec, "look"))

    # ---- what is told to the outside ---------------------------------------------------------------------------------
    def note(self, event: str, task: Task) -> None:
        """One line of the step's log."""
        self.log.append(Logged(event, task.task_spec.bpmn_id, self.token(task)))

    def closing(self, task: Task, element_id: str, reason: str) -> None:
        """Remember why a wait is about to end; what ends without a reason given was cancelled."""
        self.reasons[self.wait_token(task), element_id] = reason

    def wait_token(self, task: Task) -> str:
        """The token that a wait goes by: a boundary event waits under its host's."""
        return str(task.internal_data.get("host") or self.token(task))

    def waiting(self) -> dict[WaitKey, datetime | None]:
        """All that is waited for now, with its due moment."""
        found: dict[WaitKey, datetime | None] = {}
        for task in self.all_live():
            if task.state in (TaskState.WAITING, TaskState.STARTED):
                for kind, element_id, name, due_at in task.task_spec.waits(task):
                    found[kind, self.wait_token(task), element_id, name] = due_at
        return found

    # ---- events ------------------------------------------------------------------------------------------------------
    def deliver(self, kind: str, name: str, variables: Mapping[str, Any], place: tuple[str, str] | None = None) -> int:
        """Bring a message to the first that waits for it (or to the one at `place`), a signal to all; how many were reached."""
        wanted = WaitKind(kind)
        hits = [
            (task, element_id)
            for task in self.all_live()
            if task.state in (TaskState.WAITING, TaskState.STARTED)
            for row_kind, element_id, row_name, _ in task.task_spec.waits(task)
            if row_kind is wanted and row_name == name and place in (None, (self.wait_token(task), element_id))
        ]
        reached = 0
        for task, element_id in hits[:1] if wanted is WaitKind.MESSAGE else hits:
            if task.id in task.workflow.tasks:  # an earlier one may have taken it away
                self.assign(task.task_spec.sight(task), variables)
                task.task_spec.happen(task, element_id, wanted)
                reached += 1
        return reached

    def fire(self, token: str, element_id: str) -> bool:
        """Let the timer of an element fire; False when nothing waits for it."""
        for task in self.all_live():
            if task.state == TaskState.WAITING and self.wait_token(task) == token:
                rows = task.task_spec.waits(task)
                if any(kind is WaitKind.TIMER and element == element_id for kind, element, _, _ in rows):
                    task.task_spec.happen(task, element_id, WaitKind.TIMER)
                    return True
        return False

    def raise_code(self, task: Task, kind: str, code: str | None) -> None:
        """Bring an error or escalation outwards to the innermost activity that catches it (clause 10.5.6).

        An error that nobody catches ends the instance.
        """
        current: Task | None = task
        while current is not None:
            host = current.parent if "instances" in current.parent.internal_data else current
            boundary = find_boundary(host, kind, code)
            if boundary is not None:
                boundary.start(host)
                return
            scope = host.workflow
            current = scope.holder if isinstance(scope, SubScope) else None
        if kind == "error":
            self.clear(self)
            self.error = code or ""


def find_boundary(host: Task, kind: str, code: str | None) -> Any:
    """The boundary event of an activity that names the code, else the one that catches all; None without either."""
    specs = [host.workflow.spec.task_specs[name] for name in getattr(host.task_spec, "boundaries", ())]
    found = [
        (definition.code is None, place, spec)
        for place, spec in enumerate(specs)
        for event_kind, definition in spec.definitions
        if event_kind == kind and definition.code in (None, code)
    ]
    return min(found, key=lambda each: each[:2])[2] if found else None


def counters(task: Task) -> dict[str, int]:
    """`nrOfInstances` and its like for the innermost multi-instance activity around a task."""
    current: Task | None = task
    while current is not None:
        for candidate in (current, current.parent):
            if candidate is not None and "instances" in candidate.internal_data:
                state, running = candidate.internal_data["instances"], len(candidate._children)
                return {"nrOfInstances": state["n"], "nrOfCompletedInstances": state["done"], "nrOfActiveInstances": running}
        scope = current.workflow
        current = scope.holder if isinstance(scope, SubScope) else None
    return {}


WaitKey = tuple[WaitKind, str, str, str | None]
"""Kind, token, element and name: what identifies a wait within an instance."""

WaitRow = tuple[WaitKind, str, str | None, datetime | None]
"""Kind, element, name and due moment of one wait of a task."""
