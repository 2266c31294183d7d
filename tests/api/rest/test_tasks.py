"""Tasks by programs: the same steps as on the pages; once for each key, at the revision that was read, all faults at once."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.due import run_due
from tests.api.rest.conftest import PDF, Caller


@pytest.fixture
def begun(call: Any, place: Any) -> tuple[Caller, dict[str, str]]:
    """An applicant's program, and the case and task that it began."""
    caller = call("applicant")
    answer = caller.post(f"/campaigns/{place.campaign}/applications", {"channel": "recommended"})
    assert answer.status_code == 201
    return caller, answer.get_json()


def upload_seal(caller: Caller, case: dict[str, str]) -> Any:
    """The page with the seal, which the form asks for."""
    address = f"/tasks/{case['task']}/fields/seal_scan/files"
    return caller.post(address, data={"file": (io.BytesIO(PDF), "盖章页.pdf")})


def test_an_application_from_begin_to_audit(begun: Any, call: Any, place: Any, application_data: dict[str, Any]) -> None:
    caller, case = begun
    task = f"/tasks/{case['task']}"
    shown = caller.get(task)
    told = shown.get_json()
    assert {"complete", "draft"} <= set(told["allowed"])
    assert [each["key"] for each in told["form"]["fields"] if each["kind"] == "file"]
    assert "title" in told["form"]["data"]["properties"]
    file = upload_seal(caller, case)
    assert (file.status_code, file.get_json()["name"], file.get_json()["media_type"]) == (201, "盖章页.pdf", "application/pdf")
    receipt = caller.post(f"{task}/complete", {"data": application_data}, headers={"If-Match": shown.headers["ETag"]})
    assert receipt.status_code == 200, receipt.get_json()
    run_due(place.engine)
    whole = caller.get(f"/cases/{case['case']}").get_json()
    assert whole["receipts"][0]["sha256"] == receipt.get_json()["sha256"] == whole["versions"][0]["sha256"]
    assert [each["id"] for each in whole["files"]] == [file.get_json()["id"]]
    assert caller.get(f"/files/{file.get_json()['id']}").data == PDF
    auditor = call("auditor")
    (waiting,) = [row for row in auditor.get("/tasks?view=groups").get_json()["items"] if row["case_id"] == case["case"]]
    claimed = auditor.post(f"/tasks/{waiting['id']}/claim")
    audit = {"data": {"result": "pass", "opinion": "材料齐全，同意。"}}
    done = auditor.post(f"/tasks/{waiting['id']}/complete", audit, headers={"If-Match": claimed.headers["ETag"]})
    assert done.status_code == 200, done.get_json()
    assert call("organiser").get(f"/cases/{case['case']}").get_json()["audits"][0]["result"] == "pass"


def test_the_same_key_gives_the_same_answer_and_acts_once(begun: Any, place: Any) -> None:
    caller, _ = begun
    address = f"/campaigns/{place.campaign}/applications"
    first = caller.post(address, {"channel": "recommended"}, key="once")
    again = caller.post(address, {"channel": "recommended"}, key="once")
    quoted = caller.post(address, {"channel": "recommended"}, key='"once"')
    assert first.status_code == again.status_code == quoted.status_code == 201
    assert first.get_json() == again.get_json() == quoted.get_json()
    other = caller.post(address, {"channel": "direct"}, key="once")
    assert (other.status_code, other.get_json()["code"]) == (422, "KeyReused")
    assert len(caller.get("/cases").get_json()["items"]) == 2


def test_a_repeated_claim_is_answered_as_the_first_one_though_the_task_went_on(call: Any, sent: dict[str, str]) -> None:
    auditor, task = call("auditor"), f"/tasks/{sent['task']}"
    first = auditor.post(f"{task}/claim", key="claim")
    assert auditor.post(f"{task}/unclaim").status_code == 200
    again = auditor.post(f"{task}/claim", key="claim")
    assert (again.get_json(), again.headers["ETag"]) == (first.get_json(), first.headers["ETag"])
    assert auditor.get(task).get_json()["revision"] == 3


@pytest.mark.parametrize("key", ["", "x" * 101, "with space", "ü"])
def test_an_action_without_a_fit_key_is_refused(begun: Any, place: Any, key: str) -> None:
    caller, _ = begun
    answer = caller.client.post(
        f"/api/v1/campaigns/{place.campaign}/applications",
        json={"channel": "recommended"},
        headers={"Authorization": f"Bearer {caller.token}", "Idempotency-Key": key},
    )
    assert (answer.status_code, answer.get_json()["code"]) == (400, "ActionKeyMissing")


def test_completing_names_the_revision(begun: Any, application_data: dict[str, Any]) -> None:
    caller, case = begun
    upload_seal(caller, case)
    address, body = f"/tasks/{case['task']}/complete", {"data": application_data}
    for tag, status, code in (
        (None, 428, "RevisionMissing"),
        ("*", 428, "RevisionMissing"),
        ("1", 428, "RevisionMissing"),
        ('"7"', 412, "TaskChanged"),
    ):
        answer = caller.post(address, body, headers={} if tag is None else {"If-Match": tag})
        assert (answer.status_code, answer.get_json()["code"]) == (status, code), tag
    assert caller.post(address, body, headers={"If-Match": '"1"'}).status_code == 200
    answer = caller.post(address, body, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "TaskAlreadyCompleted")


def test_all_faults_of_a_form_at_once_and_what_was_sent_is_the_draft(begun: Any, application_data: dict[str, Any]) -> None:
    caller, case = begun
    faulty = {**application_data, "title": "", "contact_email": "no address", "colour": "red"}
    answer = caller.post(
        f"/tasks/{case['task']}/complete", {"data": faulty}, headers={"If-Match": '"1"', "Accept-Language": "en"}
    )
    assert answer.status_code == 422
    told = answer.get_json()
    assert told["code"] == "FormInvalid"
    assert {each["path"] for each in told["findings"]} == {"title", "contact_email", "seal_scan", "colour"}
    assert all(each["text"] for each in told["findings"])
    assert caller.get(f"/tasks/{case['task']}/draft").get_json()["data"]["contact_email"] == "no address"


def test_too_late_is_told_with_a_receipt_and_stays_too_late(begun: Any, place: Any, application_data: dict[str, Any]) -> None:
    caller, case = begun
    upload_seal(caller, case)
    place.clock.move_to(datetime(2022, 8, 20, tzinfo=UTC))
    asked = {"json": {"data": application_data}, "key": "late", "headers": {"If-Match": '"1"'}}
    answers = [caller.post(f"/tasks/{case['task']}/complete", **asked) for _ in range(2)]
    assert [(each.status_code, each.get_json()["code"]) for each in answers] == [(409, "TooLate")] * 2
    assert answers[0].get_json()["detail"] == answers[1].get_json()["detail"]
    (receipt,) = caller.get(f"/cases/{case['case']}").get_json()["receipts"]
    assert receipt["accepted"] is False


def test_drafts(begun: Any) -> None:
    caller, case = begun
    address = f"/tasks/{case['task']}/draft"
    assert caller.get(address).get_json() == {"data": {}, "saved_at": None}
    kept = caller.put(address, {"data": {"title": "半句"}}, If_Match='"1"')
    assert kept.status_code == 200
    assert caller.get(address).get_json() == kept.get_json()
    assert caller.get(f"/tasks/{case['task']}").get_json()["values"]["title"] == "半句"


def test_return_and_transfer(call: Any, place: Any, sent: dict[str, str]) -> None:
    auditor, task = call("auditor"), f"/tasks/{sent['task']}"
    claimed = auditor.post(f"{task}/claim")
    shown = auditor.get(task).get_json()
    (colleague,) = shown["colleagues"]
    given = auditor.post(f"{task}/transfer", {"person": colleague["id"], "reason": "出差"})
    assert (given.status_code, given.get_json()["revision"]) == (200, 3)
    late = auditor.post(f"{task}/return", {"target": "apply", "reason": "补正"}, headers={"If-Match": claimed.headers["ETag"]})
    assert late.status_code == 409
    other = call("colleague")
    seen = other.get(task)
    (target,) = seen.get_json()["return_targets"]
    back = other.post(
        f"{task}/return", {"target": target["element_id"], "reason": "补正"}, headers={"If-Match": seen.headers["ETag"]}
    )
    assert (back.status_code, back.get_json()["state"]) == (200, "cancelled")
    run_due(place.engine)
    (again,) = call("applicant").get("/tasks?view=groups").get_json()["items"]
    assert again["case_id"] == sent["case"]


# ---- reading ---------------------------------------------------------------------------------------------------------
def test_conditional_reading(call: Any, place: Any, sent: dict[str, str]) -> None:
    auditor = call("auditor")
    for path in (
        f"/tasks/{sent['task']}",
        f"/cases/{sent['case']}",
        f"/campaigns/{place.campaign}",
        "/me",
        "/notices/samr_2022_932",
    ):
        first = auditor.get(path)
        tag = first.headers["ETag"]
        same = auditor.get(path, If_None_Match=tag)
        assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag), path
        assert auditor.get(path, If_None_Match='"other", *').status_code == 200
        assert auditor.get(path, If_Match=tag).status_code == 200
        assert auditor.get(path, If_Match='"other"').status_code == 412
        packed = auditor.get(path, Accept_Encoding="gzip")
        assert auditor.get(path, Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"]).status_code == 304
    before = auditor.get(f"/tasks/{sent['task']}").headers["ETag"]
    auditor.put(f"/tasks/{sent['task']}/draft", {"data": {"opinion": "x"}}, If_Match=before)
    assert auditor.get(f"/tasks/{sent['task']}", If_None_Match=before).status_code == 200


def test_pages_by_cursor(begun: Any, place: Any) -> None:
    caller, first = begun
    for _ in range(4):
        caller.post(f"/campaigns/{place.campaign}/applications", {"channel": "recommended"})
    for path in ("/cases?limit=2&state=draft", "/tasks?limit=2&view=groups", "/campaigns?limit=1"):
        whole = [row["id"] for row in caller.get(path.replace("limit=2", "limit=200")).get_json()["items"]]
        found, address, pages = [], path, 0
        while address:
            answer = caller.get(address)
            told = answer.get_json()
            found += [row["id"] for row in told["items"]]
            pages += 1
            link = answer.headers.get("Link")
            assert (link is None) == (told["next"] is None)
            address = "" if link is None else link.partition("<")[2].partition(">; rel")[0].removeprefix("/api/v1")
        assert found == whole and pages == (1 if "campaigns" in path else 3)
    for cursor in ("x", "!!!", "5pel", "AAAA"):
        answer = caller.get(f"/tasks?cursor={cursor}")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "PageUnknown"), cursor


def test_blind_review_and_undecided_results_are_as_on_the_pages(call: Any, place: Any, sent: dict[str, str]) -> None:
    assert call("expert_1").get(f"/cases/{sent['case']}").status_code == 404
    told = call("applicant").get(f"/campaigns/{place.campaign}").get_json()
    assert (told["board"], told["settings"]) == (None, None)
    board = call("auditor").get(f"/campaigns/{place.campaign}").get_json()["board"]
    assert [body["organisation_id"] for body in board["bodies"]] == [place.organisations["body_a"]]
    whole = call("organiser").get(f"/campaigns/{place.campaign}").get_json()
    assert len(whole["board"]["bodies"]) == 2 and whole["settings"]["experts_per_case"] == 2
    windows = call().get(f"/campaigns/{place.campaign}/windows").get_json()["items"]
    assert [each["organisation_id"] for each in windows] == [None]
    dates = {each["name"]: each for each in whole["dates"]}
    assert dates["collection_cutoff"]["cutoff_at"] == "2022-08-10T16:00:00Z"
    assert dates["collection_cutoff"]["source"] == "notice" and dates["collection_cutoff"]["words"]
