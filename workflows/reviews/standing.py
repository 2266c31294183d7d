"""The panel of a campaign as it stands: who owes which sheets, which reviews wait for an expert, and who could be added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.people import Person
from workflows.reviews.panel import list_pool
from workflows.rules import campaign_subject, require
from workflows.tables import case, membership, organisation, panel_member, person, review


@dataclass(frozen=True, slots=True)
class Sheet:
    """A review that somebody owes, or that nobody has any more."""

    case_id: str
    number: str
    title: str


@dataclass(frozen=True, slots=True)
class Member:
    """An expert on the panel. `state` is `pool`, `drawn`, `reserve` or `dropped`, `reason` why somebody left."""

    person_id: str
    name: str
    unit: str
    state: str
    reason: str | None
    done: int
    owed: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The panel; `vacant` are reviews that wait for an expert, `candidates` (id, name, unit) who may be added."""

    members: tuple[Member, ...]
    vacant: tuple[Sheet, ...]
    candidates: tuple[sa.Row[Any], ...]

    @property
    def owed(self) -> int:
        """How many sheets are owed in all."""
        return sum(len(member.owed) for member in self.members)

    @property
    def done(self) -> int:
        """How many sheets are in."""
        return sum(member.done for member in self.members)


def read_standing(work: Work, reader: Person, campaign_id: str) -> Standing:
    """The panel for an organiser of the campaign: those who owe most first, those who left last.

    Raises CampaignUnknown, NotPermitted.
    """
    subject = campaign_subject(work, campaign_id)
    require(reader, "campaign.manage", subject)
    sheets = (
        sa.select(review, case.c.number, case.c.title, case.c.state.label("case_state"))
        .join(case, case.c.id == review.c.case_id)
        .where(case.c.campaign_id == campaign_id)
        .order_by(case.c.number, review.c.id)
    )
    owed: dict[str, list[Sheet]] = {}
    done: dict[str, int] = {}
    dropped: dict[str, Sheet] = {}
    replaced: set[str] = set()
    for row in work.connection.execute(sheets):
        sheet = Sheet(row.case_id, row.number, row.title or "")
        replaced |= {row.replaces_id} if row.replaces_id else set()
        if row.state == "assigned":
            owed.setdefault(row.expert_id, []).append(sheet)
        elif row.state == "submitted":
            done[row.expert_id] = done.get(row.expert_id, 0) + 1
        elif row.state == "dropped" and row.case_state == "reviewing":
            dropped[row.id] = sheet
    query = (
        sa.select(panel_member, person.c.name, organisation.c.short_name)
        .join(person, person.c.id == panel_member.c.person_id)
        .join(organisation, organisation.c.id == person.c.organisation_id)
        .where(panel_member.c.campaign_id == campaign_id)
        .order_by(person.c.name, person.c.login)
    )
    members = [
        Member(
            row.person_id,
            row.name,
            row.short_name,
            row.state,
            row.reason,
            done.get(row.person_id, 0),
            tuple(owed.get(row.person_id, ())),
        )
        for row in work.connection.execute(query)
    ]
    known = {member.person_id for member in members} | _organisers(work, subject.organiser_id)
    return Standing(
        members=tuple(sorted(members, key=lambda member: (member.state == "dropped", -len(member.owed)))),
        vacant=tuple(sheet for review_id, sheet in dropped.items() if review_id not in replaced),
        candidates=tuple(row for row in list_pool(work) if row.id not in known),
    )


def _organisers(work: Work, organiser_id: str) -> set[str]:
    """Who runs the campaign does not judge in it."""
    query = sa.select(membership.c.person_id).where(
        membership.c.role == "organiser", membership.c.organisation_id == organiser_id
    )
    return set(work.connection.execute(query).scalars())
