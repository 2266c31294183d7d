"""Priority and follow-up: who sets them, what the history tells, and the morning on which somebody is told."""

from __future__ import annotations

from datetime import date, datetime

import pytest
import sqlalchemy as sa

from engine.errors import Problem
from engine.tables import history, outbox, user_task
from tests.workflows.world import BEIJING, World
from workflows import desk, inbox
from workflows.inbox import PlanInvalid
from workflows.tables import person


def plan(world: World, name: str, task_id: str, priority: int, day: date | None = None) -> type[Problem] | None:
    try:
        with world.process_engine.begin(by=world[name].id) as work:
            inbox.plan(work, world[name], task_id, priority=priority, follow_up_on=day)
    except Problem as problem:
        return type(problem)
    return None


def test_a_task_is_looked_at_again_on_the_morning_of_its_day(world: World) -> None:
    task_id = world.find_task("audit", world.apply("lab"))
    auditor = world["east_auditor"]
    with world.process_engine.begin(by=auditor.id) as work:
        inbox.claim(work, auditor, task_id)
    revision = world.revision(task_id)
    assert plan(world, "east_auditor", task_id, 75, date(2022, 7, 6)) is None
    task = world.open("east_auditor", task_id).task
    assert (task.priority, task.follow_up_at, task.revision) == (75, datetime(2022, 7, 6, 9, tzinfo=BEIJING), revision)
    world.at(datetime(2022, 7, 6, 8, 59, tzinfo=BEIJING))
    with world.process_engine.read() as work:
        assert desk.list_notifications(work, auditor).rows == ()
    world.at(datetime(2022, 7, 6, 9, tzinfo=BEIJING))
    with world.process_engine.read() as work:
        assert [(row.kind, row.task_id) for row in desk.list_notifications(work, auditor).rows] == [("follow_up", task_id)]
    (row,) = world.rows(sa.select(history.c.by, history.c.detail).where(history.c.kind == "planned"))
    assert (row.by, row.detail["priority"]) == (auditor.id, 75)


def test_who_chose_letters_is_told_by_one(world: World) -> None:
    task_id = world.find_task("audit", world.apply("lab"))
    auditor = world["east_auditor"]
    with world.process_engine.begin(by=auditor.id) as work:
        work.connection.execute(sa.update(person).where(person.c.id == auditor.id).values(email="auditor@example.org"))
        inbox.claim(work, auditor, task_id)
        desk.keep_ways(work, auditor, {"follow_up": "mail"})
    assert plan(world, "east_auditor", task_id, 50, date(2022, 7, 6)) is None
    world.at(datetime(2022, 7, 6, 9, tzinfo=BEIJING))
    with world.process_engine.read() as work:
        assert desk.list_notifications(work, auditor).rows == ()
    query = sa.select(outbox.c.recipient).where(outbox.c.unique_key.startswith("notified:"))
    assert [row.recipient for row in world.rows(query)] == ["auditor@example.org"]


def test_a_day_that_was_taken_back_tells_nobody(world: World) -> None:
    task_id = world.find_task("audit", world.apply("lab"))
    with world.process_engine.begin(by=world["east_auditor"].id) as work:
        inbox.claim(work, world["east_auditor"], task_id)
    for day in (date(2022, 7, 6), None):
        assert plan(world, "east_auditor", task_id, 50, day) is None
    world.at(datetime(2022, 7, 7, tzinfo=BEIJING))
    with world.process_engine.read() as work:
        assert desk.list_notifications(work, world["east_auditor"]).rows == ()


def test_what_is_no_plan_is_refused_whole(world: World) -> None:
    task_id = world.find_task("audit", world.apply("lab"))
    with pytest.raises(PlanInvalid) as refused, world.process_engine.begin() as work:
        inbox.plan(work, world["east_auditor"], task_id, priority=7, follow_up_on=date(2022, 6, 30))
    assert [each.code for each in refused.value.findings] == ["PriorityUnknown", "FollowUpPast"]
    assert plan(world, "west_auditor", task_id, 75) is not None


def test_an_organiser_sets_how_urgent_a_task_of_a_case_is(world: World) -> None:
    case_id = world.apply("lab")
    task_id = world.find_task("audit", case_id)
    with world.process_engine.begin(by=world["organiser"].id) as work:
        inbox.prioritise(work, world["organiser"], case_id, task_id, 100)
    assert world.scalar(sa.select(user_task.c.priority).where(user_task.c.id == task_id)) == 100
    with pytest.raises(Problem), world.process_engine.begin() as work:
        inbox.prioritise(work, world["east_auditor"], case_id, task_id, 25)
