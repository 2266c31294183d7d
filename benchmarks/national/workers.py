"""The processes that act: each has its own connection to the database, its own clock that runs, and a share of the people."""

from __future__ import annotations

import multiprocessing
import resource
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from api.cli.opening import open_engine
from api.settings import read_settings
from benchmarks.national.people import People
from benchmarks.national.timing import Tally
from benchmarks.national.world import World
from engine.clock import SystemClock
from engine.work import ProcessEngine


class RunningClock(SystemClock):
    """Time runs as it really does, so and so far from the real one: a phase begins at its moment of the campaign."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta()

    def now(self, connection: sa.Connection | None = None) -> datetime:
        """The real moment, moved."""
        return super().now(connection) + self.ahead

    def decide(self, connection: sa.Connection) -> datetime:
        """The database's own moment, moved; on SQLite the host's."""
        if connection.dialect.name == "postgresql":
            return super().decide(connection) + self.ahead
        return self.now()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker works, and which share of the people is its own. `folder` takes uploads and what clients were told."""

    database: str
    folder: Path
    index: int = 0
    workers: int = 1


class Worker:
    """What the phases are given."""

    def __init__(self, place: Place, world: World) -> None:
        self.place, self.world = place, world
        self.clock = RunningClock()
        self.process_engine = open_place(place, self.clock)
        self.people = People(self.process_engine)

    @property
    def tally(self) -> Tally:
        """Of the phase that runs."""
        return self.people.tally

    def share(self, numbers: range) -> range:
        """Those of the numbers that are this worker's."""
        return numbers[self.place.index :: self.place.workers]

    def note(self, name: str, line: str) -> None:
        """Keep what a client was told, outside of the database."""
        with (self.place.folder / f"{name}-{self.place.index}.txt").open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def open_place(place: Place, clock: SystemClock) -> ProcessEngine:
    """The engine of one process."""
    settings = read_settings({}, database_url=place.database, file_folder=place.folder / "files")
    return open_engine(settings, clock=clock)


Phase = Callable[..., None]
"""Done by a worker for its share of the people: the first argument."""


class Crew:
    """All workers; does one phase after the other. `phases` are the functions that they may be asked for."""

    def __init__(self, places: Sequence[Place], world: World, phases: Mapping[str, Phase]) -> None:
        context = multiprocessing.get_context("spawn")
        self._links: list[Connection] = []
        self._processes: list[Any] = []
        for place in places:
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, place, world, phases), daemon=True)
            process.start()
            self._links.append(ours)
            self._processes.append(process)
        self.peaks = [0.0] * len(places)

    def do(self, phase: str, moment: datetime, *, only: int | None = None, **given: Any) -> Tally:
        """All workers (or `only` one) do a phase that begins at a moment of the campaign; what they did together.

        Raises RuntimeError with a worker's traceback.
        """
        ahead = moment - datetime.now(UTC)
        links = self._links if only is None else [self._links[only]]
        for link in links:
            link.send((phase, ahead, given))
        whole = Tally()
        for place, link in enumerate(links):
            found = link.recv()
            if isinstance(found, str):
                raise RuntimeError(found)
            whole.merge(found)
            self.peaks[place if only is None else only] = found.peak_mb
        return whole

    def dismiss(self) -> None:
        """The end."""
        for link in self._links:
            link.send(None)
        for process in self._processes:
            process.join()


def _work(link: Connection, place: Place, world: World, phases: Mapping[str, Phase]) -> None:
    worker = Worker(place, world)
    while (asked := link.recv()) is not None:
        phase, worker.clock.ahead, given = asked
        worker.people.tally = Tally()
        began = time.process_time()
        try:
            phases[phase](worker, **given)
        except Exception:
            link.send(traceback.format_exc())
            break
        worker.tally.cpu_s = time.process_time() - began
        worker.tally.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        link.send(worker.tally)
    worker.process_engine.database.dispose()
