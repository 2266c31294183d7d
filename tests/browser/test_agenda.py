"""The agenda in a browser: no violation of axe, nothing scrolls sideways, by keyboard, and a month on one sheet of paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from engine.due import run_due
from engine.incidents import open_incident
from tests.browser.conftest import Site
from workflows.applications import start_application
from workflows.campaigns.reading import get_campaign


@pytest.mark.parametrize(("width", "script"), [(1280, True), (320, False)])
def test_month_and_list(site: Site, check_accessibility: Callable[[Any], None], width: int, script: bool) -> None:
    applicant = site.place.person("applicant")
    with site.place.engine.begin(by=applicant.id) as work:
        start_application(work, applicant, site.place.campaign, channel="recommended")
    run_due(site.place.engine)
    page = site.open("organiser", width=width, script=script)
    for address in ("/agenda?month=2022-08", "/agenda?view=list"):
        page.goto(site.address + address)
        if script:
            check_accessibility(page)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.goto(site.address + "/agenda?month=2022-07")
    page.focus("a[rel=next]")
    page.keyboard.press("Enter")
    page.wait_for_url("**month=2022-08**")
    assert "征集截止" in page.inner_text("table.month")
    page.select_option("#role", "expert")
    page.focus("form.filters button")
    page.keyboard.press("Enter")
    page.wait_for_url("**role=expert**")
    assert "征集截止" not in page.inner_text("table.month")


def test_a_month_is_one_sheet(site: Site) -> None:
    page = site.open("organiser")
    page.goto(site.address + "/agenda?month=2022-08")
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page[^s]", paper)) == 1
    (size,) = re.findall(rb"/MediaBox\s*\[([^\]]*)\]", paper)
    left, low, right, high = map(float, size.split())
    assert right - left > high - low


@pytest.mark.parametrize("width", [1280, 320])
def test_the_feed_and_an_incident(site: Site, check_accessibility: Callable[[Any], None], width: int) -> None:
    with site.place.engine.begin() as work:
        instance_id = get_campaign(work, site.place.campaign).instance_id
        incident = open_incident(work, "timer", "RowFailed", "no printer", instance_id=instance_id, element_id="collect")
    page = site.open("administrator", width=width)
    page.goto(f"{site.address}/agenda/feed")
    check_accessibility(page)
    page.click("main form button")
    assert "/feeds/" in page.inner_text(".notice.good")
    check_accessibility(page)
    page.goto(f"{site.address}/incidents/{incident}")
    check_accessibility(page)
    page.fill("#variables", "{wrong")
    page.fill("#edit_reason", "更正")
    page.click("section:has(#variables) button")
    assert "不是JSON" in page.inner_text(".error-summary") and page.input_value("#variables") == "{wrong"
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
