"""The engine as a whole, and one unit of work in it: one transaction, one clock, one person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from engine.clock import Clock, SystemClock
from engine.handlers import Handlers

if TYPE_CHECKING:
    from engine.history import Chain


class Backend(Protocol):
    """Who wakes up for rows that are due: APScheduler (embedded) or procrastinate (PostgreSQL)."""

    def schedule(self, work: Work, kind: str, row_id: str, generation: int, due_at: datetime, lock: str | None) -> None:
        """Called in the transaction that wrote the row of `kind` (`timer`, `message`, `mail` or `bulk`)."""


class NoBackend:
    """Nobody wakes up by itself: replays and tests call `engine.due.run_due` themselves."""

    def schedule(self, work: Work, kind: str, row_id: str, generation: int, due_at: datetime, lock: str | None) -> None:
        """Do nothing."""


@dataclass
class ProcessEngine:
    """What all units of work share. Made once, in `api/wiring.py`; safe to use from many threads.

    `extras` holds what the rooms above hang on it (mailer, settings, file store), by name.
    """

    database: sa.Engine
    clock: Clock = field(default_factory=SystemClock)
    handlers: Handlers = field(default_factory=Handlers)
    backend: Backend = field(default_factory=NoBackend)
    definitions: dict[str, Any] = field(default_factory=dict)  # parsed definitions by id, read once per version
    decisions: dict[str, Any] = field(default_factory=dict)  # the same for decisions
    bulk: dict[str, Any] = field(default_factory=dict)  # operations on many things that the rooms above add (`engine.bulk`)
    roles: frozenset[str] = frozenset()  # that people can hold; empty: nobody says
    extras: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def begin(self, *, by: str | None = None, on_behalf_of: str | None = None) -> Iterator[Work]:
        """One writing transaction: committed at the end, rolled back whole on any exception."""
        with self.database.begin() as connection:
            work = Work(self, connection, by, on_behalf_of)
            yield work
        for action in work.after_commit:
            action()

    @contextmanager
    def read(self, *, by: str | None = None) -> Iterator[Work]:
        """A reading transaction: one snapshot, no write lock."""
        with self.database.connect() as plain, plain.execution_options(read_only=True) as connection:
            yield Work(self, connection, by, None)


@dataclass
class Work:
    """One unit of work, handed to every function that reads or writes."""

    engine: ProcessEngine
    connection: sa.Connection
    by: str | None = None
    on_behalf_of: str | None = None
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    chains: dict[str, Chain] = field(default_factory=dict)  # open ends of the histories written in this unit, by instance
    received_at: datetime | None = None  # when the request that is worked off in the background was complete with us

    @cached_property
    def now(self) -> datetime:
        """The moment of this unit of work: the same for all its rows."""
        return self.engine.clock.now()

    def decide(self) -> datetime:
        """The moment that decides about being in time; lock the window's row first."""
        return self.received_at or self.engine.clock.decide(self.connection)

    @contextmanager
    def part(self) -> Iterator[Work]:
        """A part that may fail alone: what it wrote is undone (a savepoint), what it knew is gone; its moment is the same."""
        with self.connection.begin_nested():
            part = Work(self.engine, self.connection, self.by, self.on_behalf_of, received_at=self.received_at)
            part.now = self.now
            yield part
        self.after_commit += part.after_commit
