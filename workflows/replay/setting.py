"""Writes the made-up world into the database: organisations, people with their roles, and the campaign itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.work import ProcessEngine, Work
from workflows.campaigns import create_campaign
from workflows.organisations import create_organisation
from workflows.people import Person, create_person, get_person
from workflows.replay.world import World, invent_name


@dataclass(frozen=True, slots=True)
class Setting:
    """Who plays whom. Bodies and institutions are in the order of the world's plans."""

    campaign_id: str
    campaign_key: str
    organiser: Person
    bodies: tuple[str, ...]  # organisation ids
    auditors: tuple[Person, ...]
    institutions: tuple[str, ...]
    applicants: tuple[Person, ...]
    experts: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What the campaign is made of. `dates` and `settings` override what the notice says."""

    notice_id: str
    key: str
    authority: str
    title: str | None
    dates: Mapping[str, Any] | None
    settings: Mapping[str, Any]
    demo: bool


def write_world(process_engine: ProcessEngine, world: World, plan: CampaignPlan) -> Setting:
    """Write everybody, then the campaign; it stands before its first step."""
    with process_engine.begin() as work:
        authority = create_organisation(work, name=plan.authority, short_name=plan.authority, kind="authority")
        organiser = _person(work, world, f"{plan.key}-organiser".lower(), authority, "organiser")
        bodies, auditors = [], []
        for index, body in enumerate(world.bodies):
            kind = "consortium" if body.kind == "consortium" else "province"
            organisation = create_organisation(
                work, name=body.name, short_name=body.short_name, kind=kind, parent_id=authority, region=body.region
            )
            bodies.append(organisation)
            auditors.append(_person(work, world, f"{plan.key}-auditor-{index + 1:02d}".lower(), organisation, "auditor"))
        institutions, applicants = [], []
        for item in world.institutions:
            parent = bodies[item.body if item.body is not None else world.chance("home", item.number).randrange(len(bodies))]
            organisation = create_organisation(
                work, name=item.name, short_name=item.name, kind="institution", parent_id=parent
            )
            institutions.append(organisation)
            applicants.append(_person(work, world, f"{plan.key}-applicant-{item.number:05d}".lower(), organisation, "applicant"))
        experts = []
        for expert in world.experts:
            login = f"{plan.key}-expert-{expert.number:03d}".lower()
            person_id = create_person(
                work,
                login=login,
                name=expert.name,
                organisation_id=bodies[expert.body],
                email=f"{login}@example.org",
                roles=[("expert", authority)],
            )
            experts.append(get_person(work, person_id))
    with process_engine.begin(by=organiser.id) as work:
        campaign_id = create_campaign(
            work,
            plan.notice_id,
            key=plan.key,
            organiser_id=authority,
            bodies=[(organisation, _cutoff(world, index)) for index, organisation in enumerate(bodies)],
            dates=plan.dates,
            settings=dict(plan.settings),
            demo=plan.demo,
            title=plan.title,
        )
    return Setting(
        campaign_id,
        plan.key,
        organiser,
        tuple(bodies),
        tuple(auditors),
        tuple(institutions),
        tuple(applicants),
        tuple(experts),
    )


def _cutoff(world: World, index: int) -> datetime:
    return world.bodies[index].cutoff_at


def _person(work: Work, world: World, login: str, organisation: str, role: str) -> Person:
    person_id = create_person(
        work,
        login=login,
        name=invent_name(world.seed, login),
        organisation_id=organisation,
        email=f"{login}@example.org",
        roles=[(role, organisation)],
    )
    return get_person(work, person_id)
