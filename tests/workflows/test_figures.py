"""The figures of a board: counted right, narrowed as the board is, in as many statements for many cases as for few."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.workflows.test_cases import bring_to_review
from tests.workflows.world import World
from workflows.campaigns.figures import Figures, read_figures
from workflows.organisations import OrganisationUnknown
from workflows.rules import NotPermitted


def read(world: World, name: str, *, body: str | None = None) -> Figures:
    with world.process_engine.read() as work:
        return read_figures(work, world[name], world.campaign_id, body_id=body and world.places[body])


def count_statements(world: World, name: str) -> int:
    seen: list[str] = []

    def note(*args: object) -> None:
        seen.append(str(args[2]))

    sa.event.listen(world.process_engine.database, "before_cursor_execute", note)
    read(world, name)
    sa.event.remove(world.process_engine.database, "before_cursor_execute", note)
    return len(seen)


def test_cases_are_counted_by_stage_and_week(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    world.open_case("lab2")
    first = world.apply("lab")
    world.clock.move_to(datetime(2022, 7, 10, 15, 59, tzinfo=UTC))  # Sunday, 23:59 in Beijing
    world.audit("east_auditor", first)
    world.clock.move_to(datetime(2022, 7, 10, 16, 1, tzinfo=UTC))  # Monday
    world.apply("works")
    found = read(world, "organiser")
    assert dict(found.funnel) == {
        "opened": 3,
        "submitted": 2,
        "audited": 1,
        "recommended": 0,
        "reviewed": 0,
        "selected": 0,
        "published": 0,
    }
    weeks = [(week.begins_on, week.submitted, week.audited) for week in found.weeks]
    assert weeks[-3:] == [(date(2022, 6, 27), 1, 0), (date(2022, 7, 4), 0, 1), (date(2022, 7, 11), 1, 0)]
    assert len(weeks) == 12 and sum(week[1] for week in weeks) == 2
    own = read(world, "east_auditor")
    assert [line.organisation_id for line in own.bodies] == [world.places["east"]]
    assert own.load == () and own.funnel["opened"] + read(world, "organiser", body="west").funnel["opened"] == 3
    assert read(world, "organiser", body="east").funnel == own.funnel


def test_open_tasks_are_told_by_age(world: World) -> None:
    world.apply("lab")
    world.clock.move_to(world.clock.now() + timedelta(days=8))
    steps = {step.element_id: step for step in read(world, "east_auditor").steps}
    assert steps["audit"].ages == (0, 0, 1, 0, 0) and steps["audit"].count == 1
    assert "audit" not in {step.element_id for step in read(world, "west_auditor").steps}


def test_only_organisers_are_told_of_reviewers(world: World) -> None:
    bring_to_review(world)
    found = read(world, "organiser")
    assert [(row.name, row.done, row.owed) for row in found.load] == [(world["expert"].name, 0, 1)]
    assert read(world, "east_auditor").load == ()
    for name in ("lab", "expert", "administrator"):
        with pytest.raises(NotPermitted):
            read(world, name)
    with pytest.raises(OrganisationUnknown):
        read(world, "east_auditor", body="west")


def test_more_cases_are_not_more_statements(world: World) -> None:
    before = count_statements(world, "organiser")
    for name in ("lab", "lab2", "works"):
        world.apply(name)
    assert count_statements(world, "organiser") == before <= 12
