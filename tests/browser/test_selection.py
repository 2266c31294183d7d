"""A case in the browser: faults shown at once, returned, corrected, recommended; diagram and history tell it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.texts import Catalogue
from tests.api.papers.test_case_paper import read_docx, read_pdf

pytestmark = pytest.mark.browser
CATALOGUE = Catalogue("engine", "workflows", "api")
PDF = b"%PDF-1.7\n%%EOF\n"


def fill(page: Any, values: dict[str, Any]) -> None:
    """Fill fields as a person does."""
    for name, value in values.items():
        field = page.locator(f'[name="{name}"]')
        if isinstance(value, list):
            for each in value:
                page.locator(f'[name="{name}"][value="{each}"]').check()
        elif value == "yes":
            field.check()
        elif field.evaluate("element => element.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def test_application_is_returned_corrected_and_recommended(
    site: Any, application: dict[str, Any], check_accessibility: Callable[[Any], None]
) -> None:
    # the applicant begins and sends a form with several faults
    page = site.open("applicant")
    page.goto(f"{site.address}/campaigns/{site.place.campaign}")
    check_accessibility(page)
    page.get_by_role("button", name="开始申报").click()
    page.get_by_role("heading", name="填写申报材料").wait_for()
    page.locator(".diagram[data-shown=yes]").wait_for()
    check_accessibility(page)
    typed = {"title": "检测数据共享", "contact_phone": "不是电话", "contact_email": "无", "background": "背" * 801}
    fill(page, typed)
    page.get_by_role("button", name="正式报送").click()
    summary = page.locator(".error-summary")
    summary.wait_for()
    assert summary.evaluate("element => element === document.activeElement")
    told = summary.inner_text()
    for fault in (
        "“联系电话”须为电话号码",
        "“电子邮箱”须为一个有效的邮件地址",
        "现有 801 字，不能超过 800 字",
        "请填写“案例摘要”",
        "请填写“盖章扫描件”",
    ):
        assert fault in told
    for name, value in typed.items():
        assert page.locator(f'[name="{name}"]').input_value() == value
    summary.get_by_role("link", name="“联系电话”须为电话号码").click()
    assert page.locator('[name="contact_phone"]').evaluate("element => element === document.activeElement")
    check_accessibility(page)

    # corrected, it is received and a receipt is shown
    plain = {name: value for name, value in application.items() if "." not in name}
    fill(page, plain)
    page.get_by_role("button", name="增加一行").click()
    page.locator('[name="indicators.0.name"]').wait_for()
    assert page.locator('[name="title"]').input_value() == application["title"]
    fill(page, {name: value for name, value in application.items() if "." in name})
    page.locator('[name="seal_scan.new"]').set_input_files({"name": "盖章.pdf", "mimeType": "application/pdf", "buffer": PDF})
    page.get_by_role("button", name="正式报送").click()
    page.locator("#receipts").wait_for()
    assert "“填写申报材料”已收到，时间：2022年7月1日09:00:00(北京时间)" in page.inner_text("main")
    assert len(page.locator("#receipts .hash").first.inner_text()) == 64
    check_accessibility(page)
    number = page.locator("p.lead").inner_text().split()[0]

    # the auditor claims and returns it
    office = site.open("auditor")
    office.goto(f"{site.address}/inbox")
    check_accessibility(office)
    office.get_by_role("row", name=number).get_by_role("button", name="签收").click()
    office.get_by_role("heading", name="省级审核").wait_for()
    assert "检测数据共享助力中小企业提质" in office.inner_text("main")
    office.locator("summary", has_text="退回").click()
    office.locator("#return_reason").fill("请补充数据来源。")
    check_accessibility(office)
    office.locator("details.action[open]").get_by_role("button", name="下一步").click()
    office.get_by_role("heading", name="退回：省级审核").wait_for()
    assert "任务 填写申报材料" in office.inner_text("main")
    check_accessibility(office)
    office.get_by_role("button", name="确认退回").click()
    office.get_by_text("已退回。").wait_for()

    # the applicant sees the reason, corrects and sends again
    page.goto(f"{site.address}/inbox")
    page.get_by_role("link", name="填写申报材料").click()
    page.locator(".diagram[data-shown=yes]").wait_for()
    assert "理由：请补充数据来源。" in page.inner_text("main")
    assert page.locator('[name="results"]').input_value() == application["results"]
    fill(page, {"results": "服务企业二百家，数据来自平台记录。", "indicators.0.value": "210"})
    page.get_by_role("button", name="正式报送").click()
    page.locator("#receipts").wait_for()
    assert page.locator("#receipts tbody tr").count() == 2
    assert page.locator("#version_2").is_visible()

    # the body passes it and recommends it
    office.goto(f"{site.address}/inbox?view=groups")
    office.get_by_role("link", name="省级审核").click()
    office.get_by_label("通过", exact=True).check()
    office.get_by_role("button", name="提交").click()
    office.get_by_text("“省级审核”已办理。").wait_for()
    office.goto(f"{site.address}/inbox?view=groups")
    office.get_by_role("link", name="报送推荐名单").click()
    office.locator("[data-rank]").first.fill("1")
    check_accessibility(office)
    office.get_by_role("button", name="报送推荐名单").click()
    office.get_by_text("“报送推荐名单”已收到").wait_for()
    site.place.move_to(datetime(2022, 7, 1, 1, 5, tzinfo=UTC))

    # diagram and history show it
    page.reload()
    page.locator(".diagram[data-shown=yes]").wait_for()
    text = page.inner_text("main")
    assert "已推荐" in page.locator("p.lead").inner_text()
    assert "退回到：填写申报材料" in text and "理由：请补充数据来源。" in text
    done = page.locator(".diagram").get_attribute("data-done").split()
    assert {"apply", "audit", "take_list"} <= set(done)
    assert page.locator(".diagram").get_attribute("data-now") == "await_review"
    assert page.locator('.djs-element.done[data-element-id="audit"]').count() == 1
    assert page.locator('.djs-element.now[data-element-id="await_review"]').count() == 1
    check_accessibility(page)

    # its papers in both languages: the versions side by side, who saw what, the whole case as docx and PDF
    address = page.url.partition("?")[0].partition("#")[0]
    for language, kind, read in (("zh", "pdf", read_pdf), ("en", "docx", read_docx)):
        desk = site.open("organiser", language=language)
        desk.goto(address)
        check_accessibility(desk)
        for anchor in ("application", "audits", "recommendation", "files", "deadlines"):
            desk.locator(f'#contents a[href="#{anchor}"]').click()
            assert desk.locator(f"#{anchor}").is_visible()
        with desk.expect_download() as begun:
            desk.locator(f'a[href$="/paper.{kind}"]').click()
        text = "".join(read(Path(begun.value.path()).read_bytes()).split())
        assert begun.value.suggested_filename == f"{number}.{kind}"
        heading = CATALOGUE.say("case.recommendation", language)
        assert [each for each in (application["title"], "数据来自平台记录", "210", heading) if each not in text] == []
        desk.locator('a[href$="/compare"]').click()
        desk.locator(".compare").wait_for()
        cells = ["".join(each.split()) for each in desk.locator(".compare dd :is(del, ins)").all_inner_texts()]
        marks = {"zh": ["［删去：200］", "［新增：210］"], "en": ["[removed:200]", "[added:210]"]}
        assert cells == marks[language]
        check_accessibility(desk)
        desk.set_viewport_size({"width": 320, "height": 800})
        assert desk.evaluate("document.documentElement.scrollWidth") <= 320
    desk.goto(f"{address}/views")
    assert desk.locator("tbody tr", has_text="孙审核").count() >= 1
    check_accessibility(desk)
