"""An organiser sees who has not reported and reminds them; the one who owes sees it; the letters tell what became of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from workflows.tables import person

pytestmark = pytest.mark.browser


def test_an_organiser_sees_who_has_not_reported_and_reminds_them(site: Any, check_accessibility: Callable[[Any], None]) -> None:
    with site.place.engine.begin() as work:
        ours = person.c.login.in_(("organiser", "auditor", "colleague"))
        work.connection.execute(sa.update(person).where(ours).values(email=person.c.login + "@example.org"))
    site.place.move_to(datetime(2022, 8, 9, 2, tzinfo=UTC))  # the lists are due tomorrow
    page = site.open("organiser")
    page.goto(f"{site.address}/campaigns/{site.place.campaign}")
    page.get_by_role("link", name="未办情况").click()
    rows = page.locator("form table.list tbody tr")
    assert [rows.nth(place).locator("th").inner_text().strip() for place in range(rows.count())] == ["甲省", "乙省"]
    assert "剩 1 个工作日" in rows.nth(0).inner_text() and "无人有邮件地址" in rows.nth(1).inner_text()
    check_accessibility(page)
    # nobody chosen: told so, what was typed is kept
    page.fill("#remark", "请于明日下班前报送。")
    page.get_by_role("button", name="催办所选").click()
    page.locator(".error-summary").wait_for()
    assert page.locator("#remark").input_value() == "请于明日下班前报送。"
    check_accessibility(page)
    rows.nth(0).get_by_role("checkbox").check()
    page.get_by_role("button", name="催办所选").click()
    page.get_by_role("heading", name="催办预览").wait_for()
    assert "将催办 1 项任务，发出 2 封信件" in page.locator("#preview").inner_text()
    assert "附言：请于明日下班前报送。" in page.locator("#preview .prose").inner_text()
    check_accessibility(page)
    page.get_by_role("button", name="确认催办").click()
    page.get_by_text("已催办 1 项任务，写出 2 封信件").wait_for()
    assert "催办 1 次" in rows.nth(0).inner_text() and "催办" not in rows.nth(1).inner_text().replace("催办记录", "")
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    # the letters
    page.get_by_role("link", name="信件", exact=True).click()
    page.get_by_role("heading", name="信件", exact=True).wait_for()
    assert page.locator("tbody tr", has_text="催办（1 项）").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    page.set_viewport_size({"width": 1280, "height": 900})
    check_accessibility(page)
    # the body that owes sees it in its inbox and at the task, also without JavaScript
    owes = site.open("colleague", script=False)
    owes.goto(f"{site.address}/inbox?view=groups")
    owes.get_by_text("催办 1 次").wait_for()
    owes.get_by_role("link", name="报送推荐名单").click()
    assert "请于明日下班前报送。" in owes.locator(".notice.warn").inner_text()
