"""The agenda holds the dates of the notices as their texts state them, and tells each reader how far they are."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.workflows.reports.acting import Action
from tests.workflows.rounds.hubei import Hubei, beijing
from tests.workflows.world import BEIJING, BODY_CUTOFF, CUTOFF, SECOND, World
from workflows import extensions
from workflows.activities import report_progress
from workflows.agenda import Agenda, Entry, Wanted, read_agenda
from workflows.campaigns import create_campaign
from workflows.people import Person

NOBODY = Person("", "", "", "", "zh", frozenset())


def read(world: Any, name: str | None = "organiser", **wanted: Any) -> Agenda:
    """The agenda of somebody; of the public without a name."""
    who = NOBODY if name is None else world[name]
    with world.process_engine.read(by=who.id or None) as work:
        return read_agenda(work, who, Wanted(**wanted))


def find(agenda: Agenda, kind: str, name: str | None = None) -> list[Entry]:
    """The lines of a kind."""
    return [each for each in agenda.entries if each.kind == kind and name in (None, each.name)]


def days(lines: list[Entry]) -> list[str]:
    """Their last days."""
    return [each.last.isoformat() for each in lines]


# ---- the notices' facts ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["organiser", "wuhan_auditor", "lab", None])
def test_hubei_has_eight_month_ends_two_batches_and_seventeen_activities(hubei: Hubei, name: str | None) -> None:
    agenda = read(hubei, name)
    ends = [date(2023, month, monthrange(2023, month)[1]).isoformat() for month in range(5, 13)]
    assert days(find(agenda, "round", "month_ends")) == ends and len(ends) == 8
    assert days(find(agenda, "round", "half_years")) == ["2023-06-30", "2023-11-30"]
    assert days(find(agenda, "cutoff")) == ["2023-12-31"]
    held = Counter(each.name for each in find(agenda, "activity"))
    thursdays = sum((date(2023, 1, 1) + timedelta(number)).weekday() == 3 for number in range(365))
    assert len(held) == 17 and sorted(held.values()) == [*[1] * 16, thursdays]
    assert {each.title.zh for each in find(agenda, "activity") if each.title} >= {"世界认可日", "世界标准日"}
    quarter = next(each for each in agenda.entries if each.value and each.value.words == "2023年9—10月")
    assert (quarter.first, quarter.last, quarter.title is not None) == (date(2023, 9, 1), date(2023, 10, 31), True)


def test_jiangxi_has_three_phases_and_two_annual_reports(jiangxi: Action) -> None:
    agenda = read(jiangxi, "one")
    lines = {each.name: each.last.isoformat() for each in find(agenda, "report")}
    assert lines == {
        "phase_1": "2022-11-20",
        "phase_2": "2023-03-10",
        "phase_3": "2023-11-10",
        "annual_2022": "2022-11-18",
        "annual_2023": "2023-11-20",
    }


def test_the_unknown_dates_of_samr_2021_have_no_day_but_candidates(samr_lite: Action) -> None:
    agenda = read(samr_lite, "one")
    found = {each.name: [one.due_on.isoformat() for one in each.candidates if one.due_on] for each in agenda.unknown}
    assert found == {
        "plan_due": ["2021-05-31", "2021-06-30", "2021-07-31", "2021-08-31", "2021-09-30"],
        "summary_due": ["2021-11-15", "2021-11-25"],
    }
    possible = [each for each in agenda.entries if each.state == "possible"]
    assert sorted(days(possible)) == sorted(day for each in found.values() for day in each)
    samr_lite.at(2022, 1, 10)
    assert [each.state for each in read(samr_lite, "one").entries if each.name == "plan_due"] == ["possible"] * 5


def test_samr_2022_ends_on_10_august_and_the_bodies_five_days_before(world: World) -> None:
    agenda = read(world)
    (cutoff,), (body,) = find(agenda, "cutoff"), find(agenda, "body")
    assert (cutoff.cutoff_at, cutoff.last.isoformat()) == (CUTOFF, "2022-08-10")
    assert (body.cutoff_at, body.places) == (BODY_CUTOFF, ("北京", "天津", "创新联合体"))
    assert {each.name: each.roles for each in find(agenda, "date")} == {"review_until": {"expert"}, "publication": {"organiser"}}


# ---- who sees what ---------------------------------------------------------------------------------------------------
def test_cut_offs_of_bodies_are_their_own_and_the_organisers(world: World) -> None:
    whose = {
        name: [each.places for each in find(read(world, name), "body")] for name in ("east_auditor", "lab", "works", "expert")
    }
    assert whose == {"east_auditor": [("北京",)], "lab": [("北京",)], "works": [("天津",)], "expert": []}
    assert find(read(world, None), "body") == [] and days(find(read(world, None), "cutoff")) == ["2022-08-10"]


def test_a_campaign_that_is_prepared_is_its_organisers_alone(small_world: World) -> None:
    small_world.make_campaign(issued=False)
    assert {name: len(read(small_world, name).entries) > 0 for name in ("organiser", "lab", "east_auditor", None)} == {
        "organiser": True,
        "lab": False,
        "east_auditor": False,
        None: False,
    }


def test_open_work_is_told_to_whose_it_is(world: World) -> None:
    world.open_case("lab")
    world.open_case("works")
    opened = {
        name: [(each.open, each.unit) for each in find(read(world, name), "body")]
        for name in ("organiser", "east_auditor", "lab")
    }
    assert opened == {"organiser": [(2, "tasks")], "east_auditor": [(1, "cases")], "lab": [(1, "tasks")]}
    tasks = find(read(world, "lab"), "task")
    assert [(each.name, each.cutoff_at) for each in tasks] == [("apply", BODY_CUTOFF)]
    assert find(read(world, "lab2"), "task") == [] and find(read(world, None), "task") == []


def test_filters(world: World) -> None:
    world.open_case("lab")
    assert {each.kind for each in read(world, role="expert").entries} == {"date"}
    assert find(read(world, role="applicant"), "body") and not find(read(world, role="organiser"), "body")
    second = world.campaign_id
    with world.process_engine.begin(by=world["organiser"].id) as work:
        other = create_campaign(
            work, world.notice_id, key="again", organiser_id=world.places["authority"], bodies=[(world.places["east"], None)]
        )
    assert {each.campaign_id for each in read(world).entries} == {other, second}
    assert {each.campaign_id for each in read(world, campaign_id=other).entries} == {other}
    assert read(world, "lab", campaign_id=other).entries == ()
    west = read(world, organisation_id=world.places["west"])
    assert [each.campaign_id for each in find(west, "body")] == [second]
    within = read(world, first=date(2022, 10, 1), last=date(2022, 10, 31))
    assert {each.name for each in within.entries} == {"review_until"}


# ---- how they stand --------------------------------------------------------------------------------------------------
def test_at_risk_within_a_working_week_and_overdue_afterwards(world: World) -> None:
    world.open_case("lab")
    (body,) = find(read(world), "body")
    assert (body.state, body.work_days) == ("coming", 25)  # 1 July to 5 August 2022, a Friday
    world.at(datetime(2022, 7, 29, 9, tzinfo=BEIJING))
    (body,) = find(read(world), "body")
    assert (body.state, body.work_days, body.provisional) == ("risk", 5, False)
    world.at(BODY_CUTOFF - SECOND)
    assert [each.state for each in find(read(world), "body")] == ["risk"]
    world.at(BODY_CUTOFF, due=False)
    assert [each.state for each in find(read(world), "body")] == ["overdue"]
    world.settle()  # the clock closes it: the draft lapses
    assert [each.state for each in find(read(world), "body")] == ["past"]


def test_work_days_of_a_year_that_is_not_announced_are_provisional(world: World) -> None:
    world.at(datetime(2097, 1, 1, tzinfo=BEIJING), due=False)
    with world.process_engine.begin(by=world["organiser"].id) as work:
        create_campaign(
            work,
            world.notice_id,
            key="far",
            organiser_id=world.places["authority"],
            bodies=[(world.places["east"], None)],
            dates={"collection_cutoff": {"kind": "day", "value": "2097-03-01", "source": "ours"}},
        )
    (far,) = [each for each in find(read(world), "cutoff") if each.state == "coming"]
    assert far.provisional and far.work_days == 43  # plain weekends


def test_an_activity_is_overdue_until_it_was_held_or_called_off(hubei: Hubei) -> None:
    hubei.clock.move_to(beijing(6, 2))
    of = "device_open_day"

    def states() -> Counter[str]:
        return Counter(each.state for each in find(read(hubei), "activity", of))

    assert states() == {"overdue": 22, "coming": 30}
    for day, state in (("2023-01-05", "done"), ("2023-01-12", "cancelled"), ("2023-01-19", "postponed")):
        with hubei.process_engine.begin(by=hubei["devices"].id) as work:
            report_progress(work, hubei["devices"], hubei.campaign_id, of, day, state=state, note="")
    assert states() == {"overdue": 20, "coming": 30, "done": 1, "called_off": 1}


def test_a_round_is_done_when_it_was_rolled_up(hubei: Hubei) -> None:
    hubei.at(beijing(7, 5))
    states = [each.state for each in find(read(hubei), "round", "month_ends")]
    assert states == ["done", "done", *["coming"] * 6]


def test_reports_that_have_not_come_are_counted(jiangxi: Action) -> None:
    def missing(name: str) -> list[tuple[str, int | None]]:
        return [(each.state, each.open) for each in find(read(jiangxi, name), "report", "phase_1")]

    assert missing("organiser") == [("coming", 2)] and missing("one") == [("coming", 1)] and missing("low")[0][1] is None
    jiangxi.at(2022, 11, 17)
    assert missing("organiser") == [("risk", 2)]
    jiangxi.at(2022, 11, 21)
    assert missing("one")[0][0] in ("overdue", "past")


def test_a_moved_date_stands_at_both_its_days(world: World) -> None:
    world.process_engine.bulk.update(extensions.OPERATIONS)
    before = {each.kind: each.id for each in read(world).entries if each.kind in ("cutoff", "body")}
    for new, place in (("2022-08-20", None), ("2022-08-25", None), ("2022-08-23", "east")):
        with world.process_engine.begin(by=world["organiser"].id) as work:
            extensions.hold_campaign(work, world.campaign_id)
            to = None if place is None else world.places[place]
            asked = extensions.ask_extension(work, world.campaign_id, "collection_cutoff", new, organisation_id=to)
            plan = extensions.preview_extension(work, world["organiser"], world.campaign_id, asked)
            given = {"digest": plan.digest, "reason": "汛期", "document_number": "1号"}
            extensions.extend(work, world["organiser"], world.campaign_id, asked, **given)
    agenda = read(world)
    now, was = [each for each in find(agenda, "cutoff") if each.state != "moved"], find(agenda, "cutoff")
    (line,) = now
    assert (line.id, line.last.isoformat(), line.sequence) == (before["cutoff"], "2022-08-25", 2)
    assert line.moved_from == datetime(2022, 8, 21, tzinfo=BEIJING)
    assert [(each.last.isoformat(), each.moved_to) for each in was if each.state == "moved"] == [("2022-08-20", line.cutoff_at)]
    own = [each for each in find(agenda, "body") if each.places == ("北京",) and each.state != "moved"]
    assert [each.last.isoformat() for each in own] == ["2022-08-23"]
    assert own[0].moved_from is not None and own[0].cutoff_at is not None and own[0].moved_from < own[0].cutoff_at


def test_a_single_date_of_a_series_moves_alone(hubei: Hubei) -> None:
    hubei.process_engine.bulk.update(extensions.OPERATIONS)
    before = {each.occurrence: each.id for each in find(read(hubei), "round", "month_ends")}
    with hubei.process_engine.begin(by=hubei["organiser"].id) as work:
        extensions.hold_campaign(work, hubei.campaign_id)
        asked = extensions.ask_extension(work, hubei.campaign_id, "month_ends/2023-06", "2023-07-05")
        plan = extensions.preview_extension(work, hubei["organiser"], hubei.campaign_id, asked)
        given = {"digest": plan.digest, "reason": "汛期", "document_number": "1号"}
        extensions.extend(work, hubei["organiser"], hubei.campaign_id, asked, **given)
    lines = find(read(hubei), "round", "month_ends")
    assert {each.occurrence: each.id for each in lines if each.state != "moved"} == before
    june = [(each.last.isoformat(), each.state, each.sequence) for each in lines if each.occurrence == "2023-06"]
    assert june == [("2023-06-30", "moved", 1), ("2023-07-05", "coming", 1)]


# ---- what it costs ---------------------------------------------------------------------------------------------------
MOST_STATEMENTS = 21
"""Of the organiser, who sees all of it; measured: 19, of which the two lists of own tasks take 8."""


def test_the_number_of_statements_does_not_depend_on_how_much_there_is(world: World) -> None:
    seen: list[str] = []
    sa.event.listen(world.process_engine.database, "before_cursor_execute", lambda *args: seen.append(args[2]))

    def count(name: str) -> int:
        read(world, name)  # diagrams are read once per process
        seen.clear()
        read(world, name)
        return len(seen)

    world.open_case("lab")
    names = ("organiser", "east_auditor", "lab")
    before = [count(name) for name in names]
    for number in range(6):
        with world.process_engine.begin(by=world["organiser"].id) as work:
            bodies = [(world.places[body], None) for body in ("east", "west", "union")]
            create_campaign(work, world.notice_id, key=f"more-{number}", organiser_id=world.places["authority"], bodies=bodies)
        world.open_case("lab")
        world.open_case("lab2")
    assert [count(name) for name in names] == before and max(before) <= MOST_STATEMENTS


def test_on_each_database(hubei_anywhere: Hubei) -> None:
    hubei_anywhere.open_case("lab")
    agenda = read(hubei_anywhere)
    assert len(find(agenda, "round")) == 10
    assert [(each.open, each.unit) for each in find(agenda, "body")] == [(1, "tasks")]
