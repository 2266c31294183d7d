"""A body's list: in time, of its own audited cases, told to each of them; and what an audit does before and after it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from engine.errors import TaskUnknown
from engine.history import list_entries
from engine.tables import instance, message, outbox
from engine.tasks import complete_task
from tests.workflows.world import BEIJING, CUTOFF, SECOND, World
from workflows.campaigns import TooLate, below_quota
from workflows.forms import FormInvalid
from workflows.recommendations import ListRefused
from workflows.tables import audit, case, person, receipt, recommending_body


def send_list(world: World, name: str, body: str, ranking: list[str], *, settle: bool = True) -> None:
    task_id = world.find_task("recommend", body=body)
    world.complete(name, task_id, {"ranking": ranking, "shortfall_reason": "数量有限", "remark": ""})
    if settle:
        world.settle()


def pass_cases(world: World, count: int, name: str = "lab", auditor: str = "east_auditor") -> list[str]:
    cases = [world.apply(name, title=f"案例{number}") for number in range(count)]
    for case_id in cases:
        world.audit(auditor, case_id, "pass", "")
    return cases


# ---- the list --------------------------------------------------------------------------------------------------------
def test_list_tells_each_audited_case(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    first, second, third = pass_cases(world, 3)
    waiting = world.apply("lab")
    other = pass_cases(world, 1, "works", "west_auditor")[0]
    moment = datetime(2022, 8, 9, 18, tzinfo=BEIJING)
    world.at(moment)
    send_list(world, "east_auditor", "east", [third, first])
    ranks = world.rows(sa.select(case.c.id, case.c.state, case.c.rank).order_by(case.c.number))
    assert ranks == [
        (first, "recommended", 2),
        (second, "not_recommended", None),
        (third, "recommended", 1),
        (waiting, "submitted", None),
        (other, "audited", None),
    ]
    row = world.rows(sa.select(recommending_body).where(recommending_body.c.organisation_id == world.places["east"]))[0]
    assert (row.recommended_at, row.recommended_by) == (moment, world["east_auditor"].id)
    lists = world.rows(sa.select(receipt).where(receipt.c.kind == "recommendation"))
    assert [(each.accepted, each.received_at, each.cutoff_at, each.organisation_id) for each in lists] == [
        (True, moment, CUTOFF, world.places["east"])
    ]
    ended = sa.select(case.c.id).join(instance, instance.c.id == case.c.instance_id).where(instance.c.state == "ended")
    assert world.rows(ended) == [(second,)]


@pytest.mark.parametrize(("moment", "in_time"), [(CUTOFF - SECOND, True), (CUTOFF, False), (CUTOFF + 3 * SECOND, False)])
@pytest.mark.parametrize("scheduler_late", [True, False])
def test_list_is_in_time_by_its_moment(small_world: World, moment: datetime, in_time: bool, scheduler_late: bool) -> None:
    world = small_world
    world.make_campaign()
    (case_id,) = pass_cases(world, 1)
    task_id = world.find_task("recommend", body="east")
    world.at(moment, due=not scheduler_late)
    data = {"ranking": [case_id], "shortfall_reason": "", "remark": ""}
    if in_time:
        world.complete("east_auditor", task_id, data)
    else:
        with pytest.raises(TooLate):
            world.complete("east_auditor", task_id, data)
    world.at(moment + timedelta(minutes=1))
    assert world.state(case_id) == ("recommended" if in_time else "lapsed")
    lists = world.rows(sa.select(receipt).where(receipt.c.kind == "recommendation"))
    assert [(each.accepted, each.received_at, each.cutoff_at, each.organisation_id) for each in lists] == [
        (in_time, moment, CUTOFF, world.places["east"])
    ]
    assert {row.state for row in world.rows(sa.select(message.c.state))} == {"delivered"}


def test_a_list_in_the_last_second_is_told_although_the_collection_closes_meanwhile(world: World) -> None:
    listed, left = pass_cases(world, 2)
    world.at(CUTOFF - SECOND)
    send_list(world, "east_auditor", "east", [listed], settle=False)
    world.at(CUTOFF + 12 * SECOND)  # the messages are delivered after the cut-off's timers were due
    assert (world.state(listed), world.state(left)) == ("recommended", "not_recommended")
    assert {row.state for row in world.rows(sa.select(message.c.state))} == {"delivered"}


def test_list_holds_only_own_audited_cases_once(world: World) -> None:
    first, second = pass_cases(world, 2)
    waiting = world.apply("lab")
    other = pass_cases(world, 1, "works", "west_auditor")[0]
    task_id = world.find_task("recommend", body="east")
    for ranking in ([first, waiting], [first, other], [first, "unknown"], [first, first]):
        with pytest.raises(FormInvalid) as refusal:
            world.complete("east_auditor", task_id, {"ranking": ranking, "shortfall_reason": "", "remark": ""})
        assert {finding.path for finding in refusal.value.findings} == {"ranking"}
    assert world.state(first) == "audited"
    assert world.rows(sa.select(receipt).where(receipt.c.kind == "recommendation")) == []


def test_the_step_checks_the_list_itself(world: World) -> None:
    first, _ = pass_cases(world, 2)
    task_id = world.find_task("recommend", body="east")
    with pytest.raises(ListRefused) as refusal, world.process_engine.begin(by=world["east_auditor"].id) as work:
        complete_task(work, task_id, {}, form={"ranking": [first, "unknown", first]})  # past the form, as a program could
    found = [(finding.code, finding.values) for finding in refusal.value.findings]
    assert found == [("CaseNotListable", {"place": 2}), ("CaseListedTwice", {"place": 3})]
    assert world.state(first) == "audited"


def test_maximum_is_refused_and_minimum_recorded(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings={"quota.minimum": 2, "quota.maximum": 3})
    cases = pass_cases(world, 4)
    with pytest.raises(ListRefused) as refusal:
        send_list(world, "east_auditor", "east", cases)
    assert [(finding.code, finding.values) for finding in refusal.value.findings] == [("QuotaExceeded", {"count": 4, "quota": 3})]
    send_list(world, "east_auditor", "east", cases[:1])
    instance_id = world.scalar(sa.select(instance.c.id).where(instance.c.business_key == "samr-2022"))
    with world.process_engine.read() as work:
        warnings = [entry for entry in list_entries(work, instance_id) if entry.kind == "warning"]
        assert [line.short_name for line in below_quota(work, world.campaign_id)] == ["北京", "天津"]
    assert [warning.detail["values"] for warning in warnings] == [{"count": 1, "quota": 2, "body": world.places["east"]}]
    assert world.state(cases[0]) == "recommended"


def test_minimum_is_refused_where_the_setting_says_so(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings={"quota.below_minimum": "refuse"})
    cases = pass_cases(world, 2)
    with pytest.raises(ListRefused) as refusal:
        send_list(world, "east_auditor", "east", cases)
    assert [finding.code for finding in refusal.value.findings] == ["BelowQuota"]
    assert world.state(cases[0]) == "audited"


def test_an_empty_list_is_a_list(world: World) -> None:
    (case_id,) = pass_cases(world, 1)
    send_list(world, "east_auditor", "east", [])
    assert world.state(case_id) == "not_recommended"


def test_another_body_sends_no_list_of_ours(world: World) -> None:
    task_id = world.find_task("recommend", body="east")
    with pytest.raises(TaskUnknown):
        world.complete("west_auditor", task_id, {"ranking": []})


# ---- audits ----------------------------------------------------------------------------------------------------------
def test_audit_returns_and_the_correction_is_audited_again(small_world: World) -> None:
    world = small_world
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(person).where(person.c.login == "lab").values(email="lab@example.org"))
    world.make_campaign()
    case_id = world.apply("lab")
    world.audit("east_auditor", case_id, "return", "数据没有出处")
    assert world.state(case_id) == "returned"
    view = world.open("lab", world.find_task("correct", case_id))
    assert view.values["summary"] == "摘要。" and view.case is not None and view.case.audits[-1].opinion == "数据没有出处"
    world.send("lab", case_id, "correct", summary="补正后的摘要。")
    assert world.state(case_id) == "submitted"
    world.audit("east_auditor", case_id, "pass", "")
    assert world.state(case_id) == "audited"
    rows = world.rows(sa.select(audit.c.result, audit.c.application_version, audit.c.by, audit.c.kind).order_by(audit.c.id))
    auditor = world["east_auditor"].id
    assert rows == [("return", 1, auditor, "audit"), ("pass", 2, auditor, "audit")]
    letters = world.rows(sa.select(outbox.c.unique_key).where(outbox.c.recipient == "lab@example.org"))
    assert [key.split(":")[0] for (key,) in letters] == ["application_received", "audit", "application_received"]


def test_rejection_ends_the_case(world: World) -> None:
    case_id = world.apply("lab")
    world.audit("east_auditor", case_id, "reject", "与征集范围不符")
    assert world.state(case_id) == "rejected"
    assert world.scalar(sa.select(instance.c.state).where(instance.c.business_key == world.number(case_id))) == "ended"


def test_return_and_rejection_need_an_opinion(world: World) -> None:
    case_id = world.apply("lab")
    for result in ("return", "reject"):
        with pytest.raises(FormInvalid) as refusal:
            world.audit("east_auditor", case_id, result, "")
        assert [finding.path for finding in refusal.value.findings] == ["opinion"]
    assert world.state(case_id) == "submitted" and world.rows(sa.select(audit)) == []


def test_an_audit_after_the_list_is_told_at_once(world: World) -> None:
    waiting = world.apply("lab")
    (listed,) = pass_cases(world, 1, "lab2")
    send_list(world, "east_auditor", "east", [listed])
    world.audit("east_auditor", waiting, "pass", "")
    assert (world.state(listed), world.state(waiting)) == ("recommended", "not_recommended")


# ---- direct submissions ----------------------------------------------------------------------------------------------
def test_direct_case_is_accepted_after_a_supplement_without_cutoff(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.apply("lab", channel="direct")
    assert world.state(case_id) == "submitted"
    world.at(CUTOFF + timedelta(days=3))
    world.do("organiser", "accept", {"checks": [], "result": "return", "opinion": "印章不清晰"}, case_id)
    assert world.state(case_id) == "returned"
    world.at(CUTOFF + timedelta(days=5))
    given = world.send("lab", case_id, "supplement", summary="补正后的摘要。")
    kinds = world.rows(sa.select(receipt.c.kind, receipt.c.cutoff_at).order_by(receipt.c.id))
    assert kinds == [("application", CUTOFF), ("supplement", None)] and given.received_at == CUTOFF + timedelta(days=5)
    world.do("organiser", "accept", {"checks": ["complete"], "result": "pass", "opinion": ""}, case_id)
    assert world.state(case_id) == "accepted"
    rows = world.rows(sa.select(audit.c.kind, audit.c.result, audit.c.organisation_id).order_by(audit.c.id))
    authority = world.places["authority"]
    assert rows == [("acceptance", "return", authority), ("acceptance", "pass", authority)]


def test_direct_case_that_is_never_supplemented_lapses(world: World) -> None:
    case_id = world.apply("lab", channel="direct")
    world.do("organiser", "accept", {"checks": [], "result": "return", "opinion": "印章不清晰"}, case_id)
    world.at(world.clock.now() + timedelta(days=10))
    assert world.state(case_id) == "lapsed"


def test_direct_case_can_be_refused(world: World) -> None:
    case_id = world.apply("lab", channel="direct")
    world.do("organiser", "accept", {"checks": [], "result": "reject", "opinion": "不属于征集范围"}, case_id)
    assert world.state(case_id) == "rejected"
