"""Whom a message is for: correlation keys of processes and conversations, values that its sender states, the business key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.definitions import deploy
from engine.delivery import _deliver, deliver_message
from engine.due import run_due
from engine.incidents import list_incidents
from engine.instances import resume_instance, set_variables, start_instance, suspend_instance
from engine.messages import send_message
from engine.tables import instance, message, message_key, subscription_key
from engine.tasks import complete_task
from engine.work import ProcessEngine
from tests.engine.store_rows import open_tasks
from tests.engine.tokens.drawing import draw
from tests.faults.overlapping import overlap
from tests.faults.wholeness import find_faults


def prop(name: str, **paths: str) -> str:
    """A correlation property: where its value stands in each message."""
    inner = "".join(
        f'<correlationPropertyRetrievalExpression messageRef="message_{message}"><messagePath>{path}</messagePath>'
        "</correlationPropertyRetrievalExpression>"
        for message, path in paths.items()
    )
    return f'<correlationProperty id="p_{name}" name="{name}">{inner}</correlationProperty>'


def key(*names: str) -> str:
    return f'<correlationKey id="k">{"".join(f"<correlationPropertyRef>p_{name}</correlationPropertyRef>" for name in names)}' + (
        "</correlationKey>"
    )


def joined(process: str, keys: str, more: str = "") -> str:
    return f'<collaboration id="c"><participant id="w" processRef="{process}"/>{more}{keys}</collaboration>'


def subscribed(**paths: str) -> str:
    """A process says where the values stand in its own data."""
    inner = "".join(
        f'<correlationPropertyBinding correlationPropertyRef="p_{name}"><dataPath>{path}</dataPath></correlationPropertyBinding>'
        for name, path in paths.items()
    )
    return f'<correlationSubscription id="u" correlationKeyRef="k">{inner}</correlationSubscription>'


BY_DATA = "\n".join(
    (
        prop("number", paid="invoice.number"),
        prop("year", paid="year"),
        joined("p", key("number", "year")),
        "process p {",
        "start s",
        "catch paid message=paid",
        "user work camunda:assignee=anna",
        "s -> paid -> work",
        subscribed(number="own", year="y"),
        "}",
    )
)
BY_FIRST = "\n".join(
    (
        prop("number", ordered="number", paid="invoice.number"),
        joined("p", key("number")),
        "process p {",
        "start begun message=ordered",
        "catch paid message=paid",
        "user work camunda:assignee=anna",
        "begun -> paid -> work",
        "}",
    )
)
STATED = """
start s
<receiveTask id="paid" messageRef="message_paid"><extensionElements><camunda:properties>
<camunda:property name="correlate" value="number y"/></camunda:properties></extensionElements></receiveTask>
catch never message=paid
user work camunda:assignee=anna
s -> paid -> work -> never
"""


def put(process_engine: ProcessEngine, *texts: str) -> dict[str, str]:
    with process_engine.begin() as work:
        files = {f"{number}.bpmn": draw(text) for number, text in enumerate(texts)}
        return deploy(work, files, name="drawn").definitions


def begin(process_engine: ProcessEngine, definition: str, business_key: str, **variables: Any) -> str:
    with process_engine.begin() as work:
        return start_instance(work, definition, business_key, variables)


def send(process_engine: ProcessEngine, name: str, values: Mapping[str, Any] | None = None, **options: Any) -> str:
    with process_engine.begin() as work:
        return send_message(work, name, options.pop("to", ""), values, **options)


def passed(process_engine: ProcessEngine) -> list[str]:
    """Business keys of the instances that have had their message."""
    with process_engine.read() as work:
        return sorted(task.business_key for task in open_tasks(work))


def states(process_engine: ProcessEngine) -> list[str]:
    with process_engine.read() as work:
        return list(work.connection.execute(sa.select(message.c.state).order_by(message.c.id)).scalars())


def paid(number: Any, year: Any = 2022) -> dict[str, Any]:
    return {"invoice": {"number": number}, "year": year}


# ---- keys that a process subscribes to -------------------------------------------------------------------------------
def test_a_message_finds_the_instance_with_its_values(process_engine: ProcessEngine) -> None:
    definition = put(process_engine, BY_DATA)["p"]
    for number in (1, 2, 3):
        begin(process_engine, definition, f"case-{number}", own=number, y=2022)
    begin(process_engine, definition, "case-4", own=2, y=2023)
    send(process_engine, "paid", paid(2.0))
    assert run_due(process_engine) == 1
    assert passed(process_engine) == ["case-2"]
    send(process_engine, "paid", paid(2))
    send(process_engine, "paid", paid(9), to="case-3")  # both sides have values, and they differ: the key does not help
    send(process_engine, "paid", {"note": "without values"}, to="case-1")
    run_due(process_engine)
    assert passed(process_engine) == ["case-1", "case-2"]
    assert states(process_engine) == ["delivered", "unmatched", "unmatched", "delivered"]
    assert find_faults(process_engine) == []


def test_values_follow_the_data(process_engine: ProcessEngine) -> None:
    definition = put(process_engine, BY_DATA)["p"]
    first = begin(process_engine, definition, "case-1", y=2022)
    second = begin(process_engine, definition, "case-2", own=2, y=2022)
    with process_engine.read() as work:
        assert len(work.connection.execute(sa.select(subscription_key)).all()) == 1  # a key without all values does not count
    with process_engine.begin() as work:
        set_variables(work, first, {"own": 2})
        set_variables(work, second, {"own": 3})
    send(process_engine, "paid", paid(2))
    assert run_due(process_engine) == 1
    assert passed(process_engine) == ["case-1"]


@pytest.mark.parametrize("how", ["begins", "changes", "resumes"])
def test_an_early_message_is_found_as_soon_as_somebody_waits(process_engine: ProcessEngine, how: str) -> None:
    definition = put(process_engine, BY_DATA)["p"]
    if how != "begins":
        instance_id = begin(process_engine, definition, "case-1", own=2 if how == "resumes" else 1, y=2022)
    if how == "resumes":
        with process_engine.begin() as work:
            suspend_instance(work, instance_id, reason="核查")
    send(process_engine, "paid", paid(2))
    assert run_due(process_engine) == 0
    if how == "begins":
        begin(process_engine, definition, "case-1", own=2, y=2022)
    with process_engine.begin() as work:
        if how == "changes":
            set_variables(work, instance_id, {"own": 2})
        elif how == "resumes":
            resume_instance(work, instance_id)
    assert run_due(process_engine) == 1
    assert passed(process_engine) == ["case-1"]
    with process_engine.read() as work:
        assert len(work.connection.execute(sa.select(message_key)).all()) == 1


@pytest.mark.parametrize("first", ["instance", "message"])
def test_a_message_and_its_receiver_at_once(process_engine: ProcessEngine, first: str) -> None:
    definition = put(process_engine, BY_DATA)["p"]
    sent = send(process_engine, "paid", paid(2))
    if first == "instance":
        overlap(
            process_engine,
            lambda work: start_instance(work, definition, "case-1", {"own": 2, "y": 2022}),
            lambda: deliver_message(process_engine, sent),
        )
    else:
        overlap(
            process_engine,
            lambda work: _deliver(work, sent, None),
            lambda: begin(process_engine, definition, "case-1", own=2, y=2022),
        )
    run_due(process_engine)
    assert passed(process_engine) == ["case-1"]
    assert find_faults(process_engine) == []


def test_each_version_reads_the_message_in_its_own_way(sqlite_engine: ProcessEngine) -> None:
    old = put(sqlite_engine, BY_DATA)["p"]
    new = put(sqlite_engine, BY_DATA.replace("invoice.number", "invoice.no"))["p"]
    begin(sqlite_engine, old, "old", own=1, y=2022)
    begin(sqlite_engine, new, "new", own=2, y=2022)
    begin(sqlite_engine, new, "trap", own=1, y=2022)
    send(sqlite_engine, "paid", {"invoice": {"number": 1, "no": 2}, "year": 2022})
    send(sqlite_engine, "paid", {"invoice": {"number": 1, "no": 2}, "year": 2022})
    run_due(sqlite_engine)
    assert passed(sqlite_engine) == ["new", "old"]


# ---- keys that the first message gives -------------------------------------------------------------------------------
def test_the_message_that_starts_an_instance_gives_its_key(process_engine: ProcessEngine) -> None:
    put(process_engine, BY_FIRST)
    for number in (1, 2):
        send(process_engine, "ordered", {"number": number}, to=f"order-{number}")
    run_due(process_engine)
    process_engine.definitions.clear()
    send(process_engine, "paid", {"invoice": {"number": 2}})
    assert run_due(process_engine) == 1
    assert passed(process_engine) == ["order-2"]


def test_what_a_send_task_sends_gives_the_key_too(sqlite_engine: ProcessEngine) -> None:
    asks = "\n".join(
        (
            prop("number", asked="number", answered="reply.to"),
            joined("p", key("number")),
            "process p {",
            "start s",
            '<sendTask id="ask" messageRef="message_asked"><extensionElements><camunda:inputOutput>',
            '<camunda:inputParameter name="number">${own}</camunda:inputParameter></camunda:inputOutput></extensionElements>',
            "</sendTask>",
            "catch answered message=answered",
            "throw unused message=asked",
            "user work camunda:assignee=anna",
            "s -> ask -> answered -> work -> unused",
            "}",
        )
    )
    definition = put(sqlite_engine, asks)["p"]
    for number in (1, 2):
        begin(sqlite_engine, definition, f"case-{number}", own=number)
    send(sqlite_engine, "answered", {"reply": {"to": 1}})
    run_due(sqlite_engine)
    assert passed(sqlite_engine) == ["case-1"]
    with sqlite_engine.read() as work:
        sent = sa.select(message.c.variables).where(message.c.name == "asked").order_by(message.c.id)
        assert list(work.connection.execute(sent).scalars()) == [{"number": 1}, {"number": 2}]


def test_a_conversation_concerns_its_message_flows_alone(sqlite_engine: ProcessEngine) -> None:
    conversation = f'<conversation id="v"><participantRef>w</participantRef><messageFlowRef>f</messageFlowRef>{key("number")}'
    text = "\n".join(
        (
            prop("number", paid="number"),
            '<collaboration id="c"><participant id="w" processRef="p"/><participant id="x"/>'
            f'<messageFlow id="f" sourceRef="x" targetRef="first"/>{conversation}</conversation></collaboration>',
            "process p {",
            "start s",
            "catch first message=paid",
            "catch second message=paid",
            "user work camunda:assignee=anna",
            "s -> first -> second -> work",
            "}",
        )
    )
    definition = put(sqlite_engine, text)["p"]
    begin(sqlite_engine, definition, "case-1")
    send(sqlite_engine, "paid", {"number": 1}, to="case-1")  # gives the key its value
    assert run_due(sqlite_engine) == 1
    with sqlite_engine.read() as work:
        assert work.connection.execute(sa.select(subscription_key)).all() == []
        document = work.connection.execute(sa.select(instance.c.document)).scalar_one()
    assert document["correlated"] == {"p": {"k": {"number": 1}}}


def test_a_called_definition_has_keys_of_its_own(sqlite_engine: ProcessEngine) -> None:
    put(sqlite_engine, BY_DATA.replace("process p {", "process helper {").replace('"p"', '"helper"'))
    main = put(sqlite_engine, "process main {\nstart ms\ncall c calls=helper\nms -> c\n}")["main"]
    for number in (1, 2):
        begin(sqlite_engine, main, f"case-{number}", own=number, y=2022)
    send(sqlite_engine, "paid", paid(2))
    run_due(sqlite_engine)
    assert passed(sqlite_engine) == ["case-2"]


# ---- values that the sender states -----------------------------------------------------------------------------------
def test_stated_values_find_the_element_that_names_them(process_engine: ProcessEngine) -> None:
    definition = put(process_engine, STATED)["p"]
    for number in (1, 2):
        begin(process_engine, definition, f"case-{number}", number=f"甲{number}", y=2022)
    send(process_engine, "paid", {"sum": 5}, correlation={"number": "甲2", "y": 2022})
    assert run_due(process_engine) == 1
    assert passed(process_engine) == ["case-2"]
    for values, options in (
        ({"number": "甲1"}, {}),  # not all that it names
        ({"number": "甲1", "y": 2023}, {"to": "case-1"}),
        ({"number": "甲1", "y": 2022}, {"to": "case-2"}),
        ({"number": "甲1", "y": None}, {"to": "case-1"}),
    ):
        send(process_engine, "paid", correlation=values, **options)
    assert run_due(process_engine) == 0
    send(process_engine, "paid", correlation={"y": 2022, "number": "甲1"}, to="case-1")
    assert run_due(process_engine) == 1
    assert passed(process_engine) == ["case-1", "case-2"]


def test_stated_values_find_a_correlation_key(sqlite_engine: ProcessEngine) -> None:
    definition = put(sqlite_engine, BY_DATA)["p"]
    for number in (1, 2):
        begin(sqlite_engine, definition, f"case-{number}", own=number, y=2022)
    send(sqlite_engine, "paid", correlation={"number": 2, "year": 2022})
    assert run_due(sqlite_engine) == 1
    assert passed(sqlite_engine) == ["case-2"]


# ---- messages that nobody takes --------------------------------------------------------------------------------------
def test_how_long_a_message_is_kept_is_the_senders_choice(sqlite_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    told = (
        "start s\nend e message=told\n"
        '<sendTask id="send" messageRef="message_told"><extensionElements><camunda:properties>'
        '<camunda:property name="keep" value="P2D"/></camunda:properties></extensionElements></sendTask>\ns -> send -> e'
    )
    begin(sqlite_engine, put(sqlite_engine, told)["p"], "case-1")
    send(sqlite_engine, "paid", correlation={"number": 1}, keep=timedelta(hours=1))
    began = virtual_clock.now()
    for days, expected in ((0, []), (1, ["paid to number=1"]), (2, ["paid to number=1", "told to case-1"])):
        virtual_clock.move_to(began + timedelta(days=days))
        run_due(sqlite_engine)
        with sqlite_engine.read() as work:
            assert [found.detail for found in list_incidents(work)] == expected
    virtual_clock.move_to(began + timedelta(days=30))
    run_due(sqlite_engine)
    assert states(sqlite_engine) == ["dead", "dead", "dead"]


def test_a_step_of_a_definition_without_keys_asks_for_none(sqlite_engine: ProcessEngine) -> None:
    asked: list[str] = []
    definition = put(sqlite_engine, "start s\nuser a camunda:assignee=x\nreceive r message=go\ns -> a -> r")["p"]
    begin(sqlite_engine, definition, "case-1")
    sa.event.listen(sqlite_engine.database, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with sqlite_engine.begin() as work:
        complete_task(work, open_tasks(work)[0].id, {})
    assert [each for each in asked if "subscription_key" in each or "message_key" in each or "correlated" in each] == []
