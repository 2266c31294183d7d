"""A note beside the work: written in a transaction of its own that waits for nobody and stops nothing when it cannot be written.

What reads a page may want to leave a trace. Reading must not wait for writers, and must go on where nothing can be written.
"""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa

WAIT_MS = 250
"""So long a note waits for another writer; then it is given up."""

log = logging.getLogger(__name__)


def write_aside(database: sa.Engine, statement: sa.Executable, values: dict[str, Any]) -> bool:
    """Do one statement in a transaction of its own; whether it was done. Raises nothing that a database does.

    It is not synchronised to the disk by itself: after a loss of power the last second of notes may be absent.
    """
    try:
        with database.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(_BRIEFLY)
                connection.execute(statement, values)
                connection.commit()
            else:
                _write_sqlite(connection, statement, values)
    except sa.exc.DBAPIError as fault:
        log.warning("A note beside the work was not written: %s", type(fault.orig).__name__)
        return False
    return True


def _write_sqlite(connection: sa.Connection, statement: sa.Executable, values: dict[str, Any]) -> None:
    """What a connection is set to outside of transactions, and back."""
    plain = connection.connection.dbapi_connection
    assert plain is not None
    before = [(name, plain.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("busy_timeout", "synchronous")]
    plain.execute(f"PRAGMA busy_timeout={WAIT_MS}")
    plain.execute("PRAGMA synchronous=NORMAL")
    try:
        connection.execute(statement, values)
        connection.commit()
    finally:
        connection.rollback()
        for name, value in before:
            plain.execute(f"PRAGMA {name}={value}")


_BRIEFLY = sa.text(f"SELECT set_config('lock_timeout', '{WAIT_MS}', true), set_config('synchronous_commit', 'off', true)")
