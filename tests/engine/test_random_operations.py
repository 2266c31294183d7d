"""Random operations through the store: rows mirror the document, the preview is the effect, the history tells it."""

from __future__ import annotations

from collections import Counter
from itertools import count
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.definitions import deploy
from engine.errors import DiagramRefused, InstanceNotRunning, OperationNotSupported, StepFailed
from engine.history import list_entries
from engine.instances import advance_instance, resume_instance, start_instance, suspend_instance
from engine.kernel import Operation, Wait, WaitKind
from engine.moments import Due
from engine.preview import Preview, preview
from engine.states import read_state
from engine.tables import subscription, timer, user_task
from engine.tokens import TokenKernel
from engine.tokens.plan import plan_for
from engine.tokens.waits import waits_of
from engine.verification import verify_chain
from engine.work import ProcessEngine, Work
from tests.engine.random_processes import processes
from tests.engine.tokens.test_random_operations import operations

NUMBERS = count()
MIRRORED = {
    WaitKind.TASK: "task",
    WaitKind.TIMER: "timer",
    WaitKind.SCRIPT: "timer",
    WaitKind.MESSAGE: "message",
    WaitKind.SIGNAL: "signal",
}


class Stored:
    """An instance as it is stored, seen as the random operations want it."""

    def __init__(self, process_engine: ProcessEngine, instance_id: str) -> None:
        self.kernel, self.process, self.now = TokenKernel(), "random_process", process_engine.clock.now()
        with process_engine.read() as work:
            loaded, self.document = read_state(work, instance_id)
            self.definition, plan = loaded.model, plan_for(loaded.model)
            self.waits: dict[Any, Wait] = {}
            for number, record in self.document["t"].items():
                for key, due in waits_of(plan, number, record).items():
                    at = Due.load(due).at if due else None
                    self.waits[key] = Wait(key[0], key[1], key[2], due_at=at, name=key[3])
            self.rows = read_rows(work, instance_id)
            self.entries = list_entries(work, instance_id)

    def check(self) -> None:
        """The rows are those that the document wants; the history tells which tasks are open."""
        wanted = Counter(
            (MIRRORED[wait.kind], wait.token, wait.element_id) for wait in self.waits.values() if wait.kind in MIRRORED
        )
        assert self.rows == wanted
        tasks = {key for key, node in self.definition.nodes.items() if node.kind in ("userTask", "manualTask")}
        told: Counter[str] = Counter()
        for entry in self.entries:
            told.update(entry.detail.get("opened", ()))
            told.subtract(each for name in ("passed", "cancelled") for each in entry.detail.get(name, ()) if each in tasks)
        open_now = Counter(wait.element_id for wait in self.waits.values() if wait.kind is WaitKind.TASK)
        assert +told == open_now and not -told


def read_rows(work: Work, instance_id: str) -> Counter[tuple[str, str, str]]:
    """(table, token, element) of all open rows of an instance."""
    found: Counter[tuple[str, str, str]] = Counter()
    for name, table, state in (("task", user_task, "open"), ("timer", timer, "armed")):
        query = sa.select(table.c.token, table.c.element_id).where(table.c.instance_id == instance_id, table.c.state == state)
        found.update((name, row.token, row.element_id) for row in work.connection.execute(query))
    query = sa.select(subscription.c.kind, subscription.c.token, subscription.c.element_id)
    for row in work.connection.execute(query.where(subscription.c.instance_id == instance_id)):
        found[row.kind, row.token, row.element_id] += 1
    return found


def effect(seen: Preview, before: Counter[Any]) -> Counter[Any]:
    """The rows after an operation, by its preview."""
    gone, begun = (
        Counter((MIRRORED[WaitKind(each.kind)], each.token, each.element_id) for each in part if each.kind in MIRRORED)
        for part in (seen.cancelled, seen.started)
    )
    return before - gone + begun


def play(process_engine: ProcessEngine, instance_id: str, random: Random, steps: int) -> None:
    """Random operations on an instance, each looked at before and after."""
    for _ in range(steps):
        case = Stored(process_engine, instance_id)
        case.check()
        if not case.waits:
            break
        operation: Operation = operations(case, random)  # type: ignore[arg-type]
        if random.random() < 0.1:
            rest(process_engine, instance_id, operation)
        try:
            with process_engine.read() as work:
                seen = preview(work, instance_id, operation)
        except (OperationNotSupported, StepFailed) as problem:
            with pytest.raises(type(problem)), process_engine.begin() as work:
                advance_instance(work, instance_id, operation, kind="test")
            continue
        try:
            with process_engine.begin() as work:
                advance_instance(work, instance_id, operation, kind="test")
        except StepFailed:
            continue  # behind a handler
        if all(each.kind not in ("handler", "call") for each in seen.started):
            assert Stored(process_engine, instance_id).rows == effect(seen, case.rows)
    Stored(process_engine, instance_id).check()


def rest(process_engine: ProcessEngine, instance_id: str, operation: Operation) -> None:
    """A suspended instance does nothing, and goes on as it was."""
    with process_engine.begin() as work:
        suspend_instance(work, instance_id, reason="-")
    with pytest.raises(InstanceNotRunning), process_engine.begin() as work:
        advance_instance(work, instance_id, operation, kind="test")
    with process_engine.begin() as work:
        resume_instance(work, instance_id)


def check(process_engine: ProcessEngine, xml: bytes, seed: int, steps: int) -> None:
    """Play one process; its chain of history is whole at the end."""
    if "some.handler" not in process_engine.handlers.names():
        process_engine.handlers.register("some.handler", lambda call: None)
    try:
        with process_engine.begin() as work:
            deployed = deploy(work, {"random.bpmn": xml}, name="random")
            values = {"c": 2, "people": ["i", "j"]}
            instance_id = start_instance(work, deployed.definitions["random_process"], f"case-{next(NUMBERS)}", values)
    except (DiagramRefused, StepFailed):
        return
    play(process_engine, instance_id, Random(seed), steps)
    with process_engine.read() as work:
        assert verify_chain(work, instance_id) is None


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(xml=processes(depth=2), seed=st.integers(0, 1_000_000))
def test_rows_preview_and_history_follow_random_operations(process_engine: ProcessEngine, xml: bytes, seed: int) -> None:
    check(process_engine, xml, seed, 12)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(xml=processes(depth=3), seed=st.integers(0, 1_000_000))
def test_rows_preview_and_history_follow_many_random_operations(process_engine: ProcessEngine, xml: bytes, seed: int) -> None:
    check(process_engine, xml, seed, 30)
