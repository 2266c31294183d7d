"""One random walk: what is done next is chosen by chance, what was rarely done more often, and done on both kernels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from engine.errors import OperationNotSupported
from engine.kernel import Complete, Deliver, Fire, Operation, SetVariables, Start, Throw, WaitKind
from engine.model import Definition, called_processes
from engine.opinion.pair import Difference, Pair, PairedWait, Place, with_token
from engine.opinion.values import Values

DONE_BY_US = (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT)
MOST_PLACES = 200
TRIES = 4
"""How often a step that fails on both kernels is tried again with other values."""
MOST_FAILURES = 60
"""Of all walks together: a diagram whose steps mostly fail is not worth more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that could be done next: what to call it, and the operation for the first and for the second kernel."""

    words: str
    make: Callable[[Mapping[str, Any]], tuple[Operation, Operation]]
    moment: datetime | None = None
    weight: float = 1.0


@dataclass(slots=True)
class Walked:
    """How a walk went. `after` are the words of the step at which the kernels differed, or after which nothing was waited for
    although the instance had not ended: then `stuck` are the elements at which tokens are.
    """

    started: bool = False
    steps: int = 0
    difference: Difference | None = None
    after: str = ""
    stuck: list[str] = field(default_factory=list)
    failure: str | None = None  # why the first step failed on both
    refused: OperationNotSupported | None = None  # what one of the kernels cannot do


@dataclass(slots=True)
class Memory:
    """What all walks of one process know: how often each thing was done, the elements that were come to, and one place for
    each set of waiting elements, with how often a walk began there.
    """

    done: Counter[str] = field(default_factory=Counter)
    visited: set[str] = field(default_factory=set)
    places: dict[tuple[str, ...], Place] = field(default_factory=dict)
    begun: Counter[tuple[str, ...]] = field(default_factory=Counter)
    failures: int = 0


class Walk:
    """Walks one instance; `codes` are the errors and escalations that are raised now and then."""

    def __init__(self, pair: Pair, values: Values, random: Random, memory: Memory, codes: list[tuple[str, str]]) -> None:
        self.pair, self.values, self.random = pair, values, random
        self.memory, self.codes = memory, codes
        self.now = datetime.fromisoformat("2024-03-01T08:00:00+08:00")
        self.walked = Walked()
        self.latest = ""  # the words of the last step

    def start(self, element_id: str | None, steps: int) -> Walked:
        """Start at the none start events (None) or at the given one, and do at most so many steps."""
        if self._do([self._start(element_id)]):
            self.walked.started = True
            self._go_on(steps)
        return self.walked

    def resume(self, steps: int) -> Walked:
        """Walk on from the place where the fewest walks began."""
        key = min(self.memory.places, key=lambda each: self.memory.begun[each])
        place = self.memory.places[key]
        self.memory.begun[key] += 1
        self.pair.go_to(place)
        self.now = place.now
        self.walked.started = True
        self._go_on(steps)
        return self.walked

    def _go_on(self, steps: int) -> None:
        while self.walked.steps < steps and not self.pair.ended:
            choices = self._choices()
            if not self.pair.waits():
                self.walked.stuck, self.walked.after = self.pair.positions(), self.latest
            if not choices or not self._do(choices):
                return

    def _do(self, choices: list[Choice]) -> bool:
        """Do one of the choices; whether the walk goes on."""
        for _ in range(TRIES):
            choice = self._pick(choices)
            moment = max(self.now, choice.moment or self.now)
            values = self.values.some(moment) if self.walked.started else self.values.all(moment)
            difference = self.pair.step(choice.make(values), choice.moment or moment)
            if difference is not None:
                self.walked.difference, self.walked.after = difference, choice.words
                return False
            if self.pair.refused is not None:
                self.walked.refused = self.pair.refused
                return False
            if self.pair.failure is None:
                self.now = moment + timedelta(minutes=self.random.choice((0, 1, 90)))
                self._remember(choice)
                return True
            self.memory.failures += 1
            if self.memory.failures >= MOST_FAILURES:
                break
        self.walked.failure = self.pair.failure
        return False

    def _remember(self, choice: Choice) -> None:
        self.latest = choice.words
        self.walked.steps += 1
        self.memory.done[choice.words] += 1
        self.memory.visited |= self.pair.visited
        elements = tuple(sorted(wait.first.element_id for wait in self.pair.waits()))
        if elements and elements not in self.memory.places and len(self.memory.places) < MOST_PLACES:
            self.memory.places[elements] = self.pair.place(self.now)

    def _pick(self, choices: list[Choice]) -> Choice:
        """What was rarely done is chosen more often."""
        weights = [choice.weight / (1 + self.memory.done[choice.words]) for choice in choices]
        return self.random.choices(choices, weights)[0]

    # ---- what can be done --------------------------------------------------------------------------------------------
    def _start(self, element_id: str | None) -> Choice:
        def make(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return Start(values, element_id), Start(values, element_id)

        return Choice("start", make)

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
                found.append(self._set())
        due = [wait for wait in waits if wait.first.due_at is not None]
        if due:
            earliest = min(wait.first.due_at for wait in due if wait.first.due_at)
            found += [self._fire(wait) for wait in due if wait.first.due_at == earliest]
        return found

    def _complete(self, wait: PairedWait) -> list[Choice]:
        element, tokens = wait.first.element_id, (wait.first.token, wait.second.token)

        def complete(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return Complete(tokens[0], values), Complete(tokens[1], values)

        choices = [Choice(f"complete {element}", complete, weight=2.0)]
        for kind, code in self.codes:

            def throw(values: Mapping[str, Any], kind: str = kind, code: str = code) -> tuple[Operation, Operation]:
                return Throw(tokens[0], code, kind, values), Throw(tokens[1], code, kind, values)

            choices.append(Choice(f"{kind} {code} at {element}", throw, weight=0.3))
        return choices

    def _deliver(self, wait: PairedWait) -> list[Choice]:
        element, kind, name = wait.first.element_id, wait.first.kind.value, wait.first.name or ""

        def anywhere(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return Deliver(kind, name, values), Deliver(kind, name, values)

        def here(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            made = Deliver(kind, name, values, wait.first.token, element)
            return made, with_token(made, wait.second.token)

        return [Choice(f"{kind} {name} at {element}", here if kind == "message" else anywhere)]

    def _fire(self, wait: PairedWait) -> Choice:
        element, tokens = wait.first.element_id, (wait.first.token, wait.second.token)

        def make(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return Fire(tokens[0], element), Fire(tokens[1], element)

        return Choice(f"timer {element}", make, wait.first.due_at)

    def _set(self) -> Choice:
        def make(values: Mapping[str, Any]) -> tuple[Operation, Operation]:
            return SetVariables(values), SetVariables(values)

        return Choice("set variables", make)


def thrown_codes(definition: Definition, process_id: str) -> list[tuple[str, str]]:
    """(error or escalation, code) that the process, or one that it calls, waits for on a boundary or in an event sub-process:
    to be raised at activities."""
    processes = called_processes(definition, process_id)
    found = {
        (event.kind, event.name)
        for node in definition.nodes.values()
        if node.process in processes and node.kind in ("boundaryEvent", "startEvent")
        for event in node.events
        if event.kind in ("error", "escalation") and event.name
    }
    return sorted((kind, name) for kind, name in found if name)
