"""Many timers that are due at one instant while something breaks: `linxuan faults timers`.

Each fault has a copy of the same database: instances that each wait for a timer. The programs are the real ones (`worker`,
`serve`); the PostgreSQL server is one of this run, with durable commits, and says when each effect was committed.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from socket import create_server
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from engine.backends.queue import WORKER, QueueBackend, defer_near
from engine.database import open_database
from engine.definitions import deploy
from engine.instances import start_instance
from engine.tables import history, timer, user_task
from engine.work import ProcessEngine
from tests.engine.tokens.drawing import draw
from tests.faults.hosts import NETWORK, Hosts, find_hindrance
from tests.faults.programs import Program, wait_until
from tests.faults.wholeness import find_faults
from tests.setup.postgresql import USER, TemporaryServer, find_binaries
from workflows.schema import upgrade_schema

WAITING = """
start begin
catch wait timer=2099-01-01T00:00:00+08:00
user after camunda:candidateGroups=auditor@${body}
begin -> wait -> after
"""
AT_ONCE = 200
WHOLE = 2_000
"""Up to so many the histories and documents are verified too, which takes longer than all else."""
DURABLE = ("max_connections=200", "track_commit_timestamp=on")
HOLDS = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name"
    " AND backend_xid IS NOT NULL AND wait_event = 'ClientRead'"
)
DELAY = sa.text("SELECT max(extract(epoch FROM pg_xact_commit_timestamp(xmin) - due_at)) FROM timer WHERE state = 'fired'")
ALIVE = sa.text("SELECT count(DISTINCT application_name) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")


@dataclass(frozen=True)
class Found:
    """What one fault left: `effects` are tasks that timers opened, `duplicates` and `lost` fired twice or never."""

    expected: int
    effects: int
    duplicates: int
    lost: int
    longest_delay_s: float


class Scene:
    """The database and the workers of one fault."""

    def __init__(self, url: str, folder: Path, dice: random.Random, *, timers: int, stack: ExitStack) -> None:
        self.url, self.folder, self.dice, self.timers, self.stack = url, folder, dice, timers, stack
        self.database = open_database(url)
        stack.callback(self.database.dispose)
        self.programs: list[Program] = []

    def start_worker(self, *, address: str | None = None, within: Sequence[str] = ()) -> Program:
        """A worker of the program."""
        folder = self.folder / f"worker-{len(self.programs)}"
        folder.mkdir(parents=True)
        command = ("-m", "api.cli", "worker", "--database", address or self.url)
        program = Program(*command, folder=folder, within=within)
        self.stack.enter_context(program)
        self.programs.append(program)
        return program

    def start_workers(self, count: int) -> None:
        """So many, until they are there."""
        for _ in range(count):
            self.start_worker()
        self.wait_for_workers(count)

    def wait_for_workers(self, count: int) -> None:
        """Until so many are there."""
        wait_until(lambda: self.ask(ALIVE) >= count, self.programs[-1], pause=0.1)

    def let_come_due(self) -> None:
        """All timers are due in two seconds; jobs look at them as after a sweep."""
        process_engine = ProcessEngine(self.database, backend=QueueBackend())
        with process_engine.begin() as work:
            moment = work.now + timedelta(seconds=2)
            work.connection.execute(timer.update().values(due_at=moment, next_try_at=moment))
            defer_near(work)

    def fired(self) -> int:
        """How many timers have fired so far."""
        return int(self.ask(sa.select(sa.func.count()).where(timer.c.state == "fired")))

    def wait_for(self, part: float) -> None:
        """Until this part of the timers has fired."""
        wait_until(lambda: self.fired() >= part * self.timers, pause=0.01)

    def ask(self, statement: sa.Executable, values: Mapping[str, Any] | None = None) -> Any:
        """One value of the database."""
        with self.database.connect() as plain, plain.execution_options(read_only=True) as connection:
            return connection.execute(statement, values or {}).scalar_one()

    def hold(self, pause: Callable[[], None], go_on: Callable[[], None], worker: Program) -> None:
        """Stop what a worker does in the moment in which it holds a chunk.

        Raises AssertionError when all timers have fired before.
        """
        while True:
            pause()
            time.sleep(0.05)
            if self.ask(HOLDS, {"name": f"{WORKER} {worker.process.pid}"}):
                return
            assert self.fired() < self.timers, "it never held a chunk when it was stopped"
            go_on()
            time.sleep(self.dice.uniform(0, 0.03))

    def end(self) -> None:
        """All workers end as they are asked to."""
        for program in self.programs:
            if program.runs:
                code = program.stop()
                assert code == 0, f"a worker ended with {code}: {program.said()}"

    def judge(self) -> Found:
        """What is there."""
        with self.database.connect() as connection:
            fired = sa.select(history.c.instance_id).where(history.c.kind == "fired")
            times = Counter(connection.execute(fired).scalars())
            tasks = connection.execute(sa.select(sa.func.count()).select_from(user_task)).scalar_one()
            if self.database.dialect.name == "postgresql":
                delay = float(connection.execute(DELAY).scalar_one())
            else:
                last, due_at = connection.execute(
                    sa.select(sa.func.max(timer.c.done_at, type_=timer.c.done_at.type), timer.c.due_at)
                ).one()
                delay = (last - due_at).total_seconds()
        if self.timers <= WHOLE:
            assert (faults := find_faults(ProcessEngine(self.database))) == [], faults
        return Found(self.timers, tasks, sum(times.values()) - len(times), self.timers - len(times), round(delay, 2))


# ---- the faults ------------------------------------------------------------------------------------------------------
def nothing(scene: Scene, server: TemporaryServer, hosts: Hosts | None) -> None:
    """For comparison."""
    scene.start_workers(4)
    scene.let_come_due()
    scene.wait_for(1)


def kill(scene: Scene, server: TemporaryServer, hosts: Hosts | None) -> None:
    """kill -9 of workers at random moments, each replaced by another."""
    scene.start_workers(4)
    scene.let_come_due()
    for part in sorted(scene.dice.uniform(0.02, 0.9) for _ in range(max(4, scene.timers // 500))):
        scene.wait_for(part)
        scene.dice.choice([program for program in scene.programs if program.runs]).kill()
        scene.start_worker()
    scene.wait_for(1)
    scene.wait_for_workers(4)  # the last ones may just be starting


def stop(scene: Scene, server: TemporaryServer, hosts: Hosts | None) -> None:
    """SIGSTOP of a worker that holds a chunk, SIGCONT after its lease is over and others have done its work."""
    scene.start_workers(4)
    stopped = scene.programs[0]
    scene.let_come_due()
    scene.wait_for(scene.dice.uniform(0.001, 0.1))
    scene.hold(stopped.pause, stopped.go_on, stopped)
    scene.wait_for(1)
    stopped.go_on()
    time.sleep(2)  # in which it would do what it must not


def restart(scene: Scene, server: TemporaryServer, hosts: Hosts | None) -> None:
    """The database server restarts as after a crash; the workers stay and come back by themselves."""
    scene.start_workers(4)
    scene.let_come_due()
    scene.wait_for(scene.dice.uniform(0.05, 0.5))
    server.restart()
    scene.wait_for(1)
    assert all(program.runs for program in scene.programs), "a worker did not outlive the restart"


def cut_off(scene: Scene, server: TemporaryServer, hosts: Hosts | None) -> None:
    """A worker on a host of its own is cut off while it holds a chunk; its wire is mended when others have done its work."""
    assert hosts is not None
    address = sa.make_url(scene.url).update_query_dict({"host": hosts.address("database")})
    far = scene.start_worker(address=address.render_as_string(hide_password=False), within=hosts.within("far"))
    scene.start_workers(3)
    scene.wait_for_workers(4)
    scene.let_come_due()
    scene.wait_for(scene.dice.uniform(0.001, 0.1))
    scene.hold(partial(hosts.cut, "far"), partial(hosts.mend, "far"), far)
    scene.wait_for(1)
    hosts.mend("far")


FAULTS: dict[str, Callable[[Scene, TemporaryServer, Hosts | None], None]] = {
    "none": nothing,
    "kill": kill,
    "stop": stop,
    "restart": restart,
    "cut_off": cut_off,
}
"""With PostgreSQL; `sqlite_kill` beside them is of the one process that serves SQLite."""
NAMES = (*FAULTS, "sqlite_kill")


def run(*, timers: int = 10_000, faults: Sequence[str] = NAMES, seed: int = 1) -> dict[str, dict[str, Any]]:
    """Break each of these, one after the other: `{fault: {"expected", "effects", "duplicates", "lost", "longest_delay_s"}}`.

    A fault that cannot be made here says `{"skipped": reason}`. Raises LookupError when PostgreSQL is not installed.
    """
    told: dict[str, dict[str, Any]] = {}
    with TemporaryDirectory(prefix="linxuan-faults-") as folder:
        if some := [name for name in faults if name in FAULTS]:
            told |= break_workers(Path(folder), timers, some, seed)
        if "sqlite_kill" in faults:
            told["sqlite_kill"] = asdict(kill_server(Path(folder), timers, random.Random(seed)))
    return told


def break_workers(folder: Path, timers: int, faults: Sequence[str], seed: int) -> dict[str, dict[str, Any]]:
    """The faults with PostgreSQL."""
    told: dict[str, dict[str, Any]] = {}
    hindrance = find_hindrance() if "cut_off" in faults else "no hosts are needed"
    with ExitStack() as stack:
        hosts = None if hindrance else stack.enter_context(Hosts("database", "far"))
        server = stack.enter_context(start_server(hosts))
        administer(server, "CREATE DATABASE filled")
        fill(name_database(server, "filled"), timers)
        for name in faults:
            if name == "cut_off" and hosts is None:
                told[name] = {"skipped": hindrance}
                continue
            administer(server, f"CREATE DATABASE fault_{name} TEMPLATE filled")
            with ExitStack() as inner:
                dice = random.Random(f"{seed}/{name}")
                scene = Scene(name_database(server, f"fault_{name}"), folder / name, dice, timers=timers, stack=inner)
                FAULTS[name](scene, server, hosts)
                scene.end()
                told[name] = asdict(scene.judge())
    return told


@contextmanager
def start_server(hosts: Hosts | None) -> Iterator[TemporaryServer]:
    """A server of this run, on the host `database` where there are hosts.

    Raises LookupError when PostgreSQL is not installed.
    """
    binaries = find_binaries()
    if binaries is None:
        raise LookupError("no PostgreSQL server is installed")
    if hosts is None:
        with TemporaryServer(binaries, options=(*DURABLE, "listen_addresses=")) as server:
            yield server
    else:
        options = (*DURABLE, f"listen_addresses={hosts.address('database')}")
        with TemporaryServer(binaries, options=options, within=hosts.within("database"), trusted=NETWORK) as server:
            yield server


def name_database(server: TemporaryServer, name: str) -> str:
    """The address of a database of the server, by its socket."""
    return f"postgresql://{USER}@/{name}?host={server.folder}"


def administer(server: TemporaryServer, statement: str) -> None:
    """A statement outside of any transaction."""
    database = sa.create_engine(server.url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    with database.connect() as connection:
        connection.execute(sa.text(statement))
    database.dispose()


def fill(url: str, timers: int) -> None:
    """Instances that wait, each for its timer, far away."""
    database = open_database(url)
    upgrade_schema(database)
    process_engine = ProcessEngine(database)
    with process_engine.begin() as work:
        definition_id = deploy(work, {"waiting.bpmn": draw(WAITING)}, name="waiting").definitions["p"]
    for first in range(0, timers, AT_ONCE):
        with process_engine.begin() as work, work.together():
            for number in range(first, min(first + AT_ONCE, timers)):
                start_instance(work, definition_id, f"case-{number}", {"body": "b1"})
    with database.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    database.dispose()


def kill_server(folder: Path, timers: int, dice: random.Random) -> Found:
    """SQLite: kill -9 of the one process that serves and fires, and its start again, at random moments."""
    url = f"sqlite:///{folder / 'linxuan.sqlite3'}"
    fill(url, timers)
    with ExitStack() as stack:
        scene = Scene(url, folder, dice, timers=timers, stack=stack)
        server = serve(scene)
        moment = datetime.now().astimezone() + timedelta(seconds=2)
        with scene.database.begin() as connection:
            connection.execute(timer.update().values(due_at=moment, next_try_at=moment))
        for part in sorted(dice.uniform(0.01, 0.8) for _ in range(3)):
            scene.wait_for(part)
            server.kill()
            assert part > 0.5 or scene.fired() < timers, "it was never killed while timers were due"
            server = serve(scene)
        scene.wait_for(1)
        scene.end()
        return scene.judge()


def serve(scene: Scene) -> Program:
    """The program on SQLite, until somebody could ask for a page."""
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = scene.folder / f"served-{len(scene.programs)}"
    folder.mkdir()
    program = Program("-m", "api.cli", "--lang", "en", "serve", "--database", scene.url, "--port", port, folder=folder)
    scene.stack.enter_context(program)
    scene.programs.append(program)
    wait_until(lambda: f"http://127.0.0.1:{port}" in program.said(), program)
    return program
