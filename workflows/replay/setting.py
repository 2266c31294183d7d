"""Writes the made-up world into the database: organisations and people with their roles, then a campaign among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.work import ProcessEngine, Work
from workflows.campaigns import create_campaign
from workflows.organisations import create_organisation
from workflows.people import Person, create_person, get_person, set_password
from workflows.replay.world import World, invent_name
from workflows.tables import person

PASSWORD = "linxuan-demo-2022"
"""The one password of all made-up log-ins; it is shown on the log-in page of a demonstration, and valid nowhere else."""
ROLES = ("organiser", "auditor", "applicant", "expert", "designer", "releaser", "administrator")
KINDS = {"corps": "province", "division": "institution"}
"""Kinds of organisations by those of a notice's bodies, where the words differ."""
MADE_UP = {"designer": "演示设计员", "releaser": "演示审定员", "administrator": "演示管理员"}


@dataclass(frozen=True, slots=True)
class People:
    """Who plays whom. Bodies, institutions and experts are in the order of the world's plans."""

    authority: str  # organisation id
    organiser: Person
    bodies: tuple[str, ...]
    auditors: tuple[Person, ...]
    institutions: tuple[str, ...]
    applicants: tuple[Person, ...]
    experts: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What a campaign is made of. `dates` and `settings` override what the notice says."""

    notice_id: str
    key: str
    title: str | None
    dates: Mapping[str, Any] | None
    settings: Mapping[str, Any]
    demo: bool


def write_people(process_engine: ProcessEngine, world: World, *, authority: str) -> People:
    """Write the organisations and everybody in them, in one transaction. Nobody can log in: there are no passwords."""
    with process_engine.begin() as work:
        top = create_organisation(work, name=authority, short_name=authority, kind="authority")
        organiser = _person(work, world, "organiser-1", top, ("organiser", top))
        bodies, auditors = [], []
        for index, body in enumerate(world.bodies):
            kind = KINDS.get(body.kind, body.kind)
            organisation = create_organisation(
                work, name=body.name, short_name=body.short_name, kind=kind, parent_id=top, region=body.region
            )
            bodies.append(organisation)
            auditors.append(_person(work, world, f"auditor-{index + 1}", organisation, ("auditor", organisation)))
        institutions, applicants = [], []
        for item in world.institutions:
            home = item.body if item.body is not None else world.chance("home", item.number).randrange(len(bodies))
            organisation = create_organisation(
                work, name=item.name, short_name=item.name, kind="institution", parent_id=bodies[home]
            )
            institutions.append(organisation)
            applicants.append(_person(work, world, f"applicant-{item.number}", organisation, ("applicant", organisation)))
        experts = [
            _person(work, world, f"expert-{expert.number}", bodies[expert.body], ("expert", top), name=expert.name)
            for expert in world.experts
        ]
    return People(top, organiser, tuple(bodies), tuple(auditors), tuple(institutions), tuple(applicants), tuple(experts))


def name_logins(process_engine: ProcessEngine, people: People, applicant: Person, password: str) -> None:
    """Give one made-up person of each role a plain log-in (its role) and a password, so that the result can be looked at."""
    with process_engine.begin() as work:
        chosen = {
            "organiser": people.organiser,
            "auditor": people.auditors[0],
            "applicant": applicant,
        }
        if people.experts:
            chosen["expert"] = people.experts[0]
        for role in MADE_UP:
            created = create_person(
                work, login=f"{role}-1", name=MADE_UP[role], organisation_id=people.authority, roles=[(role, people.authority)]
            )
            chosen[role] = get_person(work, created)
        for role, somebody in chosen.items():
            work.connection.execute(person.update().where(person.c.id == somebody.id).values(login=role))
            set_password(work, somebody.id, password)


def write_campaign(process_engine: ProcessEngine, world: World, people: People, plan: CampaignPlan) -> str:
    """Make the campaign with the bodies' own cut-offs; it stands before its first step. Its id."""
    with process_engine.begin(by=people.organiser.id) as work:
        return create_campaign(
            work,
            plan.notice_id,
            key=plan.key,
            organiser_id=people.authority,
            bodies=[(organisation, body.cutoff_at) for organisation, body in zip(people.bodies, world.bodies, strict=True)],
            dates=plan.dates,
            settings=dict(plan.settings),
            demo=plan.demo,
            title=plan.title,
        )


def _person(work: Work, world: World, login: str, organisation: str, role: tuple[str, str], *, name: str | None = None) -> Person:
    person_id = create_person(
        work,
        login=login,
        name=name or invent_name(world.seed, login),
        organisation_id=organisation,
        email=f"{login}@example.org",
        roles=[role],
    )
    return get_person(work, person_id)
