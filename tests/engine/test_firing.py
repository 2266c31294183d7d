"""Timers that are due at once are fired in chunks: in their order, each once, and one that fails does not spoil the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.chunks import CHUNK
from engine.clock import VirtualClock
from engine.definitions import deploy
from engine.due import run_due
from engine.handlers import Call
from engine.instances import start_instance, suspend_instance
from engine.tables import history, instance, timer, user_task
from engine.timers import fire_timers
from engine.work import ProcessEngine
from tests.engine.tokens.drawing import draw

WAITING = """
start s
catch wait timer=${due}
service note handler=bell.note
user after
s -> wait -> note -> after
"""
TWICE = """
start s
user a
boundary one on=a timer=PT1H keep
boundary two on=a timer=PT1H keep
service note handler=bell.note
xor m
s -> a
one -> m
two -> m
m -> note
"""


@pytest.fixture
def rung(process_engine: ProcessEngine) -> list[str]:
    keys: list[str] = []

    def note(call: Call) -> None:
        if call.business_key == "bad":
            raise OSError("the bell is broken")
        keys.append(call.business_key)

    process_engine.handlers.register("bell.note", note)
    return keys


def start(process_engine: ProcessEngine, text: str, keys: dict[str, timedelta]) -> dict[str, str]:
    """Instances by business key; each waits for so long."""
    with process_engine.begin() as work:
        definition = deploy(work, {"p.bpmn": draw(text)}, name="p").definitions["p"]
        return {key: start_instance(work, definition, key, {"due": (work.now + wait).isoformat()}) for key, wait in keys.items()}


def states(process_engine: ProcessEngine) -> dict[str, str]:
    with process_engine.read() as work:
        return {row.subject: row.state for row in work.connection.execute(sa.select(timer).order_by(timer.c.id))}


HOUR = timedelta(hours=1)


def test_a_chunk_is_fired_in_the_order_of_its_moments(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, rung: list[str]
) -> None:
    waits = {f"case-{number}": HOUR - timedelta(minutes=number) for number in range(5)}
    start(process_engine, WAITING, {**waits, "far": 3 * HOUR})
    virtual_clock.move_to(virtual_clock.now() + 2 * HOUR)
    assert fire_timers(process_engine) == 5
    assert rung == ["case-4", "case-3", "case-2", "case-1", "case-0"]
    assert states(process_engine) == {**dict.fromkeys(waits, "fired"), "far": "armed"}
    with process_engine.read() as work:
        opened = work.connection.execute(sa.select(user_task.c.business_key, user_task.c.element_id)).all()
        told = work.connection.execute(sa.select(history.c.kind, history.c.element_id).where(history.c.seq == 2)).all()
    assert sorted(tuple(row) for row in opened) == [(key, "after") for key in sorted(waits)]
    assert [tuple(row) for row in told] == [("fired", "wait")] * 5
    assert fire_timers(process_engine) == 0


def test_no_more_than_a_chunk_at_once(process_engine: ProcessEngine, virtual_clock: VirtualClock, rung: list[str]) -> None:
    start(process_engine, WAITING, {f"case-{number}": HOUR for number in range(CHUNK + 3)})
    virtual_clock.move_to(virtual_clock.now() + HOUR)
    assert [fire_timers(process_engine) for _ in range(3)] == [CHUNK, 3, 0]


def test_one_that_fails_leaves_the_others_fired(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, rung: list[str]
) -> None:
    start(process_engine, WAITING, {"one": HOUR, "bad": HOUR, "two": HOUR})
    virtual_clock.move_to(virtual_clock.now() + HOUR)
    assert fire_timers(process_engine) == 2
    assert states(process_engine) == {"one": "fired", "bad": "armed", "two": "fired"}
    with process_engine.read() as work:
        row = work.connection.execute(sa.select(timer).where(timer.c.subject == "bad")).one()
    assert (row.attempt, row.last_error) == (1, "OSError: the bell is broken")


def test_of_one_instance_one_timer_at_a_time(process_engine: ProcessEngine, virtual_clock: VirtualClock, rung: list[str]) -> None:
    start(process_engine, TWICE, {"case-1": HOUR})
    virtual_clock.move_to(virtual_clock.now() + HOUR)
    assert [fire_timers(process_engine) for _ in range(3)] == [1, 1, 0]
    assert rung == ["case-1", "case-1"]


def test_a_suspended_instance_waits(process_engine: ProcessEngine, virtual_clock: VirtualClock, rung: list[str]) -> None:
    ids = start(process_engine, WAITING, {"rests": HOUR, "runs": HOUR})
    with process_engine.begin() as work:
        suspend_instance(work, ids["rests"], reason="test")
    virtual_clock.move_to(virtual_clock.now() + HOUR)
    assert fire_timers(process_engine) == 1
    assert states(process_engine) == {"rests": "armed", "runs": "fired"}


def test_the_sweep_keeps_the_order_of_timers_of_one_instance(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, rung: list[str]
) -> None:
    start(process_engine, TWICE, {f"case-{number}": HOUR for number in range(3)})
    virtual_clock.move_to(virtual_clock.now() + HOUR)
    assert run_due(process_engine) == 6
    assert sorted(rung) == sorted(f"case-{number}" for number in range(3) for _ in range(2))
    with process_engine.read() as work:
        armed = work.connection.execute(sa.select(timer.c.id).where(timer.c.state == "armed")).all()
        running = work.connection.execute(sa.select(instance.c.state)).scalars().all()
    assert (armed, running) == ([], ["running"] * 3)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_somebody_works_on_is_left_to_its_own_turn(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, rung: list[str]
) -> None:
    ids = start(process_engine, WAITING, {"held": HOUR, "free": HOUR})
    virtual_clock.move_to(virtual_clock.now() + HOUR)
    with process_engine.begin() as work:
        work.connection.execute(sa.select(instance.c.id).where(instance.c.id == ids["held"]).with_for_update())
        assert fire_timers(process_engine) == 1
    assert rung == ["free"]
    assert fire_timers(process_engine) == 1
