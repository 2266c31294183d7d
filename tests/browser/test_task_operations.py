"""Operations of a step in the browser: offered, shown before, confirmed; wide and narrow, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.test_task_operations import SIGNED, draw, hand_in

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "script"), [(1280, True), (320, False)])
def test_signers_and_a_step_taken_back(
    site: Any, application: dict[str, Any], check_accessibility: Callable[[Any], None], width: int, script: bool
) -> None:
    words = "return delegate skip add_signer remove_signer cancel_branch"
    draw(site.place, words, *SIGNED, apply="withdraw")
    done = hand_in(site.place, application, signers=("auditor",))
    (audit,) = site.place.tasks("auditor", "audit")
    page = site.open("auditor", width=width, script=script)
    page.goto(f"{site.address}/tasks/{audit.id}")
    names = [text.strip() for text in page.locator("details.action > summary").all_inner_texts()]
    assert {"退回", "跳过", "委托", "加签", "减签", "终止本分支"} <= set(names)
    page.locator("summary", has_text="加签").click()
    page.locator("#add_signer_reason").fill("请一同审核。")
    if script:
        check_accessibility(page)
    page.locator("details.action[open]").get_by_role("button", name="下一步").click()
    page.get_by_role("heading", name="加签：省级审核").wait_for()
    assert "会签人：李同事" in page.inner_text("main")
    if script:
        check_accessibility(page)
    page.get_by_role("button", name="确认加签").click()
    page.get_by_text("已加签。").wait_for()
    page.locator("summary", has_text="减签").click()
    page.locator("#remove_signer_task").select_option(label="李同事")
    page.locator("#remove_signer_reason").fill("不必了。")
    page.locator("details.action[open]").get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="确认减签").click()
    page.get_by_text("已减签。").wait_for()

    mine = site.open("applicant", width=width, script=script)
    mine.goto(f"{site.address}/tasks/{done}")
    mine.locator("summary", has_text="撤回").click()
    mine.locator("#withdraw_reason").fill("数据有误。")
    mine.locator("details.action[open]").get_by_role("button", name="下一步").click()
    mine.get_by_role("heading", name="撤回：填写申报材料").wait_for()
    mine.get_by_role("button", name="确认撤回").click()
    mine.get_by_text("已撤回").wait_for()
    mine.get_by_role("link", name="填写申报材料").click()
    mine.get_by_role("button", name="正式报送").wait_for()
