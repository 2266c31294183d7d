"""A notice's folder kept elsewhere: a draft begun, written file by file at the version that was read, checked and released."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from tests.api.rest.conftest import Caller
from workflows.notices import list_notices


@pytest.fixture
def notice_id(place: Any) -> str:
    """The notice of the world."""
    with place.engine.read() as work:
        (found,) = list_notices(work)
    return str(found.id)


@pytest.fixture
def begun(call: Any, notice_id: str) -> tuple[Caller, str]:
    """The designer's program, and a draft of the notice's next version."""
    caller = call("designer")
    answer = caller.post("/drafts", {"kind": "next", "notice": notice_id})
    assert answer.status_code == 201
    return caller, f"/drafts/{answer.json['draft']}"


def test_from_the_first_file_to_the_release(begun: tuple[Caller, str], call: Any, place: Any) -> None:
    caller, draft = begun
    form = caller.get(f"{draft}/files/forms/audit.form")
    content = json.loads(form.json["text"])
    content["components"].insert(0, {"type": "text", "id": "Field_hint", "text": "请逐项核对。"})
    saved = caller.put(
        f"{draft}/files/forms/audit.form", {"text": json.dumps(content, ensure_ascii=False)}, If_Match=form.headers["ETag"]
    )
    assert (saved.status_code, saved.json["revision"]) == (200, 2)
    whole = caller.get(draft)
    assert (whole.json["version"], whole.json["state"], whole.json["base_key"]) == (2, "editing", "samr_2022_932")
    assert "forms/audit.form" in {each["path"] for each in whole.json["files"]}
    checked = caller.get(f"{draft}/check").json
    assert (checked["version"], checked["refused"]) == (2, False)
    handed = caller.post(f"{draft}/submit", {"reason": "加了提示"}, headers={"If-Match": whole.headers["ETag"]})
    assert (handed.status_code, handed.json["state"]) == (200, "submitted")
    releaser = call("releaser")
    waiting = releaser.get("/drafts?state=submitted").json["items"]
    assert [each["id"] for each in waiting] == [whole.json["id"]]
    tag = {"If-Match": releaser.get(draft).headers["ETag"]}
    unsaid = releaser.post(f"{draft}/return", {}, headers=tag)
    assert (unsaid.status_code, unsaid.json["code"]) == (422, "DraftReasonMissing")
    released = releaser.post(f"{draft}/release", {}, headers=tag, key="release")
    assert (released.status_code, released.json["state"]) == (200, "released")
    assert releaser.post(f"{draft}/release", {}, headers=tag, key="release").json == released.json
    assert caller.get("/notices/samr_2022_932").json["version"] == 2
    assert [each["kind"] for each in caller.get(draft).json["steps"]] == ["released", "submitted"]


def test_only_a_change_of_the_same_file_is_in_the_way(begun: tuple[Caller, str]) -> None:
    caller, draft = begun
    tag = caller.get(draft).headers["ETag"]
    assert caller.put(f"{draft}/files/notice.yaml", {"text": "key: one\n"}, If_Match=tag).json["revision"] == 2
    assert caller.put(f"{draft}/files/forms/new.form", {"text": "{}"}, If_Match=tag).json["revision"] == 3
    refused = caller.put(f"{draft}/files/notice.yaml", {"text": "key: two\n"}, If_Match=tag)
    assert (refused.status_code, refused.json["code"]) == (412, "DraftChanged")
    assert "褚设计" in refused.json["detail"]
    assert caller.put(f"{draft}/files/notice.yaml", {"text": "x"}).status_code == 428
    assert caller.get(f"{draft}/files/notice.yaml").json["text"] == "key: one\n"
    assert caller.get(f"{draft}/files/notice.yaml?version=1").json["text"] != "key: one\n"
    late = caller.post(f"{draft}/submit", {}, headers={"If-Match": tag})
    assert (late.status_code, late.json["code"]) == (412, "DraftChanged")


def test_files_are_taken_out_and_versions_brought_back(begun: tuple[Caller, str]) -> None:
    caller, draft = begun
    gone = caller.client.delete(f"/api/v1{draft}/files/forms/audit.form", headers=caller.proof({"If_Match": '"1"'}))
    assert (gone.status_code, gone.json["revision"]) == (200, 2)
    assert caller.get(f"{draft}/files/forms/audit.form").status_code == 404
    kept = caller.client.delete(f"/api/v1{draft}/files/notice.yaml", headers=caller.proof({"If_Match": '"2"'}))
    assert (kept.status_code, kept.json["code"]) == (422, "DraftFileRefused")
    assert caller.post(f"{draft}/restore", {"version": 1}, headers={"If-Match": '"2"'}).json["revision"] == 3
    first = caller.get(f"{draft}/versions?limit=2")
    assert [(each["number"], each["kind"]) for each in first.json["items"]] == [(3, "restored"), (2, "saved")]
    rest = caller.get(f"{draft}/versions?limit=2&cursor={first.json['next']}").json
    assert ([each["number"] for each in rest["items"]], rest["next"]) == ([1], None)
    assert first.json["items"][0]["files"] == rest["items"][0]["files"]


def test_a_folder_goes_out_as_an_archive_and_comes_in_as_another_draft(begun: tuple[Caller, str]) -> None:
    caller, draft = begun
    archive = caller.get(f"{draft}/archive").data
    answer = caller.post("/drafts/archives", data={"file": (io.BytesIO(archive), "folder.zip")})
    assert answer.status_code == 201
    assert caller.get(f"/drafts/{answer.json['draft']}").json["files"] == caller.get(draft).json["files"]
    broken = caller.post("/drafts/archives", data={"file": (io.BytesIO(archive[:50]), "folder.zip")})
    assert (broken.status_code, broken.json["code"]) == (422, "ArchiveRefused")


def test_a_file_that_is_no_utf_8_is_told_and_kept_in_the_archive(begun: tuple[Caller, str]) -> None:
    caller, draft = begun
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(caller.get(f"{draft}/archive").data)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, "关".encode("gb18030") if name.endswith("audit.form") else old.read(name))
    made = caller.post("/drafts/archives", data={"file": (io.BytesIO(target.getvalue()), "folder.zip")}).json["draft"]
    answer = caller.get(f"/drafts/{made}/files/forms/audit.form")
    assert (answer.status_code, answer.json["code"]) == (409, "DraftFileNotText")
    with zipfile.ZipFile(io.BytesIO(caller.get(f"/drafts/{made}/archive").data)) as kept:
        assert kept.read("samr_2022_932/forms/audit.form") == "关".encode("gb18030")


def test_a_notice_is_cloned_for_another_year(call: Any, notice_id: str) -> None:
    caller = call("designer")
    asked = {"kind": "clone", "notice": notice_id, "key": "samr_2023", "years": 1}
    made = caller.post("/drafts", asked).json["draft"]
    assert caller.get(f"/drafts/{made}").json["key"] == "samr_2023"
    taken = caller.post("/drafts", asked)
    assert (taken.status_code, taken.json["code"]) == (422, "DraftKeyRefused")
