"""The distributed backend: jobs in the caller's transaction, rows as the truth, lost jobs made anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa
from procrastinate.exceptions import AlreadyEnqueued

from engine.backends import queue
from engine.backends.queue import QueueBackend, create_job_tables, defer_near, do_row, make_app, run_worker
from engine.bulk import BulkOperation, read_bulk, start_bulk
from engine.clock import SystemClock, VirtualClock
from engine.definitions import deploy
from engine.handlers import Call
from engine.instances import start_instance
from engine.tables import timer
from engine.timers import arm_timer, fire_timers
from engine.work import NoBackend, ProcessEngine
from tests.engine.backends.chain import CHAIN
from tests.engine.tokens.drawing import draw

BELLS = """
start s
user a
boundary far on=a timer=P60D keep
boundary near on=a timer=PT0.1S keep
service far_bell handler=bell.note
service near_bell handler=bell.note
s -> a
far -> far_bell
near -> near_bell
"""
"""Two timers of one task."""

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def queue_engine(process_engine: ProcessEngine, rung: list[str]) -> Iterator[ProcessEngine]:
    with process_engine.database.begin() as connection:
        create_job_tables(connection)
    process_engine.clock = SystemClock()
    process_engine.backend = QueueBackend()
    process_engine.handlers.register("bell.ring", lambda call: rung.append(str(call.form["name"])))
    yield process_engine


def arm(process_engine: ProcessEngine, name: str, seconds: float = 0, *, handler: str = "bell.ring") -> str:
    with process_engine.begin() as work:
        timer_id = arm_timer(work, handler, work.now + timedelta(seconds=seconds), unique_key=name, payload={"name": name})
    assert timer_id is not None
    return timer_id


def in_thread(function: Callable[[], None]) -> None:
    """Run it where no event loop runs: a browser that is open in another test has one in the main thread."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(function).result()


def work_off(process_engine: ProcessEngine, **options: Any) -> None:
    """A worker that ends when nothing is due any more."""
    in_thread(lambda: run_worker(process_engine, until_empty=True, **options))


def list_jobs(process_engine: ProcessEngine) -> list[Any]:
    query = "SELECT task_name, queueing_lock, lock, status::text AS status, scheduled_at FROM procrastinate_jobs "
    query += "WHERE task_name <> 'sweep' ORDER BY id"
    with process_engine.database.connect() as connection:
        return list(connection.execute(sa.text(query)))


def execute(process_engine: ProcessEngine, statement: str) -> None:
    with process_engine.database.begin() as connection:
        connection.execute(sa.text(statement))


def test_a_job_comes_and_goes_with_the_transaction_of_its_row(queue_engine: ProcessEngine) -> None:
    with pytest.raises(LookupError), queue_engine.begin() as work:
        arm_timer(work, "bell.ring", work.now, unique_key="gone", payload={})
        raise LookupError
    assert list_jobs(queue_engine) == []
    timer_id = arm(queue_engine, "stays")
    assert [job.queueing_lock for job in list_jobs(queue_engine)] == [f"timer:{timer_id}:1"]


def test_a_second_job_for_the_same_row_is_not_added_and_the_transaction_goes_on(queue_engine: ProcessEngine) -> None:
    timer_id = arm(queue_engine, "one", 60)
    with queue_engine.begin() as work:
        work.schedule("timer", timer_id, 1, work.now)
        work.connection.execute(timer.update().values(subject="written beside the refusal"))
        work.schedule("timer", timer_id, 2, work.now)
    assert len(list_jobs(queue_engine)) == 2
    with queue_engine.read() as work:
        assert work.connection.execute(sa.select(timer.c.subject)).scalar_one() == "written beside the refusal"


def test_a_worker_does_what_is_due_and_leaves_the_rest(queue_engine: ProcessEngine, rung: list[str]) -> None:
    for name in ("a", "b", "c"):
        arm(queue_engine, name)
    arm(queue_engine, "later", 3600)
    work_off(queue_engine)
    assert sorted(rung) == ["a", "b", "c"]
    with queue_engine.read() as work:
        assert work.connection.execute(sa.select(timer.c.unique_key).where(timer.c.state == "armed")).scalars().all() == ["later"]


def test_a_far_timer_does_not_hold_back_a_near_one_of_the_same_instance(queue_engine: ProcessEngine, rung: list[str]) -> None:
    queue_engine.handlers.register("bell.note", lambda call: rung.append(call.element_id))
    with queue_engine.begin() as work:
        deployed = deploy(work, {"bells.bpmn": draw(BELLS)}, name="bells")
        start_instance(work, deployed.definitions["p"], "case-1", {})
    sleep(0.2)
    work_off(queue_engine)
    assert rung == ["near_bell"]


def test_many_that_are_due_are_fired_together_and_their_jobs_go(queue_engine: ProcessEngine, rung: list[str]) -> None:
    queue_engine.handlers.register("bell.note", lambda call: rung.append(call.business_key))
    with queue_engine.begin() as work:
        deployed = deploy(work, {"bells.bpmn": draw(BELLS)}, name="bells")
        for number in range(5):
            start_instance(work, deployed.definitions["p"], f"case-{number}", {})
    sleep(0.2)
    assert len(list_jobs(queue_engine)) == 5  # those in sixty days have none yet
    assert fire_timers(queue_engine) == 5
    assert rung == [f"case-{number}" for number in range(5)]
    assert list_jobs(queue_engine) == []
    work_off(queue_engine)
    assert len(rung) == 5


def test_a_failure_is_tried_again_later(queue_engine: ProcessEngine) -> None:
    def fail(call: Call) -> None:
        raise OSError("the bell is broken")

    queue_engine.handlers.register("bell.broken", fail)
    arm(queue_engine, "broken", handler="bell.broken")
    work_off(queue_engine)
    with queue_engine.read() as work:
        row = work.connection.execute(sa.select(timer)).one()
    assert (row.state, row.attempt) == ("armed", 1)
    (job,) = list_jobs(queue_engine)
    assert (job.status, job.scheduled_at) == ("todo", row.next_try_at)


def test_a_job_too_many_does_nothing(queue_engine: ProcessEngine, rung: list[str]) -> None:
    timer_id = arm(queue_engine, "once")
    assert do_row(queue_engine, "timer", timer_id, 1)
    assert not do_row(queue_engine, "timer", timer_id, 1)
    assert not do_row(queue_engine, "timer", "unknown", 1)
    assert rung == ["once"]


def test_a_job_that_is_early_by_the_workers_clock_waits(
    queue_engine: ProcessEngine, virtual_clock: VirtualClock, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_engine.clock = virtual_clock
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        virtual_clock.move_to(virtual_clock.now() + timedelta(seconds=seconds))

    monkeypatch.setattr(queue.time, "sleep", wait)
    assert do_row(queue_engine, "timer", arm(queue_engine, "near", 2), 1)
    assert not do_row(queue_engine, "timer", arm(queue_engine, "far", 60), 1)
    assert (rung, waited) == (["near"], [2.0])


def test_rows_that_lost_their_job_get_another(queue_engine: ProcessEngine, rung: list[str]) -> None:
    arm(queue_engine, "lost", -60)
    arm(queue_engine, "fresh", -1)
    execute(queue_engine, "DELETE FROM procrastinate_jobs")
    with queue_engine.begin() as work:
        assert defer_near(work) == 1
    work_off(queue_engine, concurrency=1)
    assert rung == ["lost", "fresh"]


def test_what_a_dead_worker_held_is_done_by_another(queue_engine: ProcessEngine, rung: list[str]) -> None:
    arm(queue_engine, "held", -60)
    execute(
        queue_engine,
        "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '2 minutes') RETURNING id) "
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead",
    )
    work_off(queue_engine)
    assert rung == []  # nobody knows yet

    app = make_app(queue_engine)

    async def sweep() -> None:
        async with app.open_async():
            with suppress(AlreadyEnqueued):  # the worker above may have put it there, when its moment was just then
                await app.configure_task("sweep", allow_unknown=False).defer_async(timestamp=0)
            await app.run_worker_async(
                queues=["sweep", "deadline"], wait=False, install_signal_handlers=False, listen_notify=False
            )

    in_thread(lambda: asyncio.run(sweep()))
    assert rung == ["held"]
    assert [job.status for job in list_jobs(queue_engine) if job.task_name == "timer" and job.status == "doing"] == []


def test_letters_go_to_a_queue_of_their_own(queue_engine: ProcessEngine, rung: list[str]) -> None:
    arm(queue_engine, "deadline")
    work_off(queue_engine, queues=["outbox"])
    assert rung == []
    work_off(queue_engine, queues=["deadline"])
    assert rung == ["deadline"]
    with pytest.raises(ValueError, match="no queue letters"):
        work_off(queue_engine, queues=["letters"])


def test_a_row_that_is_far_away_gets_its_job_when_it_is_near(queue_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    queue_engine.clock = virtual_clock
    far, overdue = arm(queue_engine, "far", 3600), arm(queue_engine, "overdue", 3500)
    assert list_jobs(queue_engine) == []
    with queue_engine.begin() as work:
        assert defer_near(work) == 0
    assert list_jobs(queue_engine) == []
    virtual_clock.move_to(virtual_clock.now() + timedelta(seconds=3540))
    for late in (1, 0):
        with queue_engine.begin() as work:
            assert defer_near(work) == late
    assert [job.queueing_lock for job in list_jobs(queue_engine)] == [f"timer:{overdue}:1", f"timer:{far}:1"]


def test_to_look_for_rows_without_a_job_costs_as_much_as_there_are_rows(queue_engine: ProcessEngine) -> None:
    rows = 1_000
    with queue_engine.begin() as work:
        for number in range(rows):
            arm_timer(work, "bell.ring", work.now, unique_key=f"bell {number}", payload={})
    assert len(list_jobs(queue_engine)) == rows
    sent: list[tuple[str, Any]] = []
    sa.event.listen(queue_engine.database, "before_cursor_execute", lambda _1, _2, text, values, *_: sent.append((text, values)))
    with queue_engine.begin() as work:
        assert defer_near(work) == 0
    asked = [(text, values) for text, values in sent if "procrastinate_jobs" in text and "FROM timer" in text]
    ((statement, values),) = asked
    with queue_engine.database.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
        (plan,) = cursor.fetchone()[0]
    assert count_visited(plan["Plan"]) < 10 * rows


def count_visited(node: dict[str, Any]) -> int:
    """How many rows a plan has touched, with those that it has thrown away."""
    touched = sum(node.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter"))
    return int(touched * node["Actual Loops"]) + sum(count_visited(part) for part in node.get("Plans", ()))


def test_the_moment_of_a_job_is_the_rows(queue_engine: ProcessEngine) -> None:
    arm(queue_engine, "later", 60)
    with queue_engine.read() as work:
        due_at: datetime = work.connection.execute(sa.select(timer.c.due_at)).scalar_one()
    assert [job.scheduled_at for job in list_jobs(queue_engine)] == [due_at]
    assert not isinstance(queue_engine.backend, NoBackend)


def test_processes_are_started_by_a_timer_and_by_a_message(queue_engine: ProcessEngine, rung: list[str]) -> None:
    queue_engine.handlers.register("bell.note", lambda call: rung.append(call.element_id))
    with queue_engine.begin() as work:
        deploy(work, {"chain.bpmn": draw(CHAIN)}, name="chain")
    (job,) = list_jobs(queue_engine)
    sleep(max(0.0, (job.scheduled_at - queue_engine.clock.now()).total_seconds()))
    for _ in range(2):  # what a job leaves behind may come after the worker has looked for the last time
        work_off(queue_engine)
    assert rung == ["first", "second"]
    assert list_jobs(queue_engine) == []


def test_chunks_of_a_bulk_job_are_done_after_what_else_is_due(queue_engine: ProcessEngine, rung: list[str]) -> None:
    note = BulkOperation(lambda work, item, shared: rung.append(item["name"]), chunk=2)
    queue_engine.bulk["note"] = note
    with queue_engine.begin() as work:
        job = start_bulk(work, "note", [{"name": name} for name in "abc"])
    arm(queue_engine, "deadline")
    assert len(list_jobs(queue_engine)) == 3
    work_off(queue_engine, concurrency=1)
    assert rung == ["deadline", "a", "b", "c"]
    with queue_engine.begin() as work:
        assert read_bulk(work, job).state == "done"
        late = start_bulk(work, "note", [{"name": "d"}])
    execute(queue_engine, "DELETE FROM procrastinate_jobs")
    execute(queue_engine, "UPDATE bulk_chunk SET next_try_at = next_try_at - interval '1 minute' WHERE state = 'waiting'")
    with queue_engine.begin() as work:
        assert defer_near(work) == 1
    work_off(queue_engine)
    with queue_engine.read() as work:
        assert read_bulk(work, late).state == "done"
