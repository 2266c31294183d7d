"""Who saw what of a case: a row for each person, day and kind, with the first and last moment and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from engine.asides import write_aside
from engine.moments import SHANGHAI
from engine.work import ProcessEngine, Work
from workflows.people import Person
from workflows.rules import CaseUnknown, can, case_subject, require
from workflows.tables import case_view, organisation, person

What = Literal["page", "task", "file", "export"]
MOST_VIEWS = 500
"""Lines that are shown of one case, the latest."""


@dataclass(frozen=True, slots=True)
class ViewLine:
    """What one person saw of a case on one day (of Beijing)."""

    person: str
    organisation: str
    day_on: date
    what: str
    first_at: datetime
    last_at: datetime
    times: int


def note_view(engine: ProcessEngine, reader: Person, case_id: str, what: What) -> bool:
    """Note that the reader was shown something of a case, after they were; whether it was noted.

    It waits for nobody and never fails: a page is read also while nothing can be written.
    """
    now = engine.clock.now()
    values = {"case_id": case_id, "day_on": now.astimezone(SHANGHAI).date(), "person_id": reader.id, "what": what}
    statement = _NOTES[engine.database.dialect.name]
    return write_aside(engine.database, statement, {**values, "first_at": now, "last_at": now, "times": 1})


def list_views(work: Work, reader: Person, case_id: str) -> Sequence[ViewLine]:
    """Who saw what of the case, the latest day first (at most `MOST_VIEWS` lines).

    Raises CaseUnknown, NotPermitted.
    """
    subject = case_subject(work, case_id)
    if not can(reader, "case.read", subject):
        raise CaseUnknown()
    require(reader, "case.views", subject)
    return [
        ViewLine(row.name, row.short_name, row.day_on, row.what, row.first_at, row.last_at, row.times)
        for row in work.connection.execute(_VIEWS, {"case": case_id})
    ]


def _note(insert: Any) -> Any:
    made = insert(case_view)
    again = {"last_at": made.excluded.last_at, "times": case_view.c.times + 1}
    return made.on_conflict_do_update(index_elements=list(case_view.primary_key.columns), set_=again)


_NOTES = {"sqlite": _note(sqlite.insert), "postgresql": _note(postgresql.insert)}
_VIEWS = (
    sa.select(case_view, person.c.name, organisation.c.short_name)
    .join(person, person.c.id == case_view.c.person_id)
    .join(organisation, organisation.c.id == person.c.organisation_id)
    .where(case_view.c.case_id == sa.bindparam("case"))
    .order_by(case_view.c.day_on.desc(), case_view.c.last_at.desc())
    .limit(MOST_VIEWS)
)
