"""What a body types into its report survives: a restart, another window, another log-in, and the day that is due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.wiring import build_engine
from engine.clock import VirtualClock
from engine.texts import Catalogue
from tests.api.world import Place, make_place, make_settings
from tests.workflows.reports.acting import BEIJING, build_action
from workflows.schema import upgrade_schema

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CATALOGUE = Catalogue("engine", "workflows", "api")
NUMBER = "act-phase_1-2022-11-middle-01"
DUE = datetime(2022, 11, 21, tzinfo=BEIJING)
TEXT = "调研了很久：检验检测促进产业升级。"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Jiangxi 2022 some minutes before the first report is due."""
    settings, clock = make_settings(tmp_path), VirtualClock(datetime(2022, 10, 9, 9, tzinfo=BEIJING))
    engine = build_engine(settings, clock=clock)
    upgrade_schema(engine.database)
    action = build_action(engine, "jiangxi_2022", ("南昌市市场监督管理局", "江西省检验检测认证总院"))
    engine.database.dispose()
    people = {name: each.id for name, each in action.people.items()}
    ids = {"organisations": action.places, "people": people, "campaign": action.campaign_id}
    place = make_place(settings, VirtualClock(DUE - timedelta(minutes=9)), ids)
    yield place
    place.engine.database.dispose()


def test_a_report_is_typed_through_everything(site: Any) -> None:
    def t(code: str) -> str:
        return CATALOGUE.say(code, "en", {})

    def kept() -> None:
        page.locator("#draft_state", has_text="draft is saved").wait_for()

    task = next(row for row in site.place.tasks("one", "write_report") if row.number == NUMBER)
    page = site.open("one", language="en")
    page.goto(f"{site.address}/tasks/{task.id}")
    page.locator("button[value='add:pilots']").click()
    page.fill("[name='pilots.0.field']", "家具")
    survey, experience = page.locator("[name=survey]"), page.locator("[name=experience]")
    site.stop()
    survey.fill(TEXT)
    page.get_by_text(t("task.draft_failed")).wait_for()
    site.start()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    kept()

    site.place.clock.move_to(DUE - timedelta(minutes=8))
    other = page.context.new_page()
    other.goto(page.url)
    assert other.input_value("[name=survey]") == TEXT
    other.fill("[name=experience]", "另一个窗口")
    other.locator("#draft_state", has_text="draft is saved").wait_for()
    survey.fill(f"{TEXT}又写了一句。")
    page.locator("#draft_state .fault").wait_for()
    page.get_by_role("button", name=t("task.save_draft")).click()
    page.get_by_role("row", name="另一个窗口").wait_for()
    assert survey.input_value() == f"{TEXT}又写了一句。"

    site.end_sessions()
    experience.fill("经验")
    page.get_by_text(t("login.expired")).wait_for()
    site.log_in_beside(page, "one")
    site.place.move_to(DUE)
    page.locator("#task_form button.main").click()
    page.locator("#receipts", has_text=t("report.after_due")).wait_for()  # late, and taken
    shown = page.locator("#version_1").inner_text()
    assert f"{TEXT}又写了一句。" in shown and "经验" in shown
    away = ("net::ERR_", "Failed to fetch")  # the server was
    site.log.console[:] = [line for line in site.log.console if not any(each in line for each in away)]
