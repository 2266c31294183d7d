"""A running instance: the queue of tokens, the variables of its scopes, events from outside and what is told to the outside."""

# SpiffWorkflow has no type hints: its classes are Any for the type checker.
# mypy: disable-error-code="misc"

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.errors import Finding, OperationNotSupported
from engine.kernel import Logged, Thrown, WaitKind
from engine.moments import Due, Workdays, count_weekdays
from engine.spiff import compensation
from engine.spiff.scopes import Scope, SubScope, WaitKey, WaitRow, counters, depth, find_boundary, outermost, write

MAX_RUNS = 5_000
"""Tasks that may run in one step: a limit of this kernel, which is slow. Mostly the process goes round without ever waiting."""
MAX_DEPTH = 100
"""Scopes inside each other: a limit of this kernel. More are mostly processes that call each other without end."""


class Instance(Scope, BpmnWorkflow):
    """One process instance during one step. `data` are the variables of the process; the tasks' own data stay empty."""

    def __init__(self, spec: Any, subprocess_specs: Mapping[str, Any], engine: Any, moment: datetime | None = None) -> None:
        super().__init__(spec, subprocess_specs, script_engine=engine, deserializing=True)
        self.data: dict[str, Any] = {}
        self.moment = moment
        self.workdays: Workdays = count_weekdays
        self.count = 0
        self.ready: deque[Task] = deque()
        self.throwing: deque[Task] = deque()
        self.touched: deque[Scope | Task] = deque()
        self.changed = True  # since conditional events were looked at last
        self.ended = False
        self.error: str | None = None
        self.log: list[Logged] = []
        self.thrown: list[Thrown] = []
        self.reasons: dict[WaitKey, str] = {}
        self.plant()

    @property
    def now(self) -> datetime:
        """The moment of the step: the only clock there is."""
        assert self.moment is not None
        return self.moment

    @property
    def scope_token(self) -> str:
        """The process itself is no token; what starts its event sub-processes goes by this name."""
        return "0"

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return not self.ended

    # ---- tokens ------------------------------------------------------------------------------------------------------
    def token(self, task: Task) -> str:
        """The name of a live task for the outside, given when it begins to be there; it keeps it as long as it lives."""
        if "token" not in task.internal_data:
            self.count += 1
            task.internal_data["token"] = str(self.count)
            self.changed = True  # a condition may hold already when it begins to be looked at
        token: str = task.internal_data["token"]
        return token

    def find(self, token: str) -> Task | None:
        """The live task with this token."""
        return next((task for task in self.all_live() if task.internal_data.get("token") == token), None)

    def wait_token(self, task: Task) -> str:
        """The token that a wait goes by: a boundary event waits under its host's, an event sub-process under its scope's."""
        if task is task.workflow.task_tree:
            scope: Scope = task.workflow
            return scope.scope_token
        return str(task.internal_data.get("host") or task.internal_data["token"])

    def all_live(self) -> list[Task]:
        """All live tasks of all scopes, outer scopes first."""
        return [task for scope in self.scopes() for task in scope.live()]

    def scopes(self) -> list[Scope]:
        """All open scopes, outer ones first."""
        return [self, *self.subprocesses.values()]

    def listening(self) -> list[tuple[Task, list[WaitRow]]]:
        """The tasks that wait for something, with what they wait for, oldest token first. The root of a scope waits for what
        starts its event sub-processes, and comes before the events at the border of its activity.
        """
        waiting = [task for task in self.all_live() if task.state in (TaskState.WAITING, TaskState.STARTED)]
        waiting = [task for task in waiting if "comp" not in task.internal_data] + [scope.task_tree for scope in self.scopes()]
        found = [(task, task.task_spec.waits(task)) for task in waiting]
        return sorted(((task, rows) for task, rows in found if rows), key=self.precedence)

    def precedence(self, each: tuple[Task, list[WaitRow]]) -> tuple[int, bool]:
        """The order in which tasks are told what has happened."""
        return int(self.wait_token(each[0])), "host" in each[0].internal_data

    def waiting(self) -> dict[WaitKey, datetime | None]:
        """All that is waited for now, with its due moment."""
        return {
            (kind, self.wait_token(task), element_id, name): due_at
            for task, rows in self.listening()
            for kind, element_id, name, due_at, _ in rows
        }

    def create_subprocess(self, my_task: Task, spec_name: str) -> SubScope:
        """The library's factory, with our class.

        Raises OperationNotSupported when processes call each other without end.
        """
        scope = SubScope(self.subprocess_specs.get(spec_name, self.spec), my_task.id, self)
        if scope.depth > MAX_DEPTH:
            raise OperationNotSupported(
                reason=Finding("spiff_too_deep", values={"element": my_task.task_spec.bpmn_id, "limit": MAX_DEPTH})
            )
        self.subprocesses[my_task.id] = scope
        return scope

    def cancel_task(self, task: Task) -> None:
        """Take a live task away with all that is inside it, without effect."""
        for key in list(task._children):
            self.cancel_task(task.workflow.tasks[key])
        scope = self.subprocesses.get(task.id)
        if scope is not None:
            self.clear(scope)
            del self.subprocesses[task.id]
        if task.state in (TaskState.STARTED, TaskState.WAITING) and "comp" not in task.internal_data:
            task.task_spec.cancelled(task)
        task._set_state(TaskState.CANCELLED)
        task.workflow.discard(task)

    def clear(self, scope: Scope, but: Task | None = None) -> None:
        """Take away everything in a scope."""
        for task in scope.live():
            if task.id in scope.tasks and task is not but:
                self.cancel_task(task)

    # ---- variables ---------------------------------------------------------------------------------------------------
    def layers(self, task: Task, *, writing: bool = False, around: bool = False) -> Iterator[dict[str, Any]]:
        """The variables that a task sees, innermost first; `writing`: only those that it can write; `around`: without its own."""
        for each in filter(None, (task.parent,) if around else (task, task.parent)):
            if "vars" in each.internal_data:
                yield each.internal_data["vars"]
            if not writing:
                yield counters(each)
        yield from self.scope_layers(task.workflow, writing=writing)

    def scope_layers(self, scope: Any, *, writing: bool) -> Iterator[dict[str, Any]]:
        """The variables that are seen inside a scope."""
        if scope is self:
            yield self.data
            return
        if scope.called:
            yield scope.data
            if writing or scope.closed:
                return
        yield from self.layers(scope.holder, writing=writing)

    def environment(self, task: Task, *, around: bool = False) -> dict[str, Any]:
        """What a task sees: inner variables over outer ones."""
        seen: dict[str, Any] = {}
        for layer in reversed(list(self.layers(task, around=around))):
            seen.update(layer)
        return seen

    def assign(self, task: Task, values: Mapping[str, Any], *, around: bool = False) -> None:
        """Write each value where its name is known, else at the process around."""
        write(list(self.layers(task, writing=True, around=around)), values)
        self.changed = True

    def assign_inside(self, scope: Scope, values: Mapping[str, Any]) -> None:
        """The same for a scope."""
        write(list(self.scope_layers(scope, writing=True)), values)
        self.changed = True

    # ---- the loop ----------------------------------------------------------------------------------------------------
    def _do_engine_steps(self, will_complete_task: Any = None, did_complete_task: Any = None) -> int:
        """The library's step: here until nothing can move. Both callbacks are unused."""
        ran = 0
        while not self.ended:
            if self.touched:
                self.settle(self.touched.pop())
            elif self.changed and self.spec.conditional:
                self.changed = self.fire_conditions()
            elif self.ready or self.throwing:
                task = (self.ready or self.throwing).popleft()  # who waits is there before anything is thrown
                if task.state == TaskState.READY and task.id in task.workflow.tasks:  # else cancelled meanwhile
                    ran += 1
                    if ran > MAX_RUNS:
                        raise OperationNotSupported(reason=endless(task))
                    task.run()
                    self.changed = True
            elif not (self.spec.joins and self.fire_joins()):
                break
        return 0

    def settle(self, place: Scope | Task) -> None:
        """A scope without tokens is complete; an activity without open instances goes on."""
        if isinstance(place, Task):
            if place.id in place.workflow.tasks and not place._children:
                place.task_spec.go_on(place)
        elif not place.live():
            if place is self:
                self.note("completed", self.spec.name)
                self.ended = True
            elif isinstance(place, SubScope) and place.open:
                if place.compensates:
                    compensation.go_on(place)
                else:
                    place.holder.task_spec.scope_done(place.holder, place)

    def fire_joins(self) -> bool:
        """Inclusive and complex joins decide when nothing else moves, oldest token first."""
        joins = [task for task in self.all_live() if hasattr(task.task_spec, "decide")]
        return any(task.task_spec.decide(task) for task in sorted(joins, key=lambda task: int(self.token(task))))

    def fire_conditions(self) -> bool:
        """Conditional events happen when their condition becomes true."""
        return any(task.task_spec.look(task) for task, _ in self.listening() if hasattr(task.task_spec, "look"))

    def end(self, error: str | None = None) -> None:
        """The instance is over."""
        self.clear(self)
        self.ended, self.error = True, error

    # ---- what is told to the outside ---------------------------------------------------------------------------------
    def note(self, event: str, element_id: str, task: Task | None = None) -> None:
        """One line of the step's log."""
        self.log.append(Logged(event, element_id, task.internal_data.get("token") if task is not None else None))

    def closing(self, task: Task, rows: list[WaitRow], reason: str) -> None:
        """Remember why waits are about to end; what ends without a reason given was cancelled."""
        for kind, element_id, name, _, _ in rows:
            self.reasons.setdefault((kind, self.wait_token(task), element_id, name), reason)

    # ---- events ------------------------------------------------------------------------------------------------------
    def deliver(self, kind: str, name: str, variables: Mapping[str, Any], token: str | None, element_id: str | None) -> int:
        """Bring a message to the first that waits for it, a signal to all; how many were reached.

        Inner scopes come first, in one scope event sub-processes before the boundary, then what interrupts, then those that wait
        longer. An event sub-process that interrupts its scope consumes the signal: the boundary does not hear it (clause 10.5.6).
        """
        wanted = WaitKind(kind)
        hits = [
            (task, row[1], row[4])
            for task, rows in self.listening()
            for row in rows
            if row[0] is wanted and row[2] == name and token in (None, self.wait_token(task)) and element_id in (None, row[1])
        ]
        hits.sort(key=lambda hit: (-depth(hit[0].task_spec.sight(hit[0])), *hit[0].task_spec.rank(hit[1])))
        reached, consumed = 0, set[str]()
        for task, element, index in hits[:1] if wanted is WaitKind.MESSAGE else hits:
            if self.still_waits(task) and task.internal_data.get("host") not in consumed:
                if task is task.workflow.task_tree and task.task_spec.rank(element) == (0, False):
                    consumed.add(self.border(task.workflow))
                self.assign(task.task_spec.sight(task), variables)
                task.task_spec.happen(task, element, index)
                reached += 1
        return reached

    def still_waits(self, task: Task) -> bool:
        """Whether nothing has taken away what waits there."""
        if task is task.workflow.task_tree:
            return task.workflow.open and bool(task.task_spec.waits(task))
        return task.id in task.workflow.tasks

    def border(self, scope: Scope) -> str:
        """The token under which the events at the border of a scope wait."""
        return self.token(outermost(scope.holder)) if isinstance(scope, SubScope) else scope.scope_token

    def emit(self, task: Task, element_id: str, kind: str, name: str | None) -> None:
        """A message or signal goes out, with what the task sees; a signal is also heard inside."""
        if name is None:  # only read for a simulation: nobody could wait for it
            return
        self.thrown.append(Thrown(kind, name, element_id, self.environment(task)))
        if kind == "signal":
            self.deliver("signal", name, {}, None, None)

    def fire(self, token: str, element_id: str) -> bool:
        """Let the timer of an element fire; False when nothing waits for it."""
        for task, rows in self.listening():
            timers = [row for row in rows if row[0] is WaitKind.TIMER and row[1] == element_id]
            if timers and self.wait_token(task) == token:
                task.task_spec.happen(task, element_id, timers[0][4])
                return True
        return False

    def reschedule(self, token: str, element_id: str, moment: datetime) -> bool:
        """Let the timer of an element be due at another moment; False when nothing waits for it."""
        for task, rows in self.listening():
            if self.wait_token(task) == token and any(row[0] is WaitKind.TIMER and row[1] == element_id for row in rows):
                armed = task.internal_data["due"]
                armed[element_id] = replace(Due.load(armed[element_id]), at=moment).dump()
                return True
        return False

    def consume_arrived(self, task: Task) -> None:
        """Other tokens that have come to the same error end event in this step end there too (clause 13.5.6)."""
        arrived = [other for other in self.throwing if other.task_spec is task.task_spec and other.workflow is task.workflow]
        for other in arrived:
            self.throwing.remove(other)
            self.note("completed", other.task_spec.bpmn_id)

    def raise_code(self, task: Task, kind: str, code: str | None, message: str | None = None) -> bool:
        """Bring an error, escalation or cancellation outwards to what catches it first; whether anything did (clause 10.5.6).


        At each activity its event sub-processes come before its boundary. What is raised in an event sub-process is not caught by
        those beside it. An error that nobody catches ends the instance.
        """
        current: Task | None = task
        while current is not None:
            host = outermost(current)
            boundary = find_boundary(host, kind, code)
            if boundary is not None:
                self.assign(host, told(boundary, kind, code, message), around=True)
                boundary.start(host)
                return True
            root = host.workflow.task_tree
            start = None if current.task_spec.triggered else root.task_spec.catching(root, kind, code)
            if start is not None:
                self.assign_inside(host.workflow, told(start, kind, code, message))
                root.task_spec.begin(root, start)
                return True
            current = host.workflow.holder if isinstance(host.workflow, SubScope) else None
        if kind == "error":
            self.end(code or "")
        return False


def told(spec: Any, kind: str, code: str | None, message: str | None) -> dict[str, Any]:
    """The variables that a catching event names for the code and the message of what it catches."""
    names = spec.extensions.get("told", {})
    values = {names.get(f"{kind}CodeVariable"): code, names.get(f"{kind}MessageVariable"): message}
    return {name: value for name, value in values.items() if name}


def endless(task: Task) -> Finding:
    """Why a step was given up."""
    return Finding("spiff_endless", values={"element": task.task_spec.bpmn_id, "limit": MAX_RUNS})
