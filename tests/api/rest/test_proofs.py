"""Who calls: tokens, sessions, nobody. And every fault is told as problem details, in the reader's language."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.api.rest.conftest import Caller
from workflows import tokens
from workflows.people import disable_person
from workflows.tables import access_token


def test_a_token_shows_who_it_is(call: Any, place: Any) -> None:
    me = call("auditor").get("/me").get_json()
    assert (me["login"], me["proof"], me["scope"]) == ("auditor", "token", "write")
    assert me["memberships"] == [{"role": "auditor", "organisation_id": place.organisations["body_a"]}]


def test_without_proof(call: Any) -> None:
    answer = call().get("/me")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="linxuan"')
    assert answer.get_json()["code"] == "LoginNeeded"


@pytest.mark.parametrize("path", ["/me", "/campaigns", "/nowhere"])
def test_a_token_that_is_not_valid_is_refused_everywhere(call: Any, path: str) -> None:
    answer = Caller(call().client, "lxt_made-up").get(path)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert answer.content_type == "application/problem+json"


def test_expired_revoked_and_disabled(call: Any, place: Any) -> None:
    callers = [call("auditor") for _ in range(2)]
    assert [caller.get("/me").status_code for caller in callers] == [200, 200]
    with place.engine.begin() as work:
        newest = tokens.list_tokens(work, place.people["auditor"])[0]
        tokens.revoke_token(work, place.people["auditor"], newest.id)
    assert [caller.get("/me").status_code for caller in callers] == [200, 401]
    place.move_to(place.clock.now() + timedelta(days=90))
    assert callers[0].get("/me").status_code == 401
    fresh = call("auditor")
    with place.engine.begin() as work:
        disable_person(work, place.people["auditor"])
    assert fresh.get("/me").status_code == 401


def test_only_the_hash_is_stored_and_the_use_is_noted(call: Any, place: Any) -> None:
    caller = call("auditor")
    caller.get("/me")
    with place.engine.read() as work:
        (row,) = work.connection.execute(sa.select(access_token)).all()
    assert caller.token not in map(str, row)
    assert row.used_at == place.clock.now()


def test_a_token_to_read_does_not_act(call: Any, sent: dict[str, str]) -> None:
    caller = call("auditor", "read")
    assert caller.get(f"/tasks/{sent['task']}").status_code == 200
    answer = caller.post(f"/tasks/{sent['task']}/claim")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "TokenReadOnly")
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_a_session_acts_only_with_the_form_token(place: Any, sent: dict[str, str]) -> None:
    client = place.client("auditor")
    page = client.get("/notices").get_data(as_text=True)
    form_token = page.partition('name="csrf-token" content="')[2].partition('"')[0]
    address, headers = f"/api/v1/tasks/{sent['task']}/claim", {"Idempotency-Key": "k"}
    assert client.get("/api/v1/me").get_json()["proof"] == "session"
    assert client.post(address, headers=headers).status_code == 400
    elsewhere = client.post(address, headers={**headers, "X-CSRFToken": form_token, "Sec-Fetch-Site": "cross-site"})
    assert (elsewhere.status_code, elsewhere.content_type) == (403, "application/problem+json")
    assert client.post(address, headers={**headers, "X-CSRFToken": form_token}).status_code == 200


def test_a_token_counts_and_not_the_cookie_beside_it(place: Any, call: Any) -> None:
    client = place.client("organiser")
    answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {call('auditor').token}"})
    assert answer.get_json()["login"] == "auditor"
    assert client.get("/api/v1/me", headers={"Authorization": "Bearer lxt_no"}).status_code == 401


# ---- faults ----------------------------------------------------------------------------------------------------------
def test_faults_come_all_at_once_in_the_language_asked_for(call: Any) -> None:
    caller = call("auditor")
    answer = caller.get("/tasks?limit=0&view=all&colour=red&q=a&q=b", Accept_Language="en-GB,en;q=0.9")
    told = answer.get_json()
    assert (answer.status_code, told["status"], told["code"]) == (422, 422, "RequestInvalid")
    assert [(each["path"], each["code"]) for each in told["findings"]] == [
        ("limit", "ValueTooSmall"),
        ("view", "ValueNotAllowed"),
        ("colour", "KeyUnknown"),
        ("q", "ParameterTwice"),
    ]
    assert told["type"] == "urn:linxuan:problem:RequestInvalid"
    assert told["detail"] == "The request does not fit; correct what is listed"
    assert caller.get("/tasks?limit=0").get_json()["detail"].startswith("请求的内容有误")


@pytest.mark.parametrize(
    ("data", "content_type", "status", "code"),
    [
        (b'{"channel": ', "application/json", 400, "BodyUnreadable"),
        (b'{"channel": NaN}', "application/json", 400, "BodyUnreadable"),
        (b"\xff", "application/json", 400, "BodyUnreadable"),
        (b"", "application/json", 400, "BodyUnreadable"),
        (b"channel=direct", "application/x-www-form-urlencoded", 415, "MediaTypeRefused"),
        (b"[]", "application/json", 422, "RequestInvalid"),
        (b'{"channel": "direct", "colour": 1}', "application/json", 422, "RequestInvalid"),
        (b'{"channel": "\\u0000"}', "application/json", 422, "RequestInvalid"),
        (b'{"channel": ' + b"[" * 200 + b"]" * 200 + b"}", "application/json", 422, "RequestInvalid"),
        (b'{"channel": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "application/json", 400, "BodyUnreadable"),
        (b'{"channel": "direct", "body": 1e999}', "application/json", 400, "BodyUnreadable"),
        (b'"' + b"x" * (4 * 1024 * 1024) + b'"', "application/json", 413, "RequestEntityTooLarge"),
    ],
)
def test_bodies(call: Any, place: Any, data: bytes, content_type: str, status: int, code: str) -> None:
    answer = call("applicant").post(f"/campaigns/{place.campaign}/applications", data=data, content_type=content_type)
    told = answer.get_json()
    assert (answer.status_code, told["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"


def test_addresses(call: Any) -> None:
    caller = call("organiser")
    answer = caller.post("/me")
    assert (answer.status_code, answer.headers["Allow"], answer.get_json()["code"]) == (405, "GET, HEAD", "MethodNotAllowed")
    for path, status in (("/nowhere", 404), ("//me", 404), ("/me/", 404), ("/cases/%00", 400), ("/cases/no-id", 404)):
        answer = caller.get(path)
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), path


def test_a_fault_of_ours_has_a_reference_and_no_page(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret")

    caller = call("organiser")
    monkeypatch.setattr("workflows.cases.list_cases", fail)
    answer = caller.get("/cases")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert len(answer.get_json()["reference"]) == 32
    assert "secret" not in answer.get_data(as_text=True)


def test_comments_are_limited_by_address(call: Any, place: Any) -> None:
    asked = {"kind": "comment", "from_name": "甲", "text": "好"}
    statuses = [call().post(f"/campaigns/{place.campaign}/comments", asked).status_code for _ in range(61)]
    assert statuses == [409] * 60 + [429]


# ---- the page of tokens ----------------------------------------------------------------------------------------------
def test_a_token_is_made_on_the_page_and_shown_once(place: Any, send: Any) -> None:
    client = place.client("auditor")
    page = client.get("/tokens").get_data(as_text=True)
    hidden = {name: page.partition(f'name="{name}" value="')[2].partition('"')[0] for name in ("csrf_token", "key")}
    form = {**hidden, "name": "省局数据交换", "scope": "read", "days": "30"}
    made = client.post("/tokens", data=form).get_data(as_text=True)
    token = "lxt_" + made.partition("lxt_")[2].partition("<")[0]
    assert Caller(place.app.test_client(), token).get("/me").get_json()["scope"] == "read"
    again = client.post("/tokens", data=form).get_data(as_text=True)
    assert "lxt_" not in again and again.count("省局数据交换") == made.count("省局数据交换")
    with place.engine.read() as work:
        (kept,) = tokens.list_tokens(work, place.people["auditor"])
    assert kept.expires_at == place.clock.now() + timedelta(days=30)
    send(client, "/tokens", f"/tokens/{kept.id}/revoke", {})
    assert Caller(place.app.test_client(), token).get("/me").status_code == 401


def test_faults_of_a_new_token_stand_together_and_nothing_is_lost(place: Any, send: Any) -> None:
    client = place.client("auditor", language="en")
    answer = send(client, "/tokens", "/tokens", {"name": "", "scope": "all", "days": "9999"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert page.count('class="fault"') == 3


def test_nobody_revokes_the_token_of_another(place: Any, send: Any, call: Any) -> None:
    caller = call("organiser")
    with place.engine.read() as work:
        (token,) = tokens.list_tokens(work, place.people["organiser"])
    assert send(place.client("auditor"), "/tokens", f"/tokens/{token.id}/revoke", {}).status_code == 404
    assert caller.get("/me").status_code == 200


def test_files_are_refused_before_they_are_kept(call: Any, place: Any, sent: dict[str, str]) -> None:
    before = sorted(place.settings.file_folder.rglob("*"))
    answer = call("applicant_b").post(
        f"/tasks/{sent['task']}/fields/seal_scan/files", data={"file": (io.BytesIO(b"%PDF-1.7 other\n%%EOF\n"), "a.pdf")}
    )
    assert answer.status_code == 404
    assert sorted(place.settings.file_folder.rglob("*")) == before
