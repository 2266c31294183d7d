"""Every page in a browser: accessible, narrow without sideways scrolling, usable by keyboard and without JavaScript."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from engine.definitions import latest_definition
from workflows.applications import first_task, start_application
from workflows.forms import count_words

pytestmark = pytest.mark.browser

TEXTS = (
    "",
    "检验检测促进创新",
    "Testing promotes innovation",
    "ISO/IEC 17025 认可，2022年8月10日24:00",
    "“六稳”“六保”——服务3.366万家企业……",
    "don’t — it’s ‘quoted’",
    "① 第一；② 第二 · 第三",
    "㐂龘 𠮷野家 ABC１２３",
    "cafe\u0301 naïve 😀👍🏽 a\u200bb",
    "第一行\n第二行\t制表",
    "https://example.cn/a?b=c 与 name@example.cn",
    "±5℃，≥90%，×3，→ 下一步",
)


MARKS = "\u0301\u3099\u200b\u200d\ufe0f\U0001f3fd\xa0\u2028"
PIECES = [*"检，。“”‘’'—…·①Ａ１　aZ09.-/ \n\tñéが€±×😀", *MARKS]


def case_of(site: Any) -> tuple[str, str]:
    """A new case of the applicant, and its task."""
    who = site.place.person("applicant")
    with site.place.engine.begin(by=who.id) as work:
        case_id = start_application(work, who, site.place.campaign, channel="recommended")
        task_id = first_task(work, case_id)
    assert task_id is not None
    return case_id, task_id


def test_an_applicants_pages_and_a_page_that_is_not_there(site: Any, check_accessibility: Callable[[Any], None]) -> None:
    """All other pages: test_every_page.py."""
    case_id, task_id = case_of(site)
    page = site.open("applicant")
    for address in (f"/tasks/{task_id}", f"/cases/{case_id}", "/nothing"):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(site.address + address)
        if page.locator(".diagram").count():
            page.locator(".diagram[data-shown=yes]").wait_for()
        check_accessibility(page)
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 320, address


def test_large_type_is_chosen_on_any_page_and_stays(site: Any, check_accessibility: Callable[[Any], None]) -> None:
    _, task_id = case_of(site)
    page = site.open("applicant")
    page.goto(f"{site.address}/tasks/{task_id}")
    page.get_by_role("link", name="大字版").click()
    page.wait_for_url("**size=large")
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "24px"
    check_accessibility(page)
    page.goto(f"{site.address}/inbox")
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "24px"
    check_accessibility(page)
    page.get_by_role("link", name="标准字号").click()
    page.wait_for_url("**size=standard")
    assert page.evaluate("getComputedStyle(document.body).fontSize") == "16px"


def test_the_designer_is_wholly_chinese(site: Any) -> None:
    with site.place.engine.read() as work:
        definition = latest_definition(work, "samr_2022_932_case").id
    page = site.open("designer")
    page.goto(f"{site.address}/designer/{definition}")
    page.locator("#designer[data-shown=yes]").wait_for()
    for element in (
        "apply",
        "audit",
        "audit_gateway",
        "apply_cutoff",
        "expire",
        "review",
        "await_list",
        "flow_by_channel_direct_received",
    ):
        page.locator(f'.djs-element[data-element-id="{element}"] .djs-visual').first.click(force=True)
        page.evaluate(
            "document.querySelectorAll('.bio-properties-panel-group-header:not(.open)').forEach(header => header.click())"
        )
        page.wait_for_timeout(50)
    page.locator('.djs-element[data-element-id="audit"] .djs-visual').first.click(force=True)
    for key in ("n", "a"):
        page.locator("#canvas svg").first.focus()
        page.keyboard.press(key)
        page.locator(".djs-popup").wait_for()
        page.keyboard.press("Escape")
        page.locator(".djs-popup").wait_for(state="detached")
    assert page.evaluate("[...window.missingTranslations]") == []
    assert "常规" in page.inner_text("#panel")


def test_findings_are_drawn_on_their_elements(site: Any) -> None:
    faulty = (
        (resources.files("bpmn") / "samr_2022_932" / "case.bpmn")
        .read_text("utf-8")
        .replace("${audits.record}", "${audits.nothing}")
    )
    page = site.open("designer")
    page.goto(f"{site.address}/designer/check")
    page.fill("#xml", faulty)
    page.get_by_role("button", name="检查", exact=True).click()
    page.locator("#designer[data-shown=yes]").wait_for()
    assert page.locator('.djs-overlays[data-container-id="audit"] .server-finding.error').count() == 1
    page.get_by_role("button", name="检查当前图").click()
    page.locator("#check_status", has_text="不能按图执行").wait_for()
    assert page.locator('#findings [data-element="audit"]').count() == 1
    page.locator('#findings [data-element="audit"]').click()
    page.locator("#panel", has_text="省级审核").wait_for()


def test_drafts_are_saved_while_typing(site: Any) -> None:
    _case, task_id = case_of(site)
    page = site.open("applicant")
    page.goto(f"{site.address}/tasks/{task_id}")
    page.fill("#field_title", "边写边存")
    page.locator("#draft_state", has_text="草稿已保存").wait_for()
    page.fill("#field_summary", "第二次")
    page.wait_for_timeout(2500)
    page.reload()
    assert page.input_value("#field_title") == "边写边存" and page.input_value("#field_summary") == "第二次"


def test_the_inbox_is_searched_while_typing(site: Any) -> None:
    case_of(site)
    case_of(site)
    page = site.open("applicant")
    page.goto(f"{site.address}/inbox?view=groups")
    page.fill("#q", "t2022-0002")
    page.get_by_role("status").filter(has_text="共 1 项").wait_for()
    assert page.locator("#tasks tbody tr").count() == 1


def test_counters_count_as_the_server_does(site: Any) -> None:
    page = site.open()
    page.goto(site.address)
    counted = page.evaluate("texts => texts.map(window.countWords)", list(TEXTS))
    assert counted == [count_words(text) for text in TEXTS]
    mixed = random.Random(7)  # runs, marks and what belongs to the character before it, in any order
    texts = ["".join(mixed.choices(PIECES, k=mixed.randrange(12))) for _ in range(3000)]
    counted = page.evaluate("texts => texts.map(window.countWords)", texts)
    assert [text for text, count in zip(texts, counted, strict=True) if count != count_words(text)] == []
    odd = (
        "Cn",
        "Cs",
        "Co",
        "Cc",
        "Mc",
    )  # not assigned (differs by version), taken out by the server, or nowhere in our languages
    known = [
        chr(code) for code in (*range(0x20, 0x10000), *range(0x1F000, 0x1FB00)) if unicodedata.category(chr(code)) not in odd
    ]
    texts = [f"字{character}" for character in known]
    counted = page.evaluate("texts => texts.map(window.countWords)", texts)
    different = [hex(ord(each)) for each, text, count in zip(known, texts, counted, strict=True) if count != count_words(text)]
    assert different == []


def test_a_ranking_is_moved_by_its_buttons(site: Any) -> None:
    page = site.open()
    page.goto(site.address)
    page.evaluate(
        """() => {
        document.querySelector('main').innerHTML = `<ol data-ranking>${['a', 'b', 'c'].map((name) => `<li>
          <input name="ranking.${name}" data-rank><button type="button" data-move="up">上移</button></li>`).join('')}</ol>`;
        }"""
    )
    page.evaluate("() => import(document.querySelector('script[type=module]').src + '&again')")
    page.locator("[data-move=up]").nth(2).click()
    page.locator("[data-move=up]").nth(1).click()
    names = page.evaluate("[...document.querySelectorAll('[data-rank]')].map(input => [input.name, input.value])")
    assert names == [["ranking.c", "1"], ["ranking.a", ""], ["ranking.b", ""]]


def test_keyboard_alone_reaches_the_content_and_shows_where_it_is(site: Any) -> None:
    page = site.open("applicant")
    page.goto(f"{site.address}/inbox")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    style = page.evaluate(
        "(() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth]; })()"
    )
    assert style == ["solid", "3px"]


def test_everything_works_without_javascript(site: Any, application: dict[str, Any]) -> None:
    page = site.open("applicant", script=False)
    page.goto(f"{site.address}/campaigns/{site.place.campaign}")
    page.get_by_role("button", name="开始申报").click()
    page.fill("#field_title", "没有脚本")
    page.get_by_role("button", name="增加一行").click()
    assert page.input_value("#field_title") == "没有脚本"
    page.fill("#field_indicators_0_name", "指标")
    page.get_by_role("button", name="正式报送").click()
    assert "处需要修改" in page.inner_text(".error-summary")
    assert page.input_value("#field_indicators_0_name") == "指标"
    page.get_by_role("button", name="保存草稿").click()
    assert "草稿已保存" in page.inner_text("main")
    assert "步骤一览" in page.inner_text("main")
    page.goto(f"{site.address}/inbox?view=groups")
    page.fill("#q", "nothing")
    page.get_by_role("button", name="筛选").click()
    assert "没有符合筛选条件的任务" in page.inner_text("main")
