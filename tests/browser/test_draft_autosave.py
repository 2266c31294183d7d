"""Forms of drafts save themselves while one types: facts, forms, plain text; two tabs, a lost answer, earlier versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import SCREENSHOTS
from workflows.notices import list_notices
from workflows.notices.drafts import get_draft, list_versions, read_files, start_draft

pytestmark = pytest.mark.browser
TITLE = '[name="facts.document.title.value"]'


@pytest.fixture
def draft(site: Any) -> str:
    """A draft of the notice's next version; its id."""
    who = site.place.person("designer")
    with site.place.engine.begin(by=who.id) as work:
        (notice,) = list_notices(work)
        return start_draft(work, who, notice.id)


def open_file(site: Any, draft: str, path: str, *, page: Any = None) -> Any:
    """The page of a file."""
    page = page or site.open("designer")
    page.goto(f"{site.address}/drafts/{draft}/edit/{path}")
    return page


def wait_until_kept(page: Any) -> None:
    """All that was typed is on the server."""
    page.locator("form[data-state=kept]").wait_for()


def read(site: Any, draft: str, path: str, number: int | None = None) -> str:
    """A file as it is stored."""
    with site.place.engine.read() as work:
        return read_files(work, draft, number or get_draft(work, draft).version)[path].decode()


def list_saves(site: Any, draft: str) -> list[tuple[int, str]]:
    """Number and kind of each version, the newest first."""
    with site.place.engine.read() as work:
        return [(each.number, each.kind) for each in list_versions(work, draft)]


def test_facts_forms_and_texts_save_themselves(site: Any, draft: str, check_accessibility: Callable[[Any], None]) -> None:
    page = open_file(site, draft, "notice.yaml?part=document")
    page.fill(TITLE, "优秀案例征集（二〇二三）")
    wait_until_kept(page)
    page.locator("#save_state", has_text="已自动保存为第 2 版").wait_for()
    assert "优秀案例征集（二〇二三）" in read(site, draft, "notice.yaml")
    check_accessibility(page)
    picture(page, "facts")

    # a link waits for what was just typed
    page.fill(TITLE, "优秀案例征集（2023）")
    page.get_by_role("link", name="日期", exact=True).click()
    page.wait_for_url("**part=dates")
    assert "优秀案例征集（2023）" in read(site, draft, "notice.yaml")

    # what is faulty is kept, and told
    page.fill('[name="facts.dates.0.value"]', "soon")
    page.locator("#save_state", has_text="此页尚有 1 处问题").wait_for()
    assert "value: soon" in read(site, draft, "notice.yaml")
    page.fill('[name="facts.dates.0.value"]', "2023-08-31")
    wait_until_kept(page)

    # a button after typing: one save, no conflict with oneself
    page.fill('[name="facts.dates.0.value"]', "2023-09-01")
    page.get_by_role("button", name="保存", exact=True).last.click()
    page.get_by_text("已保存为草稿第 6 版").wait_for()

    open_file(site, draft, "forms/audit.form?at=components[1]", page=page)
    page.fill('[name="component.label"]', "核查事项")
    wait_until_kept(page)
    assert "核查事项" in read(site, draft, "forms/audit.form")
    check_accessibility(page)
    picture(page, "form")

    open_file(site, draft, "forms/audit.form?raw=1", page=page)
    text = page.input_value("#text")
    page.fill("#text", text.replace("核查事项", "核对各项"))
    wait_until_kept(page)
    assert read(site, draft, "forms/audit.form") == text.replace("核查事项", "核对各项")
    kinds = [kind for _number, kind in list_saves(site, draft)]
    assert kinds == ["autosaved", "autosaved", "saved", "autosaved", "autosaved", "autosaved", "autosaved", "started"]

    # the versions of one file, its autosaves told as one; an earlier one brought back
    page.get_by_role("link", name="此文件的版本").click()
    page.get_by_role("heading", name="的版本").wait_for()
    check_accessibility(page)
    assert page.locator("tbody tr").count() == 2
    page.get_by_role("link", name="逐次列出自动保存").click()
    page.locator("tbody tr").nth(2).wait_for()
    picture(page, "versions")
    page.get_by_role("button", name="恢复此文件 1").click()
    page.get_by_text("第 1 版的内容已恢复为第 9 版").wait_for()
    assert read(site, draft, "forms/audit.form") == read(site, draft, "forms/audit.form", 1)
    assert "2023-09-01" in read(site, draft, "notice.yaml")


def test_two_tabs_of_one_file_are_told_with_both_texts(site: Any, draft: str, check_accessibility: Callable[[Any], None]) -> None:
    first, second = (open_file(site, draft, "notice.yaml?part=document") for _ in range(2))
    third = open_file(site, draft, "notice.yaml?part=dates")
    first.fill(TITLE, "甲的标题")
    wait_until_kept(first)
    # another part of the same file is in nobody's way
    third.fill('[name="facts.dates.0.value"]', "2023-08-31")
    wait_until_kept(third)
    second.fill(TITLE, "乙的标题")
    box = second.locator("#conflict .error-summary")
    box.wait_for()
    told = box.inner_text()
    assert "褚设计 已另存 notice.yaml" in told and "甲的标题" in told and "乙的标题" in told
    assert second.input_value(TITLE) == "乙的标题"
    check_accessibility(second)
    picture(second, "conflict")
    second.fill(TITLE, "乙的新标题")  # typed while it waits for a decision
    second.get_by_role("button", name="仍将我的存为下一版").click()
    second.get_by_text("已保存为草稿第 4 版").wait_for()
    stored = read(site, draft, "notice.yaml")
    assert "乙的新标题" in stored and "2023-08-31" in stored
    assert "甲的标题" in read(site, draft, "notice.yaml", 3)
    # the other way: one's own is given up
    first.fill(TITLE, "甲的又一个标题")
    first.locator("#conflict .error-summary").wait_for()
    first.on("dialog", lambda dialog: dialog.accept())  # it is not saved: the browser asks
    first.get_by_role("link", name="改用对方的版本").click()
    first.wait_for_function(f"document.querySelector('{TITLE}').value === '乙的新标题'")


def test_two_tabs_of_one_text_are_told_line_by_line(site: Any, draft: str) -> None:
    pages = [open_file(site, draft, "notice.yaml?raw=1") for _ in range(2)]
    text = pages[0].input_value("#text")
    for page, remark in zip(pages, ("# 甲的注释\n", "# 乙的注释\n"), strict=True):
        page.fill("#text", remark + text)
    loser = next(page for page in pages if wait_for_answer(page) == "refused")
    assert {each.inner_text().strip() for each in loser.locator("#conflict pre del, #conflict pre ins").all()} == {
        "# 甲的注释",
        "# 乙的注释",
    }
    picture(loser, "conflict_text")


def wait_for_answer(page: Any) -> str:
    """Whether what was typed was kept or refused."""
    page.locator("form[data-state=kept], #conflict .error-summary").first.wait_for()
    return "refused" if page.locator("#conflict .error-summary").count() else "kept"


def test_a_lost_answer_is_no_conflict_with_oneself(site: Any, draft: str) -> None:
    page = open_file(site, draft, "forms/audit.form?raw=1")
    text = page.input_value("#text")
    lost = []

    def lose(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)  # the server did it, the page does not hear of it
        route.abort()

    page.route("**/edit/forms/audit.form**", lose)
    page.fill("#text", text + "\n")
    page.locator("#save_state", has_text="稍后自动重试").wait_for()
    page.fill("#text", text + "\n\n")
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_text("已保存为草稿第 3 版").wait_for()
    assert lost == [200]
    assert read(site, draft, "forms/audit.form") == text + "\n\n"
    # the log-in ends, and begins again in another tab
    page.wait_for_load_state("networkidle")
    site.end_sessions()
    page.fill("#text", text + "\n\n\n")
    page.locator("#save_state", has_text="登录已过期").wait_for()
    site.log_in_beside(page, "designer")
    page.locator("#save_state", has_text="已自动保存为第 4 版").wait_for()
    assert read(site, draft, "forms/audit.form") == text + "\n\n\n"
    site.log.console[:] = [line for line in site.log.console if "ERR_FAILED" not in line]  # Chromium notes it


def picture(page: Any, name: str) -> None:
    """The page wide and narrow, where pictures are wanted; it must not be wider than the narrow screen."""
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 320, name
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/autosave_{name}_narrow.png")
    page.set_viewport_size({"width": 1280, "height": 900})
    if SCREENSHOTS:
        page.screenshot(path=f"{SCREENSHOTS}/autosave_{name}.png")
