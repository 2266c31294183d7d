"""Moving a deadline in a browser: preview, refusal, confirmation; wide, narrow, and without a violation of axe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.due import run_due
from tests.browser.conftest import Site
from workflows.applications import start_application


@pytest.mark.parametrize("width", [1280, 375])
def test_a_deadline_is_extended(site: Site, check_accessibility: Callable[[Any], None], width: int) -> None:
    applicant = site.place.person("applicant")
    with site.place.engine.begin(by=applicant.id) as work:
        start_application(work, applicant, site.place.campaign, channel="recommended")
    run_due(site.place.engine)
    address = f"{site.address}/campaigns/{site.place.campaign}/deadlines"
    page, earlier = site.open("organiser", width=width), site.open("organiser", width=width)
    page.goto(address)
    check_accessibility(page)
    page.fill("#new", "2022-08-01")
    page.click("form:has(#new) button")
    assert "只能延后" in page.inner_text(".error-summary")
    page.fill("#new", "2022-08-20")
    page.click("form:has(#new) button")
    check_accessibility(page)
    earlier.goto(page.url)
    page.fill("#document_number", "〔2022〕1号")
    page.fill("#reason", "汛期影响")
    page.click("form:has(#reason) button")
    run_due(site.place.engine)
    page.goto(address)
    check_accessibility(page)
    assert "〔2022〕1号" in page.inner_text("main")
