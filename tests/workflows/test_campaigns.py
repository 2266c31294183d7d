"""Campaigns: made of a notice with overrides, opened and closed by their diagram, told on the board."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import instance, message, outbox, user_task
from engine.work import Work
from tests.workflows.world import BEIJING, BODY_CUTOFF, CUTOFF, SECOND, World
from workflows import campaigns
from workflows.campaigns import CampaignInvalid, NoticeNotDeployed, below_quota
from workflows.campaigns.creating import SET_HERE
from workflows.deadlines import Day
from workflows.forms import FormInvalid
from workflows.notices import get_notice
from workflows.organisations import OrganisationUnknown, create_organisation
from workflows.rules import CampaignUnknown
from workflows.rules.subjects import NoticeUnknown
from workflows.tables import campaign, notice, person, recommending_body, window


def board(world: World, name: str | None = None) -> campaigns.Board:
    with world.process_engine.read() as work:
        return campaigns.campaign_board(work, world.campaign_id, person=None if name is None else world[name])


def read(world: World) -> campaigns.Campaign:
    with world.process_engine.read() as work:
        return campaigns.get_campaign(work, world.campaign_id)


def faults(world: World, **options: Any) -> set[tuple[str, str | None]]:
    with pytest.raises(CampaignInvalid) as refusal:
        world.make_campaign(issued=False, **options)
    assert world.rows(sa.select(campaign)) == []  # nothing was written
    return {(finding.code, finding.path) for finding in refusal.value.findings}


# ---- making ----------------------------------------------------------------------------------------------------------
def test_deploying_a_notice_starts_nothing(small_world: World) -> None:
    assert small_world.rows(sa.select(instance)) == [] and small_world.rows(sa.select(campaign)) == []


def test_campaign_takes_dates_settings_and_quotas_of_its_notice(small_world: World) -> None:
    world = small_world
    world.make_campaign(issued=False)
    found = read(world)
    assert (found.phase, found.title, found.demo, found.notice_key) == (
        "prepared",
        "检验检测促进经济社会创新发展",
        False,
        "samr_2022_932",
    )
    assert found.dates["collection_cutoff"]["words"] == "征集截止时间为2022年8月10日"
    assert found.dates["collection_cutoff"]["source"] == "notice"
    assert datetime.fromisoformat(found.dates["collection_cutoff"]["cutoff_at"]) == CUTOFF
    assert (found.settings["cut"], found.settings["body_lead_days"], found.settings["quota.minimum"]) == (49, 5, 3)
    windows = world.rows(
        sa.select(window.c.name, window.c.organisation_id, window.c.cutoff_at, window.c.opens_at, window.c.state)
    )
    places = world.places
    expected = [("body", places[name], BODY_CUTOFF, None, "planned") for name in ("east", "west", "union")]
    assert set(windows) == {("collection", None, CUTOFF, None, "planned"), *expected}
    quotas = dict(world.rows(sa.select(recommending_body.c.organisation_id, recommending_body.c.quota_min)))
    assert quotas == {places["east"]: 3, places["west"]: 3, places["union"]: None}
    assert world.scalar(sa.select(user_task.c.element_id)) == "issue_notice"


def test_dates_and_settings_can_be_overridden(small_world: World) -> None:
    world = small_world
    own = datetime(2026, 3, 1, 12, tzinfo=BEIJING)
    world.make_campaign(
        issued=False,
        key="demo",
        bodies=[(world.places["east"], own), (world.places["west"], None)],
        dates={
            "collection_cutoff": datetime(2026, 3, 20, 17, 30, tzinfo=BEIJING),
            "review_until": date(2026, 4, 30),
            "publication": Day(value=date(2026, 6, 1), source="outside", words="6月1日"),
        },
        settings={"cut": 5, "body_lead_days": 2, "quota.minimum": 1, "quota.maximum": None},
        demo=True,
        title="演示征集",
    )
    found = read(world)
    assert (found.key, found.demo, found.title, found.settings["cut"]) == ("demo", True, "演示征集", 5)
    assert found.dates["collection_cutoff"]["source"] == "ours" and "words" not in found.dates["collection_cutoff"]
    noted = {name: value.get("note") for name, value in found.dates.items()}
    assert noted["collection_cutoff"] == noted["review_until"] == {"zh": "由办理人员为本次征集设定", "en": SET_HERE.en}
    assert (found.dates["publication"]["words"], noted["publication"]) == ("6月1日", None)
    cutoffs = dict(world.rows(sa.select(window.c.organisation_id, window.c.cutoff_at)))
    assert cutoffs == {
        None: datetime(2026, 3, 20, 17, 30, tzinfo=BEIJING),
        world.places["east"]: own,
        world.places["west"]: datetime(2026, 3, 18, 17, 30, tzinfo=BEIJING),
    }
    assert datetime.fromisoformat(found.dates["review_until"]["cutoff_at"]) == datetime(2026, 5, 1, tzinfo=BEIJING)
    with world.process_engine.read() as work:
        assert campaigns.campaign_dates(work, world.campaign_id)["review_until"] == found.dates["review_until"]["cutoff_at"]


def test_all_faults_of_a_campaign_are_told_at_once(small_world: World) -> None:
    world = small_world
    east, west = world.places["east"], world.places["west"]
    found = faults(
        world,
        key="Samr 2022",
        bodies=[(east, CUTOFF + SECOND), (east, None), ("nobody", None), (west, "soon")],
        dates={"harvest": date(2022, 9, 1), "review_until": "soon", "publication": {"kind": "day", "value": "2022-13-01"}},
        settings={"cut": 0, "colour": "red", "score_method": "dice", "quota.minimum": True, "experts_per_case": "5"},
    )
    assert found == {
        ("BodyCutoffTooLate", "bodies[0]"),
        ("BodyNamedTwice", "bodies[1]"),
        ("BodyUnknown", "bodies[2]"),
        ("BodyCutoffUnreadable", "bodies[3]"),
        ("CampaignKeyInvalid", "key"),
        ("CampaignDateUnknown", "dates.harvest"),
        ("CampaignDateUnreadable", "dates.review_until"),
        *(each for each in found if each[1] and each[1].startswith("dates.publication")),
        ("SettingOutOfRange", "settings.cut"),
        ("SettingUnknown", "settings.colour"),
        ("SettingOutOfRange", "settings.score_method"),
        ("SettingOutOfRange", "settings.quota.minimum"),
        ("SettingOutOfRange", "settings.experts_per_case"),
    }
    assert any(path and path.startswith("dates.publication") for _, path in found)


def test_the_collections_cutoff_must_be_known(small_world: World) -> None:
    unknown = {"kind": "unknown", "source": "ours"}
    assert faults(small_world, dates={"collection_cutoff": unknown}) == {("CampaignDateMissing", "dates.collection_cutoff")}


@pytest.mark.parametrize("key", ["", "Samr", "samr 2022", "-samr", "s" * 51, "samr/2022"])
def test_keys_are_bounded(small_world: World, key: str) -> None:
    assert faults(small_world, key=key) == {("CampaignKeyInvalid", "key")}


def test_what_a_campaign_cannot_be_made_of(small_world: World) -> None:
    world = small_world
    world.make_campaign(issued=False)
    with pytest.raises(CampaignInvalid) as taken:
        world.make_campaign(issued=False)
    assert [(finding.code, finding.path) for finding in taken.value.findings] == [("CampaignKeyTaken", "key")]
    with pytest.raises(OrganisationUnknown), world.process_engine.begin() as work:
        campaigns.create_campaign(work, world.notice_id, key="other", organiser_id="nobody")
    with pytest.raises(NoticeUnknown), world.process_engine.begin() as work:
        campaigns.create_campaign(work, "nothing", key="other", organiser_id=world.places["authority"])
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(notice).values(state="draft"))
    with pytest.raises(NoticeNotDeployed):
        world.make_campaign(issued=False, key="other")


@pytest.mark.parametrize(("counts", "quota"), [(True, 3), (False, None)])
def test_whether_the_corps_owes_a_quota_is_a_setting(small_world: World, counts: bool, quota: int | None) -> None:
    world = small_world
    with world.process_engine.begin() as work:
        corps = _corps(work, world)
    world.make_campaign(issued=False, bodies=[(corps, None)], settings={"quota.corps_counts_as_province": counts})
    assert world.rows(sa.select(recommending_body.c.quota_min)) == [(quota,)]


def _corps(work: Work, world: World) -> str:
    listed = get_notice(work, world.notice_id).notice.recipients.bodies
    body = next(each for each in listed if each.kind == "corps")
    return create_organisation(work, name=body.name, short_name=body.short_name, kind="province")


# ---- opening and closing ---------------------------------------------------------------------------------------------
def test_issuing_opens_the_windows_and_asks_each_body_for_its_list(small_world: World) -> None:
    world = small_world
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(person).where(person.c.login == "east_auditor").values(email="east@example.org"))
    world.make_campaign(issued=False)
    moment = datetime(2022, 7, 2, 9, tzinfo=BEIJING)
    world.at(moment)
    world.do("organiser", "issue_notice", {"title": "2022年优秀案例", "confirmed": True})
    assert (read(world).phase, read(world).title) == ("collecting", "2022年优秀案例")
    assert set(world.rows(sa.select(window.c.opens_at, window.c.state))) == {(moment, "open")}
    assert world.rows(sa.select(user_task.c.element_id).where(user_task.c.state == "open")) == [("recommend",)] * 3
    assert world.rows(sa.select(outbox.c.recipient)) == [("east@example.org",)]


def test_the_notice_must_be_confirmed(small_world: World) -> None:
    small_world.make_campaign(issued=False)
    with pytest.raises(FormInvalid) as refusal:
        small_world.do("organiser", "issue_notice", {"title": "", "confirmed": False})
    assert {finding.path for finding in refusal.value.findings} == {"title", "confirmed"}


def test_at_the_cutoff_what_waits_is_told_and_the_rest_left_alone(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    silent, sent, returned, direct, silent_direct = (
        world.open_case("lab"),
        world.apply("lab"),
        world.apply("lab2"),
        world.apply("lab", channel="direct"),
        world.open_case("lab2", channel="direct"),
    )
    passed = world.apply("works")
    world.audit("east_auditor", returned, "return")
    world.audit("west_auditor", passed, "pass")
    listed = world.apply("works")
    world.audit("west_auditor", listed, "pass")
    world.at(CUTOFF)
    states = {case_id: world.state(case_id) for case_id in (silent, sent, returned, direct, silent_direct, passed, listed)}
    assert states == {
        silent: "lapsed",
        sent: "lapsed",
        returned: "lapsed",
        direct: "submitted",
        silent_direct: "lapsed",
        passed: "lapsed",
        listed: "lapsed",
    }
    assert read(world).phase == "reviewing"
    assert set(world.rows(sa.select(window.c.state))) == {("closed",)}
    open_steps = world.rows(sa.select(user_task.c.element_id).where(user_task.c.state == "open").order_by(user_task.c.element_id))
    assert open_steps == [("accept",), ("organise_review",)]
    assert board(world).incidents == 0
    assert world.rows(sa.select(message.c.name, message.c.state).distinct()) == [("collection_closed", "delivered")]


# ---- the board -------------------------------------------------------------------------------------------------------
def test_board_counts_by_state_and_body(world: World) -> None:
    world.open_case("lab")
    world.apply("lab2")
    first, second = world.apply("works"), world.apply("works")
    for case_id in (first, second):
        world.audit("west_auditor", case_id, "pass")
    world.apply("lab", channel="direct")
    task = world.find_task("recommend", body="west")
    world.complete("west_auditor", task, {"ranking": [second], "shortfall_reason": "", "remark": ""})
    world.settle()
    found = board(world)
    assert found.states == {"draft": 1, "submitted": 2, "recommended": 1, "not_recommended": 1}
    assert found.direct == {"submitted": 1}
    lines = {
        line.short_name: (line.opened, line.submitted, line.audited, line.recommended, line.below_quota) for line in found.bodies
    }
    assert lines == {"北京": (2, 1, 0, 0, True), "天津": (2, 2, 2, 1, True), "创新联合体": (0, 0, 0, 0, False)}
    assert found.open_tasks == {"apply": 1, "audit": 1, "accept": 1, "recommend": 2}
    with world.process_engine.read() as work:
        assert [line.short_name for line in below_quota(work, world.campaign_id)] == ["北京", "天津"]


def test_board_tells_deadlines_with_words_and_source(world: World) -> None:
    deadlines = board(world).deadlines
    assert [(line.name, line.date.source, line.date.words, line.state) for line in deadlines] == [
        ("collection_cutoff", "notice", "征集截止时间为2022年8月10日", "open"),
        ("review_until", "ours", None, None),
        ("publication", "outside", None, None),
    ]
    assert deadlines[0].cutoff_at == CUTOFF


def test_a_body_sees_only_its_own_row(world: World) -> None:
    world.apply("lab")
    world.apply("works")
    found = board(world, "west_auditor")
    assert [line.short_name for line in found.bodies] == ["天津"]
    assert (found.states, found.open_tasks, found.incidents) == ({"submitted": 1}, {"audit": 1, "recommend": 1}, 0)
    assert board(world, "organiser").states == {"submitted": 2}


def test_overdue_tasks_are_counted(world: World) -> None:
    world.apply("lab")
    case_id = world.open_case("lab2")
    assert board(world).overdue_tasks == 0
    world.clock.move_to(BODY_CUTOFF + timedelta(hours=1))
    assert board(world).overdue_tasks == 1
    assert world.state(case_id) == "draft"


def test_prepared_campaigns_are_shown_to_their_organisers_only(small_world: World) -> None:
    world = small_world
    world.make_campaign(issued=False)
    with world.process_engine.read() as work:
        assert [found.key for found in campaigns.list_campaigns(work, world["organiser"])] == ["samr-2022"]
        assert campaigns.list_campaigns(work, world["lab"]) == []
        for campaign_id in (world.campaign_id, "unknown"):
            with pytest.raises(CampaignUnknown):
                campaigns.get_campaign(work, campaign_id, person=world["lab"])
    world.do("organiser", "issue_notice", {"title": "征集", "confirmed": True})
    with world.process_engine.read() as work:
        assert campaigns.get_campaign(work, world.campaign_id, person=world["lab"]).phase == "collecting"
