"""The whole campaign on one database: set it up, let the phases pass, look at the end."""

from __future__ import annotations

import re
import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from benchmarks.databases import Databases, each_database, need_room
from benchmarks.national.phases import PHASES
from benchmarks.national.timing import Tally
from benchmarks.national.verifying import verify
from benchmarks.national.workers import Crew, Place, RunningClock, open_place
from benchmarks.national.world import World, is_late, is_silent, write_world
from engine.tables import archived_instance
from tests.faults.programs import Program, wait_until
from workflows.campaigns.settings import ARCHIVE_DAYS
from workflows.campaigns.windows import BODY
from workflows.tables import window

ROOM_PER_CASE = 60_000
"""Bytes of disk that a case may need while it runs: twice what it keeps, with the log of changes."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to play. `listed` is the part of its audited cases that a body recommends: those are reviewed by experts."""

    institutions: int = 55_000
    experts: int = 100
    experts_per_case: int = 5
    listed: float = 0.1
    cut: int = 100
    http: bool = False
    workers: int = 1


@dataclass
class Played:
    """The phases of a run as they pass."""

    crew: Crew
    tell: Callable[[str], None]
    rows: list[dict[str, Any]] = field(default_factory=list)
    servers: list[float] = field(default_factory=list)  # peak memory of gunicorn's processes, in MB

    def do(self, title: str, phase: str, moment: datetime, *, count: str | None = None, **given: Any) -> Tally:
        """One phase; `count` names the operation that it is about, for its throughput."""
        began = time.perf_counter()
        tally = self.crew.do(phase, moment, **given)
        self._note(title, tally, time.perf_counter() - began, count)
        return tally

    def run_background(self, title: str, moment: datetime) -> None:
        """What is due, by all workers, until nobody finds anything more."""
        began, whole = time.perf_counter(), Tally()
        while True:
            tally = self.crew.do("background", moment + timedelta(seconds=time.perf_counter() - began))
            whole.merge(tally)
            if not tally.operations:
                break
        self._note(title, whole, time.perf_counter() - began, None)

    def _note(self, title: str, tally: Tally, seconds: float, count: str | None) -> None:
        timings = tally.operations
        counted = [timings[count]] if count in timings else list(timings.values())
        done = sum(timing.count for timing in counted) if count is None or count in timings else 0
        row = {
            "phase": title,
            "done": done,
            "refused": dict(tally.refused),
            "seconds": round(seconds, 2),
            "cpu_s": round(tally.cpu_s, 2),
            "per_second": round((done + sum(tally.refused.values())) / seconds, 1) if seconds else None,
            "operations": {name: timing.as_json() for name, timing in sorted(timings.items())},
        }
        self.rows.append(row)
        self.tell(f"{title}: {done} in {seconds:.1f} s, {row['per_second']}/s")


def run(
    kinds: Sequence[str],
    *,
    server: str | None = None,
    workers: Sequence[int] = (1,),
    tell: Callable[[str], None] | None = None,
    **options: Any,
) -> dict[str, dict[str, Any]]:
    """Play the campaign on an empty database of each kind, once for each number of `workers` (SQLite: one writes at a time, so
    with one alone). By kind and number of workers what was measured; beside two or more how many times faster than one.

    `options` are those of `Options`; `tell` gets a line for each phase, by default on standard error.
    Raises LookupError when there is no PostgreSQL to start, RoomMissing, RuntimeError when a step fails.
    """
    told: dict[str, dict[str, Any]] = {}
    with each_database(kinds, server) as each:
        for databases in each:
            found: dict[str, Any] = {}
            for number in workers if databases.kind == "postgresql" else (1,):
                with TemporaryDirectory(prefix="linxuan-national-") as folder:
                    need_room(Options(**options).institutions * ROOM_PER_CASE, Path(folder))
                    played = _play(databases, Path(folder), Options(**options, workers=number), tell or _tell)
                if "1" in found:
                    played["faster"] = round(found["1"]["seconds"] / played["seconds"], 2)
                found[str(number)] = played
            told[databases.kind] = found
    return told


def _play(databases: Databases, folder: Path, options: Options, tell: Callable[[str], None]) -> dict[str, Any]:
    database = databases.make(f"national_{options.workers}")
    here = open_place(Place(database, folder), RunningClock())
    began = time.perf_counter()
    world = write_world(
        here,
        institutions=options.institutions,
        experts=options.experts,
        listed=options.listed,
        settings={"cut": options.cut, "experts_per_case": options.experts_per_case},
        now=here.clock.now() if options.http else None,
    )
    _maintain(here.database, "ANALYZE")
    before = measure_size(here.database)
    here.database.dispose()
    setting_up = time.perf_counter() - began
    tell(f"{databases.kind}: {options.institutions} institutions set up in {setting_up:.1f} s")
    crew = Crew([Place(database, folder, index, options.workers) for index in range(options.workers)], world, PHASES)
    try:
        played = Played(crew, tell)
        began = time.perf_counter()
        play(played, world, on_pages=(here.database, folder, options.workers) if options.http else None)
        whole = time.perf_counter() - began
        found = verify(here, folder)
        sizes = {"after": measure_size(here.database), "packed": pack(here.database)}
        played.run_background("archive", datetime.now(UTC) + timedelta(days=2 * ARCHIVE_DAYS))
        sizes["archived"] = pack(here.database)
    finally:
        crew.dismiss()
    with here.read() as work:
        archived: int = work.connection.execute(sa.select(sa.func.count()).select_from(archived_instance)).scalar_one()
    finished = found["instances"] - found["running"] - 1
    found |= {"archived": archived, "ok": found["ok"] and archived == finished}
    per_case = {name: round((size - before) / 1024 / max(1, finished), 2) for name, size in sizes.items()}
    here.database.dispose()
    return {
        **{name: getattr(options, name) for name in ("institutions", "experts", "experts_per_case", "listed", "http", "workers")},
        "bodies": world.bodies,
        "ok": found["ok"],
        "set_up_s": round(setting_up, 1),
        "seconds": round(whole, 1),
        "phases": played.rows,
        "peak_mb": {f"worker {index}": round(peak, 1) for index, peak in enumerate(crew.peaks)}
        | {f"gunicorn {index}": round(peak, 1) for index, peak in enumerate(played.servers)}
        | {"coordinator": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)},
        "size": {"before_mb": round(before / 2**20, 1)}
        | {f"{name}_mb": round(size / 2**20, 1) for name, size in sizes.items()}
        | {"kb_per_case": per_case["after"], "kb_packed": per_case["packed"], "kb_archived": per_case["archived"]},
        "found": found,
    }


def play(played: Played, world: World, *, on_pages: tuple[sa.Engine, Path, int] | None) -> None:
    """The campaign from its first step to its last. `on_pages`: institutions act in their browsers, at the real time."""
    days, minute, dates = (lambda count: timedelta(days=count)), timedelta(minutes=1), world.calendar
    played.do("issue", "issue", dates.issued_at, only=0)
    played.run_background("after issue", dates.issued_at + minute)
    if on_pages is None:
        _send_by_functions(played, world)
    else:
        _send_on_pages(played, world, *on_pages)
    played.run_background("cut-off of institutions", dates.sending_until + minute)
    played.do("audit", "audit", dates.sending_until + days(1), count="complete audit")
    played.do("corrections", "correct", dates.sending_until + days(2), count="complete correct")
    played.do("audit of corrections", "audit", dates.sending_until + days(3), count="complete audit")
    played.do("lists", "list", dates.sending_until + days(5), count="complete recommend")
    played.run_background("lists told", dates.sending_until + days(6))
    played.run_background("cut-off", dates.cutoff_at + minute)
    played.do("organise review", "organise", dates.cutoff_at + days(2), only=0)
    played.run_background("review opened", dates.cutoff_at + days(2) + minute)
    played.do("review", "review", dates.cutoff_at + days(5), count="complete review")
    played.run_background("reviews counted", dates.cutoff_at + days(6))
    played.do("select", "select", dates.cutoff_at + days(8), only=0)
    played.run_background("after selection", dates.cutoff_at + days(8) + minute)
    played.do("comments", "comment", dates.cutoff_at + days(9), only=0, count="comment", number=20)
    played.run_background("end of consultation", dates.cutoff_at + days(25))
    played.do("settle", "settle", dates.cutoff_at + days(26), only=0)
    played.do("publish", "publish", dates.cutoff_at + days(27), only=0)
    played.run_background("results told", dates.cutoff_at + days(27) + minute)


def _send_by_functions(played: Played, world: World) -> None:
    """Cases are opened, and sent on the deadline day: as many as possible in a second, the last ones across the cut-off."""
    until = world.calendar.sending_until
    played.do("open cases", "open", until - timedelta(days=2), count="open a case")
    played.run_background("reminders", until - timedelta(hours=14))
    played.do("deadline day", "send", until - timedelta(hours=12), count="complete apply", late=False)
    half = timedelta(seconds=_guess_late(played, world) / 2)
    played.do("last seconds", "send", until - half, count="complete apply", late=True)


def _send_on_pages(played: Played, world: World, database: sa.Engine, folder: Path, workers: int) -> None:
    """The same in browsers, against gunicorn with as many processes. Its time is the real one: so the cut-off comes to it."""
    with serve(database, folder, workers, played.servers) as port:
        played.do("log in", "pages: log in", datetime.now(UTC), only=0, port=port, times=10)
        played.do("open cases", "pages: open", datetime.now(UTC), count="open a case", port=port)
        played.do("deadline day", "pages: send", datetime.now(UTC), count="complete apply", port=port, late=False)
        cutoff_at = datetime.now(UTC) + timedelta(seconds=_guess_late(played, world) / 2)
        with database.begin() as connection:
            connection.execute(window.update().where(window.c.name == BODY).values(cutoff_at=cutoff_at))
        played.do("last seconds", "pages: send", datetime.now(UTC), count="complete apply", port=port, late=True)


def _guess_late(played: Played, world: World) -> float:
    """How many seconds those will take who send at the last moment, by what the others took."""
    late = sum(1 for number in range(1, world.institutions + 1) if is_late(number) and not is_silent(number))
    row = played.rows[-1]
    return float(row["seconds"]) / max(1, row["done"]) * late


@contextmanager
def serve(database: sa.Engine, folder: Path, workers: int, peaks: list[float]) -> Iterator[int]:
    """The pages as they are served: `linxuan serve` with gunicorn; its port. At the end `peaks` gets what it needed, in MB."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    url = database.url.set(drivername=database.url.get_backend_name()).render_as_string(hide_password=False)
    verb = ("-P", "-m", "api.cli", "serve", "--database", url, "--port", port)
    many = ("--workers", workers) if workers > 1 else ()
    here = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "LINXUAN_BASE_URL": f"http://127.0.0.1:{port}"}
    with Program(*verb, *many, folder=folder, environment=here) as server:
        wait_until(lambda: _listens(port), server)
        yield port
        for process in (server.process.pid, *server.children()):
            status = Path(f"/proc/{process}/status").read_text()
            peaks += [int(found[1]) / 1024 for found in [re.search(r"VmHWM:\s+(\d+)", status)] if found is not None]
        server.stop()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def measure_size(database: sa.Engine) -> int:
    """Bytes of a database: the files of SQLite, what PostgreSQL says of itself."""
    if database.dialect.name == "sqlite":
        file = Path(str(database.url.database))
        return sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))
    with database.connect() as connection:
        size: int = connection.execute(sa.select(sa.func.pg_database_size(sa.func.current_database()))).scalar_one()
    return size


def pack(database: sa.Engine) -> int:
    """Give back the room that nothing stands in any more; the bytes that are left."""
    _maintain(database, "VACUUM" if database.dialect.name == "sqlite" else "VACUUM FULL")
    return measure_size(database)


def _maintain(database: sa.Engine, command: str) -> None:
    """What a server does by itself after a while; of SQLite's log of changes only what is needed is left."""
    with database.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if database.dialect.name == "postgresql":
            driver.autocommit = True
        driver.execute(command)
        if database.dialect.name == "sqlite":
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.invalidate()


def _tell(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def tell_lines(told: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What a reader wants to know first, one line for each run."""
    for kind, by_workers in told.items():
        for workers, found in by_workers.items():
            yield {
                "kind": kind,
                "workers": workers,
                "institutions": found["institutions"],
                "seconds": found["seconds"],
                "peak_mb": max(found["peak_mb"].values()),
                **{name: found["size"][name] for name in ("kb_per_case", "kb_packed", "kb_archived")},
                "faster": found.get("faster", 1),
                "ok": found["ok"],
            }
