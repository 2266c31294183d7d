"""The reminders of a replay: what each role was sent, about which step, on which day."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from engine.tables import outbox
from engine.work import Work
from workflows.replay.cadences import in_zone, last_day
from workflows.tables import letter, membership


def read_reminders(work: Work, campaign_id: str) -> list[dict[str, Any]]:
    """Letters by moment, step, due day and role of who got them. `occurrence` is the name within the plan: `before7`, `day`,
    `overdue20221101`; a person of several roles counts for the first of them."""
    roles = sa.select(membership.c.person_id, sa.func.min(membership.c.role).label("role")).group_by(membership.c.person_id)
    role = roles.subquery()
    query = (
        sa.select(letter.c.written_at, outbox.c.unique_key, role.c.role)
        .join(outbox, outbox.c.id == letter.c.outbox_id)
        .join(role, role.c.person_id == letter.c.person_id)
        .where(letter.c.campaign_id == campaign_id, outbox.c.unique_key.startswith(f"reminder:{campaign_id}:"))
    )
    counted: Counter[tuple[str, ...]] = Counter()
    for row in work.connection.execute(query):
        _, _, step, due, occurrence, *_ = row.unique_key.split(":")
        due_at = datetime.strptime(due, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        counted[in_zone(row.written_at), step, last_day(due_at), occurrence, row.role] += 1
    names = ("at", "step", "due_on", "occurrence", "role")
    return [{**dict(zip(names, line, strict=True)), "letters": count} for line, count in sorted(counted.items())]
