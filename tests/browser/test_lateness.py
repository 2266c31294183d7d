"""Late submissions in a browser: the choice, the task after the cut-off, the marked case; wide and narrow, checked by axe."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.due import run_due
from tests.browser.conftest import Site
from workflows.applications import first_task, start_application
from workflows.files import store_upload

LATE = datetime(2022, 8, 6, 1, tzinfo=UTC)
"""Nine hours after the body's cut-off."""


@pytest.mark.parametrize("width", [1280, 375])
def test_late_submissions(
    site: Site, check_accessibility: Callable[[Any], None], application: dict[str, Any], width: int
) -> None:
    place, applicant = site.place, site.place.person("applicant")
    with place.engine.begin(by=applicant.id) as work:
        case_id = start_application(work, applicant, place.campaign, channel="recommended")
        task = first_task(work, case_id)
        assert task is not None
        data = io.BytesIO(b"%PDF-1.7\n%%EOF\n")
        kept = store_upload(work, applicant, data, name="盖章.pdf", task_id=task, field="seal_scan")
    page = site.open("organiser", width=width)
    page.goto(f"{site.address}/campaigns/{place.campaign}/deadlines")
    check_accessibility(page)
    page.check("#policy_accept_late")
    page.fill("#late_days", "3")
    page.click("form:has(#late_days) button")
    check_accessibility(page)
    assert "逾期 3 天内接收" in page.inner_text("main")
    page.fill("#document_number", "〔2022〕2号")
    page.fill("#reason", "汛期影响")
    page.click("form:has(#reason) button")
    run_due(place.engine)
    place.move_to(LATE)

    mine = site.open("applicant", width=width)
    mine.goto(f"{site.address}/tasks/{task}")
    check_accessibility(mine)
    assert mine.is_visible("#field_late_reason")
    rows = [{name: application[f"indicators.0.{name}"] for name in ("name", "value", "unit")}]
    whole = {key: value for key, value in application.items() if not key.startswith("indicators")}
    whole |= {
        "indicators": rows,
        "originality": True,
        "seal_scan": [kept.id],
        "late_reason": "报送当日网络中断，次日恢复后立即补报。",
    }
    place.complete("applicant", task, whole)

    page = site.open("organiser", width=width)
    page.goto(f"{site.address}/cases")
    assert page.is_visible(".badge.late")
    page.goto(f"{site.address}/cases/{case_id}")
    page.click("#late summary")
    check_accessibility(page)
    page.fill("#late #reason", "无正当理由")
    page.click("#late form button")
    run_due(place.engine)
    page.reload()
    check_accessibility(page)
    assert "无正当理由" in page.inner_text("main")
