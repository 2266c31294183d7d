"""In time or not: decided once, by the moment, whatever the scheduler has done to tasks and windows meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.errors import TaskAlreadyCompleted
from engine.idempotency import KeyReused
from tests.workflows.world import BEIJING, BODY_CUTOFF, CUTOFF, SECOND, World
from workflows.applications import (
    BodyUnclear,
    ChannelUnknown,
    DirectReportingClosed,
    InstitutionUnclear,
    RecommendingClosed,
    hash_data,
    list_open_channels,
)
from workflows.campaigns import CollectionNotOpen, TooLate, create_campaign
from workflows.campaigns.forms import campaign_notice
from workflows.notices import bundled_notices, deploy_folder
from workflows.notices.parts import Fact
from workflows.rules import CampaignUnknown, NotPermitted
from workflows.tables import application_version, campaign, case, draft, receipt, window

EARLY = datetime(2022, 7, 20, 12, tzinfo=BEIJING)
INSTANT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("channel", "moment", "in_time"),
    [
        ("recommended", EARLY, True),
        ("recommended", BODY_CUTOFF - SECOND, True),
        ("recommended", BODY_CUTOFF - INSTANT, True),
        ("recommended", BODY_CUTOFF, False),
        ("recommended", BODY_CUTOFF + SECOND, False),
        ("recommended", CUTOFF - SECOND, False),
        ("direct", BODY_CUTOFF + SECOND, True),
        ("direct", CUTOFF - INSTANT, True),
        ("direct", CUTOFF, False),
        ("direct", CUTOFF + SECOND, False),
    ],
)
@pytest.mark.parametrize("scheduler_late", [True, False])
def test_application_is_in_time_by_its_moment(
    small_world: World, channel: str, moment: datetime, in_time: bool, scheduler_late: bool
) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.open_case("lab", channel=channel)
    task_id = world.find_task("apply", case_id)
    data = world.application("lab", task_id)
    world.at(moment, due=not scheduler_late)
    cutoff = BODY_CUTOFF if channel == "recommended" else CUTOFF
    if in_time:
        given = world.complete("lab", task_id, data)
        assert (given.received_at, given.case_number) == (moment, "samr-2022-0001")
    else:
        with pytest.raises(TooLate) as refusal:
            world.complete("lab", task_id, data)
        assert refusal.value.values["received_at"] == moment.astimezone(world.clock.now().tzinfo).isoformat()
        assert datetime.fromisoformat(refusal.value.values["cutoff_at"]) == cutoff
    (row,) = world.rows(sa.select(receipt))
    assert (row.accepted, row.kind, row.received_at, row.cutoff_at) == (in_time, "application", moment, cutoff)
    assert len(world.rows(sa.select(application_version))) == int(in_time)
    assert len(world.rows(sa.select(draft))) == int(not in_time)  # what was typed is kept


def test_a_closed_window_row_never_decides(world: World) -> None:
    case_id = world.open_case("lab")
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(window).values(state="closed"))
    world.send("lab", case_id)
    assert world.state(case_id) == "submitted"


def test_an_open_window_row_never_decides_either(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    data = world.application("lab", task_id)
    world.at(BODY_CUTOFF, due=False)
    assert set(world.rows(sa.select(window.c.state))) == {("open",)}
    with pytest.raises(TooLate):
        world.complete("lab", task_id, data)


def test_a_late_answer_is_given_once_per_key(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    data = world.application("lab", task_id)
    revision = world.revision(task_id)
    world.at(BODY_CUTOFF, due=False)
    for _ in range(2):
        with pytest.raises(TooLate) as refusal:
            world.complete("lab", task_id, data, key="once", revision=revision)
        assert datetime.fromisoformat(refusal.value.values["received_at"]) == BODY_CUTOFF
        world.at(world.clock.now() + SECOND)  # the task is gone meanwhile; the same question gets the same answer
    assert len(world.rows(sa.select(receipt))) == 1
    with pytest.raises(TooLate):
        world.complete("lab", task_id, data, key="another", revision=revision)
    assert len(world.rows(sa.select(receipt))) == 2


def test_an_accepted_answer_is_given_once_per_key(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    data = world.application("lab", task_id)
    first = world.complete("lab", task_id, data, key="once", revision=1)
    world.at(CUTOFF)
    assert world.complete("lab", task_id, data, key="once", revision=1) == first
    with pytest.raises(KeyReused):
        world.complete("lab", task_id, {**data, "title": "另一个"}, key="once", revision=1)
    with pytest.raises(TaskAlreadyCompleted):
        world.complete("lab", task_id, data, key="another", revision=1)
    (version,) = world.rows(sa.select(application_version))
    assert (version.version, version.sha256, version.sha256) == (1, first.sha256, hash_data(version.data))


def test_expired_case_lapses(world: World) -> None:
    case_id = world.open_case("lab")
    world.at(BODY_CUTOFF)
    assert world.state(case_id) == "lapsed"
    assert world.view("lab", case_id).history[-1].kind == "ended"


@pytest.mark.parametrize(
    ("setting", "moment", "in_time"),
    [
        ("collection", BODY_CUTOFF + SECOND, True),
        ("collection", CUTOFF - SECOND, True),
        ("collection", CUTOFF, False),
        ("body", BODY_CUTOFF - SECOND, True),
        ("body", BODY_CUTOFF, False),
    ],
)
@pytest.mark.parametrize("scheduler_late", [True, False])
def test_corrections_are_bound_by_the_setting(
    small_world: World, setting: str, moment: datetime, in_time: bool, scheduler_late: bool
) -> None:
    world = small_world
    world.make_campaign(settings={"correction_window": setting})
    case_id = world.apply("lab")
    world.audit("east_auditor", case_id, "return")
    assert world.state(case_id) == "returned"
    task_id = world.find_task("correct", case_id)
    data = world.application("lab", task_id, summary="改正后的摘要。")
    world.at(moment, due=not scheduler_late)
    if in_time:
        world.complete("lab", task_id, data)
        assert world.state(case_id) == "submitted"
    else:
        with pytest.raises(TooLate):
            world.complete("lab", task_id, data)
    kinds = world.rows(sa.select(receipt.c.kind, receipt.c.accepted).order_by(receipt.c.id))
    assert kinds == [("application", True), ("correction", in_time)]
    assert len(world.rows(sa.select(application_version))) == 1 + in_time


def test_cases_are_opened_only_within_the_window(small_world: World) -> None:
    world = small_world
    world.make_campaign(issued=False)
    with pytest.raises(NotPermitted):
        world.open_case("lab")
    world.do("organiser", "issue_notice", {"title": "征集", "confirmed": True})
    world.at(BODY_CUTOFF - SECOND)
    first = world.open_case("lab")
    world.at(BODY_CUTOFF, due=False)
    with pytest.raises(TooLate):
        world.open_case("lab")
    second = world.open_case("lab2", channel="direct")
    world.at(CUTOFF)
    with pytest.raises(TooLate):
        world.open_case("lab2", channel="direct")
    assert (world.number(first), world.number(second)) == ("samr-2022-0001", "samr-2022-0002")
    assert len(world.rows(sa.select(case))) == 2


def test_nothing_is_collected_before_the_window_opens(world: World) -> None:
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(window).values(opens_at=CUTOFF - timedelta(days=1)))
    with pytest.raises(CollectionNotOpen):
        world.open_case("lab")


def test_who_may_open_a_case_and_for_whom(world: World) -> None:
    with pytest.raises(NotPermitted):
        world.open_case("east_auditor")
    with pytest.raises(ChannelUnknown):
        world.open_case("lab", channel="pigeon")
    with pytest.raises(InstitutionUnclear):
        world.open_case("lab", institution_id=world.places["works"])
    with pytest.raises(BodyUnclear):
        world.open_case("lab", body_id=world.places["west"])
    world.campaign_id = "unknown"
    with pytest.raises(CampaignUnknown):
        world.open_case("lab")


def test_the_body_is_the_nearest_above_or_the_consortium_that_was_named(world: World) -> None:
    bodies = [world.open_case("lab"), world.open_case("works"), world.open_case("lab2", body_id=world.places["union"])]
    found = [world.scalar(sa.select(case.c.body_id).where(case.c.id == case_id)) for case_id in bodies]
    assert found == [world.places["east"], world.places["west"], world.places["union"]]
    assert world.scalar(sa.select(case.c.body_id).where(case.c.id == world.open_case("lab", channel="direct"))) is None


def test_directly_only_where_the_notice_takes_it(world: World) -> None:
    """A notice that takes applications only through its bodies refuses others before anything is begun."""
    with world.process_engine.read() as work:
        assert list_open_channels(work, world.campaign_id) == ("recommended", "direct")
        stored = campaign_notice(work, world.campaign_id)
    closed = stored.notice.model_copy(update={"direct_reporting": Fact[bool](value=False, source="notice")})
    world.process_engine.extras["notices"][stored.id] = replace(stored, notice=closed)
    with pytest.raises(DirectReportingClosed):
        world.open_case("lab", channel="direct")
    with world.process_engine.read() as work:
        assert list_open_channels(work, world.campaign_id) == ("recommended",)
        assert work.connection.execute(sa.select(case.c.id)).all() == []


@pytest.mark.parametrize("direct", [True, False])
def test_through_a_body_only_where_the_diagram_draws_one(world: World, direct: bool) -> None:
    """A form that was made up by hand is refused, as the page that does not offer it would be."""
    with world.process_engine.begin() as work:
        notice_id = deploy_folder(work, bundled_notices()["jiangxi_2022"], key="jiangxi_2022")
    bodies = [(world.places["east"], None)]
    with world.process_engine.begin(by=world["organiser"].id) as work:
        made = create_campaign(
            work,
            notice_id,
            key="jiangxi",
            organiser_id=world.places["authority"],
            bodies=bodies,
        )
        work.connection.execute(sa.update(campaign).where(campaign.c.id == made).values(phase="collecting"))
        stored = campaign_notice(work, made)
    reporting = None if direct else Fact[bool](value=False, source="notice")
    world.process_engine.extras["notices"][stored.id] = replace(
        stored, notice=stored.notice.model_copy(update={"direct_reporting": reporting})
    )
    world.campaign_id = made
    with pytest.raises(RecommendingClosed):
        world.open_case("lab")
    with world.process_engine.read() as work:
        assert list_open_channels(work, made) == (("direct",) if direct else ())
        assert work.connection.execute(sa.select(case.c.id)).all() == []
