"""Random walks of one process on both kernels, and on to its end: no difference, and nothing that gets stuck."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from engine.kernel import Complete, Deliver, Fire, Operation, SetVariables, WaitKind
from engine.model import read_diagram
from engine.opinion import start_elements
from engine.opinion.pair import Difference, Pair, PairedWait, Side, with_token
from engine.opinion.uses import collect_uses
from engine.opinion.values import Values
from engine.opinion.walk import DONE_BY_US, Choice, Memory, Walk, thrown_codes
from engine.spiff import SpiffKernel
from engine.tokens import TokenKernel

KERNELS = (TokenKernel(), SpiffKernel())
PROCESS = "random_process"
GIVEN = {"c": 1, "people": ["A", "B"]}
MOST = 600
"""Steps to the end."""


class WatchedPair(Pair):
    """Also compares where tokens are, those that wait at joins too, and why waits have ended."""

    def step(self, operations: tuple[Operation, Operation], moment: datetime) -> Difference | None:
        difference = super().step(operations, moment)
        if difference is None and self.failure is None and self.refused is None:
            first, second = map(self.say, self.sides)
            if first != second:
                return Difference("positions", None, str(first), str(second))
        return difference

    def say(self, side: Side) -> tuple[list[str], list[tuple[str, ...]]]:
        """Elements that hold tokens, and waits that have ended in the last step."""
        assert side.outcome is not None
        found = side.kernel.positions(self.definition, self.process_id, side.outcome.document)
        closed = [(each.kind.value, each.element_id, each.reason) for each in side.outcome.closed]
        return sorted(element for _, element in found), sorted(closed)


class LongWalk(Walk):
    """Errors mostly end everything: they are raised less often than usual."""

    def _complete(self, wait: PairedWait) -> list[Choice]:
        return [replace(each, weight=each.weight / 10 if each.words.startswith("error") else each.weight)
                for each in super()._complete(wait)]  # fmt: skip


class Starting(Values):
    """What random processes always ask for is always there at the start."""

    def all(self, now: datetime) -> dict[str, Any]:
        return GIVEN | super().all(now)


def check(xml: bytes, *, walks: int, steps: int = 20, ends: bool = True, walk_class: type[Walk] = LongWalk) -> int:
    """Walk with random choices, then straight on to the end (`ends`); the number of steps made.

    Every step loads and dumps the documents as JSON, on both kernels.
    """
    read = read_diagram(xml, name="random.bpmn")
    assert read.definition is not None, read.findings
    definition, done = read.definition, 0
    # nothing leaves a transaction whose cancellation nobody catches, and what is behind it may wait for ever: the reader warns
    ends = ends and all(finding.code != "diagram_cancel_not_caught" for finding in read.findings)
    uses, codes, memory = collect_uses(definition, PROCESS), thrown_codes(definition, PROCESS), Memory()
    starts = start_elements(definition, PROCESS)
    for number in range(walks):
        random = Random(number)
        walk = walk_class(WatchedPair(definition, PROCESS, KERNELS), Starting(uses, random), random, memory, codes)
        walked = walk.start(starts[number % len(starts)], steps)
        assert walked.difference is None, (walked.after, walked.difference)
        assert walked.refused is None, walked.refused
        done += walked.steps
        if ends and walked.started:
            done += finish(walk.pair, walk.now)
    return done


def finish(pair: Pair, now: datetime) -> int:
    """Do what is oldest, people before timers, until the instance ends; the number of steps."""
    difference = None if pair.ended else pair.step((SetVariables({"c": 0}), SetVariables({"c": 0})), now)  # it may be a text
    assert difference is None and pair.failure is None, (difference, pair.failure)
    looked: set[str] = set()
    for step in range(MOST):
        if pair.ended:
            return step
        waits = pair.waits()
        assert waits, f"stuck at {pair.positions()}"
        wait = min(waits, key=lambda each: order(pair, each, now))
        if wait.first.kind is WaitKind.CONDITION and not order(pair, wait, now)[0]:
            if wait.first.token in looked:  # the variable that it asks for is that of a called process
                return step
            looked.add(wait.first.token)
        now = max(now, wait.first.due_at or now)
        difference = pair.step(operations(wait), wait.first.due_at or now)
        assert difference is None, (wait.first, difference)
        assert pair.failure is None, (wait.first, pair.failure)
    begun_by_it = [wait for wait in pair.waits() if wait.first.kind is WaitKind.CONDITION and order(pair, wait, now)[0]]
    assert begun_by_it, f"no end after {MOST} steps at {pair.positions()}"
    return MOST  # the variable that one waits for within begins another one each time


def order(pair: Pair, wait: PairedWait, now: datetime) -> tuple[Any, ...]:
    """What comes first; last what could happen again and again."""
    node = pair.definition.nodes[wait.first.element_id]
    again = node.kind in ("boundaryEvent", "startEvent") and not node.interrupting
    return again, ORDER[wait.first.kind], wait.first.due_at or now, int(wait.first.token)


ORDER = {
    **dict.fromkeys(DONE_BY_US, 0),
    WaitKind.TIMER: 1,
    WaitKind.MESSAGE: 2,
    WaitKind.SIGNAL: 2,
    WaitKind.CONDITION: 3,
}


def operations(wait: PairedWait) -> tuple[Operation, Operation]:
    """What makes a wait happen, for each kernel; loops do not go on with these values."""
    first, second = wait.first.token, wait.second.token
    element, kind = wait.first.element_id, wait.first.kind
    if kind in DONE_BY_US:
        return Complete(first, {"c": 0}), Complete(second, {"c": 0})
    if kind is WaitKind.TIMER:
        return Fire(first, element), Fire(second, element)
    if kind is WaitKind.CONDITION:
        return SetVariables({"c": 7}), SetVariables({"c": 7})
    here = Deliver(kind.value, wait.first.name or "", {}, first, element)
    return here, with_token(here, second)
