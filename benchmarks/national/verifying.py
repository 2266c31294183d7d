"""What is looked at when all is over, from outside: the rows in the database against what the clients were told."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.tables import incident, instance, message
from engine.verification import verify_chain
from engine.work import ProcessEngine
from workflows.tables import case, publication_item, receipt

PART = 500
SAMPLE = 500
"""So many chains are recomputed, spread over all instances."""
SENT = ("application", "correction")


def verify(process_engine: ProcessEngine, folder: Path) -> dict[str, Any]:
    """Counts of what was found, and `ok`: nothing lost, nothing late, no chain broken, no incident, every case finished."""
    with process_engine.read() as work:

        def count(*which: sa.ColumnElement[bool]) -> int:
            found: int = work.connection.execute(sa.select(sa.func.count()).where(*which)).scalar_one()
            return found

        def state(name: str) -> int:
            return count(case.c.state == name)

        sent = receipt.c.kind.in_(SENT)
        told = known = 0
        for name, column, of in (
            ("accepted", receipt.c.id, sent),
            ("accepted_on_pages", receipt.c.case_id, receipt.c.kind == "application"),  # a page leads to the case
        ):
            lines = _read(folder, name)
            while part := [line.split()[0] for line in islice(lines, PART)]:
                query = sa.select(column).where(receipt.c.accepted, of, column.in_(part)).distinct()
                told, known = told + len(part), known + len(work.connection.execute(query).all())
        chains = work.connection.execute(sa.select(instance.c.id).order_by(instance.c.id), execution_options={"yield_per": PART})
        total = count(instance.c.id.is_not(None))
        step = max(1, total // SAMPLE)
        sample = [row.id for row in islice(chains, 0, None, step)]
        found = {
            "acknowledged": told,
            "acknowledged_and_stored": known,
            "accepted": count(sent, receipt.c.accepted),
            "refused_told": sum(1 for _ in _read(folder, "refused")),
            "refused": count(sent, ~receipt.c.accepted),
            "accepted_late": count(sent, receipt.c.accepted, receipt.c.received_at >= receipt.c.cutoff_at),
            "refused_in_time": count(sent, ~receipt.c.accepted, receipt.c.received_at < receipt.c.cutoff_at),
            "chains_verified": len(sample),
            "chains_broken": sum(verify_chain(work, each) is not None for each in sample),
            "incidents": count(incident.c.id.is_not(None)),
            "undelivered": count(message.c.state == "waiting"),
            "instances": total,
            "running": count(instance.c.state == "running"),
            "published": count(publication_item.c.case_id.is_not(None)),
            "cases": {name: state(name) for name in work.connection.execute(sa.select(case.c.state).distinct()).scalars()},
        }
    same = found["acknowledged"] == found["acknowledged_and_stored"] == found["accepted"]
    none = ("accepted_late", "refused_in_time", "chains_broken", "incidents", "undelivered", "running")
    ok = same and found["refused"] == found["refused_told"] and not any(found[name] for name in none)
    return {"ok": ok and found["published"] > 0, **found}


def _read(folder: Path, name: str) -> Iterator[str]:
    for path in sorted(folder.glob(f"{name}-*.txt")):
        with path.open(encoding="utf-8") as file:
            yield from file
