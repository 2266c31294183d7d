"""A province runs its own stage in the browser: opened, checked by a prefecture, audited, ranked, public, sealed, recommended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from tests.api.world import PDF
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import create_person
from workflows.tables import case

pytestmark = pytest.mark.browser
BEIJING = ZoneInfo("Asia/Shanghai")
OVERLAY = "samr_2022_932_province"


@pytest.fixture
def province(place: Any) -> Any:
    """The world with a prefecture and its unit below 甲省, and the overlay deployed."""
    ids = place.organisations
    with place.engine.begin() as work:
        deploy_folder(work, bundled_notices()[OVERLAY], key=OVERLAY)
        ids["city"] = create_organisation(
            work, name="甲省一市市场监督管理局", short_name="一市", kind="prefecture", parent_id=ids["body_a"]
        )
        ids["city_lab"] = create_organisation(
            work, name="一市质量检验所", short_name="一市质检所", kind="institution", parent_id=ids["city"]
        )
        for login, name, at, role in (("checker", "吕初审", "city", "auditor"), ("unit", "施申报", "city_lab", "applicant")):
            place.people[login] = create_person(work, login=login, name=name, organisation_id=ids[at], roles=[(role, ids[at])])
    return place


def apply(place: Any, application: dict[str, Any], title: str) -> None:
    """A case of the prefecture's unit is sent."""
    place.hand_in({**application, "title": title}, "unit")


def open_task(page: Any, site: Any, name: str) -> None:
    """Go to the first task of this name in the inbox."""
    page.goto(f"{site.address}/inbox?view=groups")
    page.get_by_role("link", name=name).first.click()
    page.get_by_role("heading", name=name).first.wait_for()


def decide(page: Any, site: Any, name: str) -> None:
    """Pass the first case that waits at this step."""
    open_task(page, site, name)
    page.get_by_label("通过", exact=True).check()
    page.get_by_role("button", name="提交").click()
    page.get_by_text(f"“{name}”已办理。").wait_for()


def test_a_provincial_official_runs_the_stage(
    province: Any, site: Any, application: dict[str, Any], check_accessibility: Callable[[Any], None]
) -> None:
    # opened: every fault at once, nothing typed lost
    office = site.open("auditor")
    office.goto(f"{site.address}/campaigns/{province.campaign}")
    office.get_by_role("link", name="启动本单位的自办阶段").click()
    assert office.locator("#date_collection_cutoff").input_value() == "2022-07-25"
    office.locator("#date_sealed_by").fill("2022-08-20")
    office.get_by_label("一市 上限").fill("许多")
    office.get_by_role("button", name="启动自办阶段").click()
    summary = office.locator(".error-summary")
    summary.wait_for()
    assert "须早于全国征集截止" in summary.inner_text() and "“一市”的名额“许多”须为 0 到 1000 的整数" in summary.inner_text()
    assert office.get_by_label("一市 上限").input_value() == "许多"
    check_accessibility(office)
    office.locator("#date_sealed_by").fill("2022-08-09")
    office.get_by_label("一市 上限").fill("1")
    office.get_by_role("button", name="启动自办阶段").click()
    office.get_by_text("自办阶段已启动。").wait_for()
    stage = office.url
    check_accessibility(office)

    # the prefecture passes one; the second is beyond its quota and told so with the figures
    for title in ("检测甲", "检测乙"):
        apply(province, application, title)
    checker = site.open("checker")
    decide(checker, site, "市州初审")
    open_task(checker, site, "市州初审")
    checker.get_by_label("通过", exact=True).check()
    checker.get_by_role("button", name="提交").click()
    checker.get_by_text("名额已用完：已通过 1 个，名额 1 个。").first.wait_for()
    checker.goto(stage)
    assert "一市" in checker.inner_text("main") and checker.locator("#list").count() == 0

    # the province audits, ranks, publishes, settles and seals
    decide(office, site, "省级审核")
    province.move_to(datetime(2022, 8, 1, 10, tzinfo=BEIJING))
    office = site.open("auditor")  # the days have ended the session
    open_task(office, site, "排序")
    assert "还有 1 个案例未审结" in office.inner_text("main")
    office.locator("[data-rank]").first.fill("1")
    office.get_by_role("button", name="提交").click()
    office.get_by_text("“排序”已办理。").wait_for()
    public = site.open()
    public.goto(stage)
    public.get_by_role("link", name="正在公示").click()
    assert "检测甲" in public.inner_text("main") and "检测乙" not in public.inner_text("main")
    province.move_to(datetime(2022, 8, 9, 9, tzinfo=BEIJING))
    office = site.open("auditor")
    open_task(office, site, "处理异议")
    office.get_by_role("button", name="提交").click()
    office.get_by_text("“处理异议”已办理。").wait_for()
    open_task(office, site, "报送推荐名单")
    assert "尚未封存，封存后才能报送" in office.inner_text("main")
    open_task(office, site, "封存名单")
    check_accessibility(office)
    digest = office.locator(".hash").first.inner_text()
    office.locator('[name="seal_scan.new"]').set_input_files({"name": "名单.pdf", "mimeType": "application/pdf", "buffer": PDF})
    office.locator('[name="confirmed"]').check()
    office.get_by_role("button", name="提交").click()
    office.get_by_text("“封存名单”已办理。").wait_for()

    # the national list is the sealed one and cannot be another
    open_task(office, site, "报送推荐名单")
    assert "名单已由自办阶段封存" in office.inner_text("main") and office.locator("[data-rank]").count() == 0
    check_accessibility(office)
    office.get_by_role("button", name="报送推荐名单").click()
    office.get_by_text("“报送推荐名单”已收到").wait_for()
    province.move_to(datetime(2022, 8, 9, 9, 5, tzinfo=BEIJING))
    office.goto(stage)
    office.locator(".diagram[data-shown=yes]").wait_for()
    assert "已结束" in office.locator("[aria-current=step]").inner_text() and digest in office.inner_text("#list")
    unit = site.open("unit", width=375)
    with province.engine.read() as work:
        case_id = work.connection.execute(sa.select(case.c.id).where(case.c.title == "检测甲")).scalar_one()
    unit.goto(f"{site.address}/cases/{case_id}")
    text = unit.inner_text("main")
    assert "已推荐" in text and "2022年7月25日24:00" in text and "甲省一市市场监督管理局" in text
    narrow = site.open("auditor", width=375)
    narrow.goto(stage)
    check_accessibility(narrow)
