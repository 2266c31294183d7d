"""Operations of a step in the browser, by the person who does each: both languages, wide and narrow, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from engine.texts import Catalogue
from tests.api.test_task_operations import IN_TURN, SIGNED, draw, hand_in

pytestmark = pytest.mark.browser
CATALOGUE = Catalogue("engine", "workflows", "api")


class Desk:
    """Somebody's browser; what is pressed is found by its words. Buttons that do something are pressed twice, as in a hurry."""

    def __init__(self, site: Any, login: str, task_id: str, *, language: Any, **options: Any) -> None:
        self.language, self.address = language, f"{site.address}/tasks/{task_id}"
        self.page = site.open(login, language=language, **options)
        self.page.goto(self.address)

    def t(self, code: str, **values: Any) -> str:
        return CATALOGUE.say(code, self.language, values)

    def press(self, code: str, told: str, **values: Any) -> None:
        """Press a button in haste, and read what became of it."""
        self.page.get_by_role("button", name=self.t(code, **values), exact=True).first.dblclick()
        self.page.get_by_text(self.t(told)).first.wait_for()

    def unfold(self, code: str, reason: str) -> Any:
        """Open what is behind a summary and give a reason."""
        self.page.locator("details.action > summary", has_text=re.compile(f"^{re.escape(self.t(code))}$")).click()
        part = self.page.locator("details.action[open]", has=self.page.locator("textarea[name=reason]"))
        part.get_by_label(self.t("task.reason")).fill(reason)
        return part

    def go_on(self, part: Any, operation: str) -> None:
        """From the question to its preview."""
        part.get_by_role("button", name=self.t("operation.next")).click()
        self.page.get_by_role("button", name=self.confirming(operation)).wait_for()

    def confirming(self, operation: str) -> str:
        return self.t("operation.confirm", operation=self.t(f"operation.{operation}"))

    def operate(self, operation: str, reason: str, **chosen: str) -> None:
        """An operation from its summary to its end; `chosen` is picked by what its label says."""
        part = self.unfold(f"operation.{operation}", reason)
        for code, value in chosen.items():
            part.get_by_label(self.t(code.replace("__", ".")), exact=True).select_option(label=value)
        self.go_on(part, operation)
        self.press("operation.confirm", f"operation.done.{operation}", operation=self.t(f"operation.{operation}"))


@pytest.mark.parametrize(("width", "script", "language"), [(1280, True, "zh"), (320, False, "en")])
def test_signers_and_a_step_taken_back(
    site: Any,
    application: dict[str, Any],
    check_accessibility: Callable[[Any], None],
    width: int,
    script: bool,
    language: str,
) -> None:
    words = "return delegate skip add_signer remove_signer cancel_branch"
    draw(site.place, words, *SIGNED, apply="withdraw")
    done = hand_in(site.place, application, signers=("auditor",))
    (audit,) = site.place.tasks("auditor", "audit")
    desk = Desk(site, "auditor", audit.id, language=language, width=width, script=script)
    page = desk.page
    names = {text.strip() for text in page.locator("details.action > summary").all_inner_texts()}
    assert {desk.t(f"operation.{each}") for each in words.split()} <= names
    part = desk.unfold("operation.add_signer", "请一同审核。")
    if script:
        check_accessibility(page)
    desk.go_on(part, "add_signer")
    assert page.inner_text("h1") == desk.t("operation.title", operation=desk.t("operation.add_signer"), task="省级审核")
    assert f"{desk.t('operation.about.add_signer')}：李同事" in page.inner_text("main")
    if script:
        check_accessibility(page)
    desk.press("operation.confirm", "operation.done.add_signer", operation=desk.t("operation.add_signer"))
    desk.operate("remove_signer", "不必了。", operation__whose="李同事")

    mine = Desk(site, "applicant", done, language=language, width=width, script=script)
    mine.operate("withdraw", "数据有误。")
    mine.page.get_by_role("link", name="填写申报材料").click()
    mine.page.locator("#task_form button.main").wait_for()


@pytest.mark.parametrize(
    ("width", "script", "language"), [(320, True, "zh"), pytest.param(1280, False, "en", marks=pytest.mark.slow)]
)
def test_a_colleague_signs_before_and_it_comes_back_as_it_was(
    site: Any,
    application: dict[str, Any],
    check_accessibility: Callable[[Any], None],
    width: int,
    script: bool,
    language: str,
) -> None:
    draw(site.place, "add_signer", *IN_TURN)
    hand_in(site.place, application, signers=("auditor",))
    (audit,) = site.place.tasks("auditor", "audit")
    desk = Desk(site, "auditor", audit.id, language=language, width=width, script=script)
    desk.page.locator("#task_form [name=opinion]").fill("写到一半的意见")
    desk.page.get_by_role("button", name=desk.t("task.save_draft"), exact=True).click()
    desk.page.get_by_text(desk.t("task.draft_saved").partition("{")[0]).first.wait_for()
    part = desk.unfold("operation.add_signer", "请先看数据。")
    part.get_by_label(desk.t("operation.place"), exact=True).select_option(label=desk.t("operation.place.before"))
    desk.go_on(part, "add_signer")
    assert desk.t("operation.place.before") in desk.page.inner_text("main")
    if script:
        check_accessibility(desk.page)
    desk.press("operation.confirm", "operation.done.add_signer", operation=desk.t("operation.add_signer"))
    (theirs,) = site.place.tasks("colleague", "audit")
    site.place.complete("colleague", theirs.id, {"result": "pass", "opinion": "同意"})
    (again,) = site.place.tasks("auditor", "audit")
    desk.page.goto(f"{site.address}/tasks/{again.id}")
    assert desk.page.locator("#task_form [name=opinion]").input_value() == "写到一半的意见"


@pytest.mark.parametrize(("width", "script", "language"), [(320, True, "en"), (1280, False, "zh")])
def test_a_task_goes_from_hand_to_hand_and_back(
    site: Any, application: dict[str, Any], width: int, script: bool, language: str
) -> None:
    draw(site.place, "return transfer delegate")
    hand_in(site.place, application)
    (audit,) = site.place.tasks("auditor", "audit")
    desk = Desk(site, "auditor", audit.id, language=language, width=width, script=script)
    desk.press("inbox.claim", "task.claimed")
    desk.page.goto(desk.address)
    desk.press("task.unclaim", "task.put_back")
    desk.page.goto(desk.address)
    desk.press("inbox.claim", "task.claimed")
    desk.page.goto(desk.address)
    desk.operate("delegate", "请先看。", operation__person__delegate="李同事")

    other = Desk(site, "colleague", audit.id, language=language, width=width, script=script)
    other.page.get_by_text(other.t("task.prepared")).wait_for()
    other.operate("hand_back", "看过了。")

    desk.page.goto(desk.address)
    part = desk.unfold("task.transfer", "请接着办。")
    part.get_by_label(desk.t("task.transfer_to"), exact=True).select_option(label="李同事")
    part.get_by_role("button", name=desk.t("task.transfer"), exact=True).dblclick()
    desk.page.get_by_text(desk.t("task.transferred")).first.wait_for()

    other.page.goto(other.address)
    part = other.unfold("operation.return", "缺少盖章。")
    part.get_by_label(other.t("task.return_to"), exact=True).select_option(label="填写申报材料")
    other.go_on(part, "return")
    other.page.get_by_role("button", name=other.confirming("return")).dblclick()
    other.page.get_by_text(other.t("task.returned")).first.wait_for()
    (again,) = site.place.tasks("applicant", "apply")
    assert [site.place.tasks(login, "audit") for login in ("auditor", "colleague")] == [[], []]
    mine = Desk(site, "applicant", again.id, language=language, width=width, script=script)
    assert "缺少盖章。" in mine.page.inner_text("main")


@pytest.mark.parametrize(("width", "script", "language"), [(1280, True, "en"), (320, False, "zh")])
def test_everybody_signs_and_a_step_is_skipped(
    site: Any, application: dict[str, Any], width: int, script: bool, language: str
) -> None:
    undecided = (('${audit_result == "return"}', "${False}"), ('${audit_result == "reject"}', "${False}"))
    draw(site.place, "skip", *SIGNED, *undecided)
    hand_in(site.place, application, signers=("auditor", "colleague"))
    for login in ("auditor", "colleague"):
        (audit,) = site.place.tasks(login, "audit")
        desk = Desk(site, login, audit.id, language=language, width=width, script=script)
        desk.page.locator('input[name="result"][value="pass"]').check()
        desk.page.get_by_role("button", name=desk.t("task.complete"), exact=True).dblclick()
        desk.page.get_by_text(desk.t("task.completed", task="省级审核")).first.wait_for()
    hand_in(site.place, application, signers=("auditor",))
    (audit,) = site.place.tasks("auditor", "audit")  # nothing is left of the first one
    desk = Desk(site, "auditor", audit.id, language=language, width=width, script=script)
    desk.operate("skip", "已有结论。")
    assert site.place.tasks("auditor", "audit") == []
    page = site.open("organiser", language=language, width=width, script=script)
    page.goto(f"{site.address}/cases/{audit.case_id}/stop")
    page.get_by_label(desk.t("task.reason")).fill("撤回申报。")
    page.get_by_role("button", name=desk.t("stopping.terminate"), exact=True).dblclick()
    page.get_by_text(desk.t("stopping.done.terminate")).first.wait_for()


CHECKS = """
<bpmn:parallelGateway id="fork" /><bpmn:parallelGateway id="join" />
<bpmn:userTask id="twins" name="查重" camunda:candidateGroups="auditor@${body}"><bpmn:extensionElements><camunda:properties>
  <camunda:property name="allow" value="cancel_branch" /></camunda:properties></bpmn:extensionElements></bpmn:userTask>
<bpmn:userTask id="formal" name="形式核对" camunda:candidateGroups="auditor@${body}" />
<bpmn:userTask id="second" name="复核" camunda:candidateGroups="auditor@${body}" />
"""
WAYS = "by_channel fork, fork twins, fork formal, twins join, formal join, join second, second audit"


def draw_checks(place: Any, after_return: str) -> None:
    """Before the audit two checks beside each other, one of which may be ended, and a third; the audit returns to any of them."""
    never = '><bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">${False}</bpmn:conditionExpression></bpmn:sequenceFlow>'
    flow = '<bpmn:sequenceFlow id="flow_by_channel_audit" name="经推荐单位" sourceRef="by_channel" targetRef="audit"'
    pairs = [way.split() for way in WAYS.split(", ")]
    ways = [f'<bpmn:sequenceFlow id="to_{one}_{two}" sourceRef="{one}" targetRef="{two}" />' for one, two in pairs]
    aside = ('default="flow_by_channel_audit"', 'default="to_by_channel_fork"')
    properties = f'"any" /><camunda:property name="after_return" value="{after_return}" />'
    draw(place, "return", aside, (f"{flow} />", flow + never + CHECKS + "".join(ways)), ('"applicant" />', properties))


@pytest.mark.parametrize(("width", "script", "language"), [(1280, True, "zh"), (320, False, "en")])
def test_a_branch_is_ended_and_a_case_goes_back_by_several_steps(
    site: Any, application: dict[str, Any], width: int, script: bool, language: str
) -> None:
    after_return = "straight" if language == "zh" else "again"
    draw_checks(site.place, after_return)
    task_id = hand_in(site.place, application)
    (twins,) = site.place.tasks("auditor", "twins")
    desk = Desk(site, "auditor", twins.id, language=language, width=width, script=script)
    page = desk.page

    def names() -> set[str]:
        return {row.element_id for row in site.place.tasks("auditor")} - {"recommend"}

    def complete(element_id: str) -> None:
        (task,) = site.place.tasks("auditor", element_id)
        page.goto(f"{site.address}/tasks/{task.id}")
        page.get_by_role("button", name=desk.t("task.complete"), exact=True).dblclick()
        page.get_by_text(desk.t("task.completed", task=task.name)).first.wait_for()

    # a branch beside another one is ended: the preview names it alone, the other one is left, and the join waits for it no more
    part = desk.unfold("operation.cancel_branch", "没有同类案例。")
    desk.go_on(part, "cancel_branch")
    gone = page.locator("section", has=page.get_by_role("heading", name=desk.t("operation.cancelled"))).get_by_role("listitem")
    assert [each.strip() for each in gone.all_inner_texts()] == [f"{desk.t('operation.kind.task')} 查重"]
    desk.press("operation.confirm", "operation.done.cancel_branch", operation=desk.t("operation.cancel_branch"))
    assert names() == {"formal"}
    complete("formal")
    complete("second")

    # of three completed steps the first one is chosen; the preview tells how it goes on then
    (audit,) = site.place.tasks("auditor", "audit")
    page.goto(f"{site.address}/tasks/{audit.id}")
    part = desk.unfold("operation.return", "缺少盖章。")
    target = part.get_by_label(desk.t("task.return_to"), exact=True)
    assert target.locator("option").all_inner_texts() == ["复核", "形式核对", "填写申报材料"]
    target.select_option(label="填写申报材料")
    desk.go_on(part, "return")
    told = desk.t(f"operation.after.{after_return}", step="省级审核")
    assert told in page.inner_text("main") and "缺少盖章。" in page.inner_text("main")
    page.get_by_role("button", name=desk.confirming("return")).dblclick()
    page.get_by_text(desk.t("task.returned")).first.wait_for()
    assert names() == set()
    if script:  # who goes back comes to the task as it is now, not to a preview that could be confirmed again
        page.go_back()
        page.wait_for_url(f"**/tasks/{audit.id}")
        assert page.get_by_role("button", name=desk.confirming("return")).count() == 0

    # the institution sends it again
    (again,) = site.place.tasks("applicant", "apply")
    mine = Desk(site, "applicant", again.id, language=language, width=width, script=script)
    assert "缺少盖章。" in mine.page.inner_text("main") and task_id != again.id
    mine.page.locator("#task_form button.main").dblclick()
    mine.page.locator("#receipts").wait_for()
    assert names() == ({"audit"} if after_return == "straight" else {"twins", "formal"})
