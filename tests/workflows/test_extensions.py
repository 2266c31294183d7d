"""Deadlines of a running campaign move: what is previewed happens, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.bulk import read_bulk
from engine.ids import new_id
from engine.instances import instance_variables
from engine.states import read_state
from engine.tables import history, instance, metadata, outbox, timer, user_task
from engine.verification import verify_history
from tests.workflows.world import BEIJING, BODY_CUTOFF, CUTOFF, SECOND, World
from workflows import extensions
from workflows.campaigns.windows import TooLate, list_windows
from workflows.extensions import ExtensionRefused, Plan, PreviewOutdated
from workflows.tables import campaign, case, person, window

NAME = "collection_cutoff"
NUMBER = "国市监检测函〔2022〕100号"


@pytest.fixture(autouse=True)
def _operations(request: pytest.FixtureRequest) -> None:
    found = next((request.getfixturevalue(name) for name in ("world", "small_world") if name in request.fixturenames), None)
    if found is not None:
        found.process_engine.bulk.update(extensions.OPERATIONS)


def preview(world: World, new: str, name: str = NAME, place: str | None = None) -> Plan:
    with world.process_engine.read(by=world["organiser"].id) as work:
        organisation = None if place is None else world.places[place]
        asked = extensions.ask_extension(work, world.campaign_id, name, new, organisation_id=organisation)
        return extensions.preview_extension(work, world["organiser"], world.campaign_id, asked)


def extend(world: World, new: str, name: str = NAME, place: str | None = None, digest: str = "") -> Plan:
    """Preview and confirm; the background does its part."""
    plan = preview(world, new, name, place)
    confirm(world, plan, digest or plan.digest)
    return plan


def confirm(world: World, plan: Plan, digest: str) -> extensions.Extension:
    with world.process_engine.begin(by=world["organiser"].id) as work:
        extensions.hold_campaign(work, world.campaign_id)
        found = extensions.extend(
            work, world["organiser"], world.campaign_id, plan.asked, digest=digest, reason="汛期影响", document_number=NUMBER
        )
    world.settle()
    return found


def due(world: World, element_id: str, case_id: str | None = None) -> set[datetime]:
    """When open tasks and armed timers of an element are due."""
    found: set[datetime] = set()
    for table, state in ((user_task, "open"), (timer, "armed")):
        query = sa.select(table.c.due_at).where(table.c.element_id == element_id, table.c.state == state)
        if case_id is not None:
            own = sa.select(case.c.instance_id).where(case.c.id == case_id)
            query = query.where(table.c.instance_id == own.scalar_subquery())
        found |= {row.due_at for row in world.rows(query)}
    return found


def check_documents(world: World) -> None:
    """The document of each live instance says of its timers what their rows say."""
    with world.process_engine.read() as work:
        rows = work.connection.execute(
            sa.select(timer).where(timer.c.kind == "event", timer.c.state == "armed", timer.c.instance_id.is_not(None))
        ).all()
        for row in rows:
            _, document = read_state(work, row.instance_id)
            assert datetime.fromisoformat(document["t"][row.token]["due"][row.element_id][0]) == row.due_at


def test_a_campaign_is_extended_as_a_whole(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.open_case("lab")
    direct = world.open_case("lab2", channel="direct")
    plan = extend(world, "2022-08-20")
    later, body_later = CUTOFF + timedelta(days=10), BODY_CUTOFF + timedelta(days=10)
    assert {(each.name, each.old, each.new) for each in plan.windows} == {
        ("collection", CUTOFF, later),
        ("body", BODY_CUTOFF, body_later),
    }
    assert due(world, "apply", case_id) == due(world, "apply_cutoff", case_id) == {body_later}
    assert due(world, "apply", direct) == due(world, "apply_cutoff", direct) == {later}
    assert due(world, "recommend") == due(world, "recommend_cutoff") == due(world, "await_cutoff") == {later}
    check_documents(world)
    with world.process_engine.read() as work:
        own = work.connection.execute(sa.select(case.c.instance_id).where(case.c.id == case_id)).scalar_one()
        seen = instance_variables(work, own)
        assert datetime.fromisoformat(seen["dates"][NAME]) == later
        assert datetime.fromisoformat(seen["cutoff"]) == body_later
        entry = work.connection.execute(
            sa.select(history).where(history.c.instance_id == own, history.c.kind == "deadline_moved")
        ).one()
        assert entry.detail["document_number"] == NUMBER
        assert entry.detail["dates"] == [{"date": NAME, "old": plan.dates[0][1].isoformat(), "new": plan.dates[0][2].isoformat()}]
        assert entry.by == world["organiser"].id
        assert verify_history(work).broken is None
    world.at(CUTOFF + SECOND)
    assert world.state(case_id) == "draft"
    world.send("lab", case_id)
    assert world.state(case_id) == "submitted"
    world.at(later + SECOND)
    assert world.state(direct) == "lapsed"
    assert world.scalar(sa.select(campaign.c.phase)) == "reviewing"


def test_one_province_gets_longer_than_the_organiser_gave_and_others_do_not(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    mine, other = world.open_case("lab"), world.open_case("works")
    plan = extend(world, "2022-08-20", place="east")
    later = CUTOFF + timedelta(days=10)
    assert [(each.name, each.organisation_id, each.new) for each in plan.windows] == [("body", world.places["east"], later)]
    assert due(world, "apply", mine) == {later}
    assert due(world, "apply", other) == {BODY_CUTOFF}
    assert due(world, "recommend") == {CUTOFF, later}
    assert due(world, "recommend_cutoff") == due(world, "await_cutoff") == {later}  # one timer each, for all bodies
    check_documents(world)
    world.at(CUTOFF + SECOND)
    assert world.state(other) == "lapsed"
    assert world.scalar(sa.select(campaign.c.phase)) == "collecting"
    world.send("lab", mine)
    world.audit("east_auditor", mine)
    task_id = world.find_task("recommend", body="east")
    world.complete("east_auditor", task_id, {"ranking": [mine], "shortfall_reason": "数量有限", "remark": ""})
    with pytest.raises(TooLate):
        world.complete("west_auditor", world.find_task("recommend", body="west"), {"ranking": [], "shortfall_reason": "无"})
    world.at(later + SECOND)
    assert world.scalar(sa.select(campaign.c.phase)) == "reviewing"


def test_what_changed_after_the_preview_is_shown_anew(world: World) -> None:
    world.open_case("lab")
    plan = preview(world, "2022-08-20")
    world.open_case("lab2")
    before = dump(world)
    with pytest.raises(PreviewOutdated):
        confirm(world, plan, plan.digest)
    assert dump(world) == before


@pytest.mark.parametrize(
    ("new", "name", "place", "code"),
    [
        ("2022-08-09", NAME, None, "ExtensionShortens"),
        ("2022-08-10", NAME, None, "ExtensionShortens"),
        ("morgen", NAME, None, "ExtensionMomentUnreadable"),
        ("2022-09-01", "nothing", None, "CampaignDateUnknown"),
        ("2022-09-01", "review_until", "east", "ExtensionOnlyCutoff"),
        ("2022-08-20", NAME, "lab", "ExtensionBeyondBody"),
        ("2022-08-20", NAME, "authority", "ExtensionOrganisationUnknown"),
    ],
)
def test_what_is_not_possible_is_refused_with_its_reason(world: World, new: str, name: str, place: str | None, code: str) -> None:
    with pytest.raises(ExtensionRefused) as refusal:
        preview(world, new, name, place)
    assert code in [finding.code for finding in refusal.value.findings]


def test_a_passed_cutoff_of_a_body_is_opened_again_but_not_a_collection_that_is_over(world: World) -> None:
    world.at(BODY_CUTOFF + SECOND)
    with pytest.raises(TooLate):
        world.open_case("lab")
    extend(world, "2022-08-09", place="east")
    case_id = world.open_case("lab")
    assert due(world, "apply", case_id) == {datetime(2022, 8, 10, tzinfo=BEIJING)}
    world.at(CUTOFF + SECOND)
    with pytest.raises(ExtensionRefused) as refusal:
        preview(world, "2022-08-20")
    assert [finding.code for finding in refusal.value.findings] == ["ExtensionCollectionOver"]


def test_one_institution_gets_longer_up_to_its_body(world: World) -> None:
    mine, other = world.open_case("lab"), world.open_case("lab2")
    extend(world, "2022-08-08", place="lab")
    assert due(world, "apply", mine) == {datetime(2022, 8, 9, tzinfo=BEIJING)}
    assert due(world, "apply", other) == {BODY_CUTOFF}
    world.at(BODY_CUTOFF + SECOND)
    assert (world.state(mine), world.state(other)) == ("draft", "lapsed")
    world.send("lab", mine)
    assert world.state(mine) == "submitted"


def test_those_who_owe_are_told_once(world: World) -> None:
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(person).values(email=person.c.login + "@example.org"))
    world.open_case("lab")
    world.open_case("lab")
    extend(world, "2022-08-20")
    told = world.rows(sa.select(outbox.c.recipient).where(outbox.c.unique_key.startswith("extension:")))
    recipients = [row.recipient for row in told]
    assert len(recipients) == len(set(recipients))
    assert {each.split("@")[0] for each in recipients} == {
        *("lab", "lab_colleague", "east_auditor", "east_colleague", "west_auditor", "union_auditor"),
    }


def test_a_whole_campaign_is_shifted(world: World) -> None:
    with world.process_engine.read(by=world["organiser"].id) as work:
        asked = extensions.ask_shift(work, world.campaign_id, work_days=5)
        plan = extensions.preview_extension(work, world["organiser"], world.campaign_id, asked)
        before = {name: moment for name, moment, _ in plan.dates}
    confirm(world, plan, plan.digest)
    assert before[NAME] == CUTOFF
    with world.process_engine.read() as work:
        cutoffs = {each.name: each.cutoff_at for each in list_windows(work, world.campaign_id)}
    assert cutoffs["collection"] == CUTOFF + timedelta(days=7)


# ---- many ------------------------------------------------------------------------------------------------------------
LEFT = {"bulk_job", "bulk_chunk", "extension", "outbox", "letter", "letter_task"}


def dump(world: World) -> dict[str, dict[Any, tuple[Any, ...]]]:
    """All rows by table and key."""
    with world.process_engine.read() as work:
        return {
            table.name: {
                tuple(row._mapping[column] for column in table.primary_key): tuple(row)
                for row in work.connection.execute(sa.select(table))
            }
            for table in metadata.sorted_tables
        }


def multiply(world: World, case_id: str, copies: int) -> None:
    """Thin cases: copies of the rows of one."""
    with world.process_engine.begin() as work:
        row = work.connection.execute(sa.select(case).where(case.c.id == case_id)).one()._mapping
        tables = (instance, user_task, timer, history)
        rows = {
            table.name: [
                dict(each._mapping)
                for each in work.connection.execute(
                    sa.select(table).where((table.c.id if table is instance else table.c.instance_id) == row["instance_id"])
                )
            ]
            for table in tables
        }
        made: dict[str, list[dict[str, Any]]] = {"case_": [], **{table.name: [] for table in tables}}
        for index in range(copies):
            own, number = new_id(), f"{row['number']}-{index}"
            made["case_"].append({**row, "id": new_id(), "number": number, "instance_id": own})
            made["instance"] += [{**each, "id": own, "business_key": number} for each in rows["instance"]]
            for name in ("user_task", "timer", "history"):
                for each in rows[name]:
                    copy = {**each, "instance_id": own}
                    if name != "history":
                        copy["id"] = new_id()
                    if name == "timer":
                        copy |= {"unique_key": copy["id"], "subject": number}
                    if name == "user_task":
                        copy["business_key"] = number
                    made[name].append(copy)
        for table in (instance, case, user_task, timer, history):
            work.connection.execute(sa.insert(table), made[table.name])


@pytest.mark.parametrize("count", [500, pytest.param(5_000, marks=pytest.mark.slow)])
def test_of_many_cases_those_of_one_province_change_and_nothing_else(small_world: World, count: int) -> None:
    """One in ten is of the province. All rows of all tables are compared with those before."""
    world, own_cases = small_world, count // 10
    world.make_campaign()
    mine, other = world.open_case("lab"), world.open_case("works")
    multiply(world, mine, own_cases - 1)
    multiply(world, other, count - own_cases - 1)
    before = dump(world)
    plan = preview(world, "2022-08-18", place="east")
    found = confirm(world, plan, plan.digest)
    after = dump(world)
    with world.process_engine.read() as work:
        job = read_bulk(work, str(found.job_id))
    assert (job.state, job.done, job.refused, len(plan.instances)) == ("done", own_cases, 0, own_cases)
    assert (found.tasks, found.timers) == (
        own_cases + 1,
        own_cases + 2,
    )  # with the body's list, its cut-off, and the end of the collection
    changed = {
        name: {key for key in before[name] | after[name] if before[name].get(key) != after[name].get(key)}
        for name in before
        if name not in LEFT
    }
    own = {world.scalar(sa.select(campaign.c.instance_id))}
    assert changed.pop("user_task") == {(row.id,) for row in plan.tasks}
    reminders = {key for key in changed["timer"] if "reminders" in str(after["timer"][key])}
    assert changed.pop("timer") - reminders == {(row.id,) for row in plan.timers}
    assert len(reminders) == sum((each.old is not None) + (each.new is not None) for each in plan.reminders) > 0
    assert changed.pop("window") == {(each.id,) for each in plan.windows}
    assert changed.pop("instance") == {(each,) for each in (*plan.instances, *own)}
    assert {key[0] for key in changed.pop("history")} == {*plan.instances, *own}
    assert {name for name, keys in changed.items() if keys} == set()
    moved = {(row.id,): row for row in (*plan.tasks, *plan.timers)}
    for name, table in (("user_task", user_task), ("timer", timer)):
        place = list(table.c).index(table.c.due_at)
        for key, row in moved.items():
            if key in before[name]:
                assert (before[name][key][place], after[name][key][place]) == (row.old, row.new)
    check_documents(world)
    assert world.scalar(sa.select(sa.func.count()).select_from(window)) == 4
