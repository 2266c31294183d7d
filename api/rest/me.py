"""`/me`: whose session or token it is."""

from __future__ import annotations

from typing import Literal

from flask import g

from api.pages.present import process_engine, reader
from api.rest.operations import Resource
from api.rest.shapes import Told
from workflows import inbox
from workflows.organisations import get_organisation

resource = Resource("me")


class OrganisationTold(Told):
    """An organisation."""

    id: str
    name: str
    short_name: str
    kind: str
    region: str | None


class MembershipTold(Told):
    """A role at an organisation."""

    role: str
    organisation_id: str


class CountsTold(Told):
    """Open tasks: one's own, those of one's groups, and how many of both are overdue. 1000 means so many or more."""

    mine: int
    groups: int
    overdue: int


class MeTold(Told):
    """The caller."""

    id: str
    login: str
    name: str
    language: str
    organisation: OrganisationTold
    memberships: list[MembershipTold]
    tasks: CountsTold
    proof: Literal["session", "token"]
    scope: Literal["read", "write"]


@resource.get("/me", MeTold, tagged=True)
def show() -> MeTold:
    """The caller."""
    who = reader()
    with process_engine().read(by=who.id) as work:
        return MeTold(
            id=who.id,
            login=who.login,
            name=who.name,
            language=who.language,
            organisation=OrganisationTold.model_validate(get_organisation(work, who.organisation_id)),
            memberships=[MembershipTold(role=role, organisation_id=at) for role, at in sorted(who.memberships)],
            tasks=CountsTold.model_validate(inbox.count_tasks(work, who)),
            proof="token" if "scope" in g else "session",
            scope=g.get("scope", "write"),
        )
