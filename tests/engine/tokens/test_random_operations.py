"""Random operations on random processes: whatever people do, the instance stays one that the process could have come to."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import OperationNotSupported, StepFailed
from engine.kernel import (
    AddInstance,
    CancelBranch,
    Complete,
    Deliver,
    Fire,
    Move,
    Operation,
    Place,
    RemoveInstance,
    SetVariables,
    Wait,
    WaitKind,
)
from engine.model import Definition, Standing, read_diagram
from engine.model.concurrency import concurrency
from engine.tokens.problems import NoFlowTaken
from tests.engine.random_processes import processes
from tests.engine.tokens.player import Player

WORK = (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT)
UNKNOWN = ("quantities", "merging", "enough")
"""Blocks with several tokens at one place, which `engine.model.concurrency` does not tell apart."""
ENOUGH = 400
"""Steps in which every instance of such a process can be brought to its end."""


class Played(Player):
    """A player that also checks what holds after every step, and keeps the active activities as the log tells them."""

    def __init__(self, definition: Definition) -> None:
        self.told: dict[str, str] = {}
        super().__init__(definition, {"c": 2, "people": ["i", "j"]}, dump=True, process="random_process", at=None)

    def step(self, operation: Operation) -> Any:
        outcome = super().step(operation)
        for line in outcome.log:
            if line.token is not None and self.definition.nodes[line.element_id].is_activity:
                if line.event == "entered":
                    self.told[line.token] = line.element_id
                else:
                    self.told.pop(line.token, None)
        self.check()
        return outcome

    def check(self) -> None:
        """No orphan, no two tokens where the process has one, and the log tells the positions."""
        assert self.document is not None
        table = self.document["t"]
        holders = {record["in"] for record in table.values() if "in" in record}
        waiting = {token for _, token, _, _ in self.waits}
        for number, record in table.items():
            assert number in holders or number in waiting or "by" in record or "reset" in record, ("orphan", number, record)
        active = {number: record["at"] for number, record in table.items()
                  if self.definition.nodes[record["at"]].is_activity and not {"mi", "comp", "by"} & record.keys()}  # fmt: skip
        assert active == self.told, "the log does not tell the positions"
        for scope, record in table.items():
            if self.definition.nodes[record["at"]].is_scope and not {"mi", "comp"} & record.keys():
                self.check_scope(scope, record["at"])

    def check_scope(self, number: str, element: str) -> None:
        """All tokens of a scope can be there at the same time."""
        assert self.document is not None
        records = [
            (key, record) for key, record in self.document["t"].items() if record.get("in") == number and "comp" not in record
        ]
        late = [record["at"] for _, record in records if "reset" in record]
        relation = concurrency(self.definition, self.definition.nodes[element], late)
        places = [
            (relation.place(Standing(key, record["at"], record.get("by"))), record)
            for key, record in records
            if "reset" not in record
        ]
        for index, (place, record) in enumerate(places):
            for other, second in places[index + 1 :]:
                assert relation.beside(place, other), ("not beside each other", record, second)


def operations(case: Played, random: Random) -> Operation:
    """Something that people, time or others might do now."""
    wait: Wait = random.choice(list(case.waits.values()))
    dice = random.random()
    if wait.kind is WaitKind.TIMER:
        return fire(case, wait)
    if wait.kind in (WaitKind.MESSAGE, WaitKind.SIGNAL):
        return Deliver(wait.kind.value, wait.name or "", {"c": random.randrange(4)})
    if wait.kind is WaitKind.CONDITION:
        return SetVariables({"c": random.randrange(9)})
    if dice < 0.45:
        return Complete(wait.token, {"c": random.randrange(4)})
    if dice < 0.65:
        assert case.document is not None
        behind = case.kernel.behind(case.definition, case.process, case.document, wait.token)
        if behind:
            return Move((wait.token,), random.choice(behind), straight=random.random() < 0.5)
    if dice < 0.68:
        return Move((wait.token,), wait.element_id)
    if dice < 0.82:
        return CancelBranch(wait.token)
    if dice < 0.91:
        return AddInstance(wait.token, "k", random.choice(get_args(Place)))
    return RemoveInstance(wait.token)


def fire(case: Played, wait: Wait) -> Operation:
    """The timer is due; time moves to its moment."""
    assert wait.due_at is not None
    case.now = max(case.now, wait.due_at)
    return Fire(wait.token, wait.element_id)


def has_its_own(case: Played, token: str) -> bool:
    """Whether a token sees a `c` that is not the process's."""
    while token != "1":
        record = case.document["t"][token]
        if "c" in record.get("vars", {}):
            return True
        token = record["in"]
    return False


def finish(case: Played) -> None:
    """Bring the instance to its end by doing what it waits for: people first, then events from outside, then time."""

    def order(wait: Wait) -> tuple[bool, int, int]:
        node = case.definition.nodes[wait.element_id]
        again = node.kind in ("boundaryEvent", "startEvent") and not node.interrupting
        return again, WAITED.index(wait.kind), int(wait.token)

    for _ in range(ENOUGH):
        if case.ended:
            return
        wait = min(case.waits.values(), key=order)
        if wait.kind in WORK:
            case.step(Complete(wait.token, {"c": 2}))
        elif wait.kind in (WaitKind.MESSAGE, WaitKind.SIGNAL):
            case.step(Deliver(wait.kind.value, wait.name or ""))
        elif wait.kind is WaitKind.CONDITION:
            if has_its_own(case, wait.token):
                return  # what it waits for is a variable of a called process, which nobody outside can write
            case.step(SetVariables({"c": 2}))
            case.step(SetVariables({"c": 7}))
        else:
            case.step(fire(case, wait))
    raise AssertionError(f"the instance does not come to its end: {case.open(*WaitKind)}, {case.document}")


WAITED = [*WORK, WaitKind.MESSAGE, WaitKind.SIGNAL, WaitKind.CONDITION, WaitKind.TIMER]


def check(xml: bytes, seed: int, steps: int, done: Counter[str] | None = None) -> None:
    """Play a random process with random operations, then to its end."""
    found = read_diagram(xml, name="random")
    assert found.definition is not None, found.findings
    random, case = Random(seed), Played(found.definition)
    for _ in range(steps):
        if case.ended:
            break
        operation = operations(case, random)
        try:
            case.step(operation)
        except OperationNotSupported:
            continue
        except StepFailed:
            continue
        if done is not None:
            done[type(operation).__name__] += 1
    with suppress(NoFlowTaken):  # some are drawn so that nothing is left at the end
        finish(case)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(xml=processes(depth=3, without=UNKNOWN), seed=st.integers(0, 1_000_000))
def test_random_operations_keep_the_instance_sound(xml: bytes, seed: int) -> None:
    check(xml, seed, 25)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@given(xml=processes(depth=4, without=UNKNOWN), seed=st.integers(0, 1_000_000))
def test_many_random_operations_keep_the_instance_sound(xml: bytes, seed: int) -> None:
    check(xml, seed, 60)
