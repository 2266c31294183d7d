"""Logging in: wrong passwords, the lock, demo log-ins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.api.test_task_operations import hand_in
from tests.api.world import PASSWORD, Place, read_hidden
from workflows.demo import Login
from workflows.tables import urge


def log_in(client: Any, login: str, password: str) -> Any:
    page = client.get("/login").get_data(as_text=True)
    return client.post("/login", data={"csrf_token": read_hidden(page, "csrf_token"), "login": login, "password": password})


def test_wrong_and_unknown_get_the_same_answer(place: Place) -> None:
    client = place.app.test_client()
    wrong, unknown = log_in(client, "applicant", "wrong"), log_in(client, "nobody", "wrong")
    assert wrong.status_code == unknown.status_code == 403
    message = "登录名或密码不正确，或账号暂时锁定"
    assert message in wrong.get_data(as_text=True) and message in unknown.get_data(as_text=True)
    assert 'value="nobody"' in unknown.get_data(as_text=True)


def test_the_account_is_locked_after_repeated_failures(place: Place) -> None:
    client = place.app.test_client()
    for _ in range(5):
        log_in(client, "applicant", "wrong")
    assert log_in(client, "applicant", PASSWORD).status_code == 403


def test_no_log_ins_are_shown_outside_a_demo(shared_place: Place) -> None:
    page = shared_place.client().get("/login").get_data(as_text=True)
    assert "演示" not in page and "linxuan-demo" not in page


def test_a_demo_shows_its_log_ins_and_says_demo_everywhere(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.pages.login.demo.is_demo", lambda _engine: True)
    monkeypatch.setattr("api.pages.login.demo.list_logins", lambda _engine: [Login("auditor", "auditor", "孙审核")])
    place.app.extensions["demo"] = True
    page = place.client().get("/login").get_data(as_text=True)
    assert "推荐单位审核员" in page and "linxuan-demo-2022" in page
    for address in ("/", "/campaigns", "/notices", "/nothing"):
        assert '<aside class="demo-band"' in place.client().get(address).get_data(as_text=True)


def test_a_page_that_needs_a_log_in_comes_after_it(place: Place) -> None:
    client = place.app.test_client()
    answer = client.get("/cases?state=draft")
    assert (answer.status_code, answer.location) == (303, "/login?next=/cases?state%3Ddraft")


def test_saving_while_typing_after_the_session_ended_says_so(place: Place) -> None:
    client = place.app.test_client()
    token = read_hidden(client.get("/login").get_data(as_text=True), "csrf_token")
    answer = client.post("/tasks/any/draft", data={"csrf_token": token}, headers={"HX-Request": "true"})
    assert answer.status_code == 401 and answer.get_data(as_text=True) == "登录已过期，请重新登录"


def test_searching_while_typing_after_the_session_ended_leads_to_the_log_in(place: Place) -> None:
    answer = place.app.test_client().get("/inbox?q=a", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login?next=/inbox?q%3Da")
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/inbox?view=mine"}
    answer = place.app.test_client().get("/inbox/news", headers=headers)  # the page, not the part of it that was asked for
    assert answer.headers["HX-Redirect"] == "/login?next=/inbox?view%3Dmine"


def test_an_inbox_that_is_left_open_keeps_no_session(place: Place) -> None:
    client = place.client("auditor")
    began = place.clock.now()
    asked = {"HX-Request": "true", "HX-Current-URL": "http://localhost/inbox"}
    answers = []
    for minute in (10, 20, 29, 31):  # it asks by itself whether something is new
        place.clock.move_to(began + timedelta(minutes=minute))
        answers.append(client.get("/inbox/news?mine=0&groups=0&overdue=0", headers=asked).status_code)
    assert answers == [200, 200, 200, 401]


def test_everybody_comes_to_where_the_work_lies(shared_place: Place) -> None:
    """Who only draws up notices has no tasks: the empty inbox would say nothing."""
    found = {
        name: shared_place.client(name).get("/login").location for name in ("applicant", "organiser", "designer", "releaser")
    }
    assert found == {"applicant": "/inbox", "organiser": "/inbox", "designer": "/drafts", "releaser": "/drafts"}
    page = shared_place.client("designer").get("/notices/samr_2022_932").get_data(as_text=True)
    address = page.partition('<a class="button" href="/drafts/new')[2].partition('"')[0]
    begun = shared_place.client("designer").get(f"/drafts/new{address}").get_data(as_text=True)
    assert begun.count(f'<option value="{address.removeprefix("?notice=")}" selected>') == 2
    assert "/drafts/new" not in shared_place.client("organiser").get("/notices/samr_2022_932").get_data(as_text=True)


def test_what_was_typed_beside_a_task_is_sent_once_more_after_logging_in(place: Place, application: dict[str, Any]) -> None:
    hand_in(place, application)
    (audit,) = place.tasks("auditor", "audit")
    client = place.client("applicant")
    page = client.get(f"/cases/{audit.case_id}").get_data(as_text=True)
    typed = {name: read_hidden(page, name) for name in ("csrf_token", "key")} | {"text": "请抓紧 <b>"}
    place.clock.move_to(datetime(2022, 7, 1, 3, tzinfo=UTC))  # two hours later
    answer = client.post(
        f"/cases/{audit.case_id}/urge", data=typed, headers={"Referer": f"http://localhost/cases/{audit.case_id}"}
    )
    assert answer.status_code == 401
    page = answer.get_data(as_text=True)
    sent = {name: read_hidden(page, name) for name in ("csrf_token", "next", "back", "carried")}
    assert client.post("/login", data={**sent, "login": "applicant", "password": "wrong"}).status_code == 403
    page = client.post("/login", data={**sent, "login": "applicant", "password": PASSWORD}).get_data(as_text=True)
    assert "内容尚未提交" in page and "请抓紧 &lt;b&gt;</blockquote>" in page and f'href="/cases/{audit.case_id}"' in page
    assert f'action="/cases/{audit.case_id}/urge"' in page and "吴申报" in page
    again = {name: read_hidden(page, name) for name in ("csrf_token", "key", "text")}
    assert client.post(f"/cases/{audit.case_id}/urge", data=again).status_code == 303
    with place.engine.read() as work:
        assert work.connection.execute(sa.select(urge.c.remark)).scalar_one() == "请抓紧 <b>"


def test_a_button_without_a_form_is_pressed_once_more_after_logging_in(place: Place, application: dict[str, Any]) -> None:
    task_id = place.begin_case().task_id
    client = place.client("applicant")
    token = read_hidden(client.get(f"/tasks/{task_id}").get_data(as_text=True), "csrf_token")
    place.clock.move_to(datetime(2022, 7, 1, 3, tzinfo=UTC))  # two hours later
    page = client.post(f"/tasks/{task_id}/unclaim", data={"csrf_token": token, "key": "k"}).get_data(as_text=True)
    assert "您刚才填写的内容" not in page
    sent = {name: read_hidden(page, name) for name in ("csrf_token", "next", "back", "carried")}
    page = client.post("/login", data={**sent, "login": "applicant", "password": PASSWORD}).get_data(as_text=True)
    assert "内容尚未提交" in page and f'action="/tasks/{task_id}/unclaim"' in page and "您填写的内容" not in page


def test_where_a_form_is_sent_leads_to_its_page(place: Place, application: dict[str, Any]) -> None:
    task_id = place.begin_case().task_id
    client = place.client("applicant")
    opened = [client.get(address) for address in (f"/tasks/{task_id}/complete", "/bulk/preview", "/logout", "/cases/any/remarks")]
    assert [(answer.status_code, answer.location) for answer in opened] == [
        (303, f"/tasks/{task_id}"),
        (303, "/bulk"),
        (405, None),
        (303, "/cases/any"),
    ]


def test_nothing_leads_elsewhere_after_logging_in(place: Place) -> None:
    client = place.app.test_client()
    sent = {"login": "applicant", "password": PASSWORD, "carried": '[["text", "字"]]', "back": "//elsewhere.example/"}
    token = read_hidden(client.get("/login").get_data(as_text=True), "csrf_token")
    page = client.post("/login", data={**sent, "csrf_token": token, "next": "https://elsewhere.example/"}).get_data(as_text=True)
    assert "内容尚未提交" in page and "elsewhere" not in page


def test_a_form_with_the_token_of_another_log_in_is_not_lost(place: Place, application: dict[str, Any]) -> None:
    """Where a page of ours sent it; what came from elsewhere is not handed back to be sent."""
    hand_in(place, application)
    (audit,) = place.tasks("auditor", "audit")
    client, address = place.client("applicant"), f"/cases/{audit.case_id}"
    stale = read_hidden(place.client("applicant").get(address).get_data(as_text=True), "csrf_token")
    sent = {"csrf_token": stale, "key": "k", "text": "请抓紧 <b>"}
    blind = client.post(f"{address}/urge?from=a", data=sent)
    assert blind.status_code == 400 and "请抓紧" not in blind.get_data(as_text=True)
    page = client.post(f"{address}/urge?from=a", data=sent, headers={"Referer": f"http://localhost{address}"})
    text = page.get_data(as_text=True)
    assert page.status_code == 400 and "请抓紧 &lt;b&gt;</blockquote>" in text and f'action="{address}/urge?from=a"' in text
    again = {name: read_hidden(text, name) for name in ("csrf_token", "key", "text")}
    assert again["key"] == "k"  # should it have been done, it is not done twice
    assert client.post(f"{address}/urge", data=again).status_code == 303
    other = client.post(f"{address}/urge", data={**again, "text": "再催"}, headers={"Referer": f"http://localhost{address}"})
    assert (other.status_code, read_hidden(other.get_data(as_text=True), "key") == "k") == (409, False)
    told = client.post(f"{address}/urge", data=sent, headers={"Accept": "application/json"})
    assert told.get_json()["code"] == "FormTokenStale"
    late = client.post(
        f"{address}/remarks", data={**again, "key": "n", "text": "看看"}, headers={"Referer": f"http://localhost{address}"}
    )
    kept = late.get_data(as_text=True)  # refused for good: the words are there, the button is not
    assert late.status_code == 403 and "看看</blockquote>" in kept and f'action="{address}/remarks"' not in kept
