"""What starts processes by itself: messages, signals, timers, data; and what a new version does to that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.definitions import Deployed, deploy, latest_definition
from engine.delivery import _deliver, deliver_message, start_on_conditions
from engine.due import next_due, run_due
from engine.errors import DiagramRefused
from engine.history import list_entries
from engine.incidents import list_incidents
from engine.instances import instance_variables, resume_instance, start_instance, suspend_instance
from engine.messages import send_message, send_signal
from engine.tables import definition, instance, message, start_subscription, timer
from engine.timers import fire_timer
from engine.work import ProcessEngine
from tests.engine.store_rows import open_tasks
from tests.engine.tokens.drawing import draw
from tests.faults.overlapping import overlap
from tests.faults.wholeness import find_faults

ORDER = "start ordered message=order\nuser work camunda:assignee=anna\nordered -> work"
BOTH = """
start ordered message=order
user work camunda:assignee=anna
receive again message=order
ordered -> work -> again
"""


def put(process_engine: ProcessEngine, text: str, **options: Any) -> Deployed:
    """Deploy one drawn diagram."""
    with process_engine.begin() as work:
        return deploy(work, {"drawn.bpmn": draw(text)}, name="drawn", **options)


def send(process_engine: ProcessEngine, name: str, key: str = "case-1", values: Mapping[str, Any] | None = None) -> str:
    with process_engine.begin() as work:
        return send_message(work, name, key, values)


def shout(process_engine: ProcessEngine, name: str, **options: Any) -> int:
    with process_engine.begin() as work:
        return send_signal(work, name, **options)


def started(process_engine: ProcessEngine) -> list[tuple[str, int, str]]:
    """(business key, version, state) of all instances, oldest first."""
    with process_engine.read() as work:
        query = sa.select(instance.c.business_key, definition.c.version, instance.c.state).join(definition)
        return [tuple(row) for row in work.connection.execute(query.order_by(instance.c.id))]


def states(process_engine: ProcessEngine, table: sa.Table) -> list[str]:
    with process_engine.read() as work:
        return list(work.connection.execute(sa.select(table.c.state).order_by(table.c.id)).scalars())


# ---- messages --------------------------------------------------------------------------------------------------------
def test_a_message_starts_an_instance_with_its_key_and_variables(process_engine: ProcessEngine) -> None:
    put(process_engine, ORDER)
    send(process_engine, "order", "case-7", {"amount": 3})
    assert run_due(process_engine) == 1
    assert started(process_engine) == [("case-7", 1, "running")]
    with process_engine.read() as work:
        (task,) = open_tasks(work)
        assert instance_variables(work, task.instance_id) == {"amount": 3}
        (entry,) = list_entries(work, task.instance_id)
    assert (task.element_id, entry.kind, entry.element_id) == ("work", "started", "ordered")
    assert entry.detail["message"] == "order"
    assert entry.detail["passed"] == ["ordered"]
    assert states(process_engine, message) == ["delivered"]


def test_what_a_message_starts_is_listed_with_the_others_of_its_key(sqlite_engine: ProcessEngine) -> None:
    (definition_id,) = put(sqlite_engine, ORDER).definitions.values()
    with sqlite_engine.begin() as work:
        start_instance(work, definition_id, "case-7", {}, element_id="ordered", belongs_to="campaign")
    for key in ("case-7", "case-8"):
        send(sqlite_engine, "order", key)
    run_due(sqlite_engine)
    with sqlite_engine.read() as work:
        tasks = [(task.business_key, task.belongs_to) for task in open_tasks(work)]
    assert tasks == [("case-7", "campaign"), ("case-7", "campaign"), ("case-8", None)]


def test_an_instance_that_waits_goes_before_a_start(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, "start ordered message=order\nreceive again message=order\nordered -> again")
    for _ in range(3):
        send(sqlite_engine, "order")
        assert run_due(sqlite_engine) == 1
    assert started(sqlite_engine) == [("case-1", 1, "ended"), ("case-1", 1, "running")]


def test_only_the_latest_version_listens(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, ORDER)
    put(sqlite_engine, ORDER)
    send(sqlite_engine, "order", "a")
    run_due(sqlite_engine)
    put(sqlite_engine, ORDER, draft=True)
    send(sqlite_engine, "order", "b")
    run_due(sqlite_engine)
    put(sqlite_engine, "start s\nuser work camunda:assignee=anna\ns -> work")
    send(sqlite_engine, "order", "c")
    run_due(sqlite_engine)
    assert started(sqlite_engine) == [("a", 2, "running"), ("b", 2, "running")]
    assert states(sqlite_engine, message) == ["delivered", "delivered", "unmatched"]
    with sqlite_engine.read() as work:
        assert latest_definition(work, "p").version == 4


def test_deploying_starts_nothing_of_what_was_sent_before(sqlite_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    send(sqlite_engine, "order", "before")
    run_due(sqlite_engine)
    virtual_clock.move_to(virtual_clock.now() + timedelta(hours=1))
    put(sqlite_engine, ORDER)
    assert run_due(sqlite_engine) == 0
    send(sqlite_engine, "order", "between")  # while nobody delivers, and the next version comes
    virtual_clock.move_to(virtual_clock.now() + timedelta(hours=1))
    put(sqlite_engine, ORDER)
    virtual_clock.move_to(virtual_clock.now() + timedelta(days=31))
    run_due(sqlite_engine)
    assert started(sqlite_engine) == [("between", 2, "running")]
    with sqlite_engine.read() as work:
        assert [(found.code, found.detail) for found in list_incidents(work)] == [("MessageExpired", "order to before")]


def test_a_message_starts_one_process(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, ORDER)
    other = f"process q {{\n{ORDER}\n}}"
    with pytest.raises(DiagramRefused) as refused:
        put(sqlite_engine, other)
    (found,) = [finding for finding in refused.value.findings if finding.severity == "error"]
    assert (found.code, found.element, found.values) == ("StartMessageTaken", "ordered", {"name": "order", "process": "p"})
    twice = f"process r {{\n{ORDER}\n}}\nprocess q {{\n{ORDER.replace('ordered', 'o').replace('work', 'w')}\n}}"
    with pytest.raises(DiagramRefused) as refused:
        put(sqlite_engine, twice.replace("order\n", "other\n"))
    assert [finding.code for finding in refused.value.findings if finding.severity == "error"] == ["StartMessageTwice"]


@pytest.mark.parametrize(
    ("text", "element"),
    [
        ("receive take message=order instantiate=true\nuser work camunda:assignee=anna\ntake -> work", "take"),
        (
            "events either instantiate=true\ncatch ordered message=order\ncatch asked message=question\n"
            "user work camunda:assignee=anna\neither -> ordered -> work\neither -> asked -> work",
            "ordered",
        ),
        ("start either message=question,order\nuser work camunda:assignee=anna\neither -> work", "either"),
        ("start s\nstart ordered message=order\nuser work camunda:assignee=anna\ns -> work\nordered -> work", "ordered"),
    ],
)
def test_everything_that_instantiates_is_subscribed(sqlite_engine: ProcessEngine, text: str, element: str) -> None:
    put(sqlite_engine, text)
    send(sqlite_engine, "order")
    assert run_due(sqlite_engine) == 1
    with sqlite_engine.read() as work:
        (task,) = open_tasks(work)
        assert task.element_id == "work"
        assert list_entries(work, task.instance_id)[0].element_id == element


def test_what_the_caller_starts_is_not_watched(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, ORDER)
    deployed = put(sqlite_engine, ORDER, unwatched=["p"])
    assert [(found.code, found.element) for found in deployed.findings if found.code == "StartUnwatched"] == [
        ("StartUnwatched", "ordered")
    ]
    send(sqlite_engine, "order")
    run_due(sqlite_engine)
    assert started(sqlite_engine) == []


def test_two_messages_at_once_the_second_finds_the_instance_of_the_first(process_engine: ProcessEngine) -> None:
    put(process_engine, "start ordered message=order\nreceive again message=order\nordered -> again")
    first, second = send(process_engine, "order"), send(process_engine, "order")
    overlap(process_engine, lambda work: _deliver(work, first, None), lambda: deliver_message(process_engine, second))
    run_due(process_engine)
    assert started(process_engine) == [("case-1", 1, "ended")]
    assert states(process_engine, message) == ["delivered", "delivered"]
    assert find_faults(process_engine) == []


def test_a_start_and_an_instance_that_is_begun_by_hand_at_once(process_engine: ProcessEngine) -> None:
    deployed = put(process_engine, "start s\nstart o message=order\nreceive again message=order\ns -> again\no -> again")
    sent = send(process_engine, "order")
    overlap(
        process_engine,
        lambda work: start_instance(work, deployed.definitions["p"], "case-1", {}),
        lambda: deliver_message(process_engine, sent),
    )
    assert started(process_engine) == [("case-1", 1, "ended")]


# ---- signals ---------------------------------------------------------------------------------------------------------
def test_a_signal_starts_one_of_each_and_reaches_all_that_wait(process_engine: ProcessEngine) -> None:
    listens = "process {0} {{\nstart {0}s signal=alarm\nuser {0}w camunda:assignee=anna\n{0}s -> {0}w\n}}"
    put(process_engine, listens.format("a") + "\n" + listens.format("b"))
    waiting = put(process_engine, "start s\ncatch c signal=alarm\ns -> c").definitions["p"]
    with process_engine.begin() as work:
        for key in ("x", "x", "y"):
            start_instance(work, waiting, key, {})
    assert shout(process_engine, "alarm", business_key="fire", variables={"floor": 2}) == 5
    assert run_due(process_engine) == 5
    assert started(process_engine)[:3] == [("x", 1, "ended"), ("x", 1, "ended"), ("y", 1, "ended")]
    assert started(process_engine)[3:] == [("fire", 1, "running")] * 2
    with process_engine.read() as work:
        assert [instance_variables(work, task.instance_id) for task in open_tasks(work)] == [{"floor": 2}] * 2
    assert shout(process_engine, "nothing") == 0


def test_a_thrown_signal_starts_processes_with_the_key_of_its_instance(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, "process a {\nstart as signal=alarm\nuser aw camunda:assignee=anna\nas -> aw\n}")
    thrower = put(sqlite_engine, "start s\nend e signal=alarm\ns -> e").definitions["p"]
    with sqlite_engine.begin() as work:
        start_instance(work, thrower, "case-3", {})
    run_due(sqlite_engine)
    assert started(sqlite_engine) == [("case-3", 1, "ended"), ("case-3", 1, "running")]


def test_a_signal_waits_for_a_suspended_instance(sqlite_engine: ProcessEngine) -> None:
    waiting = put(sqlite_engine, "start s\ncatch c signal=alarm\ns -> c").definitions["p"]
    with sqlite_engine.begin() as work:
        instance_id = start_instance(work, waiting, "x", {})
        suspend_instance(work, instance_id, reason="核查")
    shout(sqlite_engine, "alarm")
    assert run_due(sqlite_engine) == 0
    with sqlite_engine.begin() as work:
        resume_instance(work, instance_id)
    assert run_due(sqlite_engine) == 1
    assert started(sqlite_engine) == [("x", 1, "ended")]


# ---- timers ----------------------------------------------------------------------------------------------------------
WEEKLY = "start weekly timer=R3/2022-07-04T09:00/P7D\nuser work camunda:assignee=anna\nweekly -> work"
MONDAYS = [datetime(2022, 7, day, 1, tzinfo=UTC) for day in (4, 11, 18)]


def test_a_cycle_starts_one_instance_at_each_occurrence_however_late(
    process_engine: ProcessEngine, virtual_clock: VirtualClock
) -> None:
    put(process_engine, WEEKLY)
    with process_engine.read() as work:
        assert next_due(work) == MONDAYS[0]
    virtual_clock.move_to(MONDAYS[0])
    assert run_due(process_engine) == 1
    virtual_clock.move_to(datetime(2023, 1, 1, tzinfo=UTC))
    assert run_due(process_engine) == 2
    assert [key for key, _, _ in started(process_engine)] == [f"p/{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in MONDAYS]
    with process_engine.read() as work:
        assert next_due(work) is None
        details = [list_entries(work, task.instance_id)[0].detail for task in open_tasks(work)]
    assert [detail["due_at"] for detail in details] == [moment.isoformat() for moment in MONDAYS]


def test_each_occurrence_happens_once_whatever_versions_and_schedulers(
    process_engine: ProcessEngine, virtual_clock: VirtualClock
) -> None:
    put(process_engine, WEEKLY)
    put(process_engine, WEEKLY)  # unchanged: the same timer
    virtual_clock.move_to(MONDAYS[0])
    with process_engine.read() as work:
        (timer_id,) = work.connection.execute(sa.select(timer.c.id)).scalars()
    overlap(
        process_engine,
        lambda work: deploy(work, {"drawn.bpmn": draw(WEEKLY.replace("R3/", "R4/"))}, name="drawn"),
        lambda: fire_timer(process_engine, timer_id),
    )
    put(process_engine, WEEKLY)
    run_due(process_engine)
    virtual_clock.move_to(MONDAYS[2])
    run_due(process_engine)
    keys = [key for key, _, _ in started(process_engine)]
    assert keys == [f"p/{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in MONDAYS]
    assert not fire_timer(process_engine, timer_id)


def test_a_date_that_has_happened_does_not_happen_again(sqlite_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    text = "start on timer=2022-07-04T09:00\nuser work camunda:assignee=anna\non -> work"
    put(sqlite_engine, text)
    put(sqlite_engine, text.replace("07-04", "07-05"))  # the date before is withdrawn
    put(sqlite_engine, text)
    virtual_clock.move_to(MONDAYS[0])
    assert run_due(sqlite_engine) == 1
    again = put(sqlite_engine, text)
    other = put(sqlite_engine, text.replace("07-04", "07-03"))
    run_due(sqlite_engine)
    assert started(sqlite_engine) == [("p/2022-07-04T01:00:00Z", 3, "running")]
    assert [found.code for found in again.findings] == []
    assert [(found.code, found.element) for found in other.findings] == [("StartPassed", "on")]


def test_what_is_due_when_a_new_version_comes_still_happens(sqlite_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    text = "start on timer=2022-07-04T09:00\nuser work camunda:assignee=anna\non -> work"
    put(sqlite_engine, text)
    virtual_clock.move_to(MONDAYS[1])
    put(sqlite_engine, text.replace("07-04T09", "08-01T09"))
    assert run_due(sqlite_engine) == 1
    assert started(sqlite_engine) == [("p/2022-07-04T01:00:00Z", 2, "running")]
    with sqlite_engine.read() as work:
        assert next_due(work) == datetime(2022, 8, 1, 1, tzinfo=UTC)


def test_an_element_that_is_gone_starts_nothing(sqlite_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    put(sqlite_engine, WEEKLY)
    put(sqlite_engine, "start s\nuser work camunda:assignee=anna\ns -> work")
    virtual_clock.move_to(MONDAYS[2])
    assert run_due(sqlite_engine) == 0
    assert started(sqlite_engine) == []


def test_a_failing_occurrence_does_not_stop_the_series(sqlite_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    def do(call: Any) -> None:
        if call.now < MONDAYS[1]:
            raise RuntimeError("the printer is on fire")

    sqlite_engine.handlers.register("work.do", do)
    put(sqlite_engine, "start weekly timer=R2/2022-07-04T09:00/P7D\nservice work handler=work.do\nweekly -> work")
    for moment in (MONDAYS[0] + timedelta(days=6), MONDAYS[1]):
        while True:
            with sqlite_engine.read() as work:
                due = next_due(work)
            if due is None or due > moment:
                break
            virtual_clock.move_to(max(due, virtual_clock.now()))
            run_due(sqlite_engine)
    assert [key for key, _, _ in started(sqlite_engine)] == ["p/2022-07-11T01:00:00Z"]
    with sqlite_engine.read() as work:
        assert [(found.kind, found.element_id) for found in list_incidents(work)] == [("timer", "weekly")]


def test_a_message_whose_start_fails_gives_up_with_an_incident(
    process_engine: ProcessEngine, virtual_clock: VirtualClock
) -> None:
    def do(_: Any) -> None:
        raise RuntimeError("the printer is on fire")

    process_engine.handlers.register("work.do", do)
    put(process_engine, "start asked message=please\nservice work handler=work.do\nasked -> work")
    with process_engine.begin() as work:
        send_message(work, "please", "a", unique_key="1")
    while True:
        with process_engine.read() as work:
            due = next_due(work)
        if due is None:
            break
        virtual_clock.move_to(max(due, virtual_clock.now()))
        run_due(process_engine)
    assert started(process_engine) == []
    with process_engine.read() as work:
        assert [(found.kind, found.instance_id) for found in list_incidents(work)] == [("message", None)]


# ---- conditions ------------------------------------------------------------------------------------------------------
def test_a_condition_is_looked_at_when_data_are_offered(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, "start much when='amount > 10'\nuser work camunda:assignee=anna\nmuch -> work")
    with sqlite_engine.begin() as work:
        assert start_on_conditions(work, "a", {"amount": 10}) == []
        assert start_on_conditions(work, "b", {"other": 11}) == []
        assert len(start_on_conditions(work, "c", {"amount": 11})) == 1
    assert started(sqlite_engine) == [("c", 1, "running")]
    with sqlite_engine.read() as work:
        rows = work.connection.execute(sa.select(start_subscription.c.element_id, start_subscription.c.kind)).all()
    assert [tuple(row) for row in rows] == [("much", "conditional")]
