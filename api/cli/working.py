"""`worker`: the background work of an installation on PostgreSQL."""

from __future__ import annotations

import argparse
import logging
import os

from api.cli.faults import WorkerNeedsPostgresql
from api.cli.opening import is_sqlite, read_options
from api.cli.parser import Verbs
from api.cli.words import Words


def add_verbs(verbs: Verbs) -> None:
    """`worker`."""
    working = verbs.add("worker", work)
    working.add("--concurrency", type=int, default=4, metavar="N")
    working.add("--queue", action="append", choices=("deadline", "outbox", "bulk"))
    working.add("--until-empty", action="store_true")


def work(options: argparse.Namespace, words: Words) -> int:
    """Fire deadlines, deliver messages, send letters, until a signal says stop.

    Raises WorkerNeedsPostgresql, SchemaOutdated.
    """
    from api.cli.logs import configure_logs
    from api.wiring import build_engine
    from engine.backends.queue import LEASE_SECONDS, WORKER, QueueBackend, run_worker
    from workflows.schema import require_schema

    settings = read_options(options)
    if is_sqlite(settings):
        raise WorkerNeedsPostgresql()
    configure_logs(logging.WARNING)
    name = f"{WORKER} {os.getpid()}"
    process_engine = build_engine(settings, backend=QueueBackend(), program=name, held_seconds=LEASE_SECONDS)
    require_schema(process_engine.database)
    words.note("working", queues=", ".join(options.queue or ("deadline", "outbox", "bulk")))
    run_worker(process_engine, concurrency=options.concurrency, queues=options.queue, until_empty=options.until_empty)
    return 0
