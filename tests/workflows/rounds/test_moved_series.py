"""One month's end, one batch, or all that follow, are moved in a running campaign: clock, rounds and documents go by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.instances import instance_variables
from engine.states import read_state
from engine.tables import history, outbox, timer
from engine.verification import verify_history
from tests.workflows.rounds.hubei import KEY, Hubei, beijing
from tests.workflows.rounds.test_downtime import fired
from workflows import extensions
from workflows.extensions import ExtensionRefused, Plan
from workflows.notices import bundled_notices, deploy_folder
from workflows.tables import campaign


def preview(world: Hubei, name: str, new: str, *, rest: bool = False) -> Plan:
    with world.process_engine.read(by=world["organiser"].id) as work:
        asked = extensions.ask_extension(work, world.campaign_id, name, new, rest=rest)
        return extensions.preview_extension(work, world["organiser"], world.campaign_id, asked)


def move(world: Hubei, name: str, new: str, *, rest: bool = False) -> Plan:
    """Preview and confirm; the background does its part."""
    world.process_engine.bulk.update(extensions.OPERATIONS)
    plan = preview(world, name, new, rest=rest)
    with world.process_engine.begin(by=world["organiser"].id) as work:
        extensions.hold_campaign(work, world.campaign_id)
        extensions.extend(
            work, world["organiser"], world.campaign_id, plan.asked, digest=plan.digest, reason="汛期", document_number="1"
        )
    world.settle()
    return plan


def own_instance(world: Hubei) -> str:
    return str(world.scalar(sa.select(campaign.c.instance_id).where(campaign.c.id == world.campaign_id)))


def check_document(world: Hubei) -> None:
    """What the campaign's document says of its timers is what their rows say."""
    with world.process_engine.read() as work:
        _, document = read_state(work, own_instance(world))
        for row in work.connection.execute(sa.select(timer).where(timer.c.kind == "event", timer.c.state == "armed")).all():
            assert datetime.fromisoformat(document["t"][row.token]["due"][row.element_id][0]) == row.due_at
        assert verify_history(work).broken is None


def cutoffs(world: Hubei, series: str) -> dict[str, datetime]:
    """The single dates of a series as the campaign's diagram knows them."""
    with world.process_engine.read() as work:
        seen: dict[str, Any] = instance_variables(work, own_instance(world))
    return {each["key"]: datetime.fromisoformat(each["cutoff"]) for each in seen["series"][series]}


def test_one_month_end_is_moved_that_the_clock_has_not_come_to(hubei_anywhere: Hubei) -> None:
    world = hubei_anywhere
    plan = move(world, "month_ends/2023-06", "2023-07-05")
    assert (plan.tasks, plan.timers, plan.windows) == ((), (), ())  # nothing waits for it yet
    assert plan.dates == (("month_ends/2023-06", beijing(7, 1), beijing(7, 6)),)
    assert cutoffs(world, "month_ends")["2023-06"] == beijing(7, 6)
    check_document(world)
    world.at(beijing(7, 1))
    case_id = world.apply("lab")
    world.at(beijing(7, 5, 23, 59, 59), due=False)
    world.examine("wuhan_auditor", case_id)
    world.at(beijing(7, 6))
    other = world.apply("works", title="七月的案例")
    world.examine("huangshi_auditor", other)
    world.at(beijing(8, 1))
    assert [line[:2] for line in fired(world)] == [
        ("month_cutoff", beijing(6, 1)),
        ("batch_cutoff", beijing(7, 1)),
        ("month_cutoff", beijing(7, 6)),
        ("month_cutoff", beijing(8, 1)),
    ]
    assert world.rounds("month") == {
        "2023-05": [],
        "2023-06": [world.number(case_id)],
        "2023-07": [world.number(other)],
    }
    check_document(world)


def test_what_waits_is_moved_and_what_follows_too(hubei_anywhere: Hubei) -> None:
    world = hubei_anywhere
    plan = move(world, "half_years/2023-H1", "2023-07-03")
    (row,) = plan.timers
    assert (row.element_id, row.old, row.new) == ("batch_cutoff", beijing(7, 1), beijing(7, 4))
    world.at(beijing(6, 2))
    plan = move(world, "month_ends/2023-06", "2023-07-05", rest=True)
    (row,) = plan.timers
    assert (row.element_id, row.old, row.new) == ("month_cutoff", beijing(7, 1), beijing(7, 6))
    five = timedelta(days=5)
    moved = {f"2023-{month:02}": beijing(month + 1, 1) + five for month in range(6, 12)}
    moved |= {"2023-05": beijing(6, 1), "2023-12": beijing(1, 1, year=2024) + five}
    assert cutoffs(world, "month_ends") == moved
    check_document(world)
    world.at(beijing(1, 10, year=2024))
    expected = [("month_cutoff", moment) for moment in moved.values()]
    expected += [("batch_cutoff", beijing(7, 4)), ("batch_cutoff", beijing(12, 1))]
    expected += [("collection_cutoff", beijing(1, 1, year=2024))]
    assert [line[:2] for line in fired(world)] == sorted(expected, key=lambda line: (line[1], line[0]))
    kinds = world.rows(sa.select(history.c.detail).where(history.c.kind == "deadline_moved").order_by(history.c.seq))
    assert [len(row.detail["dates"]) for row in kinds] == [1, 7]


def test_the_second_kernel_goes_by_the_new_moments_too(hubei: Hubei) -> None:
    with hubei.process_engine.begin() as work:
        hubei.notice_id = deploy_folder(work, bundled_notices()[KEY], key=KEY, kernel="spiff")
    hubei.make_campaign(key="other")
    move(hubei, "month_ends/2023-06", "2023-07-05")
    move(hubei, "half_years/2023-H1", "2023-07-03")
    assert cutoffs(hubei, "month_ends")["2023-06"] == beijing(7, 6)
    hubei.at(beijing(8, 1))
    query = sa.select(history.c.element_id, history.c.detail).where(history.c.instance_id == own_instance(hubei))
    rows = hubei.rows(query.where(history.c.kind == "fired").order_by(history.c.seq))
    assert [(row.element_id, datetime.fromisoformat(row.detail["due_at"])) for row in rows] == [
        ("month_cutoff", beijing(6, 1)),
        ("batch_cutoff", beijing(7, 4)),
        ("month_cutoff", beijing(7, 6)),
        ("month_cutoff", beijing(8, 1)),
    ]


def test_those_who_report_by_a_series_are_told(hubei: Hubei) -> None:
    move(hubei, "month_ends/2023-05", "2023-06-02")
    told = hubei.rows(sa.select(outbox.c.recipient, outbox.c.body).where(outbox.c.unique_key.startswith("extension:")))
    assert {row.recipient.split("@")[0] for row in told} == {"wuhan_auditor", "huangshi_auditor"}
    assert all("2023年6月2日24:00" in row.body for row in told)


@pytest.mark.parametrize(
    ("name", "new", "codes"),
    [
        ("month_ends", "2023-07-05", ["ExtensionNotSingle"]),
        ("month_ends/2023-13", "2023-07-05", ["CampaignDateUnknown"]),
        ("issued/2023-06", "2023-07-05", ["CampaignDateUnknown"]),
        ("month_ends/2023-06", "2023-06-29", ["ExtensionShortens"]),
        ("month_ends/2023-06", "2023-07-31", ["ExtensionOutOfOrder"]),
        ("month_ends/2023-05", "2023-06-20", ["ExtensionActedOn"]),
    ],
)
def test_what_is_not_possible_is_refused(hubei: Hubei, name: str, new: str, codes: list[str]) -> None:
    hubei.at(beijing(6, 2))
    with pytest.raises(ExtensionRefused) as refusal:
        preview(hubei, name, new)
    assert [finding.code for finding in refusal.value.findings] == codes


def test_a_shift_of_the_whole_campaign_takes_its_series_along(hubei_anywhere: Hubei) -> None:
    """What is over stays; the month that the clock waits for and all later ones, and the batches, move by as much."""
    world = hubei_anywhere
    world.at(beijing(6, 15))
    before = {series: cutoffs(world, series) for series in ("month_ends", "half_years")}
    world.process_engine.bulk.update(extensions.OPERATIONS)
    with world.process_engine.read(by=world["organiser"].id) as work:
        asked = extensions.ask_shift(work, world.campaign_id, days=3)
        plan = extensions.preview_extension(work, world["organiser"], world.campaign_id, asked)
    waited = {(row.element_id, row.old, row.new) for row in plan.timers}
    assert ("month_cutoff", beijing(7, 1), beijing(7, 4)) in waited
    with world.process_engine.begin(by=world["organiser"].id) as work:
        extensions.hold_campaign(work, world.campaign_id)
        extensions.extend(
            work, world["organiser"], world.campaign_id, plan.asked, digest=plan.digest, reason="汛期", document_number="1"
        )
    world.settle()
    now = beijing(6, 15)
    for series, singles in before.items():
        moved = {key: moment + timedelta(days=3) if moment > now else moment for key, moment in singles.items()}
        assert cutoffs(world, series) == moved
    check_document(world)
    world.at(beijing(8, 4))
    assert [line[:2] for line in fired(world)] == [
        ("month_cutoff", beijing(6, 1)),
        ("batch_cutoff", beijing(7, 4)),
        ("month_cutoff", beijing(7, 4)),
        ("month_cutoff", beijing(8, 4)),
    ]
