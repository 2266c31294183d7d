"""A day at the desk in the browser, each action by the person who does it: both languages, wide and narrow, without scripts."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from engine.texts import Catalogue
from tests.api.world import whole
from workflows.files import attach_file, receive_file
from workflows.replay.cast import SCAN

pytestmark = pytest.mark.browser
CATALOGUE = Catalogue("engine", "workflows", "api")
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a494441"
    "54789c636800000082008177cd72b60000000049454e44ae426082"
)
"""One grey dot."""


def hand_in(place: Any, application: dict[str, Any], *proofs: str) -> str:
    """A case of the applicant that waits for the first body's audit, with these files beside the scan; its id."""
    begun = place.begin_case(scan=("seal.pdf", SCAN))
    for name in proofs:
        proof = receive_file(place.engine, io.BytesIO(PNG), name=name)
        with place.engine.begin(by=place.people["applicant"]) as work:
            attach_file(work, place.person("applicant"), proof, task_id=begun.task_id, field="attachments")
    place.complete("applicant", begun.task_id, whole(application))
    return str(begun.case_id)


@pytest.mark.parametrize(
    ("language", "width", "script"),
    [("zh", 1280, True), ("en", 320, True), pytest.param("zh", 320, False, marks=pytest.mark.slow)],
)
def test_a_day_at_the_desk(
    site: Any, application: dict[str, Any], check_accessibility: Callable[[Any], None], language: Any, width: int, script: bool
) -> None:
    def t(code: str, **values: Any) -> str:
        return CATALOGUE.say(code, language, values)

    def open_page(login: str, path: str) -> Any:
        page = site.open(login, width=width, language=language, script=script)
        page.goto(site.address + path)
        return page

    def check(page: Any) -> None:
        if script:
            check_accessibility(page)

    def press(page: Any, code: str, **options: Any) -> None:
        page.get_by_role("button", name=t(code), **options).first.click()

    case_id, _ = hand_in(site.place, application), hand_in(site.place, application)
    first = next(row.id for row in site.place.tasks("auditor", "audit") if row.case_id == case_id)

    # who sent it urges those whom it waits for
    page = open_page("applicant", f"/cases/{case_id}")
    page.locator("#awaited summary").click()
    page.locator("#urge_text").fill("急")
    check(page)
    press(page, "talk.urge", exact=True)
    page.get_by_text(t("talk.urged")).wait_for()
    assert page.locator("#talk").count() == 0

    # an official hears of it, watches the case, mentions a colleague, shows it, takes a remark back, plans
    page = open_page("auditor", "/notifications")
    check(page)
    page.locator("ol.timeline button").first.click()
    page.wait_for_url(f"**/tasks/{first}")
    press(page, "inbox.claim", exact=True)
    press(page, "talk.watch")
    page.get_by_text(t("talk.watching"), exact=True).wait_for()
    page.locator("#remark_text").fill("@没有此人 请看")
    press(page, "talk.send")
    page.locator("#remark_fault").wait_for()
    assert page.locator("#remark_text").input_value() == "@没有此人 请看"
    check(page)
    page.locator("#remark_text").fill("@李同事 请看")
    press(page, "talk.send")
    page.get_by_text(t("talk.remarked")).wait_for()
    page.locator("#remark_text").fill("写错了")
    press(page, "talk.send")
    page.locator("#talk li").nth(1).get_by_role("button").click()
    page.get_by_text(t("talk.retracted")).wait_for()
    page.locator("#talk details", has_text=t("talk.copy_to")).locator("summary").click()
    page.locator("#talk details[open]").get_by_label("李同事").check()
    page.locator("#copy_text").fill("供参考")
    press(page, "talk.copy", exact=True)
    page.get_by_text(t("talk.copied"), exact=True).wait_for()
    page.locator("summary", has_text=t("plan.title")).click()
    page.locator("#priority").select_option("75")
    page.locator("#follow_up_on").fill("2022-07-08")
    press(page, "plan.keep", exact=True)
    page.get_by_text(t("plan.kept")).wait_for()
    check(page)

    # the official is away for a week from today
    page.goto(f"{site.address}/substitutions")
    press(page, "substitution.appoint", exact=True)
    page.get_by_role("alert").wait_for()
    check(page)
    page.locator("#substitute").select_option(label="李同事")
    page.locator("#begins_on").fill("2022-07-01")
    page.locator("#last_on").fill("2022-07-07")
    press(page, "substitution.appoint", exact=True)
    page.get_by_text(t("substitution.done"), exact=True).wait_for()
    check(page)

    # the colleague sees what is told, chooses how, acts for the absent one, and goes on with the next task
    other = open_page("colleague", "/notifications")
    assert other.locator("ol.timeline > li").count() >= 3
    other.locator("#settings summary").click()
    other.locator("#way_copy").select_option("none")
    check(other)
    press(other, "bell.keep")
    other.get_by_text(t("bell.kept")).wait_for()
    press(other, "bell.read_all")
    other.get_by_text(t("bell.all_read")).wait_for()
    other.goto(f"{site.address}/inbox?view=groups")
    other.get_by_text(t("substitution.acting", name="孙审核", until="")[:6]).first.wait_for()
    check(other)
    other.goto(f"{site.address}/substitutions")
    other.locator(f'a[href="/tasks/{first}"]').click()
    other.get_by_text(t("task.on_behalf", name="孙审核")).wait_for()
    check(other)
    other.locator('input[name="result"][value="pass"]').check()
    other.locator("#task_form button.main").click()
    other.locator(".notice", has_text=t("task.next")).get_by_role("link").click()
    other.wait_for_url("**/tasks/*")

    # an organiser lets the case rest and go on
    page = open_page("organiser", f"/cases/{case_id}/stop")
    check(page)
    page.locator("#reason").fill("需要核实")
    press(page, "stopping.suspend", exact=True)
    page.get_by_text(t("stopping.resting")).wait_for()
    page.goto(f"{site.address}/cases/{case_id}/stop")
    page.locator("#reason").fill("已经核实")
    press(page, "stopping.resume", exact=True)
    page.get_by_text(t("stopping.done.resume")).wait_for()
    check(page)
    assert t("substitution.for", name="孙审核") in page.inner_text("main")


def test_a_file_is_looked_at_in_a_page_of_ours(
    site: Any, application: dict[str, Any], check_accessibility: Callable[[Any], None]
) -> None:
    case_id = hand_in(site.place, application, "proof.png")
    page = site.open("auditor")
    page.goto(f"{site.address}/cases/{case_id}")
    page.locator('#files a[href$="/show"]').first.click()
    page.locator("iframe.preview").wait_for()
    assert page.locator("iframe.preview").get_attribute("title") == "seal.pdf"
    # the arrows turn to the next file and back; the trail leads to the case
    page.locator("[data-turning]").wait_for()
    page.locator("a[rel=next]").press("ArrowRight")  # in the browser's own viewer the keys are its own
    page.locator("img.preview").wait_for()
    assert "第 2 个，共 2 个" in page.inner_text("main") and page.locator("a[rel=next]").count() == 0
    check_accessibility(page)  # in the browser's own viewer of PDF axe cannot look
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.locator("iframe.preview").wait_for()
    page.locator("p.trail").get_by_role("link", name="t2022-0001").click()
    page.wait_for_url(f"**/cases/{case_id}#files")
