"""Opening the database, and what is the same on SQLite and PostgreSQL: column types, locks by name, rows written once."""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.types import TypeDecorator

from engine.errors import DatabaseBusy, Problem, StorageFull

SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=10000",
    "wal_autocheckpoint=1000",
    "trusted_schema=OFF",
)

HELD_SECONDS = 60
"""For how long a transaction may wait for its program before it is ended and what it has locked is free (`keep_watch`)."""
PROGRAM = "linxuan"
"""The name of our connections in PostgreSQL's list."""
CUT_OFF_SECONDS = 15
"""After how long without an answer a connection over the network is given up, by either side."""
RESTED_SECONDS = 1.0
"""A connection of the pool that was not used for so long is tried before somebody gets it."""
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
PASSING = ("08", "40", "53", "55P03", "57P")
"""Beginnings of PostgreSQL's codes for what passes: connection lost, deadlock, too many connections, lock not had, shutdown."""


class Moment(TypeDecorator[datetime]):
    """An aware moment: `timestamptz` on PostgreSQL; on SQLite fixed-width ISO 8601 text in UTC, which sorts by time."""

    impl = sa.String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """`timestamptz` where the database has it."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(sa.DateTime(timezone=True))
        return dialect.type_descriptor(sa.String(27))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Refuse naive moments; write UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive moment {value!r}")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else format_utc(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """An aware moment in UTC."""
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromisoformat(value)


class Digest(TypeDecorator[str]):
    """A SHA-256 as 64 hexadecimal digits; the database keeps its 32 bytes."""

    impl = sa.LargeBinary(32)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> bytes | None:
        """Refuse what is not hexadecimal."""
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> str | None:
        """The digits. What somebody else has written there may be anything: it is no digest, and not a fault of the reader."""
        return value.hex() if isinstance(value, bytes) else None if value is None else str(value)


def format_utc(moment: datetime) -> str:
    """Fixed-width ISO 8601 of a moment in UTC, as `2022-08-10T16:00:00.000000Z`."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


Json = sa.JSON
"""JSON that keeps the order of keys (not `jsonb`): kernels rely on it."""


def open_database(url: str, *, program: str = PROGRAM, held_seconds: int = HELD_SECONDS, **options: Any) -> sa.Engine:
    """Open the database at `url` (`sqlite:///path` or `postgresql://...`); nothing is created in it.

    On PostgreSQL a program that is stopped or cut off holds its locks for `held_seconds` at most (`keep_watch`).
    The values of a statement that fails are not in the text of its exception: logs and incidents hold no personal data.

    Raises ValueError for another kind of database.
    """
    address = make_url(url)
    options = {
        "hide_parameters": True,
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
        **options,
    }
    if address.get_backend_name() == "sqlite":
        engine = sa.create_engine(address, connect_args={"timeout": 10}, **options)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    if address.get_backend_name() == "postgresql":
        watched = address.update_query_dict(keep_watch(address, program, held_seconds), append=False)
        engine = sa.create_engine(watched.set(drivername="postgresql+psycopg"), **options)
        _try_rested(engine)
        return engine
    raise ValueError(f"{address.get_backend_name()} is neither sqlite nor postgresql")


def keep_watch(address: sa.URL, program: str, held_seconds: int) -> dict[str, str]:
    """Parameters of a PostgreSQL connection that let both sides notice when the other is gone; those that `address` has stand.

    The server ends a transaction that waits for its program for `held_seconds`: one that was stopped, or cut off by the network.
    It does not count while a pipeline is open, nor always after one (PostgreSQL 15): the workers' sweep looks for those.
    """
    beat = max(1, CUT_OFF_SECONDS // 3)
    alive = {"keepalives_idle": beat, "keepalives_interval": beat, "keepalives_count": 2}
    server = {f"tcp_{name}": value for name, value in alive.items()} | {
        "tcp_user_timeout": CUT_OFF_SECONDS * 1000,
        "idle_in_transaction_session_timeout": held_seconds * 1000,
    }
    ours: dict[str, object] = {
        **alive,
        "application_name": program,
        "connect_timeout": CUT_OFF_SECONDS,
        "tcp_user_timeout": CUT_OFF_SECONDS * 1000,
        "options": " ".join(f"-c {name}={value}" for name, value in server.items()),
    }
    return {name: str(value) for name, value in ours.items() if name not in address.query}


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions itself
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _try_rested(engine: sa.Engine) -> None:
    """A connection that has rested in the pool may be dead by now: it is tried, so that nobody's work fails for it.

    One that was just used is not: that would be one more round trip for every unit of work.
    """

    def note_use(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    def try_it(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", time.monotonic()) > RESTED_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except psycopg.Error as fault:
                raise sa.exc.DisconnectionError() from fault  # the pool opens another

    sa.event.listen(engine, "checkin", note_use)
    sa.event.listen(engine, "checkout", try_it)


def _begin_sqlite(connection: sa.Connection) -> None:
    read_only = connection.get_execution_options().get("read_only")
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def one_round_trip(connection: sa.Connection) -> Iterator[None]:
    """Statements inside, whose results nobody looks at, go to PostgreSQL together and are waited for at the end.

    Raises DBAPIError for the first that fails.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.driver_connection
    try:
        with driver.pipeline():
            yield
    except psycopg.Error as fault:  # what SQLAlchemy has waited for itself it has named already
        raise sa.exc.DBAPIError.instance(
            "", None, fault, psycopg.Error, hide_parameters=True, dialect=connection.dialect
        ) from fault


def lock_name(connection: sa.Connection, name: str) -> None:
    """Hold `name` until the transaction ends; others that want it wait. On SQLite writers wait for each other anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def lock_names(connection: sa.Connection, names: Iterable[str]) -> None:
    """Hold several names, taken in their own order whatever the order in which they come."""
    ordered = sorted(set(names))
    if ordered and connection.dialect.name == "postgresql":
        asked = "SELECT name FROM unnest(CAST(:names AS text[])) WITH ORDINALITY AS each (name, place) ORDER BY place OFFSET 0"
        lock = f"SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM ({asked}) AS ordered"
        connection.execute(sa.text(lock), {"names": ordered})


def insert_once(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with its `unique_key` exists; whether it was inserted.

    When another transaction is just writing that row, its end is waited for: never two rows, and never an error.
    """
    return connection.execute(_insert_once(connection.dialect.name, table), values).one_or_none() is not None


def insert_all_once(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """As `insert_once` for many rows in few statements; the unique keys of those that were inserted."""
    if not rows:
        return set()
    return set(connection.execute(_insert_once(connection.dialect.name, table), list(rows)).scalars())


@cache
def _insert_once(dialect: str, table: sa.Table) -> Any:
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    return insert.on_conflict_do_nothing(index_elements=["unique_key"]).returning(table.c.unique_key)


def name_fault(fault: BaseException) -> Problem | None:
    """What an exception of the database's driver or of the disk means to whoever acted; None when it is a fault of ours."""
    if isinstance(fault, OSError):
        return StorageFull() if fault.errno in NO_SPACE else None
    if not isinstance(fault, sa.exc.DBAPIError):
        return DatabaseBusy() if isinstance(fault, sa.exc.TimeoutError) else None
    driver = fault.orig
    if isinstance(driver, sqlite3.Error):
        code = (getattr(driver, "sqlite_errorcode", None) or 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return StorageFull()
        return DatabaseBusy() if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) else None
    state = getattr(driver, "sqlstate", None)
    if state == "53100":
        return StorageFull()
    lost = fault.connection_invalidated or (state is None and isinstance(fault, sa.exc.OperationalError))
    return DatabaseBusy() if lost or (state or "").startswith(PASSING) else None
