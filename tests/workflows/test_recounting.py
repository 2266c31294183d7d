"""The work days change while a campaign runs: what was counted by them is proposed anew, and a person decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.definitions import deploy
from engine.ids import new_id
from engine.instances import instance_variables, start_instance
from engine.tables import history, instance, timer, user_task
from tests.engine.kernel_runs import END, START, diagram
from tests.workflows.world import BEIJING, World
from workflows import extensions
from workflows.campaigns.reading import get_campaign
from workflows.people import create_person, get_person
from workflows.tables import window
from workflows.workdays import (
    Arranged,
    Arrangement,
    import_year,
    plan_import,
    read_announced,
    read_calendar,
    remove_day,
    set_day,
    undo_changes,
    workdays_of,
)

FREE = date(2022, 7, 6)
"""A Wednesday; the campaign is issued on Friday, the 1st."""
BODY = (
    START
    + END
    + '<userTask id="a" camunda:assignee="anna" camunda:dueDate="P5WDT24:00"/>'
    + '<boundaryEvent id="y" attachedToRef="a"><timerEventDefinition><timeDuration>P4WD</timeDuration></timerEventDefinition>'
    + '</boundaryEvent><endEvent id="late"/>'
)


def at(day: int, hour: int = 0) -> datetime:
    """A moment of July."""
    return datetime(2022, 7, day, hour, tzinfo=BEIJING)


@pytest.fixture(params=["tokens", "spiff"])
def counting(small_world: World, request: pytest.FixtureRequest) -> World:
    """A campaign with an instance that counts work days, begun at nine; an administrator takes a day away."""
    world = small_world
    world.make_campaign()
    engine = world.process_engine
    engine.workdays = workdays_of
    engine.bulk.update(extensions.OPERATIONS)
    with engine.begin() as work:
        place = world.places["authority"]
        admin = create_person(work, login="admin", name="卫管理", organisation_id=place, roles=[("administrator", place)])
        deployed = deploy(work, {"p.bpmn": diagram(BODY, "s a", "a e", "y late")}, name="p", kernel=request.param)
        start_instance(work, deployed.definitions["p"], "beside", {}, belongs_to=world.campaign_id)
    with engine.read() as work:
        world.people["administrator"] = get_person(work, admin)
    return world


def take_away(world: World, day: date = FREE) -> None:
    who = world["administrator"]
    world.at(world.clock.now() + timedelta(minutes=1))
    with world.process_engine.begin(by=who.id) as work:
        set_day(work, who, day, is_workday=False, name_zh="停电", name_en="Power cut", source="局办〔2022〕18号")


def rows(world: World) -> tuple[datetime, datetime]:
    with world.process_engine.read() as work:
        task = work.connection.execute(sa.select(user_task.c.due_at).where(user_task.c.element_id == "a")).scalar_one()
        armed = sa.select(timer.c.due_at).where(timer.c.element_id == "y", timer.c.kind == "event")
        return task, work.connection.execute(armed).scalar_one()


def decide(world: World, *, decline: bool = False) -> extensions.Extension:
    who = world["organiser"]
    world.at(world.clock.now() + timedelta(minutes=1))
    with world.process_engine.begin(by=who.id) as work:
        asked = extensions.ask_recount(work, world.campaign_id)
        plan = extensions.preview_extension(work, who, world.campaign_id, asked)
        said = {"digest": plan.digest, "reason": "停电", "document_number": "局办〔2022〕18号"}
        return extensions.extend(work, who, world.campaign_id, asked, **said, decline=decline)


def test_nothing_moves_by_itself_and_a_person_confirms(counting: World) -> None:
    assert rows(counting) == (at(9), at(7, 9))
    with counting.process_engine.begin() as work, pytest.raises(extensions.ExtensionRefused):
        extensions.ask_recount(work, counting.campaign_id)
    take_away(counting)
    assert rows(counting) == (at(9), at(7, 9))
    done = decide(counting)
    assert (done.tasks, done.timers, done.windows, done.recount) == (1, 1, 0, "confirmed")
    assert rows(counting) == (at(12), at(8, 9))
    with counting.process_engine.read() as work:
        assert extensions.list_undecided(work, get_campaign(work, counting.campaign_id)) == []


def test_who_declines_is_not_asked_again(counting: World) -> None:
    take_away(counting)
    done = decide(counting, decline=True)
    assert (done.tasks, done.timers, done.recount) == (0, 0, "declined")
    assert rows(counting) == (at(9), at(7, 9))
    with counting.process_engine.read() as work:
        kinds = work.connection.execute(sa.select(history.c.kind).where(history.c.kind == "recount_declined")).scalars().all()
        assert kinds == ["recount_declined"]
    with counting.process_engine.begin() as work, pytest.raises(extensions.ExtensionRefused):
        extensions.ask_recount(work, counting.campaign_id)


def state(world: World) -> str:
    with world.process_engine.read() as work:
        return str(work.connection.execute(sa.select(user_task.c.state).where(user_task.c.element_id == "a")).scalar_one())


def test_what_was_confirmed_happens_at_its_new_moment(counting: World) -> None:
    take_away(counting)
    decide(counting)
    counting.at(at(8, 8))
    assert state(counting) == "open"
    counting.at(at(8, 9))
    assert state(counting) == "cancelled"


def test_what_was_set_otherwise_and_what_would_be_earlier_stays(counting: World) -> None:
    take_away(counting)
    decide(counting)
    who = counting["administrator"]
    counting.at(at(2, 9))
    with counting.process_engine.begin(by=who.id) as work:
        remove_day(work, who, FREE, source="局办〔2022〕20号")
    done = decide(counting)
    assert (done.tasks, done.timers) == (0, 0)
    assert rows(counting) == (at(12), at(8, 9))


def test_the_end_of_a_consultation_is_counted_anew(counting: World) -> None:
    engine = counting.process_engine
    with engine.begin() as work:
        values = {"id": new_id(), "campaign_id": counting.campaign_id, "name": "comments", "state": "open"}
        work.connection.execute(sa.insert(window).values(**values, opens_at=work.now, cutoff_at=at(9)))
    take_away(counting)
    done = decide(counting)
    [line] = done.dates
    assert (done.windows, line["date"]) == (1, "consultation")
    assert [datetime.fromisoformat(line[name]) for name in ("old", "new")] == [at(9), at(12)]
    with engine.read() as work:
        query = sa.select(window.c.cutoff_at, window.c.state).where(window.c.name == "comments")
        assert tuple(work.connection.execute(query).one()) == (at(12), "open")
        instance_id = get_campaign(work, counting.campaign_id).instance_id
        assert instance_id is not None
        assert instance_variables(work, instance_id)["consultation_until"] == at(12).isoformat()


def arrange(*more: date) -> Arrangement:
    """2022 as it was announced, with more days off."""
    known = read_announced(2022)
    assert known is not None
    days = {**known.days, **{day: Arranged(False, "停电", "Power cut") for day in more}}
    return replace(known, days=days, source="局办〔2022〕18号")


def test_an_import_tells_beforehand_which_campaigns_it_affects(counting: World) -> None:
    engine, who = counting.process_engine, counting["administrator"]
    with engine.read() as work:
        assert extensions.list_affected(work, plan_import(work, arrange())) == []
        [told] = extensions.list_affected(work, plan_import(work, arrange(FREE)))
        title = get_campaign(work, counting.campaign_id).title
    assert told == extensions.Affected(counting.campaign_id, title, tasks=1, timers=1, window=False, first=at(7, 9))
    counting.at(counting.clock.now() + timedelta(minutes=1))
    with engine.begin(by=who.id) as work:
        import_year(work, who, arrange(FREE))
    assert rows(counting) == (at(9), at(7, 9))
    done = decide(counting)
    assert (done.tasks, done.timers, done.windows) == (told.tasks, told.timers, 0)


def test_counting_anew_takes_as_many_statements_for_many_as_for_one(counting: World) -> None:
    engine = counting.process_engine
    take_away(counting)

    def count() -> tuple[int, int]:
        seen: list[object] = []

        def note(*given: object) -> None:
            seen.append(given[2])

        sa.event.listen(engine.database, "before_cursor_execute", note)
        with engine.read() as work:
            found = get_campaign(work, counting.campaign_id)
            calendar = read_calendar(work)
            formers = undo_changes(calendar, extensions.list_undecided(work, found))
            moved = extensions.find_recount(work, found, formers, calendar)
        sa.event.remove(engine.database, "before_cursor_execute", note)
        return len(moved.rows), len(seen)

    count()  # the definitions are read once
    few, before = count()
    with engine.begin() as work:
        definition = work.connection.execute(
            sa.select(instance.c.definition_id).where(instance.c.business_key == "beside")
        ).scalar_one()
        for number in range(40):
            start_instance(work, definition, f"beside {number}", {}, belongs_to=counting.campaign_id)
    many, after = count()
    assert (few, many) == (2, 2)  # those that begin now are counted by the days that there are
    assert after == before
