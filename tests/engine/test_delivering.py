"""Messages that are due at once are delivered in chunks: each once, to the one that waits, and one that fails spoils no other."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from threading import Thread

import pytest
import sqlalchemy as sa

from engine.chunks import CHUNK
from engine.definitions import deploy
from engine.delivery import deliver_messages
from engine.due import run_due
from engine.handlers import Call
from engine.instances import start_instance, suspend_instance
from engine.messages import Outgoing, send_messages
from engine.tables import history, instance, message
from engine.work import ProcessEngine
from tests.engine.tokens.drawing import draw
from tests.faults.wholeness import find_faults

WAITING = """
start s
catch wait message=told
service note handler=bell.note
catch again message=told
s -> wait -> note -> again
"""


@pytest.fixture
def rung(process_engine: ProcessEngine) -> list[str]:
    keys: list[str] = []

    def note(call: Call) -> None:
        if call.business_key == "bad" and call.variables["n"] == 0:
            raise OSError("the bell is broken")
        keys.append(f"{call.business_key}/{call.variables['n']}")

    process_engine.handlers.register("bell.note", note)
    return keys


def start(process_engine: ProcessEngine, *keys: str) -> dict[str, str]:
    with process_engine.begin() as work:
        definition = deploy(work, {"p.bpmn": draw(WAITING)}, name="p").definitions["p"]
        return {key: start_instance(work, definition, key, {}) for key in keys}


def send(process_engine: ProcessEngine, *keys: str, n: int = 0) -> list[str]:
    with process_engine.begin() as work:
        send_messages(work, "told", [Outgoing(key, f"{key}/{n}", {"n": n}) for key in keys])
        return list(work.connection.execute(sa.select(message.c.id).order_by(message.c.id)).scalars())


def states(process_engine: ProcessEngine) -> Counter[str]:
    with process_engine.read() as work:
        return Counter(work.connection.execute(sa.select(message.c.state)).scalars())


def test_many_are_delivered_each_once(process_engine: ProcessEngine, rung: list[str]) -> None:
    keys = [f"c{number:03}" for number in range(2 * CHUNK + 20)]
    start(process_engine, *keys)
    send(process_engine, *keys)
    assert deliver_messages(process_engine) == CHUNK
    assert run_due(process_engine) == CHUNK + 20
    assert rung == [f"{key}/0" for key in keys]
    assert states(process_engine) == {"delivered": len(keys)}
    with process_engine.read() as work:
        kinds = sa.select(history.c.kind, sa.func.count()).group_by(history.c.kind)
        assert dict(work.connection.execute(kinds).all()) == {"started": len(keys), "received": len(keys)}  # type: ignore[arg-type]
    assert find_faults(process_engine) == []


def test_two_to_one_keep_their_order(process_engine: ProcessEngine, rung: list[str]) -> None:
    start(process_engine, "a", "b")
    send(process_engine, "a", "b", n=1)
    send(process_engine, "a", "b", n=2)
    assert run_due(process_engine) == 4
    assert [each for each in rung if each.startswith("a")] == ["a/1"]
    with process_engine.read() as work:
        assert set(work.connection.execute(sa.select(instance.c.state)).scalars()) == {"ended"}


def test_one_that_fails_spoils_no_other(process_engine: ProcessEngine, rung: list[str]) -> None:
    start(process_engine, "a", "bad", "b")
    ids = send(process_engine, "a", "bad", "b")
    assert deliver_messages(process_engine, ids) == 2
    assert sorted(rung) == ["a/0", "a/0", "b/0"]  # the handler was called twice, what it wrote stands once
    with process_engine.read() as work:
        rows = {row.business_key: row for row in work.connection.execute(sa.select(message))}
    assert {key: (row.state, row.attempt) for key, row in rows.items()} == {
        "a": ("delivered", 0), "bad": ("waiting", 1), "b": ("delivered", 0)
    }  # fmt: skip
    assert rows["bad"].next_try_at > process_engine.clock.now()


def test_what_needs_a_closer_look_goes_by_itself(process_engine: ProcessEngine, rung: list[str]) -> None:
    """Nobody there yet, two of one key (the oldest gets it), one that rests, a moment that has not come."""
    ids = start(process_engine, "a", "rests")
    with process_engine.begin() as work:
        second = start_instance(
            work, work.connection.execute(sa.select(instance.c.definition_id)).scalars().first() or "", "a", {}
        )
        suspend_instance(work, ids["rests"], reason="-")
    sent = send(process_engine, "a", "rests", "nobody")
    with process_engine.begin() as work:
        send_messages(work, "told", [Outgoing("later", "later", {"n": 0})])
        later = message.c.business_key == "later"
        work.connection.execute(message.update().where(later).values(next_try_at=work.now + timedelta(hours=1)))
    assert deliver_messages(process_engine) == 0
    assert deliver_messages(process_engine, sent) == 1
    assert states(process_engine) == {"delivered": 1, "unmatched": 2, "waiting": 1}
    with process_engine.read() as work:
        received = sa.select(history.c.instance_id).where(history.c.kind == "received")
        assert work.connection.execute(received).scalars().all() == [ids["a"]]
        assert second != ids["a"]


def test_several_at_once_deliver_each_once(process_engine: ProcessEngine, rung: list[str]) -> None:
    keys = [f"c{number:03}" for number in range(3 * CHUNK)]
    start(process_engine, *keys)
    send(process_engine, *keys)
    workers = [Thread(target=run_due, args=(process_engine,)) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    run_due(process_engine)
    assert states(process_engine) == {"delivered": len(keys)}
    with process_engine.read() as work:
        received = sa.select(history.c.instance_id).where(history.c.kind == "received")
        assert set(Counter(work.connection.execute(received).scalars()).values()) == {1}
