"""The list of the inbox in the browser: keyboard, filter, many at once; both languages, wide and narrow, without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.due import run_due
from engine.texts import Catalogue
from tests.api.rest.test_bulk import send_applications

pytestmark = pytest.mark.browser
CATALOGUE = Catalogue("engine", "workflows", "api")


SEEN = """() => {
    const {left, top, right, bottom} = document.activeElement.getBoundingClientRect()
    const found = document.elementFromPoint((left + right) / 2, (top + bottom) / 2)
    return document.activeElement.contains(found)
}"""
"""Whether nothing lies over the middle of what has the focus."""


@pytest.fixture
def data(application: dict[str, Any]) -> dict[str, Any]:
    """What the applications say."""
    return {key: value for key, value in application.items() if "." not in key}


def focused(page: Any) -> str:
    """The text of what has the focus."""
    return str(page.evaluate("document.activeElement.closest('tr')?.innerText ?? document.activeElement.id"))


def test_the_whole_list_is_worked_by_keyboard(
    site: Any, data: dict[str, Any], check_accessibility: Callable[[Any], None]
) -> None:
    audits = send_applications(site.place, 3, data)
    page = site.open("auditor")
    page.goto(f"{site.address}/inbox?view=groups&step=audit")
    page.keyboard.press("j")
    first = focused(page)
    page.keyboard.press("j")
    assert focused(page) != first
    page.keyboard.press("k")
    assert focused(page) == first
    page.keyboard.press("x")
    assert page.inner_text("[data-chosen]") == "：已勾选 1 项"
    assert page.locator("input[name=many_task]:checked").count() == 1
    page.keyboard.press("a")
    assert (page.inner_text("[data-chosen]"), page.locator("input[name=many_task]:checked").count()) == ("：已勾选 3 项", 3)
    page.keyboard.press("a")
    assert (page.inner_text("[data-chosen]"), page.locator("input[name=many_task]:checked").count()) == ("", 0)
    page.set_viewport_size({"width": 320, "height": 256})  # 1280 × 1024 at 400 %: what has the focus is seen
    for _ in range(8):
        page.keyboard.press("j")
        assert page.evaluate(SEEN)
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("tbody th a").first.focus()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="键盘快捷键").wait_for()
    check_accessibility(page)
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert focused(page) == "q"
    page.keyboard.type("jxc?")
    assert page.input_value("#q") == "jxc?"
    assert page.locator("dialog[open]").count() == 0
    page.goto(f"{site.address}/inbox?view=groups&step=audit")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.wait_for_url("**/tasks/*")
    page.goto(f"{site.address}/inbox?view=groups")
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/inbox?view=mine*")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/*")
    assert page.url.rpartition("/")[2].partition("?")[0] in audits


def test_the_keyboard_can_be_switched_off(site: Any) -> None:
    page = site.open("auditor", language="en")
    page.goto(f"{site.address}/inbox?view=groups")
    page.locator("summary", has_text="Columns and order").click()
    page.locator("#look_keys").uncheck()
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("looks like this from now on").wait_for()
    page.keyboard.press("j")
    page.keyboard.press("?")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.closest('tr')") is None
    page.get_by_role("button", name="Keyboard").click()
    page.get_by_text("You have switched the keys off.").wait_for()


@pytest.mark.parametrize(
    ("width", "script", "language"), [(1280, True, "zh"), (375, True, "en"), (320, True, "zh"), (320, False, "zh")]
)
def test_many_tasks_are_returned_from_the_list(
    site: Any, data: dict[str, Any], check_accessibility: Callable[[Any], None], width: int, script: bool, language: str
) -> None:
    send_applications(site.place, 3, data)
    page = site.open("auditor", width=width, script=script, language=language)
    page.goto(f"{site.address}/inbox?view=groups&step=audit")
    if script:
        check_accessibility(page)
    page.locator("#many_all").check()
    page.locator("#many button[value=return]").click()
    page.get_by_text("共 3 项：可以办理 3 项" if language == "zh" else "3 in all: 3 can be done").wait_for()
    if script:
        check_accessibility(page)
    page.locator("button.main").click()
    page.locator(".error-summary").wait_for()
    page.locator("#many_reason").fill("缺少盖章")
    page.locator("input[name=many_task]").last.uncheck()
    page.locator("button.main").click()
    page.wait_for_url("**/bulk/*")
    run_due(site.place.engine)
    page.goto(page.url)
    page.get_by_text("共 2 项：已办理 2 项" if language == "zh" else "2 in all: 2 done").wait_for()
    if script:
        check_accessibility(page)
    assert len(site.place.tasks("auditor", "audit")) == 1


@pytest.mark.parametrize(("language", "script"), [("zh", True), ("en", False)])
def test_many_tasks_are_claimed_put_back_urged_transferred_and_completed(
    site: Any, data: dict[str, Any], language: Any, script: bool
) -> None:
    def t(code: str, **values: Any) -> str:
        return CATALOGUE.say(code, language, values)

    def begin(page: Any, view: str, action: str) -> None:
        page.goto(f"{site.address}/inbox?view={view}&step=audit")
        page.locator("#many_all").check()
        page.locator("#many").get_by_role("button", name=t(f"bulk.action.{action}"), exact=True).click()
        page.get_by_text(t("bulk.preview_counts", total=2, able=2, unable=0)).wait_for()

    def confirm(page: Any, action: str) -> None:
        page.get_by_role("button", name=t("bulk.confirm", action=t(f"bulk.action.{action}")), exact=True).dblclick()
        page.get_by_role("heading", name=t("bulk.results")).wait_for()
        run_due(site.place.engine)
        page.goto(page.url)
        page.get_by_text(t("bulk.counts", total=2, done=2, refused=0, left=0)).wait_for()

    send_applications(site.place, 2, data)
    page = site.open("auditor", language=language, script=script)
    begin(page, "groups", "claim")
    confirm(page, "claim")
    begin(page, "mine", "unclaim")
    confirm(page, "unclaim")
    sender = site.open("applicant", language=language, script=script)
    begin(sender, "sent", "urge")
    sender.get_by_label(t("bulk.remark")).fill("急")
    confirm(sender, "urge")
    begin(page, "groups", "transfer")
    page.get_by_label(t("task.transfer_to"), exact=True).select_option(label="李同事")
    page.get_by_label(t("task.reason")).fill("请接着办。")
    confirm(page, "transfer")
    other = site.open("colleague", language=language, script=script)
    begin(other, "mine", "complete")
    other.locator('input[name="result"][value="pass"]').check()
    confirm(other, "complete")
    assert site.place.tasks("colleague", "audit") == []


@pytest.mark.slow
def test_two_hundred_tasks_are_chosen_and_claimed_from_the_first_page(
    site: Any, data: dict[str, Any], check_accessibility: Callable[[Any], None]
) -> None:
    """A page of them by one button, and they are still chosen when one comes back; all of the filter by one box."""
    send_applications(site.place, 200, data)
    page = site.open("auditor", language="en")
    page.goto(f"{site.address}/inbox?view=groups&step=audit")
    page.get_by_role("button", name="Choose the 50 of this page").click()
    page.locator("#many").get_by_role("button", name="Claim", exact=True).click()
    page.get_by_text(CATALOGUE.say("bulk.preview_counts", "en", {"total": 50, "able": 50, "unable": 0})).wait_for()
    check_accessibility(page)
    page.go_back()
    assert page.locator("input[name=many_task]:checked").count() == 50
    assert "50" in page.inner_text("[data-chosen]")
    page.locator("#many_all").check()
    page.locator("#many").get_by_role("button", name="Claim", exact=True).click()
    page.get_by_text(CATALOGUE.say("bulk.preview_counts", "en", {"total": 200, "able": 200, "unable": 0})).wait_for()
    page.locator("button.main").dblclick()
    page.get_by_role("heading", name=CATALOGUE.say("bulk.results", "en", {})).wait_for()
    run_due(site.place.engine)
    page.goto(page.url)
    page.get_by_text(CATALOGUE.say("bulk.counts", "en", {"total": 200, "done": 200, "refused": 0, "left": 0})).wait_for()
    page.go_back()  # what one comes back to is no list of yesterday
    page.go_back()
    assert page.locator("input[name=many_task]").count() == 0
