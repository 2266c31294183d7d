"""The same case recorded twice: refused where the title is the same, shown to who examines it where it is only near."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.work import Work
from workflows.tables import case, organisation

SETTING = "duplicate_titles"
"""`refuse`, or `warn` (by default): what becomes of a second application of an institution with the same title."""
NEAR = 0.75
"""From this ratio of `difflib` on two titles of one institution are near each other (ours)."""
OVER = ("rejected", "lapsed", "not_recommended", "not_selected", "withdrawn")
"""States of a case that is over without success: its institution may come with it again."""


class CaseRecordedAlready(Problem):
    """The institution has a case with this title in the campaign: `number`. A finding at the title says where to look."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Similar:
    """A case that might be the same; `same` when the titles differ in nothing but width, spaces and punctuation."""

    id: str
    number: str
    title: str
    unit: str
    state: str
    same: bool


def normalise_title(title: str) -> str:
    """A title as it is compared: full and half width alike (NFKC), small letters, no spaces, no punctuation, no symbols."""
    folded = unicodedata.normalize("NFKC", title).casefold()
    return "".join(character for character in folded if unicodedata.category(character)[0] in "LNM")


def refuse_second(work: Work, row: sa.Row[Any], settings: Mapping[str, Any], title: str) -> None:
    """Refuse an application whose institution has recorded the same title in the campaign, where its setting says so.

    The institution's row is held until the unit of work ends: of two at once the second is refused.
    Raises CaseRecordedAlready.
    """
    if settings.get(SETTING) != "refuse" or not (key := normalise_title(title)):
        return
    work.connection.execute(
        sa.select(organisation.c.id).where(organisation.c.id == row.institution_id).with_for_update(key_share=True)
    )
    others = sa.select(case.c.number, case.c.title).where(
        case.c.campaign_id == row.campaign_id,
        case.c.institution_id == row.institution_id,
        case.c.id != row.id,
        case.c.state.not_in(("draft", *OVER)),
    )
    for other in work.connection.execute(others.order_by(case.c.number)):
        if normalise_title(other.title) == key:
            values = {"number": other.number, "title": other.title}
            raise CaseRecordedAlready(findings=[Finding("CaseRecordedAlready", path="title", values=values)], **values)


def list_similar(work: Work, case_id: str) -> list[Similar]:
    """Cases of the campaign that might be the same: titles of its institution that are near, and the same title of others."""
    own = work.connection.execute(_OWN, {"case": case_id}).one()
    near = {"campaign": own.campaign_id, "case": case_id, "institution": own.institution_id, "title": own.title}
    key = normalise_title(own.title)
    found = []
    for row in work.connection.execute(_NEAR, near):
        other = normalise_title(row.title)
        if other == key or (row.institution_id == own.institution_id and _are_near(key, other)):
            found.append(Similar(row.id, row.number, row.title, row.unit, row.state, other == key))
    return found


_OWN = sa.select(case.c.campaign_id, case.c.institution_id, case.c.title).where(case.c.id == sa.bindparam("case"))
_NEAR = (
    sa.select(case.c.id, case.c.number, case.c.title, case.c.state, case.c.institution_id, organisation.c.name.label("unit"))
    .join(organisation, organisation.c.id == case.c.institution_id)
    .where(
        case.c.campaign_id == sa.bindparam("campaign"),
        case.c.id != sa.bindparam("case"),
        case.c.state != "draft",
        sa.or_(case.c.institution_id == sa.bindparam("institution"), case.c.title == sa.bindparam("title")),
    )
    .order_by(case.c.number)
)


def _are_near(one: str, other: str) -> bool:
    matcher: SequenceMatcher[str] = SequenceMatcher(None, one, other, autojunk=False)
    return bool(one and other) and matcher.quick_ratio() >= NEAR and matcher.ratio() >= NEAR
