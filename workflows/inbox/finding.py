"""Finding tasks by a text: by their case's or report's number, title and unit as the reader sees them, by step and campaign."""

from __future__ import annotations

import sqlalchemy as sa

from engine.tables import OPEN, user_task
from engine.work import Work
from workflows.cases.scrubbing import shown_title
from workflows.people import Person
from workflows.rules import blind_case
from workflows.search import find_text
from workflows.tables import campaign, case, organisation, report


def holds(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Whether a column has the text in it, in capitals or small."""
    return column.icontains(text, autoescape=True)


def find_numbers(work: Work, reader: Person, text: str) -> list[str] | None:
    """The numbers of the cases and reports that have the text; None when they may be many."""
    found = find_text(work, text)
    if found is None:
        return None
    blind = blind_case(reader)
    unit = sa.and_(sa.not_(blind), holds(organisation.c.name, text))
    cases = (
        sa.select(case.c.number)
        .join(organisation, organisation.c.id == case.c.institution_id)
        .where(sa.or_(case.c.number.in_(found.numbers), case.c.institution_id.in_(found.organisations)))
        .where(sa.or_(holds(case.c.number, text), holds(shown_title(organisation, blind=blind), text), unit))
    )
    reports = (
        sa.select(report.c.number)
        .join(organisation, organisation.c.id == report.c.reporter_id)
        .where(sa.or_(report.c.number.in_(found.numbers), report.c.reporter_id.in_(found.organisations)))
        .where(sa.or_(holds(report.c.number, text), holds(organisation.c.name, text)))
    )
    return list(work.connection.execute(sa.union_all(cases, reports)).scalars())


def find_campaigns(work: Work, text: str) -> list[str]:
    """The campaigns (of which there are few) whose title has the text."""
    return list(work.connection.execute(sa.select(campaign.c.id).where(holds(campaign.c.title, text))).scalars())


def is_a_step(work: Work, text: str) -> bool:
    """Whether an open task has the text in its name. Names are few: the index is asked for the next one each time."""
    name = user_task.c.name
    names = sa.select(sa.func.min(name).label("name")).where(OPEN).cte("names", recursive=True)
    following = sa.select(sa.func.min(name)).where(OPEN, name > names.c.name).scalar_subquery()
    names = names.union_all(sa.select(following).where(names.c.name.is_not(None)))
    return work.connection.execute(sa.select(sa.select(names.c.name).where(holds(names.c.name, text)).exists())).scalar_one()
