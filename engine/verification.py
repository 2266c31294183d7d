"""The history recomputed: is every chain whole, and if not, where does the first one break?

The chains show what was changed after it was written, by anybody who does not also rewrite all that follows. Whoever may write to
the database can do that too: a seal outside of it is not part of this version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby
from types import SimpleNamespace
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from engine.archive import read_chain
from engine.errors import InstanceUnknown
from engine.history import GENESIS, hash_row
from engine.tables import archived_instance, history, instance
from engine.work import Work

CHUNK = 1000
"""Rows in memory at a time."""


@dataclass(frozen=True, slots=True)
class Break:
    """The first row at which a chain breaks.

    `reason`: `changed` (it has another hash, or the head in the instance's row has: it or the row before it was changed, or rows
    were swapped), `missing` (no row has this `seq`), `extra` (the instance ends before it), `orphan` (its instance is gone).
    """

    instance_id: str
    business_key: str | None
    seq: int
    element_id: str | None
    reason: Literal["changed", "missing", "extra", "orphan"]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was recomputed: whole chains and their rows, until `broken` if there is one."""

    instances: int
    rows: int
    broken: Break | None


def verify_history(work: Work) -> Verified:
    """Recompute the chains of all instances, in the order of their ids, up to the first that is broken."""
    instances = rows = 0
    lost = work.connection.execute(
        sa.select(history.c.instance_id, history.c.seq, history.c.element_id)
        .where(~sa.exists().where(instance.c.id == history.c.instance_id))
        .order_by(history.c.instance_id, history.c.seq)
        .limit(1)
    ).one_or_none()
    if lost is not None:
        return Verified(0, 0, Break(lost.instance_id, None, lost.seq, lost.element_id, "orphan"))
    query = _select().order_by(instance.c.id, history.c.seq)
    with work.connection.execute(query, execution_options={"yield_per": CHUNK}) as found:
        for _instance_id, lines in groupby(found, key=lambda row: row.id):
            count, broken = _find_break(lines)
            if broken is not None:
                return Verified(instances, rows, broken)
            instances, rows = instances + 1, rows + count
    return Verified(instances, rows, None)


def verify_chain(work: Work, instance_id: str) -> Break | None:
    """Where the chain of one instance breaks; None when it is whole.

    Raises InstanceUnknown.
    """
    found = work.connection.execute(_select().where(instance.c.id == instance_id).order_by(history.c.seq)).all()
    if not found:
        raise InstanceUnknown()
    return _find_break(found)[1]


def _select() -> sa.Select[Any]:
    """Each instance with its rows (at least one line). Moments and details as they stand: a row may be beyond reading."""
    columns = [*(column for column in history.c if column.name not in ("at", "detail")), archived_instance.c.content]
    return (
        sa.select(instance.c.id, instance.c.business_key, instance.c.history_count, instance.c.history_hash)
        .add_columns(*columns, sa.type_coerce(history.c.at, sa.String).label("at"))
        .add_columns(sa.cast(history.c.detail, sa.Text).label("detail"))
        .select_from(
            instance.outerjoin(history, history.c.instance_id == instance.c.id).outerjoin(
                archived_instance, archived_instance.c.instance_id == instance.c.id
            )
        )
    )


def _find_break(lines: Iterable[sa.Row[Any]]) -> tuple[int, Break | None]:
    """How many rows a chain has, and where it breaks."""
    previous, count = GENESIS, 0
    head, whole = _join_archived(lines)
    last: Any = head
    for line in whole:
        last = line
        count += 1
        reason = _judge(line, count, previous)
        if reason is not None:
            element_id = None if reason == "missing" else line.element_id
            return count, Break(head.id, head.business_key, count, element_id, reason)
        previous = line.hash
    if count < head.history_count:
        return count, Break(head.id, head.business_key, count + 1, None, "missing")
    if count > head.history_count:
        return count, Break(head.id, head.business_key, head.history_count + 1, None, "extra")
    if previous != head.history_hash:
        return count, Break(head.id, head.business_key, count, last.element_id, "changed")
    return count, None


def _join_archived(lines: Iterable[sa.Row[Any]]) -> tuple[sa.Row[Any], Iterator[Any]]:
    """The instance (as its first line says), and all rows of its chain: those in the archive, then those in the table."""
    coming = iter(lines)
    head = next(coming)
    present = (line for line in chain((head,), coming) if line.seq is not None)  # an instance may be without any row
    if head.content is None:
        return head, present
    try:
        archived = [SimpleNamespace(**line) for line in read_chain(head.content)]
    except ValueError:
        archived = []  # its first row is missing then
    return head, chain(archived, present)


def _judge(line: Any, count: int, previous: str) -> Literal["changed", "missing"] | None:
    """What is wrong with the row that should be the `count`th."""
    if line.seq != count:
        return "missing"
    try:
        at = line.at if isinstance(line.at, datetime) else datetime.fromisoformat(line.at)
        content = {**_values(line), "at": at, "detail": orjson.loads(line.detail)}
        return None if hash_row(content, previous) == line.hash else "changed"
    except (ValueError, TypeError):
        return "changed"


def _values(line: Any) -> Mapping[str, Any]:
    return vars(line) if isinstance(line, SimpleNamespace) else line._mapping
