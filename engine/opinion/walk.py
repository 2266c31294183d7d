"""One random walk: what is done next is chosen by chance, less visited elements first, and done on both kernels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from engine.kernel import Complete, Deliver, Fire, Operation, SetVariables, Start, Throw, WaitKind
from engine.model import Definition
from engine.opinion.pair import Difference, Pair, PairedWait, with_token
from engine.opinion.values import Values

DONE_BY_US = (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT)
TRIES = 4
"""How often a step that fails on both kernels is tried again with other values."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that could be done next: `element` and what to call it, and the operation for the first and the second kernel."""

    element: str
    words: str
    make: Callable[[Mapping[str, Any]], tuple[Operation, Operation]]
    moment: datetime | None = None
    weight: float = 1.0


@dataclass(slots=True)
class Walked:
    """How a walk went. `after` are the words of the step at which the kernels differed."""

    started: bool = False
    steps: int = 0
    difference: Difference | None = None
    after: str = ""
    failure: str | None = None  # why the first step failed on both
    unsupported: str | None = None  # what a kernel refused


class Walk:
    """Walks one instance. `visited` counts over all walks of a process how often each element was met."""

    def __init__(self, pair: Pair, values: Values, random: Random, visited: Counter[str], codes: list[tuple[str, str]]) -> None:
        self.pair, self.values, self.random = pair, values, random
        self.visited, self.codes = visited, codes
        self.now = datetime.fromisoformat("2024-03-01T08:00:00+08:00")
        self.walked = Walked()

    def run(self, element_id: str | None, steps: int) -> Walked:
        """Start at a none start event (None) or at the given one, and do at most so many steps."""
        if not self._do([self._start(element_id)]):
            return self.walked
        self.walked.started = True
        while self.walked.steps < steps and not self.pair.ended:
            choices = self._choices()
            if not choices or not self._do(choices):
                break
        return self.walked

    def _do(self, choices: list[Choice]) -> bool:
        """Do one of the choices; whether the walk goes on."""
        for _ in range(TRIES):
            choice = self._pick(choices)
            moment = max(self.now, choice.moment or self.now)
            values = self.values.all(moment) if self.walked.steps == 0 else self.values.some(moment)
            difference = self.pair.step(choice.make(values), choice.moment or moment)
            if difference is not None:
                self.walked.difference, self.walked.after = difference, choice.words
                return False
            if self.pair.unsupported is not None:
                self.walked.unsupported = self.pair.unsupported
                return False
            if self.pair.failure is None:
                self.now = moment + timedelta(minutes=self.random.choice((0, 1, 90)))
                self.walked.steps += 1
                self.visited.update(self.pair.visited)
                self.pair.visited.clear()
                return True
        self.walked.failure = self.pair.failure
        return False

    def _pick(self, choices: list[Choice]) -> Choice:
        """Rarely visited elements are chosen more often."""
        weights = [choice.weight / (1 + self.visited[choice.element]) for choice in choices]
        return self.random.choices(choices, weights)[0]

    # ---- what can be done --------------------------------------------------------------------------------------------
    def _start(self, element_id: str | None) -> Choice:
        def make(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return Start(values, element_id), Start(values, element_id)

        return Choice(element_id or "", "start", make)

    def _choices(self) -> list[Choice]:
        """All that can be done with what waits now."""
        found: list[Choice] = []
        waits = self.pair.waits()
        for wait in waits:
            kind = wait.first.kind
            if kind in DONE_BY_US:
                found += self._complete(wait)
            elif kind in (WaitKind.MESSAGE, WaitKind.SIGNAL) and wait.first.name is not None:
                found += self._deliver(wait)
            elif kind is WaitKind.CONDITION:
                found.append(self._set(wait))
        due = [wait for wait in waits if wait.first.due_at is not None]
        if due:
            earliest = min(wait.first.due_at for wait in due if wait.first.due_at)
            found += [self._fire(wait) for wait in due if wait.first.due_at == earliest]
        return found

    def _complete(self, wait: PairedWait) -> list[Choice]:
        element, tokens = wait.first.element_id, (wait.first.token, wait.second.token)

        def complete(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return Complete(tokens[0], values), Complete(tokens[1], values)

        choices = [Choice(element, f"complete {element}", complete, weight=2.0)]
        for kind, code in self.codes:

            def throw(values: Mapping[str, Any], kind: str = kind, code: str = code) -> tuple[Operation, Operation]:
                return Throw(tokens[0], code, kind, values), Throw(tokens[1], code, kind, values)

            choices.append(Choice(element, f"{kind} {code} at {element}", throw, weight=0.3))
        return choices

    def _deliver(self, wait: PairedWait) -> list[Choice]:
        element, kind, name = wait.first.element_id, wait.first.kind.value, wait.first.name or ""

        def anywhere(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return Deliver(kind, name, values), Deliver(kind, name, values)

        def here(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            made = Deliver(kind, name, values, wait.first.token, element)
            return made, with_token(made, wait.second.token)

        return [Choice(element, f"{kind} {name}", here if kind == "message" else anywhere)]

    def _fire(self, wait: PairedWait) -> Choice:
        element, tokens = wait.first.element_id, (wait.first.token, wait.second.token)

        def make(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return Fire(tokens[0], element), Fire(tokens[1], element)

        return Choice(element, f"timer {element}", make, wait.first.due_at)

    def _set(self, wait: PairedWait) -> Choice:
        def make(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return SetVariables(values), SetVariables(values)

        return Choice(wait.first.element_id, "set variables", make)


def thrown_codes(definition: Definition, process_id: str) -> list[tuple[str, str]]:
    """(error or escalation, code) that a boundary event of the process waits for, to be raised at its activities."""
    found = {
        (event.kind, event.name)
        for node in definition.nodes.values()
        if node.process == process_id and node.kind == "boundaryEvent"
        for event in node.events
        if event.kind in ("error", "escalation") and event.name
    }
    return sorted((kind, name) for kind, name in found if name)
