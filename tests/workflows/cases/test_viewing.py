"""Who saw what: counted by day, told to organisers alone, never in the way of reading."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.workflows.test_cases import bring_to_review
from tests.workflows.world import World
from workflows import cases
from workflows.rules import CaseUnknown, NotPermitted


def told(world: World, name: str, case_id: str) -> list[tuple[str, date, str, int]]:
    with world.process_engine.read() as work:
        return [(line.person, line.day_on, line.what, line.times) for line in cases.list_views(work, world[name], case_id)]


def test_views_are_counted_by_person_day_and_kind(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.apply("lab")
    world.clock.move_to(datetime(2022, 7, 4, 15, 30, tzinfo=UTC))  # 23:30 in Beijing
    for _ in range(3):
        assert cases.note_view(world.process_engine, world["east_auditor"], case_id, "page")
    assert cases.note_view(world.process_engine, world["east_auditor"], case_id, "file")
    world.clock.move_to(world.clock.now() + timedelta(hours=1))
    assert cases.note_view(world.process_engine, world["east_auditor"], case_id, "page")
    name = world["east_auditor"].name
    found = told(world, "organiser", case_id)
    assert found[0] == (name, date(2022, 7, 5), "page", 1)
    assert sorted(found[1:]) == [(name, date(2022, 7, 4), "file", 1), (name, date(2022, 7, 4), "page", 3)]


def test_only_organisers_are_told(world: World) -> None:
    case_id = bring_to_review(world)
    assert cases.note_view(world.process_engine, world["expert"], case_id, "page")
    assert [line[0] for line in told(world, "organiser", case_id)] == [world["expert"].name]
    for name in ("lab", "east_auditor", "expert"):
        with pytest.raises(NotPermitted):
            told(world, name, case_id)
    with pytest.raises(CaseUnknown):
        told(world, "west_auditor", case_id)


def test_reading_is_not_held_up_by_a_writer(world: World) -> None:
    case_id = world.apply("lab")
    with world.process_engine.begin():  # has SQLite's write lock
        begun = time.monotonic()
        assert not cases.note_view(world.process_engine, world["organiser"], case_id, "page")
        assert time.monotonic() - begun < 5  # a writer waits for ten seconds
    assert cases.note_view(world.process_engine, world["organiser"], case_id, "page")
    with world.process_engine.database.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10000
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_nothing_is_noted_of_what_is_not_there(small_world: World) -> None:
    assert not cases.note_view(small_world.process_engine, small_world["organiser"], "0" * 32, "page")
