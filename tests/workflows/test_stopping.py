"""Cases that are suspended, resumed and terminated, and what their campaign still expects of them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from engine.errors import InstanceNotRunning, Problem
from engine.tables import history, instance, timer, user_task
from tests.workflows.test_cases import bring_to_review
from tests.workflows.world import CUTOFF, SECOND, World
from workflows import desk
from workflows.cases import stopping
from workflows.cases.stopping import StopInvalid, StopTooLate, StopUnfit
from workflows.reviews.problems import ReviewNotReady
from workflows.rules import NotPermitted
from workflows.tables import case


def stop(world: World, case_id: str, how: str, reason: str = "需要核实", name: str = "organiser") -> type[Problem] | None:
    try:
        with world.process_engine.begin(by=world[name].id) as work:
            stopping.stop_case(work, world[name], case_id, how, reason)  # type: ignore[arg-type]
    except Problem as problem:
        return type(problem)
    world.settle()
    return None


def test_a_suspended_case_rests_until_it_is_resumed(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.apply("lab")
    with world.process_engine.read() as work:
        seen = stopping.preview_stop(work, world["organiser"], case_id)
    assert seen.possible and not seen.rests and ("task", "省级审核") in seen.stops
    assert stop(world, case_id, "resume") is StopUnfit
    assert stop(world, case_id, "suspend") is None
    assert stop(world, case_id, "suspend") is StopUnfit
    with pytest.raises(InstanceNotRunning):
        world.audit("east_auditor", case_id)
    assert stop(world, case_id, "resume") is None
    world.audit("east_auditor", case_id)
    assert world.state(case_id) == "audited"
    query = sa.select(history.c.kind, history.c.by, history.c.detail).where(history.c.kind.in_(("suspended", "resumed")))
    assert [(row.kind, row.by, row.detail["reason"]) for row in world.rows(query.order_by(history.c.seq))] == [
        ("suspended", world["organiser"].id, "需要核实"),
        ("resumed", world["organiser"].id, "需要核实"),
    ]
    with world.process_engine.read() as work:
        kinds = [row.kind for row in desk.list_notifications(work, world["lab"]).rows]
    assert kinds == ["resumed", "suspended"]


def test_what_comes_meanwhile_happens_with_the_resumption(world: World) -> None:
    case_id = world.apply("lab")
    assert stop(world, case_id, "suspend") is None
    world.at(CUTOFF + SECOND)
    assert world.state(case_id) == "submitted"
    assert stop(world, case_id, "resume") is None
    assert world.state(case_id) == "lapsed"


def test_a_terminated_case_is_withdrawn_and_nothing_of_it_is_left(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.apply("lab")
    assert stop(world, case_id, "terminate") is None
    assert (world.state(case_id), stop(world, case_id, "terminate")) == ("withdrawn", StopTooLate)
    instance_id = world.scalar(sa.select(case.c.instance_id).where(case.c.id == case_id))
    assert world.scalar(sa.select(instance.c.state).where(instance.c.id == instance_id)) == "cancelled"
    assert world.rows(sa.select(user_task.c.id).where(user_task.c.instance_id == instance_id, user_task.c.state == "open")) == []
    assert world.rows(sa.select(timer.c.id).where(timer.c.instance_id == instance_id, timer.c.state == "armed")) == []


def test_a_campaign_goes_on_without_a_terminated_case_and_not_with_one_that_rests(world: World) -> None:
    first, second = world.apply("lab", channel="direct"), world.apply("lab2", channel="direct")
    for each in (first, second):
        world.do("organiser", "accept", {"checks": [], "result": "pass", "opinion": "好"}, each)
    assert stop(world, second, "terminate") is None
    assert stop(world, first, "suspend") is None
    world.at(CUTOFF)
    plan = {"experts_per_case": 1, "pool": [world["expert"].id], "seed": "s", "remark": ""}
    with pytest.raises(ReviewNotReady) as refused:
        world.do("organiser", "organise_review", plan)
    assert [(each.code, each.path) for each in refused.value.findings] == [("CaseRests", world.number(first))]
    assert stop(world, first, "resume") is None
    world.do("organiser", "organise_review", plan)
    assert (world.state(first), world.state(second)) == ("reviewing", "withdrawn")


def test_who_may_not_and_what_is_too_late(world: World) -> None:
    case_id = world.apply("lab")
    assert stop(world, case_id, "suspend", name="east_auditor") is NotPermitted
    assert stop(world, case_id, "suspend", " ") is StopInvalid
    assert stop(world, case_id, "suspend", "字" * 501) is StopInvalid
    bring_to_review(world)
    reviewing = world.rows(sa.select(case.c.id).where(case.c.state == "reviewing"))
    assert reviewing
    assert {stop(world, row.id, "terminate") for row in reviewing} == {StopTooLate}
