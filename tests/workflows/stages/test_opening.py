"""Opening a stage: all faults at once, by whom, once, and only while it can still decide something."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.work import ProcessEngine
from tests.workflows.stages.conftest import Enter, StageWorld
from tests.workflows.world import BEIJING
from tests.workflows.world import CUTOFF as NATIONAL
from workflows.rules import NotPermitted
from workflows.stages import StageInvalid, StageOpened, StageTooLate
from workflows.tables import campaign, recommending_body


@pytest.fixture
def collecting(sqlite_engine: ProcessEngine, enter: Enter) -> StageWorld:
    """The world while the national campaign collects, without a stage."""
    return enter(sqlite_engine)


def test_all_faults_at_once(collecting: StageWorld) -> None:
    world = collecting
    north, south = world.places["north"], world.places["south"]
    with pytest.raises(StageInvalid) as caught:
        world.open_stage(
            dates={
                "collection_cutoff": date(2022, 7, 20),
                "checked_by": date(2022, 7, 18),
                "ranked_by": "",
                "sealed_by": NATIONAL,
            },
            settings={"consultation_work_days": 90},
            quotas={north: ("drei", 2), south: (3, 2), world.places["west"]: (1, 1)},
        )
    assert [(finding.path, finding.code) for finding in caught.value.findings] == [
        ("dates.ranked_by", "StageDateMissing"),
        ("dates.checked_by", "StageDateEarly"),
        ("dates.sealed_by", "StageDateLate"),
        ("settings.consultation_work_days", "SettingOutOfRange"),
        (f"quotas.{world.places['west']}", "QuotaOfNobody"),
        (f"quotas.{north}.minimum", "QuotaUnreadable"),
        (f"quotas.{south}.maximum", "QuotaReversed"),
    ]
    assert world.rows(sa.select(campaign.c.id).where(campaign.c.parent_id.is_not(None))) == []
    with pytest.raises(StageInvalid) as caught:
        world.open_stage(overlay_id=world.notice_id)
    assert ("overlay", "OverlayUnfitting") in [(finding.path, finding.code) for finding in caught.value.findings]


def test_what_is_set_is_what_counts(collecting: StageWorld) -> None:
    world = collecting
    north, south = world.places["north"], world.places["south"]
    world.open_stage(dates={"collection_cutoff": date(2022, 7, 20)}, quotas={north: ("", "5")})
    rows = world.rows(
        sa.select(recommending_body.c.organisation_id, recommending_body.c.quota_min, recommending_body.c.quota_max)
        .where(recommending_body.c.campaign_id == world.stage_id)
        .order_by(recommending_body.c.place)
    )
    assert sorted(rows) == sorted([(north, None, 5), (south, 1, 3)])
    assert world.board().deadlines[0].cutoff_at == datetime(2022, 7, 21, tzinfo=BEIJING)


def test_only_the_body_s_officials_and_only_once(collecting: StageWorld) -> None:
    world = collecting
    for name in ("west_auditor", "organiser", "north_auditor", "lab"):
        with pytest.raises(NotPermitted):
            world.open_stage(name)
    world.open_stage()
    with pytest.raises(StageOpened):
        world.open_stage("east_colleague")
    assert world.open_stage("west_auditor", body_id=world.places["west"])


def test_not_after_the_list_or_the_cut_off(collecting: StageWorld) -> None:
    world = collecting
    world.recommend([])
    with pytest.raises(StageTooLate):
        world.open_stage()
    world.at(NATIONAL + timedelta(minutes=1))
    with pytest.raises(StageTooLate):
        world.open_stage("west_auditor", body_id=world.places["west"])
