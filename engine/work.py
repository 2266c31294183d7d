"""The engine as a whole, and one unit of work in it: one transaction, one clock, one person."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa

from engine.clock import Clock, SystemClock
from engine.database import lock_names
from engine.handlers import Handlers
from engine.moments import Workdays, count_weekdays
from engine.statements import Writes

if TYPE_CHECKING:
    from engine.history import Chain


class Scheduled(NamedTuple):
    """A row that somebody has to look at when its moment has come; nobody has been told yet of one that is `new`."""

    kind: str  # timer | message | mail | bulk
    row_id: str
    generation: int
    due_at: datetime
    new: bool = False


class Backend(Protocol):
    """Who wakes up for rows that are due: APScheduler (embedded) or procrastinate (PostgreSQL)."""

    def schedule(self, work: Work, rows: Sequence[Scheduled]) -> None:
        """Called at the end of the transaction that wrote the rows, before it commits."""

    def forget(self, work: Work, kind: str, rows: Sequence[tuple[str, int]]) -> None:
        """Called in the transaction that did these rows (id, generation) before their turn: nobody need wake up for them."""


class NoBackend:
    """Nobody wakes up by itself: replays and tests call `engine.due.run_due` themselves."""

    def schedule(self, work: Work, rows: Sequence[Scheduled]) -> None:
        """Do nothing."""

    def forget(self, work: Work, kind: str, rows: Sequence[tuple[str, int]]) -> None:
        """Do nothing."""


@dataclass
class ProcessEngine:
    """What all units of work share. Made once, in `api/wiring.py`; safe to use from many threads.

    `extras` holds what the rooms above hang on it (senders, settings, file store), by name.
    """

    database: sa.Engine
    clock: Clock = field(default_factory=SystemClock)
    handlers: Handlers = field(default_factory=Handlers)
    backend: Backend = field(default_factory=NoBackend)
    definitions: dict[str, Any] = field(default_factory=dict)  # parsed definitions by id, read once per version
    decisions: dict[str, Any] = field(default_factory=dict)  # the same for decisions
    bulk: dict[str, Any] = field(default_factory=dict)  # operations on many things that the rooms above add (`engine.bulk`)
    stored_sets: set[str] = field(default_factory=set)  # sets of candidates that are known to be stored
    roles: frozenset[str] = frozenset()  # that people can hold; empty: nobody says
    workdays: Callable[[Work], Workdays] = lambda _work: count_weekdays  # who counts work days: the rooms above know them
    extras: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def begin(self, *, by: str | None = None, on_behalf_of: str | None = None) -> Iterator[Work]:
        """One writing transaction: committed at the end, rolled back whole on any exception."""
        with self.database.begin() as connection:
            work = Work(self, connection, by, on_behalf_of)
            yield work
            if work.scheduled:
                self.backend.schedule(work, work.scheduled)
        for action in work.after_commit:
            action()

    @contextmanager
    def read(self, *, by: str | None = None) -> Iterator[Work]:
        """A reading transaction: one snapshot, no write lock."""
        with self.database.connect() as plain, plain.execution_options(read_only=True) as connection:
            yield Work(self, connection, by, None, writing=False)


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
    writing: bool = True
    known: dict[Hashable, Any] = field(default_factory=dict)  # what this unit of work found out, and need not look for again
    writes: Writes = field(default_factory=Writes)  # rows of the step that is being done
    scheduled: list[Scheduled] = field(default_factory=list)
    held: set[str] = field(default_factory=set)  # names that this unit of work has locked
    passing: frozenset[tuple[str, str]] = frozenset()  # (instance, element): what the engine does there is to be left out,
    passed: list[str] = field(default_factory=list)  # and where it was (`engine.mending`)
    _together: bool = False

    @cached_property
    def now(self) -> datetime:
        """The moment of this unit of work: the same for all its rows."""
        return self.engine.clock.now(self.connection)

    def workdays(self, day: date, count: int) -> date:
        """The nth work day after a day, as this unit of work counts (`engine.moments.Workdays`)."""
        return self.engine.workdays(self)(day, count)

    def schedule(self, kind: str, row_id: str, generation: int, due_at: datetime, *, new: bool = False) -> None:
        """Have somebody look at a row that this unit of work has changed, or inserted (`new`), when its moment has come."""
        self.scheduled.append(Scheduled(kind, row_id, generation, due_at, new))

    def hold(self, names: Iterable[str]) -> None:
        """Lock names until the transaction ends (`engine.database.lock_names`), those that are not held already."""
        new = set(names) - self.held
        lock_names(self.connection, new)
        self.held |= new

    def write(self) -> None:
        """Write what a step has gathered; within `together` that is done at the end for all steps."""
        if not self._together:
            self.writes.write(self.connection)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Steps inside write their rows together: one statement for all rows of a kind. They are those of different instances."""
        self._together = True
        try:
            yield
            self.writes.write(self.connection)
        finally:
            self._together = False

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
        self.scheduled += part.scheduled


MOST_KNOWN = 1_000
"""So many answers are kept: a unit of work that reads a whole campaign does not hold it."""

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
Reading = Callable[Concatenate[Work, Given], Answer]


def lasting(function: Reading[Given, Answer]) -> Reading[Given, Answer]:
    """A reading function of what never changes once it is there: each unit of work asks the database once for each answer. The
    arguments have to be hashable."""
    return _remember(function, while_writing=True)


def recalled(function: Reading[Given, Answer]) -> Reading[Given, Answer]:
    """A reading function that is asked again and again: a unit of work that only reads asks the database once for each answer,
    and so sees one state; one that may write reads anew. The arguments have to be hashable."""
    return _remember(function, while_writing=False)


def foresee(work: Work, function: Callable[..., Answer], answers: Iterable[tuple[Any, Answer]]) -> None:
    """Answers of a `recalled` function of one argument, read for many arguments at once before each is asked for by itself. A
    unit of work that may write reads anew, and a unit keeps at most `MOST_KNOWN`."""
    if not work.writing:
        work.known.update({(function.__wrapped__, (given,)): answer for given, answer in answers})  # type: ignore[attr-defined]


def _remember(function: Reading[Given, Answer], *, while_writing: bool) -> Reading[Given, Answer]:
    @wraps(function)
    def remember(work: Work, /, *given: Given.args, **named: Given.kwargs) -> Answer:
        if work.writing and not while_writing:
            return function(work, *given, **named)
        key = (function, given, *sorted(named.items()))
        if key not in work.known:
            if len(work.known) >= MOST_KNOWN:
                work.known.clear()
            work.known[key] = function(work, *given, **named)
        answer: Answer = work.known[key]
        return answer

    return remember
