"""Two transactions at the same moment: whichever comes first, nothing is missed, nothing happens twice, nobody sees a fault."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.definitions import deploy
from engine.delivery import _deliver, deliver_message
from engine.due import run_due
from engine.incidents import list_incidents
from engine.instances import resume_instance, start_instance, suspend_instance
from engine.messages import send_message
from engine.outbox import queue_mail
from engine.tables import instance, message, outbox, timer, user_task
from engine.tasks import complete_task
from engine.timers import arm_timer
from engine.work import ProcessEngine, Work
from tests.faults.overlapping import let_meet, overlap
from tests.faults.wholeness import find_faults

DIAGRAMS = Path(__file__).parent.parent / "engine" / "diagrams"


@pytest.fixture
def waiting_definition(process_engine: ProcessEngine) -> str:
    """A process that waits for a message after its one task."""
    process_engine.handlers.register("work.do", lambda call: None)
    with process_engine.begin() as work:
        files = {"message.bpmn": (DIAGRAMS / "message.bpmn").read_bytes()}
        return deploy(work, files, name="message").definitions["message_process"]


@pytest.fixture
def listening_definition(process_engine: ProcessEngine) -> str:
    """A process that waits for the same message from its beginning."""
    text = (DIAGRAMS / "message.bpmn").read_text(encoding="utf-8")
    text = text.replace('sourceRef="start" targetRef="prepare"', 'sourceRef="start" targetRef="await_list"')
    text = text.replace('<sequenceFlow id="f2" sourceRef="prepare" targetRef="await_list"></sequenceFlow>', "")
    text = text.replace('<userTask id="prepare" name="准备" camunda:assignee="somebody"/>', "")
    with process_engine.begin() as work:
        return deploy(work, {"listening.bpmn": text.encode()}, name="listening").definitions["message_process"]


def start(process_engine: ProcessEngine, definition: str, key: str) -> tuple[str, str]:
    """An instance and its open task."""
    with process_engine.begin() as work:
        instance_id = start_instance(work, definition, key, {"recommended": None})
        task_id = work.connection.execute(sa.select(user_task.c.id).where(user_task.c.instance_id == instance_id)).scalar_one()
    return instance_id, task_id


def send(process_engine: ProcessEngine, key: str) -> str:
    """A message to the instance."""
    with process_engine.begin() as work:
        return send_message(work, "list_decided", key, {"recommended": True}, unique_key=f"list/{key}")


def state_of(process_engine: ProcessEngine, table: sa.Table, row_id: str) -> str:
    """The state of a row."""
    with process_engine.read() as work:
        return str(work.connection.execute(sa.select(table.c.state).where(table.c.id == row_id)).scalar_one())


# ---- messages --------------------------------------------------------------------------------------------------------
def test_a_message_that_is_delivered_while_its_receiver_begins_to_wait(
    process_engine: ProcessEngine, waiting_definition: str
) -> None:
    instance_id, task_id = start(process_engine, waiting_definition, "case-1")
    message_id = send(process_engine, "case-1")
    overlap(process_engine, lambda work: complete_task(work, task_id, {}), lambda: deliver_message(process_engine, message_id))
    run_due(process_engine)
    assert (state_of(process_engine, message, message_id), state_of(process_engine, instance, instance_id)) == (
        "delivered",
        "ended",
    )
    assert find_faults(process_engine) == []


def test_a_message_that_is_sent_and_delivered_while_its_receiver_begins_to_wait(
    process_engine: ProcessEngine, waiting_definition: str
) -> None:
    instance_id, task_id = start(process_engine, waiting_definition, "case-1")
    overlap(
        process_engine,
        lambda work: complete_task(work, task_id, {}),
        lambda: deliver_message(process_engine, send(process_engine, "case-1")),
    )
    run_due(process_engine)
    assert state_of(process_engine, instance, instance_id) == "ended"
    assert find_faults(process_engine) == []


def test_a_message_that_is_delivered_while_its_receiver_is_started(
    process_engine: ProcessEngine, listening_definition: str
) -> None:
    message_id = send(process_engine, "case-1")
    instance_id, _ = overlap(
        process_engine,
        lambda work: start_instance(work, listening_definition, "case-1", {"recommended": None}),
        lambda: deliver_message(process_engine, message_id),
    )
    run_due(process_engine)
    assert (state_of(process_engine, message, message_id), state_of(process_engine, instance, instance_id)) == (
        "delivered",
        "ended",
    )
    assert find_faults(process_engine) == []


def test_a_message_that_is_given_up_for_now_while_its_receiver_begins_to_wait(
    process_engine: ProcessEngine, waiting_definition: str
) -> None:
    """The other way round: the message found nobody, and that is not committed yet when the receiver begins to wait."""
    instance_id, task_id = start(process_engine, waiting_definition, "case-1")
    message_id = send(process_engine, "case-1")

    def complete() -> None:
        with process_engine.begin() as work:
            complete_task(work, task_id, {})

    overlap(process_engine, lambda work: _deliver(work, message_id, None), complete)
    run_due(process_engine)
    assert state_of(process_engine, instance, instance_id) == "ended"
    assert find_faults(process_engine) == []


def test_one_message_delivered_by_two(process_engine: ProcessEngine, waiting_definition: str) -> None:
    for number in range(5):
        _, task_id = start(process_engine, waiting_definition, f"case-{number}")
        with process_engine.begin() as work:
            complete_task(work, task_id, {})
        message_id = send(process_engine, f"case-{number}")
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(deliver_message, [process_engine] * 2, [message_id] * 2)) == [False, True]
    assert find_faults(process_engine) == []


def test_a_message_to_a_suspended_instance_waits_for_it(process_engine: ProcessEngine, waiting_definition: str) -> None:
    instance_id, task_id = start(process_engine, waiting_definition, "case-1")
    with process_engine.begin() as work:
        complete_task(work, task_id, {})
        suspend_instance(work, instance_id, reason="核查")
    message_id = send(process_engine, "case-1")
    assert run_due(process_engine) == 0
    with process_engine.read() as work:
        assert work.connection.execute(sa.select(message.c.attempt)).scalar_one() == 0  # it has not failed
    with process_engine.begin() as work:
        resume_instance(work, instance_id)
    assert run_due(process_engine) == 1
    assert state_of(process_engine, message, message_id) == "delivered"
    assert find_faults(process_engine) == []


# ---- rows with a unique key ------------------------------------------------------------------------------------------
def test_the_same_timer_armed_by_two(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    def arm(work: Work) -> str | None:
        due_at = work.now + timedelta(hours=1)
        return arm_timer(work, "reminders.send", due_at, unique_key="reminder:1", payload={}, subject="case-1")

    one, two = overlap(process_engine, arm, in_its_own(process_engine, arm))
    assert one is not None and two is None
    assert count(process_engine, timer) == 1


def test_the_same_message_sent_by_two(process_engine: ProcessEngine) -> None:
    def write(work: Work) -> str:
        return send_message(work, "list_decided", "case-1", unique_key="list/1")

    one, two = overlap(process_engine, write, in_its_own(process_engine, write))
    assert one == two
    assert count(process_engine, message) == 1


def test_the_same_letter_queued_by_two(process_engine: ProcessEngine) -> None:
    def write(work: Work) -> str | None:
        return queue_mail(work, recipient="a@example.org", subject="s", body="b", about=None, unique_key="letter:1")

    one, two = overlap(process_engine, write, in_its_own(process_engine, write))
    assert one is not None and two is None
    assert count(process_engine, outbox) == 1


def test_what_the_first_takes_back_the_second_writes(process_engine: ProcessEngine) -> None:
    def arm(work: Work) -> str | None:
        return arm_timer(work, "reminders.send", work.now, unique_key="reminder:1", payload={})

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(LookupError), process_engine.begin() as work:
            arm(work)
            waiting = pool.submit(in_its_own(process_engine, arm))
            let_meet(waiting)
            raise LookupError
        assert waiting.result(20) is not None
    assert count(process_engine, timer) == 1


def in_its_own(process_engine: ProcessEngine, function: Callable[[Work], Any]) -> Callable[[], Any]:
    """The function in a transaction of its own."""

    def run() -> Any:
        with process_engine.begin() as work:
            result = function(work)
            work.connection.execute(sa.select(sa.func.count()).select_from(instance))  # the transaction can go on
            return result

    return run


def count(process_engine: ProcessEngine, table: sa.Table) -> int:
    """How many rows there are; no incident either."""
    with process_engine.read() as work:
        assert list_incidents(work) == []
        return int(work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
