"""What somebody typed survives: the session's end, a restart of the server, a second window, no network, and the deadline."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import user_task
from engine.texts import Catalogue
from tests.api.rest.conftest import application_data  # noqa: F401 - a fixture
from tests.api.world import (
    PASSWORD,
    application,  # noqa: F401 - a fixture
)
from tests.browser.test_desk import hand_in
from tests.browser.test_pages import case_of
from workflows.files import store_upload
from workflows.inbox import save_draft
from workflows.people import set_password
from workflows.tables import arrival, draft, remark

pytestmark = pytest.mark.browser
CATALOGUE = Catalogue("engine", "workflows", "api")
TEXT = "打了很久的字：检验检测促进产业升级。"


def open_task(site: Any, **options: Any) -> tuple[Any, str]:
    """The applicant's page of an application, and its task."""
    _, task_id = case_of(site)
    page = site.open("applicant", **options)
    page.goto(f"{site.address}/tasks/{task_id}")
    return page, task_id


def stored(site: Any, task_id: str) -> Any:
    """The stored draft's summary."""
    with site.place.engine.read() as work:
        data = work.connection.execute(sa.select(draft.c.data).where(draft.c.task_id == task_id)).scalar_one_or_none()
    return (data or {}).get("summary")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_the_session_ends_while_somebody_types(site: Any, script: bool) -> None:
    page, task_id = open_task(site, script=script)
    page.fill("[name=summary]", TEXT)
    site.end_sessions()
    if script:
        page.locator("#draft_state", has_text="登录已过期").wait_for()
    page.get_by_role("button", name="保存草稿").click()
    page.get_by_text("登录已过期").first.wait_for()
    page.fill("#login", "applicant")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"**/tasks/{task_id}")
    assert page.input_value("[name=summary]") == TEXT
    assert stored(site, task_id) == TEXT


def test_the_server_is_started_anew_while_somebody_types(site: Any) -> None:
    page, task_id = open_task(site)
    site.stop()
    page.fill("[name=summary]", TEXT)
    page.locator("#draft_state", has_text="没有自动保存").wait_for()
    assert page.input_value("[name=summary]") == TEXT
    site.start()
    page.locator("#draft_state", has_text="草稿已保存").wait_for(timeout=20000)  # by itself, without another word
    assert stored(site, task_id) == TEXT
    page.reload()
    assert page.input_value("[name=summary]") == TEXT
    site.log.console.clear()  # Chromium itself notes each request that nobody answered


def test_the_network_is_lost_while_somebody_types(site: Any) -> None:
    page, task_id = open_task(site)
    page.context.set_offline(True)
    page.fill("[name=summary]", TEXT)
    page.locator("#draft_state", has_text="没有自动保存").wait_for()
    page.context.set_offline(False)
    page.locator("#draft_state", has_text="草稿已保存").wait_for(timeout=5000)  # at once
    assert stored(site, task_id) == TEXT
    site.log.console.clear()  # Chromium itself notes each request without a network


def test_another_window_overwrites_nothing(site: Any) -> None:
    page, task_id = open_task(site)
    other = page.context.new_page()
    other.goto(f"{site.address}/tasks/{task_id}")
    other.fill("[name=summary]", "另一个窗口")
    other.locator("#draft_state", has_text="草稿已保存").wait_for()
    page.fill("[name=summary]", TEXT)
    page.locator("#draft_state", has_text="另一个窗口").wait_for()
    assert (stored(site, task_id), page.input_value("[name=summary]")) == ("另一个窗口", TEXT)
    page.get_by_role("button", name="保存草稿").click()
    page.get_by_text("两处填写不一致").wait_for()
    row = page.locator("tr", has_text="案例摘要").inner_text()
    assert "另一个窗口" in row and TEXT in row
    assert (stored(site, task_id), page.input_value("[name=summary]")) == ("另一个窗口", TEXT)
    page.get_by_role("button", name="保存草稿").click()  # who has seen both decides
    page.locator(".notice.good", has_text="草稿已保存").wait_for()
    assert stored(site, task_id) == TEXT


def test_the_deadline_passes_while_somebody_types(site: Any, application: dict[str, Any]) -> None:  # noqa: F811
    _, task_id = case_of(site)
    who = site.place.person("applicant")
    with site.place.engine.begin(by=who.id) as work:
        scan = store_upload(work, who, io.BytesIO(b"%PDF-1.7\n%%EOF\n"), name="seal.pdf", task_id=task_id, field="seal_scan")
        data = {key: value for key, value in application.items() if "." not in key}
        save_draft(work, who, task_id, {**data, "seal_scan": [scan.id]}, revision=1)
    with site.place.engine.read() as work:
        due_at = work.connection.execute(sa.select(user_task.c.due_at).where(user_task.c.id == task_id)).scalar_one()
    site.place.clock.move_to(due_at - timedelta(minutes=1))
    page = site.open("applicant")
    page.goto(f"{site.address}/tasks/{task_id}")
    page.fill("[name=summary]", TEXT)
    title = page.input_value("[name=title]")
    page.fill("[name=title]", "")
    site.place.clock.move_to(due_at + timedelta(seconds=1))
    page.locator("#task_form button.main").click()
    page.locator(".error-summary", has_text="请填写“案例题目”").wait_for()  # all that is wrong at once
    assert "截止" in page.inner_text(".error-summary")
    assert page.input_value("[name=summary]") == TEXT
    page.fill("[name=title]", title)
    page.locator("#task_form button.main").click()
    page.locator(".error-summary", has_not_text="请填写").wait_for()
    assert "截止" in page.inner_text(".error-summary")
    assert page.input_value("[name=summary]") == TEXT


@pytest.mark.parametrize(("language", "script"), [("zh", True), pytest.param("en", False, marks=pytest.mark.slow)])
def test_what_is_typed_beside_a_task_survives(
    site: Any,
    application: dict[str, Any],  # noqa: F811
    check_accessibility: Callable[[Any], None],
    language: Any,
    script: bool,
) -> None:
    """The record of what came on paper, and a remark: no network, no server, another log-in, a log-in that ended."""

    def t(code: str) -> str:
        return CATALOGUE.say(code, language, {})

    def press(code: str) -> None:
        page.get_by_role("button", name=t(code), exact=True).click()

    def count(table: sa.Table) -> int:
        with site.place.engine.read() as work:
            return work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    case_id = hand_in(site.place, application)
    with site.place.engine.begin() as work:
        set_password(work, site.place.people["auditor"], PASSWORD)
    page = site.open("auditor", language=language, script=script)
    page.goto(f"{site.address}/cases/{case_id}")
    page.locator("summary", has_text=t("arrival.record")).click()
    page.fill("#received_at", "2022-07-01T08:30")
    page.fill("#note", TEXT)
    if script:
        page.context.set_offline(True)
        press("arrival.record")
        page.get_by_text(t("site.offline")).wait_for()
        assert page.input_value("#note") == TEXT
        page.context.set_offline(False)
    site.stop()
    press("arrival.record")
    page.wait_for_url("chrome-error:**")
    site.start()
    page.go_back()
    if not script:
        page.locator("summary", has_text=t("arrival.record")).click()
    assert page.input_value("#note") == TEXT and page.locator("#note").is_visible()
    site.end_sessions()
    site.log_in_beside(page, "auditor") if script else None
    press("arrival.record")
    if not script:  # nobody has logged in yet
        page.fill("#login", "auditor")
        page.fill("#password", PASSWORD)
        press("login.in")
    page.get_by_role("heading", name=t("login.again")).wait_for()
    assert TEXT in page.inner_text("blockquote") and count(arrival) == 0
    if script:
        check_accessibility(page)
    press("login.send_again")
    page.locator("#arrivals td", has_text=TEXT).wait_for()

    page.fill("#remark_text", TEXT)
    press("talk.send")
    page.get_by_text(t("talk.remarked")).wait_for()
    page.go_back()
    assert page.input_value("#remark_text") == TEXT
    if script:  # one comes back and sends the same again: it was done; other words are another remark
        press("talk.send")
        page.get_by_text(t("talk.remarked")).wait_for()
        assert count(remark) == 1
        page.go_back()
        page.fill("#remark_text", f"{TEXT}另一条。")
        press("talk.send")
        page.locator("#remark_fault").wait_for()
        assert page.input_value("#remark_text") == f"{TEXT}另一条。"
        press("talk.send")
        page.get_by_text(t("talk.remarked")).wait_for()
        assert count(remark) == 2
    assert count(arrival) == 1
    site.log.console[:] = [line for line in site.log.console if "net::ERR_" not in line]  # Chromium notes the server that is away
