"""What always fails is given up after its tries, reported, and stops nobody else. (Timers and letters: in their own rooms.)"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.database import name_fault
from engine.definitions import deploy
from engine.due import next_due, run_due
from engine.errors import DatabaseBusy
from engine.handlers import Call
from engine.incidents import list_incidents, retry_incident
from engine.instances import start_instance
from engine.messages import send_message
from engine.tables import history, instance, message
from engine.work import ProcessEngine
from tests.faults.wholeness import find_faults

TOLD = b"""<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"
  id="d" targetNamespace="http://linxuan.example/tests">
  <message id="m" name="news"/>
  <process id="told" isExecutable="true">
    <startEvent id="start"/>
    <intermediateCatchEvent id="hear"><messageEventDefinition id="md" messageRef="m"/></intermediateCatchEvent>
    <serviceTask id="work" name="work" camunda:delegateExpression="${work.do}"/>
    <endEvent id="done"/>
    <sequenceFlow id="f1" sourceRef="start" targetRef="hear"/>
    <sequenceFlow id="f2" sourceRef="hear" targetRef="work"/>
    <sequenceFlow id="f3" sourceRef="work" targetRef="done"/>
  </process>
</definitions>
"""


def tell(process_engine: ProcessEngine, names: tuple[str, ...]) -> None:
    """An instance for each name, and a message to it."""
    with process_engine.begin() as work:
        definition = deploy(work, {"told.bpmn": TOLD}, name="told").definitions["told"]
    with process_engine.begin() as work:
        for name in names:
            start_instance(work, definition, name, {})
            send_message(work, "news", name)


def states(process_engine: ProcessEngine, table: sa.Table) -> dict[str, str]:
    """The states of rows by business key."""
    with process_engine.read() as work:
        return {row.business_key: row.state for row in work.connection.execute(sa.select(table))}


def test_a_poisonous_message_is_given_up_and_stops_nobody(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    poisonous = {"b"}

    def do(call: Call) -> None:
        if call.business_key in poisonous:
            raise ValueError("poison")

    process_engine.handlers.register("work.do", do)
    tell(process_engine, ("a", "b", "c"))
    assert run_due(process_engine) == 2
    assert states(process_engine, message) == {"a": "delivered", "b": "waiting", "c": "delivered"}
    moments = []
    for _ in range(20):
        with process_engine.read() as work:
            due = next_due(work)
        if due is None:
            break
        moments.append(due)
        virtual_clock.move_to(due)
        run_due(process_engine)
    assert len(moments) == 7  # the first try and these, each after a longer pause
    assert all(
        later - earlier > earlier - before for before, earlier, later in zip(moments, moments[1:], moments[2:], strict=False)
    )
    assert states(process_engine, message)["b"] == "dead"
    assert states(process_engine, instance) == {"a": "ended", "b": "running", "c": "ended"}
    assert find_faults(process_engine) == []  # it waits as before
    with process_engine.read() as work:
        (incident,) = list_incidents(work)
    assert (incident.kind, "poison" in incident.detail) == ("message", True)
    poisonous.clear()
    with process_engine.begin(by="administrator") as work:
        retry_incident(work, incident.id)
    assert run_due(process_engine) == 1
    assert states(process_engine, instance)["b"] == "ended"
    assert find_faults(process_engine) == []


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_is_cut_in_the_middle_of_a_step(process_engine: ProcessEngine) -> None:
    cut = [True]

    def do(call: Call) -> None:
        if cut[0]:
            number = call.work.connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
            with process_engine.database.connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:number)"), {"number": number})
            call.work.connection.execute(sa.select(instance.c.id))

    process_engine.handlers.register("work.do", do)
    with process_engine.begin() as work:
        definition = deploy(work, {"told.bpmn": TOLD.replace(b'targetRef="hear"', b'targetRef="work"')}, name="cut").definitions[
            "told"
        ]
    with pytest.raises(sa.exc.OperationalError) as raised, process_engine.begin() as work:
        start_instance(work, definition, "a", {})
    assert isinstance(name_fault(raised.value), DatabaseBusy)
    with process_engine.read() as work:  # by a connection that lives
        assert work.connection.execute(sa.select(sa.func.count()).select_from(history)).scalar_one() == 0
    cut[0] = False
    with process_engine.begin() as work:
        start_instance(work, definition, "a", {})
    assert states(process_engine, instance) == {"a": "ended"}
