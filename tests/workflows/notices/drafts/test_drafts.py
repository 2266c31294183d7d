"""Drafts: every save is a version, nobody overwrites unseen, and who wrote does not release."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import DiagramRefused
from engine.tables import definition
from tests.workflows.notices.drafts.conftest import KEY, Office
from workflows.notices import NoticeInvalid, bundled_notices, deploy_folder, export_notice, get_notice, list_notices
from workflows.notices.drafts import (
    DraftChanged,
    DraftClosed,
    DraftFileRefused,
    DraftFileUnknown,
    DraftKeyRefused,
    DraftReasonMissing,
    DraftUnchanged,
    DraftUnknown,
    Version,
    base_files,
    check_draft,
    count_submitted,
    discard_draft,
    fold_versions,
    get_draft,
    list_drafts,
    list_steps,
    list_versions,
    read_files,
    release_draft,
    remove_file,
    restore_version,
    save_file,
    send_back,
    start_draft,
    submit_draft,
    upload_draft,
    withdraw_draft,
)
from workflows.rules import NotPermitted


def start(office: Office) -> str:
    with office.engine.begin(by=office["designer"].id) as work:
        return start_draft(work, office["designer"], office.notice_id)


def save(office: Office, draft: str, path: str, content: bytes, seen: int, by: str = "designer") -> int:
    with office.engine.begin(by=office[by].id) as work:
        return save_file(work, office[by], draft, path, content, seen=seen)


def file_of(office: Office, draft: str, path: str) -> bytes:
    with office.engine.read() as work:
        return read_files(work, draft, get_draft(work, draft).version)[path]


def renamed(xml: bytes, name: str = "省级初审") -> bytes:
    assert "省级审核".encode() in xml
    return xml.replace("省级审核".encode(), name.encode())


def test_a_draft_begins_as_the_version_it_is_based_on(office: Office) -> None:
    draft_id = start(office)
    with office.engine.read() as work:
        draft = get_draft(work, draft_id)
        assert (draft.key, draft.state, draft.version, draft.base_key, draft.base_version) == (KEY, "editing", 1, KEY, 1)
        assert draft.saved_by == "褚设计" and draft.writers == {office["designer"].id}
        assert read_files(work, draft_id, 1) == export_notice(work, office.notice_id) == base_files(work, draft)
        assert check_draft(work, draft) == []
        assert [each.id for each in list_drafts(work)] == [draft_id]


def test_every_save_is_kept_and_can_come_back(office: Office) -> None:
    draft_id = start(office)
    before = file_of(office, draft_id, "case.bpmn")
    assert save(office, draft_id, "case.bpmn", renamed(before), 1) == 2
    assert save(office, draft_id, "case.bpmn", renamed(before), 2) == 2  # nothing new
    assert save(office, draft_id, "forms/second.form", b"{}", 2, by="second") == 3
    with office.engine.begin(by=office["second"].id) as work:
        assert remove_file(work, office["second"], draft_id, "forms/settlement.form", seen=3) == 4
    with office.engine.begin(by=office["designer"].id) as work:
        assert restore_version(work, office["designer"], draft_id, 1, seen=4) == 5
    with office.engine.read() as work:
        told = [(each.number, each.kind, each.by, each.changed) for each in list_versions(work, draft_id)]
        assert told[:4] == [
            (5, "restored", "褚设计", ("case.bpmn", "forms/second.form", "forms/settlement.form")),
            (4, "saved", "魏设计", ("forms/settlement.form",)),
            (3, "saved", "魏设计", ("forms/second.form",)),
            (2, "saved", "褚设计", ("case.bpmn",)),
        ]
        assert read_files(work, draft_id, 5) == read_files(work, draft_id, 1)
        assert read_files(work, draft_id, 2)["case.bpmn"] == renamed(before)
        with pytest.raises(DraftUnknown):
            read_files(work, draft_id, 6)


def test_only_a_later_change_of_the_same_file_is_a_conflict(plain_office: Office) -> None:
    office = plain_office
    draft_id = start(office)
    before = file_of(office, draft_id, "case.bpmn")
    save(office, draft_id, "case.bpmn", renamed(before), 1, by="second")
    campaign = file_of(office, draft_id, "campaign.bpmn")
    assert save(office, draft_id, "campaign.bpmn", campaign + b"\n", 1) == 3  # another file, seen as it was
    with pytest.raises(DraftChanged) as refused:
        save(office, draft_id, "case.bpmn", before + b"\n", 1)
    assert refused.value.values == {"path": "case.bpmn", "by": "魏设计", "number": 3}
    assert file_of(office, draft_id, "case.bpmn") == renamed(before)
    assert save(office, draft_id, "case.bpmn", before + b"\n", 3) == 4  # after looking at it


def test_what_no_notice_has_is_refused(plain_office: Office) -> None:
    office = plain_office
    draft_id = start(office)
    for path in ("../case.bpmn", "Case.bpmn", "forms/x.json", "notice.yml"):
        with pytest.raises(DraftFileRefused):
            save(office, draft_id, path, b"x", 1)
    with pytest.raises(DraftFileRefused):
        save(office, draft_id, "case.bpmn", b"x" * 2_000_001, 1)
    with office.engine.begin() as work:
        with pytest.raises(DraftFileRefused):
            remove_file(work, office["designer"], draft_id, "notice.yaml", seen=1)
        with pytest.raises(DraftFileUnknown):
            remove_file(work, office["designer"], draft_id, "other.bpmn", seen=1)
        for login in ("releaser", "organiser"):
            with pytest.raises(NotPermitted):
                save_file(work, office[login], draft_id, "case.bpmn", b"x", seen=1)
    with office.engine.read() as work:
        assert len(list_versions(work, draft_id)) == 1


def test_a_folder_can_be_uploaded_with_its_faults(plain_office: Office) -> None:
    office = plain_office
    files = dict(bundled_notices()[KEY])
    with office.engine.begin() as work:
        faulty = {**files, "case.bpmn": b"<no", "notice.yaml": files["notice.yaml"].replace(b"format: 1", b"format: 2")}
        draft_id = upload_draft(work, office["designer"], faulty)
        draft = get_draft(work, draft_id)
        assert (draft.key, draft.based_on) == (KEY, office.notice_id)
        assert [(found.code, found.path) for found in check_draft(work, draft) if found.severity == "error"] == [
            ("ValueNotAllowed", "notice.yaml: format"),
            ("diagram_malformed", "case.bpmn:1"),
        ]
        with pytest.raises(DraftFileRefused):
            upload_draft(work, office["designer"], {**files, "readme.txt": b""})
        with pytest.raises(DraftKeyRefused):
            upload_draft(work, office["designer"], {**files, "notice.yaml": b"a: [1"})


def test_another_person_releases_and_the_rest_is_recorded(office: Office) -> None:
    draft_id = start(office)
    save(office, draft_id, "case.bpmn", renamed(file_of(office, draft_id, "case.bpmn")), 1)
    designer, second, releaser = office["designer"], office["second"], office["releaser"]
    with office.engine.begin(by=designer.id) as work:
        with pytest.raises(DraftClosed):
            release_draft(work, releaser, draft_id, seen=2)  # not handed over
        submit_draft(work, designer, draft_id, seen=2, reason="初审更名")
        assert count_submitted(work) == 1
        with pytest.raises(DraftClosed):
            save_file(work, designer, draft_id, "case.bpmn", b"x", seen=2)
        with pytest.raises(NotPermitted):
            release_draft(work, designer, draft_id, seen=2)
        with pytest.raises(DraftReasonMissing):
            send_back(work, releaser, draft_id, seen=2, reason=" ")
        send_back(work, releaser, draft_id, seen=2, reason="请说明更名依据")
    save(office, draft_id, "forms/audit.form", file_of(office, draft_id, "forms/audit.form") + b"\n", 2, by="second")
    with office.engine.begin(by=second.id) as work:
        submit_draft(work, second, draft_id, seen=3)
        withdraw_draft(work, second, draft_id, seen=3)
        submit_draft(work, second, draft_id, seen=3)
        with pytest.raises(NotPermitted):  # holds the right, but wrote a part of it
            release_draft(work, second, draft_id, seen=3)
        with pytest.raises(DraftChanged):
            release_draft(work, releaser, draft_id, seen=2)
    with office.engine.begin(by=releaser.id) as work:
        notice_id = release_draft(work, releaser, draft_id, seen=3)
    with office.engine.read() as work:
        stored = get_notice(work, notice_id)
        assert (stored.version, stored.source, stored.state) == (2, "person", "deployed")
        assert {row.version for row in work.connection.execute(definition.select()) if row.key == f"{KEY}_case"} == {1, 2}
        draft = get_draft(work, draft_id)
        assert (draft.state, draft.notice_id) == ("released", notice_id)
        assert [(each.kind, each.by, each.version, each.reason) for each in reversed(list_steps(work, draft_id))] == [
            ("submitted", "褚设计", 2, "初审更名"),
            ("sent_back", "蒋审定", 2, "请说明更名依据"),
            ("submitted", "魏设计", 3, None),
            ("withdrawn", "魏设计", 3, None),
            ("submitted", "魏设计", 3, None),
            ("released", "蒋审定", 3, None),
        ]
        assert list_drafts(work) == []
    # a folder of another content comes below it, and what a person released stays the newest
    with office.engine.begin() as work:
        folder = dict(bundled_notices()[KEY])
        folder["case.bpmn"] = renamed(folder["case.bpmn"], "省级复审")
        deploy_folder(work, folder, key=KEY)
        assert [(each.version, each.state) for each in list_notices(work)] == [(3, "draft"), (2, "deployed"), (1, "deployed")]


def test_an_older_version_can_be_released_again_but_not_the_same_twice(plain_office: Office) -> None:
    office = plain_office
    with office.engine.begin() as work:
        draft_id = start_draft(work, office["designer"], office.notice_id)
        submit_draft(work, office["designer"], draft_id, seen=1)
        with pytest.raises(DraftUnchanged):
            release_draft(work, office["releaser"], draft_id, seen=1)
        withdraw_draft(work, office["designer"], draft_id, seen=1)
        content = renamed(read_files(work, draft_id, 1)["case.bpmn"])
        save_file(work, office["designer"], draft_id, "case.bpmn", content, seen=1)
        submit_draft(work, office["designer"], draft_id, seen=2)
        release_draft(work, office["releaser"], draft_id, seen=2)
    with office.engine.begin() as work:
        again = start_draft(work, office["designer"], office.notice_id)
        assert [found.code for found in check_draft(work, get_draft(work, again))] == ["DraftBaseOvertaken"]
        submit_draft(work, office["designer"], again, seen=1)
        stored = get_notice(work, release_draft(work, office["releaser"], again, seen=1))
        assert (stored.version, stored.source) == (3, "person")


@pytest.mark.parametrize(
    ("path", "content", "problem"), [("notice.yaml", b"a: [1", NoticeInvalid), ("case.bpmn", b"<no/>", NoticeInvalid)]
)
def test_a_faulty_draft_is_not_released(
    plain_office: Office, path: str, content: bytes, problem: type[NoticeInvalid | DiagramRefused]
) -> None:
    office = plain_office
    draft_id = start(office)
    save(office, draft_id, path, content, 1)
    with office.engine.begin() as work:
        submit_draft(work, office["designer"], draft_id, seen=2)
        with pytest.raises(problem):
            release_draft(work, office["releaser"], draft_id, seen=2)
        assert get_draft(work, draft_id).state == "submitted"
        assert [each.version for each in list_notices(work)] == [1]


def test_a_draft_is_put_away(plain_office: Office) -> None:
    office = plain_office
    draft_id = start(office)
    with office.engine.begin() as work:
        discard_draft(work, office["designer"], draft_id, seen=1)
        assert list_drafts(work) == []
        assert [each.id for each in list_drafts(work, states=("discarded",))] == [draft_id]
        with pytest.raises(DraftClosed):
            submit_draft(work, office["designer"], draft_id, seen=1)


def test_a_save_that_is_sent_again_is_no_conflict(plain_office: Office) -> None:
    office = plain_office
    draft_id = start(office)
    assert save(office, draft_id, "forms/second.form", b"{}", 1) == 2
    assert save(office, draft_id, "forms/second.form", b"{}", 1) == 2
    with pytest.raises(DraftChanged):
        save(office, draft_id, "forms/second.form", b"[]", 1)


def test_one_file_of_an_older_version_comes_back_and_the_others_stay(plain_office: Office) -> None:
    office = plain_office
    draft_id, who = start(office), office["designer"]
    before = file_of(office, draft_id, "case.bpmn")
    save(office, draft_id, "case.bpmn", renamed(before), 1)
    save(office, draft_id, "forms/second.form", b"{}", 2)
    with office.engine.begin(by=who.id) as work:
        with pytest.raises(DraftFileUnknown):
            restore_version(work, who, draft_id, 1, seen=3, path="forms/second.form")
        with pytest.raises(DraftChanged):
            restore_version(work, who, draft_id, 1, seen=1, path="case.bpmn")
        assert restore_version(work, who, draft_id, 1, seen=3, path="case.bpmn") == 4
        newest = list_versions(work, draft_id)[0]
    assert (newest.kind, newest.changed) == ("restored", ("case.bpmn",))
    assert (file_of(office, draft_id, "case.bpmn"), file_of(office, draft_id, "forms/second.form")) == (before, b"{}")


def test_autosaves_in_a_row_are_told_as_one() -> None:
    at = datetime(2022, 7, 1, tzinfo=UTC)
    lines = [  # the newest first: number, kind, minutes, by, path
        (8, "autosaved", 31, "褚设计", "a"),
        (7, "autosaved", 21, "褚设计", "a"),
        (6, "autosaved", 10, "褚设计", "a"),
        (5, "autosaved", 9, "褚设计", "b"),
        (4, "autosaved", 8, "魏设计", "b"),
        (3, "autosaved", 7, "魏设计", "b"),
        (2, "saved", 6, "魏设计", "b"),
        (1, "started", 0, "褚设计", "b"),
    ]
    versions = [Version(n, kind, at + timedelta(minutes=m), by, (path,), {}) for n, kind, m, by, path in lines]
    assert [(span.newest.number, span.first) for span in fold_versions(versions)] == [
        (8, 7),
        (6, 6),
        (5, 5),
        (4, 3),
        (2, 2),
        (1, 1),
    ]
