"""Keyed actions: each once, its answer kept for a while and then forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from engine import idempotency as module
from engine.clock import VirtualClock
from engine.idempotency import EVERY, KEEP, KeyReused, once
from engine.tables import idempotency
from engine.work import ProcessEngine


def act(process_engine: ProcessEngine, key: str, request: str = "r") -> str:
    """The answer: that of the first call."""
    with process_engine.begin(by="anna") as work:
        return str(once(work, key, "act", {"request": request}, lambda: {"at": work.now.isoformat()})["at"])


def keys(process_engine: ProcessEngine) -> list[str]:
    with process_engine.read() as work:
        return list(work.connection.execute(sa.select(idempotency.c.key).order_by(idempotency.c.key)).scalars())


def test_a_key_is_answered_once_and_refuses_another_request(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    first = act(process_engine, "a")
    virtual_clock.move_to(virtual_clock.now() + KEEP - timedelta(seconds=1))
    assert act(process_engine, "a") == first
    with pytest.raises(KeyReused):
        act(process_engine, "a", "another")


def test_old_keys_are_forgotten(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> None:
    first = act(process_engine, "a")
    virtual_clock.move_to(virtual_clock.now() + KEEP)
    act(process_engine, "b")
    assert keys(process_engine) == ["a", "b"]
    virtual_clock.move_to(virtual_clock.now() + EVERY)
    act(process_engine, "c")
    assert keys(process_engine) == ["b", "c"]
    assert act(process_engine, "a") != first


def test_they_are_looked_for_once_an_hour_and_some_at_a_time(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FORGOTTEN", 2)
    for key in "abc":
        act(process_engine, key)
    virtual_clock.move_to(virtual_clock.now() + KEEP + timedelta(seconds=1))
    for key, left in (("d", 2), ("e", 3)):
        act(process_engine, key)
        assert len(keys(process_engine)) == left
    virtual_clock.move_to(virtual_clock.now() + EVERY)
    act(process_engine, "f")
    assert keys(process_engine) == ["d", "e", "f"]
