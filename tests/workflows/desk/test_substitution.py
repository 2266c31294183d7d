"""Substitution: who may appoint whom, what the substitute may do and when, and what the history tells."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import TaskUnknown
from engine.tables import history
from tests.faults.random_actions import allow_everything
from tests.workflows.test_cases import bring_to_review
from tests.workflows.world import BEIJING, World
from workflows import inbox
from workflows.desk import substitution
from workflows.desk.substitution import SubstitutionInvalid, SubstitutionUnknown, appoint_substitute, end_substitution
from workflows.inbox import Asked
from workflows.people import Person, create_person, get_person
from workflows.rules import NotPermitted
from workflows.tables import case, membership, review

FIRST, LAST = date(2022, 7, 4), date(2022, 7, 8)


def appoint(world: World, name: str, substitute: str, by: str | None = None, **options: Any) -> str:
    given = {"begins_on": FIRST, "last_on": LAST, **options}
    with world.process_engine.begin(by=world[by or name].id) as work:
        return appoint_substitute(work, world[by or name], person_id=world[name].id, substitute_id=world[substitute].id, **given)


def faults(world: World, *names: str, **options: Any) -> list[str]:
    with pytest.raises(SubstitutionInvalid) as refused:
        appoint(world, *names, **options)
    return [each.code for each in refused.value.findings]


def add(world: World, name: str, *roles: tuple[str, str], home: str = "authority") -> Person:
    with world.process_engine.begin() as work:
        held = [(role, world.places[place]) for role, place in roles]
        person_id = create_person(work, login=f"new_{name}", name=f"新{name}", organisation_id=world.places[home], roles=held)
        world.people = {**world.people, name: get_person(work, person_id)}
    return world[name]


def claimed(world: World) -> tuple[str, str]:
    """A case whose audit `east_auditor` has claimed; its id and the task's."""
    case_id = world.apply("lab")
    task_id = world.find_task("audit", case_id)
    with world.process_engine.begin(by=world["east_auditor"].id) as work:
        inbox.claim(work, world["east_auditor"], task_id)
    return case_id, task_id


def may(world: World, name: str, task_id: str) -> bool:
    try:
        return "complete" in world.open(name, task_id).allowed
    except TaskUnknown:
        return False


PASS = {"checks": ["complete"], "result": "pass", "opinion": "好"}


def test_a_colleague_does_it_from_the_first_day_until_the_last_and_the_history_tells(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    _, task_id = claimed(world)
    appoint(world, "east_auditor", "east_colleague")
    for moment, allowed in (
        (datetime(2022, 7, 3, 23, 59, 59, tzinfo=BEIJING), False),
        (datetime(2022, 7, 4, tzinfo=BEIJING), True),
        (datetime(2022, 7, 8, 23, 59, 59, tzinfo=BEIJING), True),
    ):
        world.at(moment)
        assert may(world, "east_colleague", task_id) is allowed, moment
    assert world.open("east_colleague", task_id).on_behalf_of == world["east_auditor"].name
    assert world.open("east_auditor", task_id).on_behalf_of is None
    with world.process_engine.read() as work:
        (line,) = substitution.list_acted_tasks(work, world["east_colleague"])
        assert (line.id, line.away) == (task_id, world["east_auditor"].name)
        assert [each.state for each in substitution.list_acting(work, world["east_auditor"])] == ["acting"]
    world.complete("east_colleague", task_id, PASS)
    query = sa.select(history.c.by, history.c.on_behalf_of).where(history.c.kind == "completed", history.c.element_id == "audit")
    assert [tuple(row) for row in world.rows(query)] == [(world["east_colleague"].id, world["east_auditor"].id)]
    assert may(world, "west_auditor", task_id) is False


def test_it_ends_by_itself_and_when_somebody_ends_it(world: World) -> None:
    case_id, task_id = claimed(world)
    first = appoint(world, "east_auditor", "east_colleague")
    world.at(datetime(2022, 7, 9, tzinfo=BEIJING))
    assert not may(world, "east_colleague", task_id)
    second = appoint(world, "east_auditor", "east_colleague", begins_on=date(2022, 7, 9), last_on=date(2022, 7, 20))
    assert may(world, "east_colleague", task_id)
    with pytest.raises(SubstitutionUnknown), world.process_engine.begin() as work:
        end_substitution(work, world["lab"], second)
    with world.process_engine.begin(by=world["east_colleague"].id) as work:
        end_substitution(work, world["east_colleague"], second)
        end_substitution(work, world["east_colleague"], first)
        states = {each.id: each.state for each in substitution.list_substitutions(work, world["east_auditor"])}
    assert states == {first: "over", second: "ended"}
    assert not may(world, "east_colleague", task_id)


def test_what_the_substitute_did_under_the_own_name_is_not_recorded_for_another(world: World) -> None:
    case_id = world.apply("lab")
    task_id = world.find_task("audit", case_id)
    appoint(world, "east_auditor", "east_colleague")
    world.at(datetime(2022, 7, 5, tzinfo=BEIJING))
    world.complete("east_colleague", task_id, PASS)  # nobody had it: the colleague's own right
    assert {row.on_behalf_of for row in world.rows(sa.select(history.c.on_behalf_of))} == {None}


def test_only_within_the_campaign_that_is_named(world: World) -> None:
    _, task_id = claimed(world)
    other = world.make_campaign(key="another")
    _, task_of_other = claimed(world)
    appoint(world, "east_auditor", "east_colleague", campaign_id=other)
    world.at(datetime(2022, 7, 5, tzinfo=BEIJING))
    assert may(world, "east_colleague", task_of_other) and not may(world, "east_colleague", task_id)
    with world.process_engine.read() as work:  # lists ask the same
        assert [line.id for line in substitution.list_acted_tasks(work, world["east_colleague"])] == [task_of_other]
    of_this = world.scalar(sa.select(case.c.campaign_id))
    appoint(world, "east_auditor", "east_colleague", campaign_id=of_this)
    assert may(world, "east_colleague", task_id)


def test_who_is_refused_as_substitute_hears_every_reason(world: World) -> None:
    assert faults(world, "east_auditor", "west_auditor", begins_on=None, last_on=None) == [
        "SubstituteUnfit",
        "SubstitutionDay",
        "SubstitutionDay",
    ]
    assert faults(world, "east_auditor", "east_auditor", begins_on=LAST, last_on=FIRST) == [
        "SubstituteSelf",
        "SubstitutionBackwards",
    ]
    assert faults(world, "east_auditor", "east_colleague", last_on=FIRST + timedelta(days=366)) == ["SubstitutionLong"]
    assert faults(world, "east_auditor", "east_colleague", begins_on=date(2022, 6, 1), last_on=date(2022, 6, 30)) == [
        "SubstitutionPast"
    ]
    assert faults(world, "east_auditor", "east_colleague", campaign_id="0" * 32) == ["SubstitutionCampaign"]
    appoint(world, "east_auditor", "east_colleague")
    assert faults(world, "east_auditor", "east_colleague", begins_on=LAST, last_on=LAST) == ["SubstitutionOverlaps"]
    appoint(world, "east_auditor", "east_colleague", begins_on=date(2022, 7, 9), last_on=date(2022, 7, 9))
    with pytest.raises(NotPermitted):
        appoint(world, "east_auditor", "east_colleague", "lab", begins_on=date(2022, 8, 1), last_on=date(2022, 8, 1))


def test_an_administrator_appoints_across_groups_and_then_also_for_what_waits(world: World) -> None:
    _, task_id = claimed(world)
    waiting = world.find_task("audit", world.apply("lab2"))
    add(world, "admin", ("administrator", "authority"))
    appoint(world, "east_auditor", "west_auditor", "admin")
    world.at(datetime(2022, 7, 5, tzinfo=BEIJING))
    assert may(world, "west_auditor", task_id) and may(world, "west_auditor", waiting)
    assert world.open("west_auditor", waiting).case is None  # the right to the task is none to the case
    world.complete("west_auditor", waiting, PASS)
    query = sa.select(history.c.by, history.c.on_behalf_of).where(history.c.kind == "completed", history.c.element_id == "audit")
    assert [tuple(row) for row in world.rows(query)] == [(world["west_auditor"].id, world["east_auditor"].id)]


def test_a_role_that_ends_ends_it_too(world: World) -> None:
    _, task_id = claimed(world)
    appoint(world, "east_auditor", "east_colleague")
    world.at(datetime(2022, 7, 5, tzinfo=BEIJING))
    with world.process_engine.begin() as work:
        work.connection.execute(sa.delete(membership).where(membership.c.person_id == world["east_colleague"].id))
        world.people = {**world.people, "east_colleague": get_person(work, world["east_colleague"].id)}
    assert not may(world, "east_colleague", task_id)


def test_reviews_are_nobodys_but_their_experts_and_who_is_an_expert_of_a_case_does_not_act_in_it(world: World) -> None:
    bring_to_review(world)
    drawn = {row.expert_id for row in world.rows(sa.select(review.c.expert_id))}
    experts = sorted(name for name, who in world.people.items() if who.id in drawn)
    add(world, "admin", ("administrator", "authority"))
    today = world.clock.now().astimezone(BEIJING).date()
    appoint(world, experts[0], "organiser", "admin", begins_on=today, last_on=today)
    with world.process_engine.read() as work:
        assert substitution.list_acted_tasks(work, world["organiser"]) == []


def test_who_stepped_back_from_a_case_does_not_act_in_it(world: World) -> None:
    case_id, task_id = claimed(world)
    appoint(world, "east_auditor", "east_colleague")
    world.at(datetime(2022, 7, 5, tzinfo=BEIJING))
    assert may(world, "east_colleague", task_id)
    with world.process_engine.begin() as work:
        row = {
            "id": "1" * 32,
            "case_id": case_id,
            "expert_id": world["east_colleague"].id,
            "state": "dropped",
            "assigned_at": world.clock.now(),
        }
        needed = {column.name: [] for column in review.c if not column.nullable and column.name not in row}
        work.connection.execute(sa.insert(review).values({**{name: {} for name in needed}, **row}))
    assert not may(world, "east_colleague", task_id)


def test_who_prepared_a_task_does_not_complete_it_for_its_owner(world: World) -> None:
    allow_everything(world, signing="one")
    _, task_id = claimed(world)
    appoint(world, "east_auditor", "east_colleague")
    world.at(datetime(2022, 7, 5, tzinfo=BEIJING))
    for name, asked in (
        ("east_auditor", Asked("delegate", reason="准备", person=world["east_colleague"].id)),
        ("east_colleague", Asked("hand_back", reason="好了")),
    ):
        with world.process_engine.begin(by=world[name].id) as work:
            inbox.operate(work, world[name], task_id, asked)
    assert not may(world, "east_colleague", task_id)
    assert may(world, "east_auditor", task_id)
