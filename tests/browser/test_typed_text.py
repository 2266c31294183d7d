"""What somebody typed survives: the session's end, a restart of the server, a second window, no network, and the deadline."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.tables import user_task
from tests.api.rest.conftest import application_data  # noqa: F401 - a fixture
from tests.api.world import (
    PASSWORD,
    application,  # noqa: F401 - a fixture
)
from tests.browser.test_pages import case_of
from workflows.files import store_upload
from workflows.inbox import save_draft
from workflows.tables import draft, login_session

pytestmark = pytest.mark.browser
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
    with site.place.engine.begin() as work:
        work.connection.execute(sa.update(login_session).values(closed_at=work.now))
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
