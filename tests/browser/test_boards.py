"""The board: a chart beside each table, drawn from it; the tables alone without JavaScript; a case's papers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.app import STATIC
from workflows.applications import start_application

pytestmark = pytest.mark.browser
CHARTS = (STATIC / "dist" / "charts.js").exists()


def begin(site: Any) -> str:
    who = site.place.person("applicant")
    with site.place.engine.begin(by=who.id) as work:
        return str(start_application(work, who, site.place.campaign, channel="recommended"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_charts_stand_beside_their_tables(site: Any, language: str, check_accessibility: Callable[[Any], None]) -> None:
    begin(site)
    page = site.open("organiser", language=language)
    page.goto(f"{site.address}/campaigns/{site.place.campaign}/board")
    assert page.locator("#funnel tbody tr").first.locator("td").first.inner_text() == "1"
    if CHARTS:
        page.locator("[data-table=funnel] svg").wait_for()
        assert page.locator("[data-table=weeks] svg").count() == 1
    check_accessibility(page)
    page.set_viewport_size({"width": 320, "height": 800})
    page.wait_for_timeout(300)  # the charts follow the width
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.emulate_media(media="print")
    within = "[...document.querySelectorAll('.chart svg')].every((each) => each.getBoundingClientRect().right <= innerWidth)"
    assert page.locator("#funnel thead").is_visible() and page.evaluate(within)  # also where it was drawn for a screen


def test_without_javascript_the_tables_say_all(site: Any) -> None:
    begin(site)
    page = site.open("auditor", script=False)
    page.goto(f"{site.address}/campaigns/{site.place.campaign}/board")
    assert page.locator("#funnel tbody tr").count() == 6 and page.locator(".chart:visible").count() == 0
    assert page.locator("#quota tbody tr").count() == 1  # the own body's


def test_the_papers_of_a_case_are_accessible(site: Any, check_accessibility: Callable[[Any], None]) -> None:
    case_id = begin(site)
    for login, path in (("applicant", f"/cases/{case_id}/compare"), ("organiser", "/cases")):
        page = site.open(login)
        page.goto(site.address + path)
        check_accessibility(page)
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
