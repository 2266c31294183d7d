"""What people like, kept by name: how lists look, what they are told and how."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.tables import preference


def read_preference(work: Work, person_id: str, name: str) -> Any:
    """The value that the person has kept under this name; None where there is none."""
    query = sa.select(preference.c.value).where(preference.c.person_id == person_id, preference.c.name == name)
    return work.connection.execute(query).scalar()


def read_preferences(work: Work, person_ids: Iterable[str], name: str) -> dict[str, Any]:
    """The same for several people (at most some hundreds); only who has kept one is in the answer."""
    query = sa.select(preference.c.person_id, preference.c.value)
    rows = work.connection.execute(query.where(preference.c.person_id.in_(list(person_ids)), preference.c.name == name))
    return {row.person_id: row.value for row in rows}


def keep_preference(work: Work, person_id: str, name: str, value: Any) -> None:
    """Keep a mapping or a list (JSON) under this name; the one before is gone. SQLite does not tell plain numbers from texts."""
    values = {"value": value, "changed_at": work.now}
    change = sa.update(preference).where(preference.c.person_id == person_id, preference.c.name == name).values(values)
    if work.connection.execute(change).rowcount > 0:
        return
    try:
        with work.connection.begin_nested():
            work.connection.execute(sa.insert(preference).values(person_id=person_id, name=name, **values))
    except sa.exc.IntegrityError:  # the same person's other page wrote it at this moment
        work.connection.execute(change)
