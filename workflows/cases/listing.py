"""Lists of cases: one flat query, narrowed by the rules, that cannot be made to betray what it hides.

Filters and search look at the columns as the reader sees them, never at the hidden ones: whoever reviews a case blind cannot
find it by searching for its unit either.

What the person may see is looked for in parts, by number and only as far as the page goes (`rules.ways_to_cases`), so that a page
costs the same whatever else there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.case_states import is_shown_as, shown_state
from workflows.cases.scrubbing import hide_titles, is_told, shown_title
from workflows.people import Person
from workflows.rules import blind_case, ways_to_cases
from workflows.search import REACH, find_text
from workflows.tables import campaign, case, organisation

WAYS = 20
"""So many parts of what a person may see are each read by number; more are sorted."""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case in a list. `unit`, `body`, `channel`, `rank` and `late_at` (when it came, marked as late; None in time) are None in
    blind review, `score` for all but organisers."""

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
    late_at: datetime | None


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
        "blind": blind,
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
        "late_at": sa.type_coerce(shown(case.c.late_at), case.c.late_at.type),
    }
    which: list[sa.ColumnElement[bool]] = []
    if campaign_id is not None:
        which.append(case.c.campaign_id == campaign_id)
    if state is not None:
        which.append(is_shown_as(state, sa.and_(organised, sa.not_(blind))))
    if body_id is not None:
        which += [case.c.body_id == body_id, sa.not_(blind)]
    if after is not None:
        which.append(case.c.number > after)
    has_text = [sa.or_(*(columns[name].icontains(text, autoescape=True) for name in ("number", "title", "unit")))] if text else []
    found = find_text(work, text) if text else None
    organised_ids = _list_organised(work, reader, campaign_id)

    def read(picked: sa.Subquery, later: list[sa.ColumnElement[bool]]) -> Sequence[Any]:
        """The lines of some cases."""
        query = (
            sa.select(*(column.label(name) for name, column in columns.items()))
            .select_from(picked)
            .join(case, case.c.id == picked.c.id)
            .join(campaign, campaign.c.id == case.c.campaign_id)
            .join(unit, unit.c.id == case.c.institution_id)
            .outerjoin(body, body.c.id == case.c.body_id)
            .where(*later)
        )
        return work.connection.execute(query.order_by(case.c.number).limit(limit + 1)).all()

    def pick(reach: int, within: list[sa.ColumnElement[bool]]) -> sa.Subquery:
        """The first so many that the reader may see."""
        ways = ways_to_cases(reader, organised_ids)
        ways = ways if len(ways) <= WAYS else [sa.or_(*ways)]
        thin = sa.select(case.c.id, case.c.number).join(campaign, campaign.c.id == case.c.campaign_id)
        thin = thin.join(unit, unit.c.id == case.c.institution_id).where(*within).order_by(case.c.number).limit(reach)
        every = sa.union(*(sa.select(thin.where(way).subquery()) for way in ways)).subquery()
        return sa.select(every.c.id).order_by(every.c.number).limit(reach).subquery("picked")

    rows: Sequence[Any] = ()
    if found is not None:  # few: looked for from these, whatever else there is (a subquery with an offset is read by itself)
        own = (case.c.id, case.c.state, case.c.campaign_id, case.c.institution_id, case.c.body_id, case.c.prefecture_id)
        few = sa.select(*own).where(sa.or_(case.c.number.in_(found.numbers), case.c.institution_id.in_(found.organisations)))
        these = few.offset(0).subquery("found")
        seen = sa.select(these.c.id).where(sa.or_(*ways_to_cases(reader, organised_ids, these.c))).subquery("picked")
        rows = read(seen, [*which, *has_text])
    else:  # many: met on the way
        rows = read(pick(REACH, which), has_text) if text else ()
        if len(rows) <= limit:
            rows = read(pick(limit + 1, [*which, *has_text]), [])
    titles = hide_titles(work, {row.id: row.title for row in rows[:limit] if row.blind})
    lines = tuple(
        _line(row, titles.get(row.id, row.title))
        for row in rows[:limit]
        if not text or row.id not in titles or is_told(text, row.number, titles[row.id])
    )
    return CasePage(lines, rows[limit - 1].number if len(rows) > limit else None)


def _list_organised(work: Work, reader: Person, campaign_id: str | None) -> list[str]:
    """The campaigns that the reader organises (of which only this one)."""
    own = sorted(reader.organisations("organiser"))
    if not own:
        return []
    query = sa.select(campaign.c.id).where(campaign.c.organiser_id.in_(own))
    return list(work.connection.execute(query if campaign_id is None else query.where(campaign.c.id == campaign_id)).scalars())


def _line(row: sa.Row[Any], title: str) -> CaseLine:
    values = {**row._mapping, "title": title}
    del values["blind"]
    values["directions"] = tuple(values["directions"])
    values["score"] = None if values["score"] is None else Decimal(values["score"])
    return CaseLine(**values)
