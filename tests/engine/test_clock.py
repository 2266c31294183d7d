"""Whose clock counts: with PostgreSQL the database's, whatever the hosts' clocks say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine import clock
from engine.backends.queue import QueueBackend, create_job_tables
from engine.clock import READ_AGAIN_SECONDS, SystemClock
from engine.handlers import Call
from engine.outbox import queue_mail, send_mail
from engine.tables import outbox, timer
from engine.timers import arm_timer, fire_timer
from engine.work import ProcessEngine

only_postgresql = [pytest.mark.postgresql, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]


class Host:
    """A host whose clock is wrong, and on which time passes as a test says."""

    def __init__(self) -> None:
        self.wrong_by = timedelta()
        self.passed = 1000.0

    def now(self, zone: object = None) -> datetime:
        return datetime.now(UTC) + self.wrong_by

    def passed_seconds(self) -> float:
        return self.passed


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host()
    monkeypatch.setattr(clock, "datetime", host)
    return host


@pytest.fixture
def real(process_engine: ProcessEngine) -> Iterator[ProcessEngine]:
    """In real time, as a worker."""
    with process_engine.database.begin() as connection:
        create_job_tables(connection)
    process_engine.clock = SystemClock()
    process_engine.backend = QueueBackend()
    yield process_engine


@pytest.mark.parametrize("wrong_by", [timedelta(minutes=10), timedelta(minutes=-10), timedelta(days=400)])
class TestWrongClock:
    pytestmark = only_postgresql

    def test_nothing_fires_early_and_all_in_time(self, real: ProcessEngine, host: Host, wrong_by: timedelta) -> None:
        rung: list[Call] = []
        real.handlers.register("bell.ring", rung.append)
        with real.begin() as work:
            now = work.connection.execute(sa.text("SELECT now()")).scalar_one()
            soon = arm_timer(work, "bell.ring", now + timedelta(minutes=5), unique_key="soon", payload={})
            past = arm_timer(work, "bell.ring", now, unique_key="past", payload={})
        host.wrong_by = wrong_by
        assert soon is not None and past is not None
        assert [fire_timer(real, each) for each in (soon, past)] == [False, True]
        with real.read() as work:
            rows = {row.id: row for row in work.connection.execute(sa.select(timer))}
        assert rows[soon].state == "armed"
        assert now <= rows[past].done_at < now + timedelta(minutes=1)

    def test_what_it_writes_is_due_for_the_others_at_once(self, real: ProcessEngine, host: Host, wrong_by: timedelta) -> None:
        real.extras["senders"] = {"mail": lambda row: None}
        host.wrong_by = wrong_by
        with real.begin() as work:
            mail = queue_mail(work, recipient="a@example.org", subject="s", body="b", about=None, unique_key="m")
        host.wrong_by = timedelta()
        real.clock = SystemClock()  # another host
        assert mail is not None and send_mail(real, mail)
        with real.read() as work:
            assert work.connection.execute(sa.select(outbox.c.state)).scalar_one() == "sent"


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_databases_clock_is_carried_on_and_read_again(
    real: ProcessEngine, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "passed_seconds", host.passed_seconds)
    with real.read() as work:
        first = work.now
    host.wrong_by = timedelta(hours=-1)  # set back meanwhile: it has no say
    host.passed += READ_AGAIN_SECONDS
    with real.read() as work:
        carried = work.now - first
    assert timedelta(seconds=0.998 * READ_AGAIN_SECONDS) < carried < timedelta(seconds=READ_AGAIN_SECONDS)
    host.passed += 0.1
    with real.read() as work:  # asked again: here no real time has passed to speak of
        assert work.now - first < carried
        assert work.now <= work.connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_sqlite_the_hosts_clock_counts(real: ProcessEngine, host: Host) -> None:
    host.wrong_by = timedelta(hours=1)
    with real.read() as work:
        assert work.now > datetime.now(UTC) + timedelta(minutes=59)
