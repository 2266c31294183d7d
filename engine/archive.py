"""The archive: rows of instances that are over, compressed into one row for each, and read as if they still stood there.

The row of the instance stays where it is: whatever names the instance finds it, and it holds the head of its history's chain.
`engine.archiving` moves rows here and back.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData

from engine.database import Moment
from engine.tables import archived_instance, history
from engine.work import Work

FORMAT = 1
"""Of the content; a later one must still read this."""
LEVEL = 6
Rows = dict[str, list[dict[str, Any]]]
"""Rows by the name of their table."""


def find_archived(work: Work, instance_id: str) -> sa.Row[Any] | None:
    """The archive's row of an instance; None when it is not archived."""
    query = sa.select(archived_instance).where(archived_instance.c.instance_id == instance_id)
    return work.connection.execute(query).one_or_none()


def find_moment(work: Work, instance_id: str) -> datetime | None:
    """When an instance was archived last; None when it is not in the archive."""
    query = sa.select(archived_instance.c.archived_at).where(archived_instance.c.instance_id == instance_id)
    moment: datetime | None = work.connection.execute(query).scalar_one_or_none()
    return moment


def archived_rows(work: Work, instance_id: str, table: sa.Table) -> list[sa.Row[Any]]:
    """The rows of one table that the archive holds of an instance, in their order; none when it is not archived."""
    found = find_archived(work, instance_id)
    if found is None:
        return []
    names = [column.name for column in table.c]
    lines = [load_row(table, line) for line in unpack(found.content).get(table.name, [])]
    return list(IteratorResult(SimpleResultMetaData(names), iter([tuple(line[name] for name in names) for line in lines])))


def read_chain(content: bytes) -> list[dict[str, Any]]:
    """The history rows of an archived content, moments and details as text, for whoever verifies them.

    Raises ValueError for a content that cannot be read.
    """
    try:
        lines = [{column.name: line[column.name] for column in history.c} for line in unpack(content).get(history.name, [])]
        return [{**line, "detail": orjson.dumps(line["detail"]).decode()} for line in lines]
    except (zlib.error, LookupError, TypeError, AttributeError) as fault:
        raise ValueError("unreadable") from fault


def pack(rows: Rows) -> tuple[bytes, int]:
    """The content of these rows, and how many bytes they are before compression."""
    plain = orjson.dumps({"format": FORMAT, "rows": rows}, option=orjson.OPT_NON_STR_KEYS)  # names are a kind of text
    return zlib.compress(plain, LEVEL), len(plain)


def unpack(content: bytes) -> Rows:
    """The rows of a content.

    Raises ValueError for another format.
    """
    whole = orjson.loads(zlib.decompress(content))
    if whole["format"] != FORMAT:
        raise ValueError(f"the archive has format {whole['format']}")
    rows: Rows = whole["rows"]
    return rows


def load_row(table: sa.Table, line: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it was: moments from their text; in a column that did not exist then there is nothing."""
    read: dict[str, Any] = {column.name: line.get(column.name) for column in table.c}
    moments = [column.name for column in table.c if isinstance(column.type, Moment)]
    return read | {name: datetime.fromisoformat(read[name]) for name in moments if read[name] is not None}
