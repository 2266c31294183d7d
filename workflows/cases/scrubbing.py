"""Texts for blind review without the names that give their author away.

A form hides the fields that name the unit and the contact; the same names also stand in the running text ("我中心…"). Exact
occurrences are replaced. This does not make a text anonymous: a careful expert may still guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.campaigns.forms import campaign_form
from workflows.organisations import list_organisations
from workflows.tables import application_version, case, organisation

HIDDEN = "×××"
SHORTEST = 2
"""Shorter names would blot out ordinary words."""


def find_names(work: Work, case_id: str) -> list[str]:
    """What must not be read: names of the unit and the units above it (not of authorities), contacts as the form names them."""
    return find_all_names(work, [case_id])[case_id]


def find_all_names(work: Work, case_ids: Sequence[str]) -> dict[str, list[str]]:
    """The same of several cases, in as many statements."""
    query = sa.select(case.c.id, case.c.campaign_id, case.c.stage_id, organisation.c.path).join(
        organisation, organisation.c.id == case.c.institution_id
    )
    rows = work.connection.execute(query.where(case.c.id.in_(case_ids))).all()
    above = {row.id: row.path.strip("/").split("/") for row in rows}
    units = {
        place.id: place for place in list_organisations(work, ids=sorted({each for path in above.values() for each in path}))
    }
    versions = sa.select(application_version).where(application_version.c.case_id.in_(case_ids))
    last = {each.case_id: each for each in work.connection.execute(versions.order_by(application_version.c.version))}
    found: dict[str, list[str]] = {}
    for row in rows:
        own = [units[each] for each in above[row.id] if units[each].kind == "institution"]
        names = {name for place in own for name in (place.name, place.short_name)}
        if row.id in last:
            for field in campaign_form(work, row.stage_id or row.campaign_id, last[row.id].form_key).fields:
                value = last[row.id].data.get(field.key)
                if field.personal is not None and isinstance(value, str):
                    names.add(value)
        # The longest first: a unit's short name is often part of its name.
        found[row.id] = sorted(
            {name.strip() for name in names if len(name.strip()) >= SHORTEST}, key=lambda name: (-len(name), name)
        )
    return found


def hide_titles(work: Work, titles: Mapping[str, str]) -> dict[str, str]:
    """Titles by the ids of their cases, all of them under blind review for the reader, without the names."""
    return (
        {each: hide_names(titles[each], names) for each, names in find_all_names(work, sorted(titles)).items()} if titles else {}
    )


def is_told(text: str, *said: str | None) -> bool:
    """Whether a text that was searched for stands in one of these, in whatever case."""
    return any(text.casefold() in each.casefold() for each in said if each)


def shown_title(unit: sa.FromClause, *, blind: sa.ColumnElement[bool]) -> sa.ColumnElement[str]:
    """The title for lists, where the case's unit is joined: without the unit's names where the reader is blind. What else gives
    it away, as a contact's name, `hide_titles` takes out of the lines that are shown."""
    title: sa.ColumnElement[str] = case.c.title
    for name in (unit.c.name, unit.c.short_name):
        title = sa.case((sa.func.length(name) >= SHORTEST, sa.func.replace(title, name, HIDDEN)), else_=title)
    return sa.case((blind, title), else_=case.c.title)


def hide_names(value: Any, names: Iterable[str]) -> Any:
    """`value` (a text, or lists and mappings of texts) with every one of the names replaced."""
    if isinstance(value, str):
        for name in names:
            value = value.replace(name, HIDDEN)
        return value
    if isinstance(value, Mapping):
        return {key: item if key in ("id", "sha256") else hide_names(item, names) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [hide_names(item, names) for item in value]
    return value
