"""Lists of cases: one flat query, narrowed by the rules, that cannot be made to betray what it hides.

Filters and search look at the columns as the reader sees them, never at the hidden ones: whoever reviews a case blind cannot
find it by searching for its unit either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.cases.scrubbing import shown_title
from workflows.cases.states import shown_state
from workflows.people import Person
from workflows.rules import blind_case, visible_cases
from workflows.tables import campaign, case, organisation


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list. `unit`, `body`, `channel` and `rank` are None in blind review, `score` for all but organisers."""

    id: str
    number: str
    title: str
    state: str
    directions: tuple[str, ...]
    campaign_id: str
    campaign_title: str
    unit: str | None
    body: str | None
    channel: str | None
    received_at: datetime | None
    rank: int | None
    score: Decimal | None


@dataclass(frozen=True, slots=True)
class CasePage:
    """Some lines, and the number after which the next page begins (None on the last page)."""

    lines: tuple[CaseLine, ...]
    after: str | None


def list_cases(
    work: Work,
    reader: Person,
    *,
    campaign_id: str | None = None,
    state: str | None = None,
    body_id: str | None = None,
    text: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> CasePage:
    """Cases that the person may see, by number, from after the number `after`. `text` is looked for in number, title and unit."""
    unit, body = organisation.alias("unit"), organisation.alias("body")
    organised = campaign.c.organiser_id.in_(sorted(reader.organisations("organiser")))
    blind = blind_case(reader)

    def shown(column: sa.ColumnElement[Any], when: sa.ColumnElement[bool] | None = None) -> sa.ColumnElement[Any]:
        open_to = sa.not_(blind) if when is None else sa.and_(sa.not_(blind), when)
        return sa.case((open_to, column), else_=sa.null())

    columns = {
        "id": case.c.id,
        "number": case.c.number,
        "title": shown_title(unit, blind=blind),
        "state": shown_state(sa.and_(organised, sa.not_(blind))),
        "directions": case.c.directions,
        "campaign_id": campaign.c.id,
        "campaign_title": campaign.c.title,
        "unit": shown(unit.c.name),
        "body": shown(body.c.short_name),
        "channel": shown(case.c.channel),
        "received_at": sa.type_coerce(shown(case.c.received_at), case.c.received_at.type),
        "rank": shown(case.c.rank),
        "score": shown(case.c.score, organised),
    }
    query = (
        sa.select(*(column.label(name) for name, column in columns.items()))
        .select_from(case)
        .join(campaign, campaign.c.id == case.c.campaign_id)
        .join(unit, unit.c.id == case.c.institution_id)
        .outerjoin(body, body.c.id == case.c.body_id)
        .where(visible_cases(reader))
        .order_by(case.c.number)
        .limit(limit + 1)
    )
    if campaign_id is not None:
        query = query.where(case.c.campaign_id == campaign_id)
    if state is not None:
        query = query.where(columns["state"] == state)
    if body_id is not None:
        query = query.where(shown(case.c.body_id) == body_id)
    if text:
        looked_at = (columns["number"], columns["title"], columns["unit"])
        query = query.where(sa.or_(*(column.icontains(text, autoescape=True) for column in looked_at)))
    if after is not None:
        query = query.where(case.c.number > after)
    rows = work.connection.execute(query).all()
    lines = tuple(_line(row) for row in rows[:limit])
    return CasePage(lines, lines[-1].number if len(rows) > limit else None)


def _line(row: sa.Row[Any]) -> CaseLine:
    values = dict(row._mapping)
    values["directions"] = tuple(values["directions"])
    values["score"] = None if values["score"] is None else Decimal(values["score"])
    return CaseLine(**values)
