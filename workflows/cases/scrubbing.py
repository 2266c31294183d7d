"""Texts for blind review without the names that give their author away.

A form hides the fields that name the unit and the contact; the same names also stand in the running text ("我中心…"). Exact
occurrences are replaced. This does not make a text anonymous: a careful expert may still guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    row = work.connection.execute(
        sa.select(case.c.institution_id, case.c.campaign_id, case.c.stage_id, organisation.c.path)
        .join(organisation, organisation.c.id == case.c.institution_id)
        .where(case.c.id == case_id)
    ).one()
    units = [place for place in list_organisations(work, ids=row.path.strip("/").split("/")) if place.kind == "institution"]
    names = {name for place in units for name in (place.name, place.short_name)}
    versions = sa.select(application_version.c.form_key, application_version.c.data).where(
        application_version.c.case_id == case_id
    )
    for version in work.connection.execute(versions.order_by(application_version.c.version.desc()).limit(1)):
        for field in campaign_form(work, row.stage_id or row.campaign_id, version.form_key).fields:
            value = version.data.get(field.key)
            if field.personal is not None and isinstance(value, str):
                names.add(value)
    # The longest first: a unit's short name is often part of its name.
    return sorted((name.strip() for name in names if len(name.strip()) >= SHORTEST), key=lambda name: (-len(name), name))


def shown_title(unit: sa.FromClause, *, blind: sa.ColumnElement[bool]) -> sa.ColumnElement[str]:
    """The title for lists, where the case's unit is joined: without the unit's names where the reader is blind."""
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
