"""History is evidence: append-only rows, chained by hash per instance (the head is locked with the instance row).

One row tells one operation: who did what where, and in `detail` which elements it passed, opened and cancelled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from engine.archive import archived_rows
from engine.database import format_utc
from engine.errors import InstanceUnknown
from engine.statements import ADD_HISTORY, HOLD_CHAIN, STORE_CHAIN
from engine.tables import history
from engine.work import Work

GENESIS = "0" * 64
"""What the first row of a chain has for the hash of the row before."""


@dataclass(slots=True)
class Chain:
    """The open end of one instance's chain; rows are made here and written together."""

    instance_id: str
    count: int = 0
    head: str = GENESIS
    rows: list[dict[str, Any]] = field(default_factory=list)

    def append(
        self,
        work: Work,
        kind: str,
        *,
        element_id: str | None = None,
        token: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one row, stamped with the moment and the person of the unit of work."""
        row: dict[str, Any] = {
            "instance_id": self.instance_id,
            "seq": self.count + 1,
            "at": work.now,
            "kind": kind,
            "element_id": element_id,
            "token": token,
            "by": work.by,
            "on_behalf_of": work.on_behalf_of,
            "detail": dict(detail or {}),
        }
        row["hash"] = hash_row(row, self.head)
        self.count, self.head = self.count + 1, row["hash"]
        self.rows.append(row)

    def write(self, work: Work) -> None:
        """Gather the new rows in `Work.writes`; the caller stores `count` and `head` with the instance."""
        if self.rows:
            for row in self.rows:
                work.writes.add(ADD_HISTORY, row)
            self.rows = []


def hash_row(row: Mapping[str, Any], previous: str) -> str:
    """SHA-256 over the hash of the row before and the row's canonical JSON."""
    at: datetime = row["at"]
    content = [
        row["instance_id"],
        row["seq"],
        format_utc(at.astimezone(UTC)),
        row["kind"],
        row["element_id"],
        row["token"],
        row["by"],
        row["on_behalf_of"],
        row["detail"],
    ]
    return hashlib.sha256(previous.encode() + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def record_entry(
    work: Work,
    instance_id: str,
    kind: str,
    *,
    element_id: str | None = None,
    token: str | None = None,
    detail: Mapping[str, Any] | None = None,
    held: sa.Row[Any] | None = None,
) -> None:
    """Append one row to the chain of an instance. Within a step of that instance (a handler calls) it is written with the step.

    `held` is a row with the chain's end (`engine.statements.STATE`) of an instance that is locked already.
    Raises InstanceUnknown when there is no such instance.
    """
    if instance_id in work.chains:
        work.chains[instance_id].append(work, kind, element_id=element_id, token=token, detail=detail)
        return
    work.writes.write(work.connection)
    row = held if held is not None else work.connection.execute(HOLD_CHAIN, {"of_id": instance_id}).one_or_none()
    if row is None:
        raise InstanceUnknown()
    chain = Chain(instance_id, row.history_count, row.history_hash)
    chain.append(work, kind, element_id=element_id, token=token, detail=detail)
    chain.write(work)
    end = {"of_id": instance_id, "to_history_count": chain.count, "to_history_hash": chain.head}
    work.writes.add(STORE_CHAIN, end)
    work.writes.write(work.connection)


def list_entries(work: Work, instance_id: str) -> list[sa.Row[Any]]:
    """All rows of one instance, in order; those that are in the archive, too."""
    query = sa.select(history).where(history.c.instance_id == instance_id).order_by(history.c.seq)
    rows = [*work.connection.execute(query)]
    return rows if rows and rows[0].seq == 1 else archived_rows(work, instance_id, history) + rows
