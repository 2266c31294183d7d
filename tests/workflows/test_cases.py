"""Cases as different people see them: own, handled, reviewed blind, not at all; and what lists and files give away."""

from __future__ import annotations

import io
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import TaskAlreadyCompleted, TaskUnknown
from tests.workflows.world import CUTOFF, SCAN, World
from workflows import cases, files, inbox
from workflows.cases import CasePage
from workflows.files import AttachmentFieldUnknown, AttachmentUnknown, FileDamaged, FileTypeRefused
from workflows.forms import FormInvalid
from workflows.rules import CaseUnknown, NotPermitted
from workflows.tables import attachment, campaign, case, stored_file

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
OFFICIALS = ("east_auditor", "organiser")
NOBODY = ("lab2", "west_auditor", "union_auditor", "administrator", "designer", "stranger")


def bring_to_review(world: World) -> str:
    """A case of the first laboratory, with two files, that the expert reviews; its id."""
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    proof = world.upload("lab", task_id, PNG, file="演练检测中心lab获奖证书.png", field="attachments")
    changes = {"title": "演练检测中心lab的案例", "summary": "演练检测中心lab的做法。", "attachments": [proof]}
    world.complete("lab", task_id, world.application("lab", task_id, **changes))
    world.settle()
    world.audit("east_auditor", case_id, "pass", "材料属实")
    task_id = world.find_task("recommend", body="east")
    world.complete("east_auditor", task_id, {"ranking": [case_id], "shortfall_reason": "少", "remark": ""})
    world.at(CUTOFF)
    world.do("organiser", "organise_review", {"experts_per_case": 1, "pool": [world["expert"].id], "seed": "s", "remark": ""})
    assert world.state(case_id) in ("reviewing", "recommended")
    return case_id


def listing(world: World, name: str, **options: Any) -> CasePage:
    with world.process_engine.read() as work:
        return cases.list_cases(work, world[name], **options)


def numbers(world: World, name: str, **options: Any) -> list[str]:
    return [line.number for line in listing(world, name, **options).lines]


def hidden(world: World, *names: str, case_id: str) -> None:
    for name in names:
        for each in (case_id, "0" * 32):
            with pytest.raises(CaseUnknown) as refusal:
                world.view(name, each)
            assert (refusal.value.code, refusal.value.values) == ("CaseUnknown", {})


# ---- one case --------------------------------------------------------------------------------------------------------
def test_a_draft_is_its_institutions_alone(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.open_case("lab")
    assert world.view("lab_colleague", case_id).state == "draft"
    hidden(world, *OFFICIALS, *NOBODY, "expert", case_id=case_id)
    assert numbers(world, "lab") == ["samr-2022-0001"] and numbers(world, "organiser") == []


def test_whoever_handles_a_case_sees_it_whole(world: World) -> None:
    case_id = world.apply("lab")
    world.audit("east_auditor", case_id, "return", "数据没有出处")
    for name in ("lab", "lab_colleague", "east_colleague", *OFFICIALS):
        view = world.view(name, case_id)
        assert view.latest is not None and view.institution is not None and view.body is not None and view.marks is not None
        assert (view.blind, view.channel, view.institution.name, view.body.short_name) == (
            False,
            "recommended",
            "演练检测中心lab",
            "北京",
        )
        assert view.latest.values["contact_name"] == "张三丰"
        assert [(line.kind, line.accepted) for line in view.receipts] == [("application", True)]
        assert [(line.result, line.opinion, line.organisation) for line in view.audits] == [("return", "数据没有出处", "北京")]
        assert [file.name for file in view.attachments] == ["盖章.pdf"]
        assert view.marks.current[-1] == "correct" and "audit" in view.marks.done
    hidden(world, *NOBODY, "expert", case_id=case_id)


def test_names_of_officials_stay_in_their_office(world: World) -> None:
    case_id = world.apply("lab")
    world.audit("east_auditor", case_id, "pass", "")
    lines = {name: world.view(name, case_id).history for name in ("lab", "east_colleague", "organiser")}
    who = {
        name: [(line.element_name, line.who.kind, line.who.name) for line in found if line.kind == "completed"]
        for name, found in lines.items()
    }
    mine, audit = "填写申报材料", "省级审核"
    assert who == {
        "lab": [(mine, "person", "人员lab"), (audit, "organisation", "北京")],
        "east_colleague": [(mine, "organisation", "lab"), (audit, "person", "人员east_auditor")],
        "organiser": [(mine, "person", "人员lab"), (audit, "person", "人员east_auditor")],
    }
    assert lines["lab"][0].detail["next"] == [mine]
    assert (
        world.view("lab", case_id).audits[0].by is None
        and world.view("east_colleague", case_id).audits[0].by == "人员east_auditor"
    )
    assert all(len(line.hash) == 64 for line in lines["lab"])


# ---- blind review ----------------------------------------------------------------------------------------------------
def test_an_expert_sees_nothing_of_whose_case_it_is(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = bring_to_review(world)
    view = world.view("expert", case_id)
    assert view.blind and view.latest is not None
    assert (view.institution, view.body, view.channel, view.rank, view.received_at, view.created_at) == (None,) * 6
    assert (view.receipts, view.audits, view.history, view.marks, view.score) == ((), (), (), None, None)
    assert len(view.versions) == 1 and view.latest.submitted_by is None
    shown = set(view.latest.values)
    assert (
        shown & {"institution_name", "institution_kind", "contact_name", "contact_phone", "contact_email", "seal_scan"} == set()
    )
    assert {"title", "summary", "practice"} < shown
    assert [(file.name, file.field) for file in view.attachments] == [("1.png", "attachments")]
    assert [file["name"] for file in view.latest.values["attachments"]] == ["1.png"]
    assert (view.title, view.latest.values["summary"]) == ("×××的案例", "×××的做法。")
    for secret in ("演练检测中心", "获奖证书", "张三丰", "55501234", "example.org", world.places["lab"], world.places["east"]):
        assert secret not in repr(view)


def test_an_experts_task_and_lists_are_blind_too(world: World) -> None:
    case_id = bring_to_review(world)
    task_id = world.find_task("review", case_id)
    with world.process_engine.read() as work:
        (row,) = inbox.list_tasks(work, world["expert"], view="mine").rows
        assert (row.number, row.institution, row.title) == ("samr-2022-0001", None, "×××的案例")
        assert inbox.list_tasks(work, world["expert"], view="mine", text="演练检测").rows == ()  # nor is it found by its unit
    (line,) = listing(world, "expert").lines
    assert line.title == "×××的案例" and listing(world, "organiser").lines[0].title == "演练检测中心lab的案例"
    assert (line.unit, line.body, line.channel, line.rank, line.received_at, line.score) == (None,) * 6
    assert numbers(world, "expert", text="演练检测") == numbers(world, "expert", body_id=world.places["east"]) == []
    assert numbers(world, "expert", text="0001") == ["samr-2022-0001"]
    view = world.open("expert", task_id)
    assert view.case is not None and view.case.blind and "演练检测中心" not in repr(view.case)


def test_an_official_who_reviews_is_as_blind_as_an_expert(world: World) -> None:
    case_id = bring_to_review(world)
    with world.process_engine.begin() as work:
        work.connection.execute(sa.text("UPDATE review SET expert_id = :person"), {"person": world["organiser"].id})
    assert world.view("organiser", case_id).blind
    assert listing(world, "organiser").lines[0].unit is None
    hidden(world, "expert", case_id=case_id)  # whose review it is no more


def test_a_dropped_expert_sees_the_case_no_more(world: World) -> None:
    case_id = bring_to_review(world)
    with world.process_engine.begin() as work:
        work.connection.execute(sa.text("UPDATE review SET state = 'dropped'"))
    hidden(world, "expert", case_id=case_id)
    assert numbers(world, "expert") == []


def test_scores_and_experts_are_the_organisers(world: World) -> None:
    case_id = bring_to_review(world)
    scores = {"distinctiveness": "90", "effectiveness": "80", "typicality": "85", "authenticity": "95"}
    comment = "做法清楚，成效有数据支撑，具有较强的推广价值，建议入选本次案例。"
    world.do("expert", "review", {"no_conflict": True, **scores, "comment": comment}, case_id)
    organiser, auditor, applicant = (world.view(name, case_id) for name in ("organiser", "east_auditor", "lab"))
    assert len(organiser.reviews) == 1 and organiser.reviews[0].expert == "人员expert" and organiser.score is not None
    assert (auditor.reviews, auditor.score, applicant.reviews, applicant.score) == ((), None, (), None)
    assert "人员expert" not in repr(applicant) + repr(auditor) and comment not in repr(applicant) + repr(auditor)
    assert "expert" in {line.who.kind for line in organiser.history}
    assert [review.comment for review in world.view("expert", case_id).reviews] == [comment]


def test_the_selection_is_told_when_it_is_published(world: World) -> None:
    case_id = world.apply("lab")
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(case).values(state="selected"))
        work.connection.execute(sa.update(campaign).values(phase="consulting"))
    assert [world.view(name, case_id).state for name in ("organiser", "east_auditor", "lab")] == [
        "selected",
        "reviewed",
        "reviewed",
    ]
    assert numbers(world, "lab", state="selected") == [] and numbers(world, "lab", state="reviewed") == ["samr-2022-0001"]
    assert numbers(world, "organiser", state="selected") == ["samr-2022-0001"]
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(campaign).values(phase="published"))
    assert world.view("lab", case_id).state == "selected" and listing(world, "lab").lines[0].state == "selected"


# ---- lists -----------------------------------------------------------------------------------------------------------
def test_lists_are_narrowed_searched_and_paged(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    for name, title in (("lab", "水质"), ("lab2", "消防"), ("works", "医学"), ("lab", "数字化")):
        world.apply(name, title=title)
    whole = ["samr-2022-0001", "samr-2022-0002", "samr-2022-0003", "samr-2022-0004"]
    assert numbers(world, "organiser") == whole
    assert numbers(world, "east_auditor") == [whole[0], whole[1], whole[3]]
    assert numbers(world, "lab") == [whole[0], whole[3]] and numbers(world, "works") == [whole[2]]
    assert numbers(world, "administrator") == numbers(world, "expert") == numbers(world, "stranger") == []
    assert numbers(world, "organiser", text="消防") == numbers(world, "organiser", text="LAB2") == [whole[1]]
    assert numbers(world, "organiser", body_id=world.places["west"]) == [whole[2]]
    assert numbers(world, "organiser", campaign_id="other") == [] and numbers(world, "organiser", state="draft") == []
    first = listing(world, "organiser", limit=3)
    assert (len(first.lines), first.after) == (3, whole[2])
    assert numbers(world, "organiser", limit=3, after=first.after) == [whole[3]]
    line = first.lines[0]
    assert (line.unit, line.body, line.channel, line.directions) == ("演练检测中心lab", "北京", "recommended", ("specialised",))
    assert line.received_at == world.clock.now()


# ---- attachments -----------------------------------------------------------------------------------------------------
def opened(world: World, name: str, attachment_id: str) -> files.OpenedAttachment:
    with world.process_engine.read() as work:
        return files.open_attachment(work, world[name], attachment_id)


def test_uploads_are_their_institutions_until_handed_in(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    scan, proof = world.upload("lab", task_id), world.upload("lab", task_id, PNG, file="证明.png", field="attachments")
    found = opened(world, "lab_colleague", scan)
    assert (found.attachment.name, found.attachment.media_type, found.path.read_bytes()) == ("盖章.pdf", "application/pdf", SCAN)
    for name in (*OFFICIALS, *NOBODY, "expert"):
        for each in (scan, "0" * 32):
            with pytest.raises(AttachmentUnknown):
                opened(world, name, each)
    world.complete("lab", task_id, world.application("lab", task_id, seal_scan=[scan], attachments=[]))
    assert opened(world, "east_auditor", scan).path.read_bytes() == SCAN
    with pytest.raises(AttachmentUnknown):
        opened(world, "lab", proof)  # not in the form that was handed in
    for name in (*NOBODY, "expert"):
        with pytest.raises(AttachmentUnknown):
            opened(world, name, scan)


def test_an_expert_opens_only_what_is_shown_blind_under_a_number(world: World) -> None:
    case_id = bring_to_review(world)
    rows = {row.field: row.id for row in world.rows(sa.select(attachment).where(attachment.c.case_id == case_id))}
    found = opened(world, "expert", rows["attachments"])
    assert (found.attachment.name, found.attachment.uploaded_at, found.path.read_bytes()) == ("1.png", None, PNG)
    with pytest.raises(AttachmentUnknown):
        opened(world, "expert", rows["seal_scan"])
    assert opened(world, "organiser", rows["attachments"]).attachment.name == "演练检测中心lab获奖证书.png"


def test_uploads_go_only_to_file_fields_of_ones_own_open_task(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)

    def upload(name: str, task: str, field: str = "seal_scan", file: str = "a.pdf") -> None:
        with world.process_engine.begin() as work:
            files.store_upload(work, world[name], io.BytesIO(SCAN), name=file, task_id=task, field=field)

    for field in ("title", "no_such_field"):
        with pytest.raises(AttachmentFieldUnknown):
            upload("lab", task_id, field)
    for name, task in (("stranger", task_id), ("organiser", task_id), ("lab", "0" * 32)):
        with pytest.raises(TaskUnknown):
            upload(name, task)
    with pytest.raises(FileTypeRefused):
        upload("lab", task_id, file="a.exe")
    with world.process_engine.begin() as work:
        inbox.claim(work, world["lab"], task_id)
    with pytest.raises(NotPermitted):
        upload("lab_colleague", task_id)
    world.complete("lab", task_id, world.application("lab", task_id))
    with pytest.raises(TaskAlreadyCompleted):
        upload("lab", task_id)


def test_the_same_bytes_lie_once_and_damage_is_noticed(world: World) -> None:
    first, second = world.open_case("lab"), world.open_case("works")
    ids = [world.upload(name, world.find_task("apply", case_id)) for name, case_id in (("lab", first), ("works", second))]
    assert len(world.rows(sa.select(attachment))) == 2 and len(world.rows(sa.select(stored_file))) == 1
    path = opened(world, "lab", ids[0]).path
    path.chmod(0o600)
    path.write_bytes(b"%PDF-changed")
    with pytest.raises(FileDamaged):
        opened(world, "works", ids[1])


def test_files_that_were_not_handed_in_can_be_removed(world: World) -> None:
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    wrong, right = world.upload("lab", task_id), world.upload("lab", task_id)
    with world.process_engine.begin() as work:
        files.remove_attachment(work, world["lab_colleague"], wrong)
    with pytest.raises(AttachmentUnknown):
        opened(world, "lab", wrong)
    world.complete("lab", task_id, world.application("lab", task_id, seal_scan=[right]))
    with pytest.raises(TaskAlreadyCompleted), world.process_engine.begin() as work:
        files.remove_attachment(work, world["lab"], right)


def test_another_cases_file_cannot_be_named(world: World) -> None:
    case_id = world.open_case("lab")
    stolen = world.upload("lab", world.find_task("apply", case_id))
    other = world.find_task("apply", world.open_case("works"))
    with pytest.raises(FormInvalid) as refusal:
        world.complete("works", other, world.application("works", other, seal_scan=[stolen]))
    assert [(finding.code, finding.path) for finding in refusal.value.findings] == [("FieldFileUnknown", "seal_scan")]
