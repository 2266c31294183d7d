"""The distributed backend: procrastinate on PostgreSQL, with any number of web and background workers and no leader.

A job says no more than "look at this row now". It is deferred in the transaction that writes its row, or by `sweep` when that
row's moment is near. The row is the truth: a job that was lost with its worker is made anew by `sweep`, one too many finds
nothing to do.

procrastinate's own `lock` is left alone on purpose: a waiting job with a lock holds back every later job of the same lock, even
while its own moment is months away. One instance's steps are serialised by the lock on its row instead.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Lock
from typing import Any

import psycopg
import sqlalchemy as sa
from procrastinate import App, JobContext, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager

from engine.chunks import CHUNK
from engine.database import HELD_SECONDS, PROGRAM
from engine.due import DO, DO_MANY
from engine.outbox import is_sent
from engine.tables import bulk_chunk, instance, message, outbox, timer
from engine.work import ProcessEngine, Scheduled, Work

log = logging.getLogger(__name__)

QUEUES = {"timer": "deadline", "message": "deadline", "mail": "outbox", "bulk": "bulk"}
"""Which queue a kind of row goes to: letters to a slow mail server never hold up a deadline if they have workers of their own."""
PRIORITIES = {"bulk": -1}
"""A worker of several queues does what is not named here first: a bulk job of thousands of items holds up no deadline."""
ROWS = {
    "timer": (timer, ("armed",)),
    "message": (message, ("waiting", "unmatched")),
    "mail": (outbox, ("queued",)),
    "bulk": (bulk_chunk, ("waiting",)),
}
"""Where the rows of a kind are, and in which states they still wait."""
NEAR = timedelta(seconds=90)
"""A row whose moment is further away has no job yet: the sweep makes it in time. Workers look through all jobs that wait."""
OVERDUE = timedelta(seconds=15)
"""A row that waits for longer than this past its moment has lost its job, or was not seen."""
LEASE_SECONDS = 15
"""A worker that was not heard of for so long is dead, its jobs are taken away; its transaction may stand still as long."""
HEARTBEAT_SECONDS = 4.0
SWEEP = "* * * * * */10"
"""Every 10 seconds, so that another worker takes over within `LEASE_SECONDS`, these, and `POLL_SECONDS` after one died."""
POLL_SECONDS = 2.0
"""How often a worker looks for jobs of which nobody told it."""
RETURN_SECONDS = 1.0
"""How long a worker that has lost the database waits before it comes back."""
BATCH = 500
JOBS = sa.table("procrastinate_jobs", sa.column("status"), sa.column("queueing_lock"))
WAITING: sa.ColumnElement[str] = sa.literal_column("'todo'::procrastinate_job_status")
DOING: sa.ColumnElement[str] = sa.literal_column("'doing'::procrastinate_job_status")
FORGET = sa.text("DELETE FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = ANY(:locks)")
WORKER = f"{PROGRAM} worker"
"""How the names of the workers' connections begin."""
END_STUCK = sa.text(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
    f" AND starts_with(application_name, '{PROGRAM}') AND xact_start IS NOT NULL AND wait_event = 'ClientRead'"
    " AND state_change < clock_timestamp() - make_interval(secs =>"
    f" CASE WHEN starts_with(application_name, '{WORKER}') THEN {LEASE_SECONDS} ELSE {HELD_SECONDS} END)"
)
"""Ends transactions of ours that wait for a program that was stopped or cut off; what they have locked is free."""
SKEW = timedelta(seconds=5)
"""How far a worker's moment may be behind the database's before a job that seems too early is left to the sweep."""


ALIVE = sa.text(
    "SELECT count(DISTINCT (application_name, client_addr)) FROM pg_stat_activity WHERE datname = current_database()"
    f" AND starts_with(application_name, '{WORKER}')"
)


def count_workers(work: Work) -> int | None:
    """How many background workers are connected to the database; None on SQLite, where the server itself does their work."""
    if work.connection.dialect.name != "postgresql":
        return None
    count: int = work.connection.execute(ALIVE).scalar_one()
    return count


def procrastinate_schema_sql() -> str:
    """The SQL that makes procrastinate's types, tables and functions (many statements, as of the installed version)."""
    return SchemaManager.get_schema()


def create_job_tables(connection: sa.Connection) -> None:
    """Make procrastinate's tables in the caller's transaction, for the migration; does nothing on SQLite."""
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        driver.execute(procrastinate_schema_sql())  # without parameters, so that many statements may come at once


def job_of(row: Scheduled) -> Job:
    """The job that looks at a row when it is due."""
    return Job(
        queue=QUEUES[row.kind],
        priority=PRIORITIES.get(row.kind, 0),
        task_name=row.kind,
        lock=None,
        queueing_lock=f"{row.kind}:{row.row_id}:{row.generation}",
        task_kwargs={"row_id": row.row_id, "generation": row.generation},
        scheduled_at=row.due_at,
    )


class QueueBackend:
    """Defers a job for each row in the caller's own transaction: both are there or neither."""

    def __init__(self) -> None:
        self._jobs = JobManager(SyncPsycopgConnector())  # never opened: it only ever uses the caller's connection

    def schedule(self, work: Work, rows: Sequence[Scheduled]) -> None:
        """Defer a job for each row that is near; a second one for the same row and generation is not added."""
        driver = work.connection.connection.driver_connection
        near = [row for row in rows if row.due_at <= work.now + NEAR]
        if new := [job_of(row) for row in near if row.new]:
            self._jobs.batch_defer_jobs(new, connection=driver)
        for job in [job_of(row) for row in near if not row.new]:
            try:
                with work.connection.begin_nested():  # else the refusal would spoil the caller's transaction
                    self._jobs.defer_job(job, connection=driver)
            except AlreadyEnqueued:
                log.debug("%s has a job already", job.queueing_lock)

    def forget(self, work: Work, kind: str, rows: Sequence[tuple[str, int]]) -> None:
        """Take away the jobs of rows that were done before their turn; one that a worker has already finds nothing to do."""
        locks = [f"{kind}:{row_id}:{generation}" for row_id, generation in rows]
        work.connection.execute(FORGET, {"locks": locks})


def defer_near(work: Work) -> int:
    """Defer a job for rows whose moment is near or past and that have none; how many of them were overdue.

    At most `BATCH` of a kind, the earliest first: of many at one moment a few jobs do, as each takes what else is due.
    """
    overdue = 0
    for kind, (table, states) in ROWS.items():
        rows = sa.select(table.c.id, table.c.generation, table.c.next_try_at).where(
            table.c.state.in_(states), table.c.next_try_at <= work.now + NEAR, ~_has_job(kind, table)
        )
        if kind == "mail":
            rows = rows.where(is_sent(work))
        if kind == "timer":
            rows = rows.outerjoin(instance, instance.c.id == timer.c.instance_id).where(
                sa.or_(timer.c.instance_id.is_(None), instance.c.state == "running")
            )
        for row in work.connection.execute(rows.order_by(table.c.next_try_at, table.c.id).limit(BATCH)).all():
            work.schedule(kind, row.id, row.generation, row.next_try_at)
            overdue += row.next_try_at <= work.now - OVERDUE
    return overdue


def _has_job(kind: str, table: sa.Table) -> sa.ColumnElement[bool]:
    """Whether a row has a job: for one that waits procrastinate's index is asked, the few that are being done are read once.

    One question for both states has no index: what is due is compared with all jobs there are, ten seconds for ten thousand.
    """
    name = sa.literal(f"{kind}:") + table.c.id + ":" + sa.cast(table.c.generation, sa.String)
    waits = sa.exists().where(JOBS.c.status == WAITING, JOBS.c.queueing_lock == name)
    done = sa.select(JOBS.c.queueing_lock).where(JOBS.c.status == DOING, JOBS.c.queueing_lock.is_not(None))
    return sa.or_(waits, name.in_(done))


def do_row(process_engine: ProcessEngine, kind: str, row_id: str, generation: int) -> bool:
    """Do what a job asks for; whether something was done. A job that is a little early by the worker's clock waits."""
    if DO[kind](process_engine, row_id, generation):
        return True
    table, states = ROWS[kind]
    with process_engine.read() as work:
        waits = sa.and_(table.c.id == row_id, table.c.generation == generation, table.c.state.in_(states))
        query = sa.select(table.c.next_try_at).where(waits)
        due_at = work.connection.execute(query).scalar_one_or_none()
        early = due_at - work.now if due_at is not None else timedelta()
    if not timedelta() < early <= SKEW:
        return False
    time.sleep(early.total_seconds())
    return DO[kind](process_engine, row_id, generation)


def make_app(process_engine: ProcessEngine) -> App:
    """procrastinate's application for a worker: one task for each kind of row, and the sweep.

    Raises ValueError when the engine's database is not PostgreSQL.
    """
    address = process_engine.database.url
    if address.get_backend_name() != "postgresql":
        raise ValueError(f"a worker needs PostgreSQL, not {address.get_backend_name()}")
    _, parameters = process_engine.database.dialect.create_connect_args(address)  # as of the engine's own connections
    app = App(connector=PsycopgConnector(kwargs={name: value for name, value in parameters.items() if name != "context"}))
    for kind in DO:
        app.task(name=kind, queue=QUEUES[kind])(_task(process_engine, kind))

    def defer() -> int:
        with process_engine.begin() as work:
            work.connection.execute(END_STUCK)
            return defer_near(work)

    own_thread = ThreadPoolExecutor(1)

    @app.periodic(cron=SWEEP)
    @app.task(name="sweep", queue="sweep", queueing_lock="sweep", pass_context=True)
    async def sweep(context: JobContext, timestamp: int) -> None:
        """Take the jobs of dead workers away, and make those of rows that are near or have none."""
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=LEASE_SECONDS):
            await manager.finish_job(job, Status.FAILED, delete_job=True)
        if count := await asyncio.get_running_loop().run_in_executor(own_thread, defer):
            log.warning("%d rows were overdue and have a job again", count)

    return app


def _task(process_engine: ProcessEngine, kind: str) -> Callable[..., None]:
    one_thread = Lock()  # of a process: threads that share an interpreter only hold rows longer when they fire at the same time

    def run(*, row_id: str, generation: int) -> None:
        if kind in DO_MANY:
            with one_thread:
                while DO_MANY[kind](process_engine) == CHUNK:  # this one and all others that are due: not each has a job
                    pass
        do_row(process_engine, kind, row_id, generation)

    return run


def run_worker(
    process_engine: ProcessEngine, *, concurrency: int = 4, queues: Sequence[str] | None = None, until_empty: bool = False
) -> None:
    """Work until a signal says stop (SIGINT, SIGTERM: running jobs are finished); with `until_empty` until no job is due.

    Raises ValueError when the engine's database is not PostgreSQL, or for an unknown queue.
    """
    if unknown := set(queues or ()) - set(QUEUES.values()):
        raise ValueError(f"there is no queue {', '.join(sorted(unknown))}")
    app = make_app(process_engine)
    asyncio.run(_run_worker(app, concurrency, queues, wait=not until_empty))


async def _run_worker(app: App, concurrency: int, queues: Iterable[str] | None, *, wait: bool) -> None:
    """Run procrastinate's worker; one that has lost the database comes back when it can."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    while not stopped.is_set():
        running = asyncio.create_task(_work(app, concurrency, queues, wait=wait))
        if wait:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, _stop, stopped, running)
        try:
            await running
        except asyncio.CancelledError:
            if not stopped.is_set():
                raise
        except (ConnectorException, psycopg.Error, OSError) as fault:
            if not wait:
                raise
            log.warning("The database is away (%s); the worker comes back", fault)
        if not wait:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), RETURN_SECONDS)


def _stop(stopped: asyncio.Event, running: asyncio.Task[None]) -> None:
    stopped.set()
    running.cancel()  # procrastinate finishes the jobs that run


async def _work(app: App, concurrency: int, queues: Iterable[str] | None, *, wait: bool) -> None:
    """The sweep has a worker of its own: it must come when all others wait for what a stopped program has locked."""
    async with app.open_async():
        workers = [
            asyncio.create_task(
                app.run_worker_async(
                    concurrency=count,
                    queues=names,
                    wait=wait,
                    delete_jobs="always",
                    fetch_job_polling_interval=POLL_SECONDS,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    install_signal_handlers=False,
                    listen_notify=wait,
                )
            )
            for names, count in ((list(queues or set(QUEUES.values())), concurrency), (["sweep"], 1))
        ]
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED if wait else asyncio.ALL_COMPLETED)
        finally:
            for worker in workers:
                worker.cancel()
            ended = await asyncio.gather(*workers, return_exceptions=True)
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault
