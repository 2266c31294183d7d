"""External tasks: fetched by topic and priority, held for a while, reported on once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.definitions import deploy
from engine.due import run_due
from engine.errors import InstanceNotRunning
from engine.external import (
    ExternalTask,
    ExternalTaskLost,
    ExternalTaskOver,
    ExternalTaskUnknown,
    LeaseTooLong,
    complete_external,
    extend_lease,
    fail_external,
    fetch_tasks,
    release_external,
    throw_external,
)
from engine.history import list_entries
from engine.incidents import list_incidents, retry_incident
from engine.instances import instance_variables, resume_instance, start_instance, suspend_instance
from engine.tables import external_task
from engine.verification import verify_chain
from engine.work import ProcessEngine
from tests.engine.conftest import DIAGRAMS, Deploy
from tests.engine.store_rows import state_of, the_task

MINUTE = timedelta(minutes=1)


@pytest.fixture
def definition(process_engine: ProcessEngine) -> str:
    with process_engine.begin() as work:
        deployed = deploy(work, {"external.bpmn": (DIAGRAMS / "external.bpmn").read_bytes()}, name="external")
    return deployed.definitions["external_process"]


def pass_time(clock: VirtualClock, delta: timedelta) -> None:
    clock.move_to(clock.now() + delta)


def start(process_engine: ProcessEngine, definition: str, key: str = "case-1", urgency: int = 50) -> str:
    with process_engine.begin(by="anna") as work:
        return start_instance(work, definition, key, {"urgency": urgency, "files": ["a.pdf", "b.pdf"]})


def fetch(process_engine: ProcessEngine, worker: str = "w1", *, most: int = 1, topic: str = "scan") -> list[ExternalTask]:
    with process_engine.begin(by="robot") as work:
        return fetch_tasks(work, [topic], worker, lock_for=5 * MINUTE, most=most)


def test_a_worker_fetches_does_and_reports(process_engine: ProcessEngine, deploy_diagram: Deploy) -> None:
    instance_id = start(process_engine, deploy_diagram(process_engine, "external"))
    assert fetch(process_engine, topic="other") == []
    (task,) = fetch(process_engine)
    assert (task.topic, task.priority, task.business_key, task.element_id) == ("scan", 50, "case-1", "scan")
    assert (task.process, task.version, task.retries, dict(task.properties)) == ("external_process", 1, None, {"depth": "full"})
    assert task.variables == {"urgency": 50, "files": ["a.pdf", "b.pdf"], "file": "a.pdf"}
    assert fetch(process_engine, "w2") == []
    with process_engine.begin(by="robot") as work:
        complete_external(work, task.id, "w1", {"clean": True})
    assert the_task(process_engine).element_id == "look"
    with process_engine.read() as work:
        assert instance_variables(work, instance_id)["clean"] is True
        last = list_entries(work, instance_id)[-1]
        assert (last.kind, last.element_id, last.detail["worker"]) == ("worked", "scan", "w1")
        assert verify_chain(work, instance_id) is None
    for report in (complete_external, release_external):
        with pytest.raises(ExternalTaskOver), process_engine.begin() as work:
            report(work, task.id, "w1")


def test_priority_then_age(process_engine: ProcessEngine, definition: str, virtual_clock: VirtualClock) -> None:
    for key, urgency in (("case-1", 10), ("case-2", 90), ("case-3", 90), ("case-4", 50)):
        start(process_engine, definition, key, urgency)
        pass_time(virtual_clock, MINUTE)
    assert [task.business_key for task in fetch(process_engine, most=3)] == ["case-2", "case-3", "case-4"]
    assert [task.business_key for task in fetch(process_engine, most=3)] == ["case-1"]


def test_a_lost_lease(process_engine: ProcessEngine, definition: str, virtual_clock: VirtualClock) -> None:
    start(process_engine, definition)
    (task,) = fetch(process_engine)
    pass_time(virtual_clock, 4 * MINUTE)
    with process_engine.begin() as work:
        assert extend_lease(work, task.id, "w1", lock_for=5 * MINUTE) == virtual_clock.now() + 5 * MINUTE
    pass_time(virtual_clock, 4 * MINUTE)
    assert fetch(process_engine, "w2") == []
    pass_time(virtual_clock, MINUTE)
    assert [again.id for again in fetch(process_engine, "w2")] == [task.id]
    for report in (
        lambda work: complete_external(work, task.id, "w1", {"clean": False}),
        lambda work: fail_external(work, task.id, "w1", "too late", retries=3),
        lambda work: throw_external(work, task.id, "w1", "unreadable"),
        lambda work: extend_lease(work, task.id, "w1", lock_for=MINUTE),
        lambda work: release_external(work, task.id, "w1"),
    ):
        with pytest.raises(ExternalTaskLost), process_engine.begin() as work:
            report(work)
    with process_engine.begin() as work:
        complete_external(work, task.id, "w2")
    assert the_task(process_engine).element_id == "look"


def test_a_lease_that_has_ended_counts_while_nobody_else_came(
    process_engine: ProcessEngine, definition: str, virtual_clock: VirtualClock
) -> None:
    start(process_engine, definition)
    (task,) = fetch(process_engine)
    pass_time(virtual_clock, 60 * MINUTE)
    with process_engine.begin() as work:
        complete_external(work, task.id, "w1")
    assert the_task(process_engine).element_id == "look"


def test_given_back(process_engine: ProcessEngine, definition: str) -> None:
    start(process_engine, definition)
    (task,) = fetch(process_engine)
    with process_engine.begin() as work:
        release_external(work, task.id, "w1")
    with pytest.raises(ExternalTaskLost), process_engine.begin() as work:
        complete_external(work, task.id, "w1")
    assert [again.id for again in fetch(process_engine, "w2")] == [task.id]


def test_failures_become_an_incident_and_get_one_more_try(
    process_engine: ProcessEngine, definition: str, virtual_clock: VirtualClock
) -> None:
    instance_id = start(process_engine, definition)
    (task,) = fetch(process_engine)
    with process_engine.begin() as work:
        fail_external(work, task.id, "w1", "no scanner", retries=1, retry_after=10 * MINUTE)
    assert fetch(process_engine) == []
    pass_time(virtual_clock, 10 * MINUTE)
    (task,) = fetch(process_engine)
    assert (task.retries, task.last_error) == (1, "no scanner")
    with process_engine.begin() as work:
        fail_external(work, task.id, "w1", "x" * 3000, retries=0)
    assert fetch(process_engine) == []
    with process_engine.begin(by="root") as work:
        (incident,) = list_incidents(work)
        assert (incident.kind, incident.code, incident.element_id) == ("external", "ExternalTaskFailed", "scan")
        assert (incident.instance_id, incident.detail) == (instance_id, "x" * 2000)
        retry_incident(work, incident.id)
    (task,) = fetch(process_engine)
    assert task.retries == 1
    with process_engine.begin() as work:
        complete_external(work, task.id, "w1")
    with process_engine.read() as work:
        kinds = [row.kind for row in list_entries(work, instance_id)]
        assert kinds == ["started", "work_failed", "work_failed", "worked"]
        assert verify_chain(work, instance_id) is None


def test_an_error_is_caught_by_the_diagram(process_engine: ProcessEngine, definition: str) -> None:
    instance_id = start(process_engine, definition)
    (task,) = fetch(process_engine)
    with process_engine.begin() as work:
        throw_external(work, task.id, "w1", "unreadable", message="no PDF", variables={"why": "no PDF"})
    assert the_task(process_engine).element_id == "mend"
    with process_engine.read() as work:
        assert instance_variables(work, instance_id)["why"] == "no PDF"


def test_an_error_that_nobody_catches_ends_the_process(process_engine: ProcessEngine, definition: str) -> None:
    instance_id = start(process_engine, definition)
    (task,) = fetch(process_engine)
    with process_engine.begin() as work:
        throw_external(work, task.id, "w1", "other")
    assert state_of(process_engine, instance_id) == "ended"


def test_the_flow_takes_it_away(process_engine: ProcessEngine, definition: str, virtual_clock: VirtualClock) -> None:
    start(process_engine, definition)
    (task,) = fetch(process_engine)
    pass_time(virtual_clock, timedelta(days=1))
    run_due(process_engine)
    assert the_task(process_engine).element_id == "mend"
    with pytest.raises(ExternalTaskOver), process_engine.begin() as work:
        complete_external(work, task.id, "w1")
    assert fetch(process_engine, "w2") == []


def test_a_suspended_instance_rests(process_engine: ProcessEngine, definition: str) -> None:
    instance_id = start(process_engine, definition)
    (task,) = fetch(process_engine)
    with process_engine.begin() as work:
        suspend_instance(work, instance_id, reason="-")
    with pytest.raises(InstanceNotRunning), process_engine.begin() as work:
        complete_external(work, task.id, "w1")
    with process_engine.begin() as work:
        release_external(work, task.id, "w1")
    assert fetch(process_engine) == []
    with process_engine.begin() as work:
        resume_instance(work, instance_id)
    assert len(fetch(process_engine)) == 1


def test_bounds(process_engine: ProcessEngine) -> None:
    for lock_for in (timedelta(), timedelta(days=8)):
        with pytest.raises(LeaseTooLong), process_engine.begin() as work:
            fetch_tasks(work, ["scan"], "w1", lock_for=lock_for)
    with pytest.raises(ExternalTaskUnknown), process_engine.begin() as work:
        complete_external(work, "0" * 32, "w1")


@pytest.mark.postgresql
def test_two_workers_at_once_never_get_the_same(process_engine: ProcessEngine, definition: str) -> None:
    for number in range(12):
        start(process_engine, definition, f"case-{number}")
    got: dict[str, list[str]] = {}
    ready = threading.Barrier(4)

    def take(worker: str) -> None:
        ready.wait()
        found = got.setdefault(worker, [])
        while tasks := fetch(process_engine, worker, most=2):
            found += [task.id for task in tasks]

    threads = [threading.Thread(target=take, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [task for tasks in got.values() for task in tasks]
    assert len(taken) == len(set(taken)) == 12
    with process_engine.read() as work:
        held = work.connection.execute(sa.select(external_task.c.id, external_task.c.lease_by)).all()
    assert {(row.id, row.lease_by) for row in held} == {(task, worker) for worker, tasks in got.items() for task in tasks}
