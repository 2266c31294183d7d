"""`migrate-database`: from SQLite to PostgreSQL, when one machine no longer does."""

from __future__ import annotations

import argparse
import fcntl
from pathlib import Path

from api.cli.faults import PathMissing
from api.cli.opening import is_sqlite, read_address, sqlite_file
from api.cli.parser import Verbs
from api.cli.serving import scheduler_lock
from api.cli.words import Words
from engine.errors import Problem


class WrongDirection(Problem):
    """One moves from SQLite to PostgreSQL, and not otherwise."""


class DatabaseServed(Problem):
    """A server has the SQLite database `path` open: stop it first."""

    kind = "busy"


def add_verbs(verbs: Verbs) -> None:
    """`migrate-database`."""
    moving = verbs.add("migrate-database", move, database=False)
    moving.add("--from", required=True, metavar="URL", dest="source").add("--to", required=True, metavar="URL", dest="target")


def move(options: argparse.Namespace, words: Words) -> int:
    """Copy everything; the source stays as it is.

    Raises WrongDirection, PathMissing, DatabaseServed and what `move_database` raises.
    """
    from api.settings import read_settings
    from api.wiring import build_engine
    from workflows.moving import move_database

    old, new = (read_settings(database_url=read_address(each)) for each in (options.source, options.target))
    file = sqlite_file(old) if is_sqlite(old) else None
    lock = scheduler_lock(old)
    if file is None or lock is None or is_sqlite(new):
        raise WrongDirection()
    if not file.exists():
        raise PathMissing(path=file)
    with Path(lock).open("a") as role:
        try:
            fcntl.flock(role, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise DatabaseServed(path=file) from fault
        source, target = build_engine(old), build_engine(new)
        try:
            counts = move_database(source, target, tell=lambda table, count: words.note("moved_table", table=table, count=count))
        finally:
            source.database.dispose()
            target.database.dispose()
    print(words.say("moved", tables=len(counts), rows=f"{sum(counts.values()):,}"))
    return 0
