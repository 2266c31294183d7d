"""The inbox: what is listed for whom, claiming, completing once, faults all at once, drafts, returning and transferring."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import OperationNotAllowed, TaskAlreadyClaimed, TaskAlreadyCompleted, TaskChanged, TaskUnknown
from engine.history import list_entries
from engine.tables import instance, user_task
from tests.workflows.world import BODY_CUTOFF, CUTOFF, World
from workflows import inbox
from workflows.forms import FormInvalid
from workflows.inbox import listing, picking
from workflows.inbox.acting import DraftTooLarge, ReasonRequired, TransferRefused
from workflows.inbox.picking import PageUnknown
from workflows.rules import NotPermitted
from workflows.tables import application_version, case, draft, receipt


def listed(world: World, name: str, view: str = "mine", **options: Any) -> list[tuple[str, str | None]]:
    with world.process_engine.read() as work:
        page = inbox.list_tasks(work, world[name], view=view, **options)  # type: ignore[arg-type]
    return [(row.name, row.number) for row in page.rows]


def claim(world: World, name: str, task_id: str) -> None:
    with world.process_engine.begin(by=world[name].id) as work:
        inbox.claim(work, world[name], task_id)


def unclaim(world: World, name: str, task_id: str) -> None:
    with world.process_engine.begin(by=world[name].id) as work:
        inbox.unclaim(work, world[name], task_id)


def save(world: World, name: str, task_id: str, data: dict[str, Any]) -> None:
    with world.process_engine.begin(by=world[name].id) as work:
        inbox.save_draft(work, world[name], task_id, data, revision=world.revision(task_id))


# ---- lists -----------------------------------------------------------------------------------------------------------
def test_list_tells_all_that_a_row_needs(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    world.apply("lab")
    task_id = world.find_task("audit")
    claim(world, "east_auditor", task_id)
    with world.process_engine.read() as work:
        (row,) = inbox.list_tasks(work, world["east_auditor"], view="mine").rows
    assert (row.id, row.name, row.element_id, row.form_key, row.revision) == (task_id, "省级审核", "audit", "audit", 2)
    assert (row.campaign_id, row.campaign_title, row.demo) == (world.campaign_id, "优秀案例征集", False)
    assert (row.number, row.title, row.institution) == ("samr-2022-0001", "一项检验检测案例", "演练检测中心lab")
    assert (row.claimed_by, row.due_at, row.overdue, row.state) == ("人员east_auditor", None, False, "open")
    assert row.created_at == world.clock.now()


def test_views_are_mine_groups_and_done(world: World) -> None:
    world.apply("lab")
    assert listed(world, "east_auditor", "groups") == [("报送推荐名单", None), ("省级审核", "samr-2022-0001")]
    assert listed(world, "east_auditor", "mine") == [] and listed(world, "west_auditor", "groups") == [("报送推荐名单", None)]
    claim(world, "east_auditor", world.find_task("audit"))
    assert listed(world, "east_auditor", "mine") == [("省级审核", "samr-2022-0001")]
    assert listed(world, "east_colleague", "groups") == [("报送推荐名单", None)]
    world.do("east_auditor", "audit", {"checks": [], "result": "pass", "opinion": ""})
    assert listed(world, "east_auditor", "mine") == []
    assert listed(world, "east_auditor", "done") == [("省级审核", "samr-2022-0001")]
    assert listed(world, "lab", "done") == [("填写申报材料", "samr-2022-0001")]
    assert listed(world, "stranger", "groups") == listed(world, "administrator", "groups") == []


def test_counts(world: World) -> None:
    world.apply("lab")
    world.apply("lab")
    with world.process_engine.read() as work:
        assert inbox.count_tasks(work, world["east_auditor"]) == inbox.TaskCounts(0, 3, 0)
    claim(world, "east_auditor", world.rows(sa.select(user_task.c.id).where(user_task.c.element_id == "audit"))[0].id)
    world.clock.move_to(CUTOFF)
    with world.process_engine.read() as work:
        assert inbox.count_tasks(work, world["east_auditor"]) == inbox.TaskCounts(1, 2, 1)  # the list is overdue
        assert inbox.count_tasks(work, world["lab"]) == inbox.TaskCounts(0, 0, 0)


def test_search_looks_at_number_title_unit_and_step(world: World) -> None:
    world.apply("lab", title="水质检测百分之50%案例")
    world.apply("lab2", title="消防产品")
    for text, numbers in (
        ("水质", ["samr-2022-0001"]),
        ("0002", ["samr-2022-0002"]),
        ("中心lab2", ["samr-2022-0002"]),
        ("LAB2", ["samr-2022-0002"]),
        ("省级", ["samr-2022-0001", "samr-2022-0002"]),
        ("50%", ["samr-2022-0001"]),
        ("%", ["samr-2022-0001"]),
        ("nothing", []),
    ):
        assert [number for _, number in listed(world, "east_auditor", "groups", text=text) if number] == numbers, text
    assert listed(world, "east_auditor", "groups", campaign_id="another") == []
    assert len(listed(world, "east_auditor", "groups", campaign_id=world.campaign_id)) == 3


def test_pages_follow_each_other_without_gap_or_double(world: World) -> None:
    for _ in range(5):
        world.apply("lab")
    for _ in range(3):
        world.open_case("lab")
    for name, view, whole in (("east_auditor", "groups", 6), ("lab", "groups", 3), ("lab", "done", 5)):
        with world.process_engine.read() as work:
            everything = inbox.list_tasks(work, world[name], view=view).rows  # type: ignore[arg-type]
            assert len(everything) == whole
            for limit in (1, 2, 4):
                found: list[inbox.TaskLine] = []
                after: str | None = None
                while True:
                    page = inbox.list_tasks(work, world[name], view=view, limit=limit, after=after)  # type: ignore[arg-type]
                    found += page.rows
                    if (after := page.next) is None:
                        break
                assert found == list(everything)
    groups = listed(world, "east_auditor", "groups")
    assert groups[0][0] == "报送推荐名单"  # with a due date, so first


def test_several_groups_make_one_list(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lab", "lab2", "lab"):
        world.apply(name)
    roles = frozenset(("auditor", world.places[place]) for place in ("east", "west"))
    both = replace(world["east_auditor"], memberships=roles)

    def pages(limit: int) -> list[str]:
        found: list[str] = []
        after = None
        while not found or after is not None:
            with world.process_engine.read() as work:
                page = inbox.list_tasks(work, both, view="groups", limit=limit, after=after)
            found += [row.id for row in page.rows]
            after = page.next
        return found

    order = sa.select(user_task.c.id).where(user_task.c.element_id.in_(("audit", "recommend")))
    order = order.where(user_task.c.id != world.find_task("recommend", body="union"))
    wanted = [row.id for row in world.rows(order.order_by(user_task.c.due_at.is_(None), user_task.c.due_at, user_task.c.id))]
    assert pages(50) == wanted and len(wanted) == 5
    assert pages(1) == pages(2) == pages(50)
    monkeypatch.setattr(picking, "WAYS", 1)
    assert pages(1) == pages(50) == wanted


def test_counting_ends(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world
    world.make_campaign()
    for _ in range(3):
        world.apply("lab")
    monkeypatch.setattr(listing, "COUNTED", 3)
    with world.process_engine.read() as work:
        assert inbox.count_tasks(work, world["east_auditor"]) == inbox.TaskCounts(0, 3, 0)


@pytest.mark.parametrize(
    "after",
    ["x", "~", "due", "due~~id", "due~yesterday~id", "undated~2022-07-01T00:00:00+00:00~id", "due~2022-07-01~id", "closed~~id"],
)
def test_marks_of_pages_are_checked(world: World, after: str) -> None:
    with world.process_engine.read() as work, pytest.raises(PageUnknown):
        inbox.list_tasks(work, world["east_auditor"], view="groups", after=after)


# ---- claiming --------------------------------------------------------------------------------------------------------
def test_claim_is_exclusive_until_put_back(world: World) -> None:
    world.apply("lab")
    task_id = world.find_task("audit")
    claim(world, "east_auditor", task_id)
    claim(world, "east_auditor", task_id)
    with pytest.raises(TaskAlreadyClaimed):
        claim(world, "east_colleague", task_id)
    with pytest.raises(TaskAlreadyClaimed):
        world.complete("east_colleague", task_id, {"checks": [], "result": "pass", "opinion": ""})
    assert world.open("east_colleague", task_id).allowed == frozenset()
    assert world.open("east_auditor", task_id).allowed == {"unclaim", "complete", "draft", "plan", "return", "transfer"}
    unclaim(world, "east_auditor", task_id)
    claim(world, "east_colleague", task_id)
    with pytest.raises(TaskUnknown):
        claim(world, "west_auditor", task_id)
    with pytest.raises(TaskUnknown):
        claim(world, "west_auditor", "unknown")


# ---- completing ------------------------------------------------------------------------------------------------------
def test_all_faults_of_a_form_are_told_at_once_and_nothing_is_lost(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    typed = {"title": "题" * 61, "contact_email": "nobody", "contact_phone": "12", "summary": "打了很多字", "originality": False}
    with pytest.raises(FormInvalid) as refusal:
        world.complete("lab", task_id, typed)
    paths = [finding.path for finding in refusal.value.findings]
    assert len(paths) == len(set(paths)) and {"title", "contact_email", "contact_phone", "seal_scan", "originality"} < set(paths)
    assert (world.state(case_id), world.revision(task_id)) == ("draft", 1)
    assert world.rows(sa.select(receipt)) == world.rows(sa.select(application_version)) == []
    view = world.open("lab", task_id)
    assert (view.values["title"], view.values["summary"]) == (typed["title"], "打了很多字") and view.draft_at is not None
    assert world.open("lab_colleague", task_id).draft_at is None  # a draft is its writer's alone


def test_stale_page_is_refused_and_the_text_kept(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    data = world.application("lab", task_id)
    claim(world, "lab_colleague", task_id)
    unclaim(world, "lab_colleague", task_id)
    with pytest.raises(TaskChanged):
        world.complete("lab", task_id, data, revision=1)
    assert world.open("lab", task_id).values["summary"] == "摘要。" and world.state(case_id) == "draft"
    world.complete("lab", task_id, data, revision=3)
    assert world.state(case_id) == "submitted"


def test_the_slower_of_two_keeps_what_was_typed(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    data = world.application("lab", task_id)
    world.complete("lab", task_id, data, revision=1)
    with pytest.raises(TaskAlreadyCompleted):
        world.complete("lab_colleague", task_id, {**data, "summary": "同事的摘要。"}, revision=1)
    assert world.open("lab_colleague", task_id).values["summary"] == "同事的摘要。"
    (version,) = world.rows(sa.select(application_version.c.data))
    assert version.data["summary"] == "摘要。"


def test_nobody_else_learns_whether_a_task_exists(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    answers = []
    for name in ("stranger", "lab2", "east_auditor", "organiser", "administrator"):
        for each in (task_id, "0" * 32):
            with pytest.raises(TaskUnknown) as refusal:
                world.complete(name, each, {}, revision=1)
            answers.append((refusal.value.code, str(refusal.value.values)))
            with pytest.raises(TaskUnknown):
                world.open(name, each)
            with pytest.raises(TaskUnknown):
                save(world, name, task_id, {})
    assert len(set(answers)) == 1 and world.rows(sa.select(draft)) == []


def test_read_only_values_are_ours_not_the_browsers(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    assert world.open("lab", task_id).values["institution_name"] == "演练检测中心lab"
    world.complete("lab", task_id, world.application("lab", task_id, institution_name="别的单位"))
    (version,) = world.rows(sa.select(application_version.c.data))
    assert version.data["institution_name"] == "演练检测中心lab"


def test_a_failing_step_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    data = world.application("lab", task_id)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("workflows.applications.receiving.queue_letter", fail)
    with pytest.raises(RuntimeError):
        world.complete("lab", task_id, data, key="once", revision=1)
    assert world.rows(sa.select(receipt)) == world.rows(sa.select(application_version)) == []
    assert (world.state(case_id), world.revision(task_id)) == ("draft", 1)
    monkeypatch.undo()
    world.complete("lab", task_id, data, key="once", revision=1)  # the key was not used up
    assert world.state(case_id) == "submitted"


# ---- drafts ----------------------------------------------------------------------------------------------------------
def test_draft_lies_over_the_last_version_and_goes_when_done(world: World) -> None:
    case_id = world.apply("lab")
    world.audit("east_auditor", case_id, "return")
    task_id = world.find_task("correct", case_id)
    save(world, "lab", task_id, {"summary": "改了一半"})
    save(world, "lab", task_id, {"summary": "改了一多半", "no_such_field": "x"})
    view = world.open("lab", task_id)
    assert (view.values["summary"], view.values["background"]) == ("改了一多半", "背景。") and "no_such_field" not in view.values
    assert [file.field for file in view.files] == ["seal_scan"]  # of the last version, without uploading again
    world.complete("lab", task_id, {**view.values, "summary": "改完了"})
    assert world.rows(sa.select(draft)) == []
    last = world.view("lab", case_id).latest
    assert last is not None and last.version == 2 and last.values["summary"] == "改完了"
    assert last.values["seal_scan"][0]["name"] == "盖章.pdf"


def test_drafts_are_bounded_and_only_for_who_may_complete(world: World) -> None:
    case_id = world.apply("lab")
    task_id = world.find_task("audit", case_id)
    with pytest.raises(DraftTooLarge):
        save(world, "east_auditor", task_id, {"opinion": "x" * 2_000_000})
    claim(world, "east_auditor", task_id)
    with pytest.raises(TaskAlreadyClaimed):
        save(world, "east_colleague", task_id, {"opinion": "x"})
    done = world.rows(sa.select(user_task.c.id).where(user_task.c.state == "completed", user_task.c.element_id == "apply"))[0].id
    with pytest.raises(TaskAlreadyCompleted):
        save(world, "lab", done, {"title": "x"})


# ---- return and transfer ---------------------------------------------------------------------------------------------
def test_transfer_goes_to_a_colleague_with_a_reason(world: World) -> None:
    case_id = world.apply("lab")
    task_id = world.find_task("audit", case_id)
    view = world.open("east_auditor", task_id)
    assert [each.login for each in view.colleagues] == ["east_colleague"]

    def transfer(to: str, reason: str = "出差") -> None:
        with world.process_engine.begin(by=world["east_auditor"].id) as work:
            inbox.transfer(work, world["east_auditor"], task_id, to, reason)

    for stranger in (world["west_auditor"].id, "unknown"):
        with pytest.raises(TransferRefused):
            transfer(stranger)
    for reason in ("", " \n", "长" * 1001):
        with pytest.raises(ReasonRequired):
            transfer(world["east_colleague"].id, reason)
    transfer(world["east_colleague"].id)
    assert listed(world, "east_colleague") == [("省级审核", "samr-2022-0001")]
    with pytest.raises(TaskAlreadyClaimed):
        world.complete("east_auditor", task_id, {"result": "pass"})
    instance_id = world.scalar(sa.select(instance.c.id).where(instance.c.business_key == world.number(case_id)))
    with world.process_engine.read() as work:
        assert list_entries(work, instance_id)[-1].detail["reason"] == "出差"


def test_what_the_diagram_does_not_allow_is_refused(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    assert world.open("lab", task_id).allowed == {"claim", "complete", "draft", "plan"}
    with pytest.raises(OperationNotAllowed), world.process_engine.begin(by=world["lab"].id) as work:
        inbox.transfer(work, world["lab"], task_id, world["lab_colleague"].id, "出差")
    with pytest.raises(OperationNotAllowed), world.process_engine.begin(by=world["lab"].id) as work:
        inbox.return_(work, world["lab"], task_id, "apply", "再想想")
    with pytest.raises(NotPermitted), world.process_engine.begin(by=world["lab"].id) as work:
        inbox.unclaim(work, world["lab"], task_id)


def test_auditor_returns_to_the_applicant(world: World) -> None:
    case_id = world.apply("lab")
    task_id = world.find_task("audit", case_id)
    view = world.open("east_auditor", task_id)
    assert [(target.element_id, target.name) for target in view.return_targets] == [("apply", "填写申报材料")]
    save(world, "east_auditor", task_id, {"opinion": "想好了再写"})
    with world.process_engine.begin(by=world["east_auditor"].id) as work:
        inbox.return_(work, world["east_auditor"], task_id, "apply", "材料不全", revision=view.revision)
    assert world.rows(sa.select(draft)) == []
    assert world.state(case_id) == "returned"
    again = world.open("lab", world.find_task("apply", case_id))
    assert again.values["summary"] == "摘要。" and again.case is not None
    returned = [line for line in again.case.history if line.kind == "returned"]
    assert [(line.element_name, line.detail["to"], line.detail["reason"], line.who.kind) for line in returned] == [
        ("省级审核", "填写申报材料", "材料不全", "organisation")
    ]
    world.send("lab", case_id, summary="补全了。")
    assert world.scalar(sa.select(sa.func.max(application_version.c.version))) == 2
    assert world.state(case_id) == "submitted"


def test_nothing_is_returned_to_a_step_whose_time_is_over(world: World) -> None:
    case_id = world.apply("lab")
    task_id = world.find_task("audit", case_id)
    world.at(BODY_CUTOFF)
    assert world.open("east_auditor", task_id).return_targets == ()  # the step's timer would end the case at once
    with pytest.raises(OperationNotAllowed), world.process_engine.begin(by=world["east_auditor"].id) as work:
        inbox.return_(work, world["east_auditor"], task_id, "apply", "材料不全")
    world.audit("east_auditor", case_id, "return")  # the diagram's own way is bound by the organiser's cut-off
    assert world.state(case_id) == "returned"


def test_received_at_stays_that_of_the_first_complete_application(world: World) -> None:
    case_id = world.apply("lab")
    first = world.clock.now()
    world.at(first + timedelta(days=2))
    world.audit("east_auditor", case_id, "return")
    world.at(BODY_CUTOFF + timedelta(days=1))
    world.send("lab", case_id, "correct")
    assert world.scalar(sa.select(case.c.received_at)) == first
