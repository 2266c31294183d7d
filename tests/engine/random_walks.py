"""Random walks of one process on both kernels, and on to its end: no difference, and nothing that gets stuck."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

from engine.kernel import Complete, Deliver, Fire, Operation, SetVariables, WaitKind
from engine.model import read_diagram
from engine.opinion import start_elements
from engine.opinion.pair import Pair, PairedWait, with_token
from engine.opinion.uses import collect_uses
from engine.opinion.values import Values
from engine.opinion.walk import DONE_BY_US, Memory, Walk, thrown_codes
from engine.spiff import SpiffKernel
from engine.tokens import TokenKernel

KERNELS = (TokenKernel(), SpiffKernel())
PROCESS = "random_process"
GIVEN = {"c": 1, "people": ["A", "B"]}
MOST = 600
"""Steps to the end."""


class Starting(Values):
    """What random processes always ask for is always there at the start."""

    def all(self, now: datetime) -> dict[str, Any]:
        return GIVEN | super().all(now)


def check(xml: bytes, *, walks: int, steps: int = 20, ends: bool = True, walk_class: type[Walk] = Walk) -> int:
    """Walk with random choices, then straight on to the end (`ends`); the number of steps made.

    Every step loads and dumps the documents as JSON, on both kernels.
    """
    read = read_diagram(xml, name="random.bpmn")
    assert read.definition is not None, read.findings
    definition, done = read.definition, 0
    uses, codes, memory = collect_uses(definition, PROCESS), thrown_codes(definition, PROCESS), Memory()
    starts = start_elements(definition, PROCESS)
    for number in range(walks):
        random = Random(number)
        walk = walk_class(Pair(definition, PROCESS, KERNELS), Starting(uses, random), random, memory, codes)
        walked = walk.start(starts[number % len(starts)], steps)
        assert walked.difference is None, (walked.after, walked.difference)
        assert walked.refused is None, walked.refused
        done += walked.steps
        if ends and walked.started:
            done += finish(walk.pair, walk.now)
    return done


def finish(pair: Pair, now: datetime) -> int:
    """Do what is oldest, people before timers, until the instance ends; the number of steps."""
    for step in range(MOST):
        if pair.ended:
            return step
        waits = pair.waits()
        assert waits, f"stuck at {pair.positions()}"
        wait = min(waits, key=lambda each: order(pair, each, now))
        now = max(now, wait.first.due_at or now)
        difference = pair.step(operations(wait), wait.first.due_at or now)
        assert difference is None, (wait.first, difference)
        assert pair.failure is None, (wait.first, pair.failure)
    raise AssertionError(f"no end after {MOST} steps at {pair.positions()}")


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
