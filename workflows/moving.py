"""A whole installation moves from SQLite to PostgreSQL: all tables in the order of their keys, verified afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.tables import deployment, metadata
from engine.verification import verify_history
from engine.work import ProcessEngine
from workflows.schema import require_schema, upgrade_schema
from workflows.tables import organisation, person

CHUNK = 1_000
PEOPLE = (deployment, organisation, person)
"""What every installation has that was ever used, and a fresh database has not."""
SEQUENCES = sa.text("SELECT pg_get_serial_sequence(:table, :column)")


class TargetNotEmpty(Problem):
    """The database that was to be filled is used already: `table` has rows."""

    kind = "conflict"


class MoveIncomplete(Problem):
    """What arrived is not what was there: `table` has `found` rows instead of `expected`; nothing was kept."""

    kind = "internal"


class HistoryBroken(Problem):
    """A chain of history is not whole (`instance`): it is not carried on into another database."""

    kind = "conflict"


def move_database(source: ProcessEngine, target: ProcessEngine, *, tell: Callable[[str, int], None]) -> dict[str, int]:
    """Copy all rows of `source` into `target`, in one transaction of each; how many there are of each table.

    `tell` hears of each table that is done. Nobody can write into the source meanwhile: its write lock is held. Jobs are not
    copied: the workers' first sweep makes them.

    Raises SchemaOutdated, TargetNotEmpty, HistoryBroken, MoveIncomplete; then nothing has changed.
    """
    require_schema(source.database)
    upgrade_schema(target.database)
    counts: dict[str, int] = {}
    with source.begin() as old, target.begin() as new:
        for table in PEOPLE:
            if new.connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).one_or_none():
                raise TargetNotEmpty(table=table.name)
        if broken := verify_history(old).broken:
            raise HistoryBroken(instance=broken.instance_id)
        for table in reversed(metadata.sorted_tables):  # what the migrations have seeded comes from the source
            new.connection.execute(table.delete())
        for table in metadata.sorted_tables:
            for rows in _chunks(old.connection, table):
                new.connection.execute(table.insert(), rows)
            counts[table.name] = _count(old.connection, table)
            if (found := _count(new.connection, table)) != counts[table.name]:
                raise MoveIncomplete(table=table.name, expected=counts[table.name], found=found)
            _set_sequences(new.connection, table)
            tell(table.name, counts[table.name])
        if broken := verify_history(new).broken:
            raise HistoryBroken(instance=broken.instance_id)
    return counts


def _chunks(connection: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    query = sa.select(table).order_by(*table.primary_key.columns)
    above = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    if above:  # those that name others of the table after these
        rows = _order([dict(row) for row in connection.execute(query).mappings()], above)
        yield from (rows[first : first + CHUNK] for first in range(0, len(rows), CHUNK))
        return
    for part in connection.execution_options(yield_per=CHUNK).execute(query).mappings().partitions():
        yield [dict(row) for row in part]


def _order(rows: list[dict[str, Any]], above: list[str]) -> list[dict[str, Any]]:
    placed: set[Any] = set()
    ordered: list[dict[str, Any]] = []
    while rows:
        ready = [row for row in rows if all(row[name] in placed or row[name] in (None, row["id"]) for name in above)]
        ordered += ready or rows  # a circle: the database will name it
        placed |= {row["id"] for row in ready or rows}
        rows = [row for row in rows if row["id"] not in placed]
    return ordered


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _set_sequences(connection: sa.Connection, table: sa.Table) -> None:
    if connection.dialect.name != "postgresql":
        return
    for column in table.columns:
        if isinstance(column.type, sa.Integer):
            sequence = connection.execute(SEQUENCES, {"table": table.name, "column": column.name}).scalar_one()
            if sequence is not None:
                last = sa.select(sa.func.setval(sequence, sa.func.coalesce(sa.func.max(column), 0) + 1, False))
                connection.execute(last.select_from(table))
