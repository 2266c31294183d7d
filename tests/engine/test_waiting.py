"""What instances wait for besides people: timers, messages, scripts; and what is tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.due import next_due, run_due
from engine.handlers import Call
from engine.history import list_entries
from engine.incidents import list_incidents, retry_incident
from engine.instances import (
    instance_variables,
    start_instance,
)
from engine.messages import send_message
from engine.scripts import ScriptRunner
from engine.tables import message, subscription, timer
from engine.tasks import (
    complete_task,
)
from engine.work import ProcessEngine
from tests.engine.store_rows import CUTOFF, open_tasks, state_of, the_task

Deploy = Callable[..., str]


@pytest.mark.parametrize(("late", "end"), [(timedelta(microseconds=-1), "open"), (timedelta(0), "missed")])
def test_a_boundary_timer_fires_at_its_moment(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy, late: timedelta, end: str
) -> None:
    definition = deploy_diagram(process_engine, "deadline")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {"person": "anna", "cutoff": "2022-08-10T24:00:00+08:00"})
    with process_engine.read() as work:
        assert next_due(work) == CUTOFF
    virtual_clock.move_to(CUTOFF + late)
    assert run_due(process_engine) == (end == "missed")
    assert run_due(process_engine) == 0
    with process_engine.read() as work:
        assert [task.element_id for task in open_tasks(work)] == (["apply"] if end == "open" else [])
        states = work.connection.execute(sa.select(timer.c.state)).scalars().all()
        entries = list_entries(work, instance_id)
    assert list(states) == (["armed"] if end == "open" else ["fired"])
    if end == "missed":
        assert [entry.kind for entry in entries] == ["started", "fired", "ended"]
        assert "missed" in entries[1].detail["passed"]


def test_completing_disarms_the_timer(process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy) -> None:
    definition = deploy_diagram(process_engine, "deadline")
    with process_engine.begin() as work:
        start_instance(work, definition, "case-1", {"person": "anna", "cutoff": CUTOFF.isoformat()})
    with process_engine.begin(by="anna") as work:
        complete_task(work, the_task(process_engine).id, {})
    with process_engine.read() as work:
        assert next_due(work) is None
        assert list(work.connection.execute(sa.select(timer.c.state)).scalars()) == ["cancelled"]


@pytest.mark.parametrize("early", [False, True])
def test_a_message_finds_its_instance_however_early(process_engine: ProcessEngine, deploy_diagram: Deploy, early: bool) -> None:
    definition = deploy_diagram(process_engine, "message")
    with process_engine.begin() as work:
        ids = [start_instance(work, definition, f"case-{number}", {"recommended": None}) for number in (1, 2)]
    if early:
        with process_engine.begin() as work:
            send_message(work, "list_decided", "case-2", {"recommended": True}, unique_key="list/1")
            send_message(work, "list_decided", "case-2", {"recommended": False}, unique_key="list/1")
        assert run_due(process_engine) == 0
    with process_engine.read() as work:
        tasks = open_tasks(work)
    for task in tasks:
        with process_engine.begin() as work:
            complete_task(work, task.id, {})
    if not early:
        with process_engine.read() as work:
            keys = work.connection.execute(sa.select(subscription.c.business_key).order_by(subscription.c.business_key)).scalars()
            assert list(keys) == ["case-1", "case-2"]
        with process_engine.begin() as work:
            send_message(work, "list_decided", "case-2", {"recommended": True})
    assert run_due(process_engine) == 1
    assert [state_of(process_engine, instance_id) for instance_id in ids] == ["running", "ended"]
    with process_engine.read() as work:
        assert "recommended" in list_entries(work, ids[1])[-2].detail["passed"]
        assert list(work.connection.execute(sa.select(message.c.state)).scalars()) == ["delivered"]
        assert list(work.connection.execute(sa.select(subscription.c.business_key)).scalars()) == ["case-1"]


def test_a_message_that_nobody_wants_is_reported(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    with process_engine.begin() as work:
        send_message(work, "list_decided", "case-9")
    run_due(process_engine)
    with process_engine.read() as work:
        assert list_incidents(work) == []
    virtual_clock.move_to(virtual_clock.now() + timedelta(days=31))
    run_due(process_engine)
    with process_engine.read() as work:
        (found,) = list_incidents(work)
    assert (found.kind, found.code) == ("message", "MessageExpired")


def test_a_script_runs_outside_of_the_step(process_engine: ProcessEngine, deploy_diagram: Deploy) -> None:
    definition = deploy_diagram(process_engine, "script")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {"names": ["甲", "乙丙", "丁"]})
        assert open_tasks(work) == []
    with ScriptRunner(processes=1) as runner:
        process_engine.extras["scripts"] = runner
        assert run_due(process_engine) == 1
    with process_engine.read() as work:
        assert instance_variables(work, instance_id) == {"names": ["甲", "乙丙", "丁"], "total": 3, "longest": "乙丙"}
        assert [task.element_id for task in open_tasks(work)] == ["look"]


def test_a_bad_step_is_retried_then_reported_then_done(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, deploy_diagram: Deploy
) -> None:
    broken = [True]

    def do(call: Call) -> None:
        if broken[0]:
            raise RuntimeError("the printer is on fire")

    process_engine.handlers.register("work.do", do)
    definition = deploy_diagram(process_engine, "failing")
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, "case-1", {})
    for _ in range(30):
        with process_engine.read() as work:
            due = next_due(work)
        if due is None:
            break
        virtual_clock.move_to(max(due, virtual_clock.now()))
        assert run_due(process_engine) == 0
    with process_engine.read() as work:
        (found,) = list_incidents(work)
        assert (found.kind, found.instance_id, found.element_id) == ("timer", instance_id, "work")
        assert "printer" in found.detail
        assert len(list_entries(work, instance_id)) == 1
    broken[0] = False
    with process_engine.begin(by="admin") as work:
        retry_incident(work, found.id)
    assert run_due(process_engine) == 1
    assert state_of(process_engine, instance_id) == "ended"
    with process_engine.read() as work:
        assert list_incidents(work) == []
