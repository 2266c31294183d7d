"""A small world for one conformance case: several instances of one file, a virtual clock, a router, automatic completion."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.conformance.scripts import run_assignments
from engine.kernel import (
    Complete,
    Deliver,
    Document,
    Fire,
    Kernel,
    Operation,
    Outcome,
    SetVariables,
    Start,
    Thrown,
    Wait,
    WaitKind,
)
from engine.model import Definition, EventDefinition, Node, event_starts, starting_nodes
from engine.moments import first_due

BEGIN = datetime(2022, 7, 1, tzinfo=UTC)
WORK = (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT)
MAX_STEPS = 20_000
"""Steps of one case: more never come to rest."""

Key = tuple[WaitKind, str, str, str | None]


class NeverQuiet(Exception):
    """The case does not come to rest."""


@dataclass(eq=False)
class Instance:
    """One instance and what it waits for, kept by the differences alone that the kernel tells."""

    process_id: str
    document: Document | None = None
    waits: dict[Key, Wait] = field(default_factory=dict)
    ended: bool = False
    error: str | None = None


class Host:
    """Runs instances of one definition on one kernel.

    `completes` says which tasks are done as soon as they wait; all others wait for `trigger`. With `dump` every document
    goes through JSON text between any two steps.
    """

    def __init__(
        self, kernel: Kernel, definition: Definition, *, completes: Callable[[Node], bool] = lambda node: True, dump: bool = False
    ) -> None:
        self.kernel, self.definition, self.completes, self.dump = kernel, definition, completes, dump
        self.now = BEGIN
        self.instances: list[Instance] = []
        self.completed: list[str] = []  # element ids, in order
        self.variables: dict[str, Any] = {}  # of instances that an event starts
        self.starts: list[tuple[datetime, str, str]] = []  # moment, process, start event
        self.thrown: deque[tuple[Instance | None, Thrown]] = deque()
        self.steps = 0

    # ---- what a case does --------------------------------------------------------------------------------------------
    def start(self, process_id: str, variables: Mapping[str, Any], element_id: str | None = None) -> None:
        """Start an instance and let everything come to rest."""
        self.variables = dict(variables)
        if element_id is None and not starting_nodes(self.definition, self.definition.processes[process_id].node):
            self._await_start(process_id)
        else:
            self._start(process_id, element_id)
        self.settle()

    def _await_start(self, process_id: str) -> None:
        """The process begins with an event alone: a timer will start it, or a condition does now; others are thrown."""
        for node, event in event_starts(self.definition, self.definition.processes[process_id].node):
            if event.timer is not None:
                due = first_due(event.timer.kind, event.timer.value.evaluate(self.variables), self.now)
                self.starts.append((due.at, process_id, node.id))
            elif event.condition is not None and event.condition.evaluate(self.variables):
                self._start(process_id, node.id)

    def _start(self, process_id: str, element_id: str | None) -> None:
        instance = Instance(process_id)
        self.instances.append(instance)
        self._step(instance, Start(self.variables, element_id))

    def settle(self) -> None:
        """Complete what completes by itself, then bring what was thrown to whoever waits for it, until nothing moves."""
        while self._complete_one() or self._route_one():
            pass

    def advance(self, seconds: float) -> None:
        """Let time pass; timers fire in the order of their moments."""
        until = self.now + timedelta(seconds=seconds)
        while True:
            for start in [start for start in self.starts if start[0] <= until]:
                self.starts.remove(start)
                self.now = max(self.now, start[0])
                self._start(start[1], start[2])
                self.settle()
            due = [
                (wait.due_at, index, wait)
                for index, instance in enumerate(self.instances)
                for wait in instance.waits.values()
                if wait.due_at is not None and wait.due_at <= until
            ]
            if not due:
                break
            moment, index, wait = min(due, key=lambda entry: entry[:2])
            self.now = max(self.now, moment)
            self._step(self.instances[index], Fire(wait.token, wait.element_id))
            self.settle()
        self.now = until

    def set_variables(self, values: Mapping[str, Any]) -> None:
        """Write variables in every running instance, and for those to come."""
        self.variables.update(values)
        for instance in self._running():
            self._step(instance, SetVariables(values))
        self.settle()

    def trigger(self, element_id: str) -> bool:
        """Complete a held task or make a waiting event happen; whether anything waited there."""
        for instance in self._running():
            for wait in list(instance.waits.values()):
                operation = _operation(wait) if wait.element_id == element_id else None
                if operation is not None:
                    self._step(instance, operation)
                    self.settle()
                    return True
        return False

    def publish(self, name: str) -> None:
        """A message comes from outside."""
        self.thrown.append((None, Thrown("message", name, "", {})))
        self.settle()

    # ---- how it happens ----------------------------------------------------------------------------------------------
    def _running(self) -> Iterator[Instance]:
        return (instance for instance in list(self.instances) if not instance.ended)

    def _step(self, instance: Instance, operation: Operation) -> Outcome:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise NeverQuiet(f"more than {MAX_STEPS} steps")
        outcome = self.kernel.step(self.definition, instance.process_id, instance.document, operation, self.now)
        instance.document = json.loads(json.dumps(outcome.document)) if self.dump else outcome.document
        instance.ended, instance.error = outcome.ended, outcome.error
        for closed in outcome.closed:
            if instance.waits.pop((closed.kind, closed.token, closed.element_id, closed.name), None) is None:
                raise AssertionError(f"{closed} was never opened")
        for wait in outcome.opened:
            key = (wait.kind, wait.token, wait.element_id, wait.name)
            if key in instance.waits:
                raise AssertionError(f"{wait} is open already")
            instance.waits[key] = wait
        if instance.ended and instance.waits:
            raise AssertionError(f"ended, but still waits for {list(instance.waits)}")
        self.completed += [line.element_id for line in outcome.log if line.event == "completed"]
        self.thrown += [(instance, thrown) for thrown in outcome.thrown]
        return outcome

    def _complete_one(self) -> bool:
        for instance in self._running():
            for wait in instance.waits.values():
                node = self.definition.nodes[wait.element_id]
                if wait.kind in WORK and self.completes(node):
                    variables = run_assignments(node.script or "", wait.variables or {}) if wait.kind is WaitKind.SCRIPT else {}
                    self._step(instance, Complete(wait.token, variables))
                    return True
        return False

    def _route_one(self) -> bool:
        """A message goes to the first that waits, a signal to all others (its own instance has had it); then to starts."""
        if not self.thrown:
            return False
        source, thrown = self.thrown.popleft()
        for instance in self._running():
            waits = any(wait.kind.value == thrown.kind and wait.name == thrown.name for wait in instance.waits.values())
            if waits and not (thrown.kind == "signal" and instance is source):
                self._step(instance, Deliver(thrown.kind, thrown.name))
                if thrown.kind == "message":
                    return True
        for process in self.definition.processes.values():
            for node, event in event_starts(self.definition, process.node):
                if _matches(event, thrown):
                    self._start(process.id, node.id)
        return True


def _matches(event: EventDefinition, thrown: Thrown) -> bool:
    return event.kind == thrown.kind and event.name == thrown.name


def _operation(wait: Wait) -> Operation | None:
    """What makes a wait happen; None for a condition, which only data can meet."""
    if wait.kind in WORK:
        return Complete(wait.token)
    if wait.kind is WaitKind.TIMER:
        return Fire(wait.token, wait.element_id)
    if wait.kind in (WaitKind.MESSAGE, WaitKind.SIGNAL):
        return Deliver(wait.kind.value, wait.name or "", token=wait.token, element_id=wait.element_id)
    return None
