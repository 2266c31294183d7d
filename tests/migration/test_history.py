"""Histories of the releases before: no hash changes, and every chain is whole afterwards - also on the way back."""

from __future__ import annotations

import hashlib
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import command

from engine.clock import VirtualClock
from engine.database import Moment, format_utc, open_database
from engine.tables import candidate_set
from engine.verification import Break, Verified, verify_history
from engine.work import ProcessEngine
from workflows.schema import _config, upgrade_schema

AT = datetime(2026, 1, 5, tzinfo=UTC)
ARCHIVED = 2
"""So many rows of the second instance are in the archive."""
OLD = sa.table(
    "history",
    *(
        sa.column(name)
        for name in ("instance_id", "seq", "kind", "element_id", "token", "by", "on_behalf_of", "prev_hash", "hash")
    ),
    sa.column("at", Moment()),
    sa.column("detail", sa.JSON()),
)


def chain(instance_id: str, length: int) -> list[dict[str, Any]]:
    """Rows as version 0.2.0 wrote them."""
    rows, previous = list[dict[str, Any]](), "0" * 64
    for seq in range(1, length + 1):
        row = {"instance_id": instance_id, "seq": seq, "at": AT + timedelta(days=seq), "kind": "completed", "element_id": "审核"}
        row |= {"token": "1", "by": None, "on_behalf_of": None, "detail": {"passed": ["审核"], "by": seq}}
        content = [value if name != "at" else format_utc(row["at"]) for name, value in row.items()]
        digest = hashlib.sha256(previous.encode() + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
        rows.append({**row, "prev_hash": previous, "hash": digest})
        previous = digest
    return rows


def insert(connection: sa.Connection, table: str, **values: object) -> None:
    bound = [sa.bindparam(name, type_=Moment()) for name, value in values.items() if value is AT]
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(sa.text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})").bindparams(*bound), values)


def write_before(connection: sa.Connection) -> list[dict[str, Any]]:
    """Two instances, of one the first rows are in the archive, and a group that may claim; the rows of history that stand."""
    insert(connection, "candidate_set", id="c", kind="group", candidate="auditor@o")
    insert(connection, "deployment", id="d", source="folder", name="d", sha256="", deployed_at=AT)
    given = {"version": 1, "name": "p", "kernel": "tokens", "xml": b"", "sha256": "", "findings": "[]"}
    insert(connection, "definition", id="p", deployment_id="d", key="p", **given)
    standing: list[dict[str, Any]] = []
    for instance_id, length in (("i1", 3), ("i2", 4)):
        rows = chain(instance_id, length)
        given = {"state": "running", "document": "{}", "revision": 1, "history_count": length, "started_at": AT}
        head = rows[-1]["hash"]
        insert(connection, "instance", id=instance_id, definition_id="p", business_key=instance_id, history_hash=head, **given)
        if instance_id == "i2":
            content = zlib.compress(orjson.dumps({"format": 1, "rows": {"history": rows[:ARCHIVED]}}))
            given = {"rows": ARCHIVED, "bytes": 1, "archived_at": AT}
            insert(connection, "archived_instance", instance_id=instance_id, subject="s", content=content, **given)
            rows = rows[ARCHIVED:]
        standing += rows
    connection.execute(sa.insert(OLD), standing)
    return standing


def test_chains_stay_whole_both_ways(database_url: str) -> None:
    database = open_database(database_url)
    upgrade_schema(database, to="0007")
    with database.begin() as connection:
        before = write_before(connection)
    for _ in range(2):
        upgrade_schema(database)
        with ProcessEngine(database, VirtualClock(AT)).read() as work:
            assert verify_history(work) == Verified(2, 7, None)
            assert work.connection.execute(sa.select(candidate_set)).all() == [("c", "group", "auditor@o")]
        with database.begin() as connection:
            command.downgrade(_config(connection), "0007")
            rows = connection.execute(sa.select(OLD).order_by(OLD.c.instance_id, OLD.c.seq))
            assert [dict(row._mapping) for row in rows] == [{column.name: row[column.name] for column in OLD.c} for row in before]
    database.dispose()


def test_what_is_no_digest_stays_to_be_found(database_url: str) -> None:
    database = open_database(database_url)
    upgrade_schema(database, to="0007")
    with database.begin() as connection:
        write_before(connection)
        connection.execute(sa.text("UPDATE history SET hash = 'mallory' WHERE instance_id = 'i1' AND seq = 2"))
    upgrade_schema(database)
    with ProcessEngine(database, VirtualClock(AT)).read() as work:
        assert verify_history(work) == Verified(0, 0, Break("i1", "i1", 2, "审核", "changed"))
    database.dispose()
