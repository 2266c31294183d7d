"""Watching a case: who may, once, and lists that end with the right to read."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.workflows.world import World
from workflows import talk
from workflows.people import get_person
from workflows.rules import CaseUnknown
from workflows.tables import membership


def watched(world: World, name: str) -> list[str]:
    with world.process_engine.read() as work:
        return list(work.connection.execute(talk.watched_keys(get_person(work, world[name].id))).scalars())


def test_a_case_is_watched_once_and_no_more(world: World) -> None:
    case_id = world.apply("lab")
    for _ in range(2):
        with world.process_engine.begin(by=world["east_auditor"].id) as work:
            talk.watch_case(work, world["east_auditor"], case_id)
    assert watched(world, "east_auditor") == [world.number(case_id)]
    with world.process_engine.begin() as work:
        talk.unwatch_case(work, world["east_auditor"], case_id)
        talk.unwatch_case(work, world["east_auditor"], case_id)
    assert watched(world, "east_auditor") == []


def test_only_who_may_read_a_case_watches_it_and_only_as_long(world: World) -> None:
    case_id = world.apply("lab")
    for act in (talk.watch_case, talk.unwatch_case):
        with pytest.raises(CaseUnknown), world.process_engine.begin() as work:
            act(work, world["west_auditor"], case_id)
    with world.process_engine.begin() as work:
        talk.watch_case(work, world["east_auditor"], case_id)
        gone = sa.delete(membership).where(membership.c.person_id == world["east_auditor"].id)
        work.connection.execute(gone)
    assert watched(world, "east_auditor") == []
    with world.process_engine.begin() as work:
        assert talk.list_watchers(work, world.number(case_id)) == [world["east_auditor"].id]
        talk.unwatch_case(work, get_person(work, world["east_auditor"].id), case_id)
        assert talk.list_watchers(work, world.number(case_id)) == []
