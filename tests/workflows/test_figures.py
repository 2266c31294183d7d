"""The figures of a board: counted right, narrowed as the board is, in as many statements for many cases as for few."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.definitions import get_definition
from tests.workflows.test_cases import bring_to_review
from tests.workflows.world import CUTOFF, World
from workflows import inbox
from workflows.campaigns.board import campaign_board
from workflows.campaigns.figures import Figures, read_figures
from workflows.campaigns.progress import list_steps
from workflows.cases.stopping import stop_case
from workflows.notices import bundled_notices, deploy_folder, get_notice
from workflows.organisations import OrganisationUnknown
from workflows.rules import NotPermitted
from workflows.tables import campaign, case


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
    }  # as the notice's diagrams draw them
    weeks = [(week.begins_on, week.submitted, week.audited) for week in found.weeks]
    assert weeks[-3:] == [(date(2022, 6, 27), 1, 0), (date(2022, 7, 4), 0, 1), (date(2022, 7, 11), 1, 0)]
    assert len(weeks) == 12 and sum(week[1] for week in weeks) == 2
    own = read(world, "east_auditor")
    assert [line.organisation_id for line in own.bodies] == [world.places["east"]]
    assert own.load == () and own.funnel["opened"] + read(world, "organiser", body="west").funnel["opened"] == 3
    assert "selected" not in own.funnel  # the organiser's secret until it is published
    assert read(world, "organiser", body="east").funnel == {**own.funnel, "selected": 0}


def test_what_is_over_counts_as_far_as_it_came(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    passed, stopped, late = world.apply("lab"), world.apply("lab2"), world.apply("works")
    world.audit("east_auditor", passed)
    with world.process_engine.begin(by=world["organiser"].id) as work:
        stop_case(work, world["organiser"], stopped, "terminate", "重复申报")
    world.at(CUTOFF + timedelta(days=60))  # no list came: who passed the audit and who was never audited lapse alike
    assert [world.state(each) for each in (passed, stopped, late)] == ["lapsed", "withdrawn", "lapsed"]
    found = read(world, "organiser")
    assert list(found.funnel.values()) == [3, 3, 1, 0, 0, 0, 0]
    assert {line.short_name: line.audited for line in found.bodies if line.opened} == {"北京": 1, "天津": 0}


def test_each_notice_has_the_steps_that_it_draws(world: World) -> None:
    steps = {}
    for key, folder in bundled_notices().items():
        with world.process_engine.begin() as work:
            found = get_notice(work, deploy_folder(work, folder, key=key) if key != "samr_2022_932" else world.notice_id)
            drawn = frozenset().union(*(get_definition(work, each).model.handlers for each in found.definitions.values()))
        if found.notice.extends is None:
            steps[key] = list_steps(drawn, tell_selected=True)[2:]
    assert steps == {
        "hubei_2023": ["audited", "accepted", "published"],
        "jiangxi_2022": ["accepted", "selected", "published"],
        "samr_2021_34": ["accepted", "selected", "published"],
        "samr_2022_932": ["audited", "recommended", "reviewed", "selected", "published"],
    }


def test_the_board_and_the_inbox_agree(world: World) -> None:
    world.apply("lab")
    world.open_case("lab2")
    for name in ("east_auditor", "west_auditor", "organiser"):
        found = read(world, name)
        counted = {step.name: step.count for step in found.steps}
        with world.process_engine.read() as work:
            waiting = Counter(line.name for line in inbox.list_tasks(work, world[name], view="groups").rows)
            told = campaign_board(work, world.campaign_id, person=world[name])
        assert {step: counted.get(step) for step in waiting} == waiting  # what waits for oneself, among all that is open
        assert sum(counted.values()) == sum(told.open_tasks.values())
        assert sum(step.overdue for step in found.steps) == told.overdue_tasks


def test_who_is_selected_is_told_when_it_is_public(world: World) -> None:
    case_id = world.apply("lab")
    world.audit("east_auditor", case_id)
    told: dict[str, list[dict[str, int]]] = {}
    for phase in ("consulting", "published"):
        with world.process_engine.begin() as work:
            work.connection.execute(sa.update(case).where(case.c.id == case_id).values(state="selected"))
            work.connection.execute(sa.update(campaign).where(campaign.c.id == world.campaign_id).values(phase=phase))
        with world.process_engine.read() as work:
            boards = [campaign_board(work, world.campaign_id, person=world[name]) for name in ("organiser", "east_auditor")]
        told[phase] = [dict(found.states) for found in boards]
        assert ("selected" in read(world, "east_auditor").funnel) == (phase == "published")
    assert told == {"consulting": [{"selected": 1}, {"reviewed": 1}], "published": [{"selected": 1}, {"selected": 1}]}


def test_open_tasks_are_told_by_age(world: World) -> None:
    world.apply("lab")
    world.clock.move_to(world.clock.now() + timedelta(days=8))
    steps = {step.name: step for step in read(world, "east_auditor").steps}
    assert steps["省级审核"].ages == (0, 0, 1, 0, 0) and steps["省级审核"].count == 1
    assert "省级审核" not in {step.name for step in read(world, "west_auditor").steps}


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
    count_statements(world, "organiser")  # what is read once per process
    before = count_statements(world, "organiser")
    for name in ("lab", "lab2", "works"):
        world.apply(name)
    assert count_statements(world, "organiser") == before <= 12
