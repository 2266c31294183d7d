"""The embedded backend: real time, short waits, each effect once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
import sqlalchemy as sa

from engine.backends import embedded
from engine.backends.embedded import EmbeddedBackend
from engine.clock import SystemClock
from engine.definitions import deploy
from engine.handlers import Call
from engine.tables import timer
from engine.timers import arm_timer
from engine.work import NoBackend, ProcessEngine
from tests.engine.backends.chain import CHAIN
from tests.engine.tokens.drawing import draw

PROMPT = embedded.SAFETY_INTERVAL.seconds / 2
"""Seconds in which a wake-up must have come that did not wait for the safety interval."""


class Bell:
    """A handler that notes who rang it."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.heard = Event()
        self.expected = 1

    def ring(self, call: Call) -> None:
        self.rung.append(str(call.form["name"]))
        if len(self.rung) >= self.expected:
            self.heard.set()


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def process_engine(sqlite_engine: ProcessEngine, bell: Bell) -> ProcessEngine:
    sqlite_engine.clock = SystemClock()
    sqlite_engine.handlers.register("bell.ring", bell.ring)
    return sqlite_engine


@pytest.fixture
def backend(process_engine: ProcessEngine, tmp_path: Path) -> Iterator[EmbeddedBackend]:
    """A running backend that has the role already, so that only wake-ups can be the reason for what follows."""
    backend = EmbeddedBackend(tmp_path / "scheduler.lock")
    process_engine.backend = backend
    began = Event()
    process_engine.handlers.register("bell.first", lambda call: began.set())
    arm(process_engine, "first", 0, handler="bell.first")
    backend.start(process_engine)
    assert began.wait(PROMPT)
    yield backend
    backend.stop()


def arm(process_engine: ProcessEngine, name: str, seconds: float, *, handler: str = "bell.ring") -> None:
    with process_engine.begin() as work:
        arm_timer(work, handler, work.now + timedelta(seconds=seconds), unique_key=name, payload={"name": name})


def states(process_engine: ProcessEngine) -> dict[str, str]:
    with process_engine.read() as work:
        return {row.unique_key: row.state for row in work.connection.execute(sa.select(timer))}


def test_wakes_at_the_due_moment(process_engine: ProcessEngine, backend: EmbeddedBackend, bell: Bell) -> None:
    armed_at = process_engine.clock.now()
    arm(process_engine, "soon", 0.3)
    assert bell.heard.wait(PROMPT)
    assert process_engine.clock.now() - armed_at >= timedelta(seconds=0.3)
    assert bell.rung == ["soon"]


def test_wakes_after_the_commit_of_a_row_that_is_due_already(
    process_engine: ProcessEngine, backend: EmbeddedBackend, bell: Bell
) -> None:
    arm(process_engine, "past", -60)
    assert bell.heard.wait(PROMPT)


def test_a_nearer_moment_is_not_held_back_by_a_farther_one(
    process_engine: ProcessEngine, backend: EmbeddedBackend, bell: Bell
) -> None:
    bell.expected = 2
    arm(process_engine, "far", 0.6)
    arm(process_engine, "near", 0.2)
    assert bell.heard.wait(PROMPT)
    assert bell.rung == ["near", "far"]


def test_a_row_that_was_rolled_back_wakes_nobody(process_engine: ProcessEngine, backend: EmbeddedBackend, bell: Bell) -> None:
    with pytest.raises(LookupError), process_engine.begin() as work:
        arm_timer(work, "bell.ring", work.now, unique_key="gone", payload={"name": "gone"})
        raise LookupError
    arm(process_engine, "stays", 0)
    assert bell.heard.wait(PROMPT)
    assert bell.rung == ["stays"]


def test_a_failure_is_counted_and_the_next_row_is_done(
    process_engine: ProcessEngine, backend: EmbeddedBackend, bell: Bell
) -> None:
    def fail(call: Call) -> None:
        raise OSError("the bell is broken")

    process_engine.handlers.register("bell.broken", fail)
    arm(process_engine, "broken", 0, handler="bell.broken")
    arm(process_engine, "whole", 0)
    assert bell.heard.wait(PROMPT)
    with process_engine.read() as work:
        row = work.connection.execute(sa.select(timer).where(timer.c.unique_key == "broken")).one()
    assert (row.state, row.attempt) == ("armed", 1)


def test_each_of_many_rows_is_done_once(process_engine: ProcessEngine, backend: EmbeddedBackend, bell: Bell) -> None:
    bell.expected = 40
    for number in range(40):
        arm(process_engine, f"n{number}", number % 4 * 0.05)
    assert bell.heard.wait(4 * PROMPT)
    backend.stop()
    assert sorted(bell.rung) == sorted(f"n{number}" for number in range(40))
    assert set(states(process_engine).values()) == {"fired"}


def test_one_process_has_the_role_and_another_takes_over(
    process_engine: ProcessEngine, bell: Bell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "SAFETY_INTERVAL", timedelta(seconds=1))
    first, second = EmbeddedBackend(tmp_path / "lock"), EmbeddedBackend(tmp_path / "lock")
    arm(process_engine, "at start", 0)
    first.start(process_engine)
    assert bell.heard.wait(PROMPT)
    second.start(process_engine)
    try:
        assert (first.leads, second.leads) == (True, False)
        bell.heard.clear()
        bell.expected = 2
        first.stop()
        arm(process_engine, "after the first", 0)
        assert bell.heard.wait(4)
        assert second.leads
    finally:
        second.stop()
    assert bell.rung == ["at start", "after the first"]


def test_rows_that_another_process_wrote_are_found(
    process_engine: ProcessEngine, bell: Bell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "SAFETY_INTERVAL", timedelta(seconds=1))
    assert isinstance(process_engine.backend, NoBackend)  # as of a short command: it wakes nobody
    backend = EmbeddedBackend(tmp_path / "lock")
    backend.start(process_engine)
    try:
        arm(process_engine, "foreign", 0)
        assert bell.heard.wait(4)
    finally:
        backend.stop()


def test_stopping_waits_for_what_is_running(process_engine: ProcessEngine, backend: EmbeddedBackend) -> None:
    began, finish = Event(), Event()

    def ring_long(call: Call) -> None:
        began.set()
        finish.wait(PROMPT)

    process_engine.handlers.register("bell.long", ring_long)
    arm(process_engine, "long", 0, handler="bell.long")
    assert began.wait(PROMPT)
    finish.set()
    backend.stop()
    assert states(process_engine)["long"] == "fired"
    assert not backend.leads


def test_processes_are_started_by_a_timer_and_by_a_message(
    process_engine: ProcessEngine, backend: EmbeddedBackend, bell: Bell
) -> None:
    def ring(call: Call) -> None:
        bell.rung.append(call.element_id)
        if call.element_id == "second":
            bell.heard.set()

    process_engine.handlers.register("bell.note", ring)
    with process_engine.begin() as work:
        deploy(work, {"chain.bpmn": draw(CHAIN)}, name="chain")
    assert bell.heard.wait(PROMPT)
    assert bell.rung == ["first", "second"]


def test_it_stops_while_a_wake_up_is_due(process_engine: ProcessEngine, tmp_path: Path) -> None:
    for number in range(40):  # its thread must not fail, whenever the end comes; a thread's failure fails the test
        backend = EmbeddedBackend(tmp_path / "scheduler.lock")
        process_engine.backend = backend
        backend.start(process_engine)
        arm(process_engine, f"now {number}", 0)
        backend.stop()
