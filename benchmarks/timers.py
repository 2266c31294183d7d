"""Many timers that are due at one instant, each of an instance of its own, beside bare guarded updates of as many rows.

On PostgreSQL by 1, 2 and 4 workers (procrastinate), on SQLite by the one process that has the scheduler's role. The bare updates
are what no way of firing timers can do without: for each a transaction that changes the row if it is still armed.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from benchmarks.databases import Databases, each_database
from engine.backends.queue import QueueBackend, create_job_tables, run_worker
from engine.database import open_database
from engine.definitions import deploy
from engine.due import run_due
from engine.instances import start_instance
from engine.statements import these
from engine.tables import history, metadata, timer, user_task
from engine.work import NoBackend, ProcessEngine
from tests.engine.tokens.drawing import draw

WAITING = """
start begin
catch wait timer=2022-08-11T00:00:00+08:00
user after camunda:candidateGroups=auditor@${body}
begin -> wait -> after
"""
"""What every instance waits for is over: all timers are due at once as soon as somebody looks."""
AT_ONCE = 200
GUARDED = timer.update().where(*these(timer.c.id), timer.c.state == "armed").values(state="fired")


def run(
    kinds: Sequence[str], *, server: str | None = None, timers: int = 10_000, processes: Sequence[int] = (1, 2, 4)
) -> dict[str, dict[str, Any]]:
    """Measure on each kind of database: `{kind: {number of processes: {"rate", "bare_rate", "ratio", …}}}`, rates per second.

    Raises LookupError when there is no PostgreSQL to start.
    """
    with each_database(kinds, server) as databases:
        return {
            each.kind: {str(count): measure(each, timers, count) for count in (processes if each.kind == "postgresql" else (1,))}
            for each in databases
        }


def measure(databases: Databases, timers: int, processes: int) -> dict[str, Any]:
    """Bare updates before and after the timers, in a database beside theirs."""
    url, rest = fill(databases, f"fired-{processes}", timers), fill(databases, f"bare-{processes}", timers)
    before = time_work(rest, processes, update_bare)
    fired = time_work(url, processes, fire_all)
    arm_again(rest)
    after = time_work(rest, processes, update_bare)
    rate, bare_rate = timers / fired, 2 * timers / (before + after)
    return {
        "rate": round(rate, 1),
        "bare_rate": round(bare_rate, 1),
        "ratio": round(rate / bare_rate, 3),
        "noise": round(abs(before - after) / (before + after) * 2, 3),
        **count_effects(url, timers),
    }


def fill(databases: Databases, name: str, timers: int) -> str:
    """A database with as many instances, each waiting for its timer; its address."""
    url = databases.make(name)
    database = open_database(url)
    metadata.create_all(database)
    queued = database.dialect.name == "postgresql"
    if queued:
        with database.begin() as connection:
            create_job_tables(connection)
    engine = ProcessEngine(database, backend=QueueBackend() if queued else NoBackend())
    with engine.begin() as work:
        definition_id = deploy(work, {"waiting.bpmn": draw(WAITING)}, name="bench").definitions["p"]
    for first in range(0, timers, AT_ONCE):
        with engine.begin(by="anna") as work, work.together():
            for number in range(first, min(first + AT_ONCE, timers)):
                start_instance(work, definition_id, f"case-{number}", {"body": "b1"})
    with database.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    database.dispose()
    return url


def fire_all(url: str, _share: Sequence[str]) -> None:
    """What a worker does, or the embedded scheduler, until nothing is due."""
    database = open_database(url)
    if database.dialect.name == "postgresql":
        run_worker(ProcessEngine(database, backend=QueueBackend()), until_empty=True)
    else:
        run_due(ProcessEngine(database))
    database.dispose()


def update_bare(url: str, share: Sequence[str]) -> None:
    """Guarded updates, one after the other."""
    database = open_database(url)
    for timer_id in share:
        with database.begin() as connection:
            connection.execute(GUARDED, {"of_id": timer_id})
    database.dispose()


def arm_again(url: str) -> None:
    """As it was before the bare updates."""
    database = open_database(url)
    with database.begin() as connection:
        connection.execute(timer.update().values(state="armed"))
    database.dispose()


def time_work(url: str, processes: int, act: Callable[[str, Sequence[str]], None]) -> float:
    """How many seconds so many processes take, from the moment at which all are ready."""
    database = open_database(url)
    with database.connect() as connection:
        ids = connection.execute(sa.select(timer.c.id).order_by(timer.c.id)).scalars().all()
    database.dispose()
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(processes + 1)
    ended = context.Queue()
    workers = [
        context.Process(target=_work, args=(url, ids[number::processes], act, ready, ended)) for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    ready.wait()
    began = time.time()
    last = max(ended.get() for _ in workers)
    for worker in workers:
        worker.join()
    return float(last - began)


def _work(url: str, share: Sequence[str], act: Callable[[str, Sequence[str]], None], ready: Any, ended: Any) -> None:
    ready.wait()
    try:
        act(url, share)
    finally:
        ended.put(time.time())


def count_effects(url: str, timers: int) -> dict[str, int]:
    """Each timer leaves one row in the history and one task: what is missing, and what is there twice."""
    database = open_database(url)
    with database.connect() as connection:
        fired = sa.select(history.c.instance_id, sa.func.count()).where(history.c.kind == "fired")
        counts = [row[1] for row in connection.execute(fired.group_by(history.c.instance_id))]
        tasks = connection.execute(sa.select(sa.func.count()).select_from(user_task)).scalar_one()
    database.dispose()
    return {"timers": timers, "effects": tasks, "lost": timers - len(counts), "doubled": sum(counts) - len(counts)}
