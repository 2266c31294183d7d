"""Late submissions: refused, within grace, or taken with a reason and perhaps refused after all, by what the campaign says."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import resources
from typing import Any

import pytest
import sqlalchemy as sa

from engine.model import Definition, read_diagram
from engine.states import read_state
from engine.tables import history, instance, timer
from engine.verification import verify_history
from tests.workflows.world import BODY_CUTOFF, CUTOFF, SECOND, World
from workflows import extensions, inbox
from workflows.applications import CaseNotLate, LatenessDecided, LatenessDecidedThere, LateRefusalInvalid, refuse_late
from workflows.campaigns import CampaignInvalid
from workflows.campaigns.lateness import list_early
from workflows.campaigns.windows import TooLate
from workflows.extensions import ExtensionRefused, Plan
from workflows.forms import FormInvalid
from workflows.rules import NotPermitted
from workflows.tables import audit, campaign, case, draft, extension, receipt, recommending_body, window

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
GRACE = {"late_submissions": "grace", "grace_minutes": 30}
LATE = {"late_submissions": "accept_late", "late_days": 3}


def receipts(world: World) -> list[tuple[Any, ...]]:
    """(kind, accepted, moment, cut-off, lateness, reason) of all receipts, in their order."""
    columns = (receipt.c.kind, receipt.c.accepted, receipt.c.received_at, receipt.c.cutoff_at)
    rows = world.rows(
        sa.select(*columns, receipt.c.lateness, receipt.c.late_reason).order_by(receipt.c.received_at, receipt.c.id)
    )
    return [tuple(row) for row in rows]


def change(world: World, policy: str, extent: int | None = None) -> Plan:
    """The organiser previews and confirms another policy; the background does its part."""
    world.process_engine.bulk.update(
        {key: op for key, op in extensions.OPERATIONS.items() if key not in world.process_engine.bulk}
    )
    who = world["organiser"]
    with world.process_engine.begin(by=who.id) as work:
        extensions.hold_campaign(work, world.campaign_id)
        asked = extensions.ask_lateness(work, world.campaign_id, policy, extent)
        plan = extensions.preview_extension(work, who, world.campaign_id, asked)
        extensions.extend(
            work, who, world.campaign_id, asked, digest=plan.digest, reason="网络拥堵", document_number="〔2022〕9号"
        )
    world.settle()
    return plan


def refuse(world: World, case_id: str, reason: str = "无正当理由", name: str = "organiser") -> None:
    with world.process_engine.begin(by=world[name].id) as work:
        refuse_late(work, world[name], case_id, reason)
    world.settle()


def refused(world: World, name: str, task_id: str, data: dict[str, Any]) -> list[str]:
    """What is told of a form that is not taken, code and place."""
    with pytest.raises(FormInvalid) as fault:
        world.complete(name, task_id, data)
    with world.process_engine.begin() as work:  # a page asks the same beside files that it refuses
        assert inbox.find_faults(work, world[name], task_id, data) == list(fault.value.findings)
    assert world.scalar(sa.select(draft.c.data).where(draft.c.task_id == task_id)) == data  # nothing typed is lost
    return [f"{finding.code} {finding.path}" for finding in fault.value.findings]


def armed(world: World, element_id: str) -> set[datetime]:
    """When the armed timers of an element are due."""
    query = sa.select(timer.c.due_at).where(timer.c.element_id == element_id, timer.c.state == "armed")
    return {row.due_at for row in world.rows(query)}


# ---- grace -----------------------------------------------------------------------------------------------------------
def test_within_grace_it_counts_as_in_time_and_the_receipt_says_so(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings=GRACE)
    case_id, other = world.open_case("lab"), world.open_case("lab2")
    ends = BODY_CUTOFF + 30 * MINUTE
    assert armed(world, "apply_cutoff") == {ends}
    moment = BODY_CUTOFF + 29 * MINUTE + 59 * SECOND
    world.at(moment)
    world.send("lab", case_id)
    assert world.state(case_id) == "submitted"
    assert world.scalar(sa.select(case.c.late_at).where(case.c.id == case_id)) is None
    task_id = world.find_task("apply", other)
    partly = {**world.application("lab2", task_id), "title": "", "practice": None}
    world.at(ends - SECOND, due=False)
    assert refused(world, "lab2", task_id, partly) == ["FieldRequired title", "FieldRequired practice"]
    world.at(ends, due=False)  # that it is late is told with all else, and nobody mends it to be refused then
    assert refused(world, "lab2", task_id, partly) == ["TooLate None", "FieldRequired title", "FieldRequired practice"]
    with pytest.raises(TooLate):
        world.send("lab2", other)
    assert receipts(world) == [
        ("application", True, moment, BODY_CUTOFF, "grace", None),
        ("application", False, ends, BODY_CUTOFF, None, None),
    ]
    world.settle()
    assert world.state(other) == "lapsed"


def test_the_collection_and_the_lists_stay_open_within_grace(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings=GRACE)
    direct = world.open_case("lab2", channel="direct")
    ends = CUTOFF + 30 * MINUTE
    assert armed(world, "await_cutoff") == armed(world, "recommend_cutoff") == {ends}
    world.at(CUTOFF + MINUTE)
    world.send("lab2", direct)
    listed = world.find_task("recommend", body="east")
    world.complete("east_auditor", listed, {"ranking": [], "shortfall_reason": "无", "remark": ""})
    assert [line[-2] for line in receipts(world)] == ["grace", "grace"]
    at = world.scalar(sa.select(recommending_body.c.recommended_at).where(recommending_body.c.recommended_at.is_not(None)))
    assert at == CUTOFF + MINUTE
    assert world.scalar(sa.select(campaign.c.phase)) == "collecting"
    world.at(ends)
    assert world.scalar(sa.select(campaign.c.phase)) == "reviewing"
    assert world.state(direct) == "submitted"


# ---- taken late ------------------------------------------------------------------------------------------------------
def test_what_is_late_is_taken_with_a_reason_and_marked(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings=LATE)
    case_id = world.open_case("lab")
    world.at(BODY_CUTOFF + MINUTE)
    task_id = world.find_task("apply", case_id)
    view = world.open("lab", task_id)
    assert view.form is not None
    assert "late_reason" in view.form.by_key
    whole = world.application("lab", task_id)
    with pytest.raises(FormInvalid) as missing:
        world.complete("lab", task_id, whole)
    assert [(finding.code, finding.path) for finding in missing.value.findings] == [("LateReasonMissing", "late_reason")]
    assert world.scalar(sa.select(draft.c.data))["title"] == whole["title"]  # nothing typed is lost
    assert receipts(world) == []
    assert refused(world, "lab", task_id, {**whole, "title": ""}) == ["LateReasonMissing late_reason", "FieldRequired title"]
    assert refused(world, "lab", task_id, {**whole, "title": "", "late_reason": "系统故障"}) == ["FieldRequired title"]
    world.complete("lab", task_id, {**whole, "late_reason": "系统故障"})
    world.settle()
    assert receipts(world) == [("application", True, BODY_CUTOFF + MINUTE, BODY_CUTOFF, "accept_late", "系统故障")]
    assert world.state(case_id) == "submitted"
    seen = world.view("organiser", case_id)
    assert (seen.late_at, seen.receipts[0].late_reason) == (BODY_CUTOFF + MINUTE, "系统故障")


def test_before_the_cutoff_no_reason_is_asked_for(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings=LATE)
    case_id = world.open_case("lab")
    view = world.open("lab", world.find_task("apply", case_id))
    assert view.form is not None
    assert "late_reason" not in view.form.by_key
    world.at(BODY_CUTOFF - SECOND)
    world.send("lab", case_id)
    assert receipts(world) == [("application", True, BODY_CUTOFF - SECOND, BODY_CUTOFF, None, None)]


def test_a_case_is_begun_late_and_audited_and_listed(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings=LATE)
    world.at(BODY_CUTOFF + DAY)
    case_id = world.open_case("lab")
    assert armed(world, "apply_cutoff") == {BODY_CUTOFF + 3 * DAY}
    world.send("lab", case_id, late_reason="出差")
    world.audit("east_auditor", case_id)
    world.at(CUTOFF + DAY)  # the list itself is late
    task_id = world.find_task("recommend", body="east")
    data = {"ranking": [case_id], "shortfall_reason": "数量有限", "remark": ""}
    with pytest.raises(FormInvalid) as missing:
        world.complete("east_auditor", task_id, data)
    assert [(finding.code, finding.path) for finding in missing.value.findings] == [("FieldRequired", "late_reason")]
    world.complete("east_auditor", task_id, {**data, "late_reason": "汛期"})
    world.settle()
    assert world.state(case_id) == "recommended"
    assert receipts(world)[-1][-2:] == ("accept_late", "汛期")
    assert world.scalar(sa.select(campaign.c.phase)) == "collecting"
    world.at(CUTOFF + 3 * DAY)
    assert world.scalar(sa.select(campaign.c.phase)) == "reviewing"
    with pytest.raises(TooLate):
        world.open_case("lab2", channel="direct")


# ---- refused after all -----------------------------------------------------------------------------------------------
def test_the_organiser_refuses_a_late_case_in_the_collection_or_after_its_list(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings=LATE)
    world.at(BODY_CUTOFF + DAY)
    first, second = world.open_case("lab"), world.open_case("lab")
    world.send("lab", first, late_reason="出差", title="甲")
    world.send("lab", second, late_reason="出差", title="乙")
    with pytest.raises(NotPermitted):
        refuse(world, first, name="east_auditor")
    with pytest.raises(LateRefusalInvalid):
        refuse(world, first, " ")
    refuse(world, first)
    assert world.state(first) == "rejected"
    world.audit("east_auditor", second)
    task_id = world.find_task("recommend", body="east")
    world.complete("east_auditor", task_id, {"ranking": [second], "shortfall_reason": "无", "remark": ""})
    world.settle()
    refuse(world, second)
    assert world.state(second) == "rejected"
    states = dict(world.rows(sa.select(instance.c.business_key, instance.c.state)))  # type: ignore[arg-type]
    assert (states[world.number(first)], states[world.number(second)]) == ("ended", "cancelled")
    with pytest.raises(LatenessDecided):
        refuse(world, second)
    reasons = world.rows(sa.select(audit.c.case_id, audit.c.result, audit.c.opinion).where(audit.c.kind == "lateness"))
    assert {tuple(row) for row in reasons} == {(first, "reject", "无正当理由"), (second, "reject", "无正当理由")}
    told = world.rows(sa.select(history.c.instance_id).where(history.c.kind == "late_refused"))
    assert len(told) == 2
    with world.process_engine.read() as work:
        assert verify_history(work).broken is None


def test_what_came_in_time_or_is_with_the_organiser_is_not_refused_for_being_late(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings=LATE)
    in_time, direct = world.apply("lab"), world.open_case("lab2", channel="direct")
    with pytest.raises(CaseNotLate):
        refuse(world, in_time)
    world.at(CUTOFF + DAY)
    world.send("lab2", direct, late_reason="出差")
    with pytest.raises(LatenessDecidedThere):
        refuse(world, direct)
    world.do("organiser", "accept", {"checks": ["complete"], "result": "reject", "opinion": "逾期"}, direct)
    assert world.state(direct) == "rejected"


# ---- another policy in a running campaign ----------------------------------------------------------------------------
def test_a_running_campaign_takes_late_submissions_from_now_on(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id, direct = world.open_case("lab"), world.open_case("lab2", channel="direct")
    plan = change(world, "accept_late", 3)
    assert plan.windows == plan.tasks == plan.reminders == ()
    assert {(row.element_id, row.old, row.new) for row in plan.timers} == {
        ("apply_cutoff", BODY_CUTOFF, BODY_CUTOFF + 3 * DAY),
        ("apply_cutoff", CUTOFF, CUTOFF + 3 * DAY),
        ("await_cutoff", CUTOFF, CUTOFF + 3 * DAY),
        ("recommend_cutoff", CUTOFF, CUTOFF + 3 * DAY),
    }
    with world.process_engine.read() as work:
        for row in work.connection.execute(sa.select(timer).where(timer.c.kind == "event", timer.c.state == "armed")).all():
            _, document = read_state(work, row.instance_id)
            assert datetime.fromisoformat(document["t"][row.token]["due"][row.element_id][0]) == row.due_at
        assert verify_history(work).broken is None
    found = world.rows(sa.select(extension))[0]
    assert (found.dates, found.late["old"]["late_submissions"], found.late["new"]) == (
        [],
        "refuse",
        {"late_submissions": "accept_late", "grace_minutes": 30, "late_days": 3},
    )
    kinds = world.rows(sa.select(history.c.kind).where(history.c.kind == "late_policy_set"))
    assert len(kinds) == 3  # of the campaign and of both cases
    world.at(BODY_CUTOFF + DAY)
    world.send("lab", case_id, late_reason="出差")
    with pytest.raises(ExtensionRefused) as refusal:
        change(world, "refuse")
    assert [finding.code for finding in refusal.value.findings] == ["LateTakenAway"]
    world.at(CUTOFF + 3 * DAY)
    assert world.state(direct) == "lapsed"


def test_an_extension_keeps_what_is_taken_after_the_cutoff(small_world: World) -> None:
    world = small_world
    world.make_campaign(settings=GRACE)
    case_id = world.open_case("lab")
    world.process_engine.bulk.update(extensions.OPERATIONS)
    who = world["organiser"]
    with world.process_engine.begin(by=who.id) as work:
        asked = extensions.ask_extension(work, world.campaign_id, "collection_cutoff", "2022-08-20")
        plan = extensions.preview_extension(work, who, world.campaign_id, asked)
        extensions.extend(work, who, world.campaign_id, asked, digest=plan.digest, reason="汛期", document_number="1")
    world.settle()
    later = BODY_CUTOFF + 10 * DAY
    assert armed(world, "apply_cutoff") == {later + 30 * MINUTE}
    assert {row.closes_at - row.cutoff_at for row in world.rows(sa.select(window))} == {30 * MINUTE}
    world.at(later + MINUTE)
    world.send("lab", case_id)
    assert world.state(case_id) == "submitted"


@pytest.mark.parametrize(
    ("policy", "extent", "code"),
    [
        ("sometimes", None, "LatePolicyUnknown"),
        ("grace", None, "LateExtentInvalid"),
        ("grace", 1_441, "LateExtentInvalid"),
        ("accept_late", 0, "LateExtentInvalid"),
        ("refuse", None, "LateAlreadySo"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_reason(world: World, policy: str, extent: int | None, code: str) -> None:
    with pytest.raises(ExtensionRefused) as refusal:
        change(world, policy, extent)
    assert [finding.code for finding in refusal.value.findings] == [code]


def _read(xml: bytes) -> Definition:
    definition = read_diagram(xml, name="drawn").definition
    assert definition is not None
    return definition


def test_diagrams_that_close_at_the_cutoff_take_nothing_late() -> None:
    """Ours wait for `closes`; one that ends at the cut-off itself is named with its element."""
    folder = resources.files("bpmn")
    for notice in ("samr_2022_932", "samr_2022_932_province", "hubei_2023", "samr_2021_34", "jiangxi_2022"):
        for file in (folder / notice).iterdir():
            if file.name.endswith(".bpmn"):
                assert list_early(_read(file.read_bytes())) == []
    drawn = (folder / "samr_2022_932" / "case.bpmn").read_bytes().replace(b"${closes}", b"${cutoff}")
    assert list_early(_read(drawn)) == ["apply_cutoff"]
    drawn = (folder / "samr_2022_932" / "campaign.bpmn").read_bytes().replace(b"${closes}", b"${dates.collection_cutoff}")
    assert sorted(list_early(_read(drawn))) == ["await_cutoff", "recommend_cutoff"]


def test_a_setting_out_of_its_bounds_makes_no_campaign(small_world: World) -> None:
    with pytest.raises(CampaignInvalid) as refusal:
        small_world.make_campaign(settings={"late_submissions": "perhaps", "grace_minutes": 0})
    assert {finding.path for finding in refusal.value.findings} == {"settings.late_submissions", "settings.grace_minutes"}
