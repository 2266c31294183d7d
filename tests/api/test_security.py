"""Headers, cookies, form tokens, other sites, limits."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from sqlalchemy.exc import OperationalError

from api.app import create_app
from api.security import PANEL_STYLE, POLICY
from api.wiring import build_engine
from engine.definitions import latest_definition
from engine.incidents import open_incident
from engine.timers import arm_timer
from tests.api.world import PASSWORD, Place, make_settings, read_hidden
from workflows.schema import upgrade_schema


def cookies_of(answer: Any) -> dict[str, str]:
    """What is set, by name."""
    return {line.split("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}


def test_every_page_has_the_strict_policy(shared_place: Place) -> None:
    client = shared_place.client("organiser")
    with shared_place.engine.read() as work:
        definition = latest_definition(work, "samr_2022_932_case").id
    for address in ("/", "/inbox", f"/campaigns/{shared_place.campaign}", "/nothing", f"/designer/{definition}"):
        answer = client.get(address)
        style = PANEL_STYLE if address.startswith("/designer/") else "'none'"
        assert answer.headers["Content-Security-Policy"] == POLICY + style
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        page = answer.get_data(as_text=True)
        assert "<style" not in page and " style=" not in page and "onclick" not in page and "<script>" not in page


def test_static_files_are_served_safely(shared_place: Place) -> None:
    client = shared_place.client()
    page = client.get("/").get_data(as_text=True)
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    with client.get(address) as answer:
        assert answer.status_code == 200 and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/static/../settings.py").status_code == 404
    assert client.get("/static/dist/../../settings.py").status_code == 404


def test_cookies(place: Place) -> None:
    client = place.app.test_client()
    token = read_hidden(client.get("/login").get_data(as_text=True), "csrf_token")
    answer = client.post("/login", data={"login": "applicant", "password": PASSWORD, "csrf_token": token, "next": "/cases"})
    assert (answer.status_code, answer.location) == (303, "/cases")
    session = cookies_of(answer)["linxuan_session"]
    assert "HttpOnly" in session and "SameSite=Lax" in session and "Secure" not in session
    assert client.get("/inbox").status_code == 200
    page = client.get("/inbox").get_data(as_text=True)
    answer = client.post("/logout", data={"csrf_token": read_hidden(page, "csrf_token")})
    assert cookies_of(answer)["linxuan_session"].startswith("linxuan_session=;")
    client.set_cookie("linxuan_session", session.partition("=")[2].partition(";")[0])
    assert client.get("/inbox").status_code == 303  # the session is over on the server, too


def test_cookies_over_https(tmp_path: Any) -> None:
    engine = build_engine(make_settings(tmp_path, base_url="https://linxuan.example"))
    upgrade_schema(engine.database)
    answer = create_app(engine).test_client().get("/?lang=en", base_url="https://linxuan.example")
    language = cookies_of(answer)["__Host-linxuan_language"]
    assert "Secure" in language and "Path=/" in language and "Domain" not in language
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    engine.database.dispose()


@pytest.mark.parametrize("wish", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/\tx"])
def test_log_in_leads_nowhere_else(place: Place, wish: str) -> None:
    client = place.app.test_client()
    token = read_hidden(client.get("/login").get_data(as_text=True), "csrf_token")
    answer = client.post("/login", data={"login": "applicant", "password": PASSWORD, "csrf_token": token, "next": wish})
    assert answer.location == "/inbox"


def test_forms_need_their_token(place: Place) -> None:
    client = place.client("applicant")
    answer = client.post(f"/campaigns/{place.campaign}/applications", data={"channel": "recommended"})
    assert answer.status_code == 400 and "页面已过期" in answer.get_data(as_text=True)
    assert place.tasks("applicant") == []


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}],
)
def test_forms_of_other_sites_are_refused(place: Place, headers: dict[str, str]) -> None:
    client = place.client("applicant")
    token = read_hidden(client.get(f"/campaigns/{place.campaign}").get_data(as_text=True), "csrf_token")
    answer = client.post(
        f"/campaigns/{place.campaign}/applications", data={"csrf_token": token, "channel": "recommended"}, headers=headers
    )
    assert answer.status_code == 403 and "请求来自其他网站的页面" in answer.get_data(as_text=True)
    assert place.tasks("applicant") == []


def test_requests_that_are_too_large(model_place: Any, tmp_path: Any) -> None:
    engine = build_engine(make_settings(tmp_path, largest_request=2000))
    upgrade_schema(engine.database)
    client = create_app(engine).test_client()
    token = read_hidden(client.get("/login").get_data(as_text=True), "csrf_token")
    answer = client.post("/login", data={"csrf_token": token, "login": "x" * 3000})
    assert answer.status_code == 413 and "超过大小上限" in answer.get_data(as_text=True)
    engine.database.dispose()


def test_floods_of_comments_are_slowed_down(place: Place) -> None:
    client = place.app.test_client()
    address = f"/campaigns/{place.campaign}/consultation"
    token = read_hidden(client.get("/login").get_data(as_text=True), "csrf_token")
    statuses = [
        client.post(address, data={"csrf_token": token, "key": "flood"}, environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code
        for _ in range(62)
    ]
    assert set(statuses[:60]) == {409} and statuses[60:] == [429, 429]


def test_an_unexpected_fault_is_told_without_a_stack(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("api.pages.cases.cases.list_cases", fail)
    answer = place.client("applicant").get("/cases")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "secret detail" not in page and "RuntimeError" not in page and "Traceback" not in page
    assert "系统出现问题" in page and "编号：" in page


def test_a_database_that_does_not_answer_is_told_as_such(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT secret", {}, Exception("database is locked"))

    monkeypatch.setattr("api.pages.cases.cases.list_cases", fail)
    answer = place.client("applicant").get("/cases")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503 and "数据库正忙或暂时连接不上" in page and "SELECT" not in page and "locked" not in page


def test_the_secret_key_is_made_once(place: Place) -> None:
    again = create_app(place.engine)
    assert again.secret_key == place.app.secret_key
    assert len(str(again.secret_key)) >= 48


def test_metrics_are_for_this_machine(place: Place) -> None:
    client = place.client()
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert 'linxuan_instances{state="running"} 1.0' in answer.get_data(as_text=True)
    assert "linxuan_incidents_open 0.0" in answer.get_data(as_text=True)
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 403


def test_metrics_tell_how_long_the_oldest_row_is_due(place: Place) -> None:
    with place.engine.begin() as work:
        arm_timer(work, "bell.ring", work.now - timedelta(seconds=90), unique_key="oldest", payload={})
        arm_timer(work, "bell.ring", work.now - timedelta(seconds=5), unique_key="younger", payload={})
        arm_timer(work, "bell.ring", work.now + timedelta(seconds=900), unique_key="later", payload={})
    lines = dict(
        line.rsplit(" ", 1) for line in place.client().get("/metrics").get_data(as_text=True).splitlines() if line[0] != "#"
    )
    assert float(lines['linxuan_due{kind="timer"}']) == 2
    assert 90 <= float(lines['linxuan_lag_seconds{kind="timer"}']) < 150
    assert float(lines['linxuan_lag_seconds{kind="bulk"}']) == 0


def test_the_page_of_the_system_tells_what_is_late_and_what_gave_up(place: Place) -> None:
    client = place.client("administrator")
    assert "一切按时" in client.get("/system").get_data(as_text=True)
    with place.engine.begin() as work:
        arm_timer(work, "bell.ring", work.now - timedelta(seconds=90), unique_key="oldest", payload={})
        open_incident(work, "mail", "MailRefused", "no server")
    page = client.get("/system").get_data(as_text=True)
    cells = re.findall(r'<td data-label="[^"]*">([^<]*)', page)
    assert [cells[start : start + 4] for start in range(0, len(cells), 4)] == [
        ["定时", "1", ANY, "0"], ["消息", "0", "—", "0"], ["邮件", "0", "—", "1"], ["批量办理", "0", "—", "0"]
    ]  # fmt: skip
    assert "超过一分钟" in page and "需要人处理" in page and "一切按时" not in page and "（SQLite）" in page


def test_metrics_with_a_token(tmp_path: Any) -> None:
    engine = build_engine(make_settings(tmp_path, metrics_token="let me see"))
    upgrade_schema(engine.database)
    client = create_app(engine).test_client()
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer let me see"}).status_code == 200
    engine.database.dispose()


def test_health_names_an_outdated_schema(tmp_path: Any) -> None:
    engine = build_engine(make_settings(tmp_path))
    upgrade_schema(engine.database)
    client = create_app(engine).test_client()
    assert client.get("/health").json == {"status": "ok"}
    with engine.database.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'old'")
    answer = client.get("/health")
    assert (answer.status_code, answer.json) == (503, {"status": "schema"})
    engine.database.dispose()


@pytest.mark.parametrize("address", ["/inbox?q=%00", "/cases?state=%00&q=a", "/tasks/a%00b", "/campaigns?%00=1"])
def test_null_characters_are_refused(shared_place: Place, address: str) -> None:
    assert shared_place.client("applicant").get(address).status_code == 400


def test_null_characters_in_forms_are_refused(place: Place) -> None:
    client = place.app.test_client()
    token = read_hidden(client.get("/login").get_data(as_text=True), "csrf_token")
    assert client.post("/login", data={"csrf_token": token, "login": "a\0b", "password": "x"}).status_code == 400


@pytest.mark.parametrize("key", ["", "k" * 101])
def test_forms_without_their_key_are_refused(place: Place, key: str) -> None:
    client = place.client("applicant")
    token = read_hidden(client.get(f"/campaigns/{place.campaign}").get_data(as_text=True), "csrf_token")
    answer = client.post(f"/campaigns/{place.campaign}/applications", data={"csrf_token": token, "key": key})
    assert answer.status_code == 422 and "页面数据不完整" in answer.get_data(as_text=True)
    assert place.tasks("applicant") == []


@pytest.mark.parametrize("kind", ["", '; filename="a.zip"'])
def test_parts_of_a_form_without_a_name_are_refused(place: Place, kind: str) -> None:
    body = f"--b\r\nContent-Disposition: form-data{kind}\r\n\r\nx\r\n--b--\r\n".encode()
    answer = place.client("designer").post("/drafts", data=body, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 400
