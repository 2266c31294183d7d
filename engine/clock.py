"""The clock that is handed to each unit of work: real or virtual, never a module's global."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

import sqlalchemy as sa


class Clock(Protocol):
    """Gives the present moment, always aware and in UTC."""

    def now(self) -> datetime:
        """The moment for due dates, history and mail."""

    def decide(self, connection: sa.Connection) -> datetime:
        """The moment that decides whether something is in time, read after the window's row is locked."""


class SystemClock:
    """Real time: the host's clock, and PostgreSQL's own clock for decisions there."""

    def now(self) -> datetime:
        """The host's present moment."""
        return datetime.now(UTC)

    def decide(self, connection: sa.Connection) -> datetime:
        """`clock_timestamp()` on PostgreSQL, the host's clock on SQLite."""
        if connection.dialect.name == "postgresql":
            moment: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
            return moment.astimezone(UTC)
        return self.now()


class VirtualClock:
    """Time that moves only when told: replays, dry runs and tests."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment.astimezone(UTC)

    def now(self) -> datetime:
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
