"""The clock that is handed to each unit of work: real or virtual, never a module's global."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

READ_AGAIN_SECONDS = 10.0
"""For how long what PostgreSQL's clock said is carried on by the time that passes here."""
SLOWER = 0.999
"""By how much slower it is carried on: however the host drifts (NTP corrects by a twentieth of this), it is never ahead."""


class Clock(Protocol):
    """Gives the present moment, always aware and in UTC."""

    def now(self, connection: sa.Connection | None = None) -> datetime:
        """The moment for due dates, history and mail; of a unit of work by the clock that all who share its database share."""

    def decide(self, connection: sa.Connection) -> datetime:
        """The moment that decides whether something is in time, read after the window's row is locked."""


class SystemClock:
    """Real time: the host's clock, and with PostgreSQL that of the database, on whichever host one works."""

    def __init__(self) -> None:
        self._read: tuple[datetime, float] | None = None  # what the database said, and the time that had passed here by then

    def now(self, connection: sa.Connection | None = None) -> datetime:
        """The host's present moment; with a connection to PostgreSQL the database's, never ahead of it.

        It is read every `READ_AGAIN_SECONDS` and carried on in between, so that a unit of work need not ask. The host's clock
        may be wrong, jump or drift: it has no say.
        """
        if connection is None or connection.dialect.name != "postgresql":
            return datetime.now(UTC)
        if self._read is None or passed_seconds() - self._read[1] > READ_AGAIN_SECONDS:
            self._read = _ask(connection), passed_seconds()
        moment, since = self._read
        return moment + timedelta(seconds=(passed_seconds() - since) * SLOWER)

    def decide(self, connection: sa.Connection) -> datetime:
        """`clock_timestamp()` on PostgreSQL, the host's clock on SQLite."""
        if connection.dialect.name == "postgresql":
            return _ask(connection)
        return self.now()


def _ask(connection: sa.Connection) -> datetime:
    moment: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)


def passed_seconds() -> float:
    """The time that passes on this machine, whatever its clock says; where the system can tell also while it slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class VirtualClock:
    """Time that moves only when told: replays, dry runs and tests."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment.astimezone(UTC)

    def now(self, connection: sa.Connection | None = None) -> datetime:
        """The virtual moment."""
        return self._moment

    def decide(self, connection: sa.Connection) -> datetime:
        """The virtual moment, whatever the database's clock says."""
        return self._moment

    def move_to(self, moment: datetime) -> None:
        """Go forward to `moment`.

        Raises ValueError when `moment` lies before the present one: time does not run backwards.
        """
        if moment < self._moment:
            raise ValueError(f"{moment.isoformat()} lies before {self._moment.isoformat()}")
        self._moment = moment.astimezone(UTC)
