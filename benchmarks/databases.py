"""Databases to measure on: a file for SQLite, and a PostgreSQL server that is given or started for the run."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from engine.database import open_database
from engine.tables import metadata
from tests.setup.postgresql import TemporaryServer, find_binaries

DURABLE = ("listen_addresses=", "max_connections=200")
"""A server as it comes: commits wait for the disk."""


class RoomMissing(Exception):
    """The disk has not enough room for what is to be measured, in bytes."""

    def __init__(self, needed: int, free: int) -> None:
        self.needed, self.free = needed, free
        super().__init__(f"{needed >> 20:,} MB are needed, {free >> 20:,} MB are free")


def need_room(needed: int, folder: Path) -> None:
    """Raises RoomMissing when the disk has not so many bytes for a folder."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise RoomMissing(needed, free)


class Databases:
    """Makes empty databases of one kind (`sqlite` or `postgresql`); gone when the run ends."""

    def __init__(self, kind: str, folder: Path, server: str | None, stack: ExitStack) -> None:
        self.kind, self._folder, self._server, self._stack = kind, folder, server, stack

    def make(self, name: str) -> str:
        """The address of a new empty database."""
        if self._server is None:
            return f"sqlite:///{self._folder / name}.sqlite3"
        server = sa.make_url(self._server).set(drivername="postgresql+psycopg")
        database = f"linxuan_bench_{uuid.uuid4().hex}"
        _administer(server, f'CREATE DATABASE "{database}"')
        self._stack.callback(_administer, server, f'DROP DATABASE "{database}" WITH (FORCE)')
        return server.set(database=database).render_as_string(hide_password=False)

    def open(self, name: str) -> sa.Engine:
        """A new database with all tables. On SQLite every commit waits for the disk (FULL), as in production."""
        database = open_database(self.make(name))
        self._stack.callback(database.dispose)
        metadata.create_all(database)
        return database


@contextmanager
def each_database(kinds: Sequence[str], server: str | None = None) -> Iterator[Iterator[Databases]]:
    """The databases of each kind. Without the address of a PostgreSQL server one is started, with durable commits.

    Raises LookupError when there is no PostgreSQL to start.
    """
    with ExitStack() as stack, TemporaryDirectory(prefix="linxuan-bench-") as folder:
        yield (_databases(kind, Path(folder), server, stack) for kind in kinds)


def _databases(kind: str, folder: Path, server: str | None, stack: ExitStack) -> Databases:
    if kind == "sqlite":
        return Databases(kind, folder, None, stack)
    if server is None:
        binaries = find_binaries()
        if binaries is None:
            raise LookupError("no PostgreSQL server is installed; give the address of one")
        server = stack.enter_context(TemporaryServer(binaries, options=DURABLE)).url
    return Databases(kind, folder, server, stack)


def _administer(server: sa.URL, statement: str) -> None:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(statement))
