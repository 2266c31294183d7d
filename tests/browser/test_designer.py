"""A designer clones the notice of 2022 for the next year, changes it, mends what is found; another person releases it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.due import run_due
from tests.api.world import whole
from tests.browser.conftest import SCREENSHOTS
from tests.browser.test_selection import fill
from workflows.campaigns import create_campaign
from workflows.notices import list_notices
from workflows.notices.drafts import read_files, save_file, start_draft

pytestmark = pytest.mark.browser
SECOND_AUDIT = """
() => {
  const modeler = document.getElementById('designer').modeler;
  const elements = modeler.get('elementRegistry'), modeling = modeler.get('modeling');
  const factory = modeler.get('elementFactory'), moddle = modeler.get('moddle');
  const collect = elements.get('collect'), gateway = elements.get('audit_gateway'), list = elements.get('await_list');
  const flow = elements.get('flow_audit_gateway_await_list');
  const element = (type, attributes) => moddle.create(type, attributes);
  const shape = (type, id, name, x, y) => {
    const made = modeling.createShape(factory.createShape({ type }), { x, y }, collect);
    modeling.updateProperties(made, { id, name });
    return made;
  };
  const audit = shape('bpmn:UserTask', 'second_audit', '省级复审', gateway.x + 100, gateway.y + 180);
  const choice = shape('bpmn:ExclusiveGateway', 'second_gateway', '复审结论？', audit.x + 230, audit.y + 40);
  modeling.updateProperties(audit, {
    'camunda:candidateGroups': 'auditor@${body}',
    'camunda:formKey': 'second_audit',
    'camunda:dueDate': '${dates.second_audit}',
    extensionElements: element('bpmn:ExtensionElements', { values: [
      element('camunda:TaskListener', { event: 'complete', delegateExpression: '${audits.record}' }),
      element('camunda:TaskListener', { event: 'return', delegateExpression: '${audits.send_back}' }),
      element('camunda:Properties', { values: [
        element('camunda:Property', { name: 'allow', value: 'return' }),
        element('camunda:Property', { name: 'return_to', value: 'applicant' })
      ] })
    ] })
  });
  modeling.reconnectEnd(flow, audit, { x: audit.x + 50, y: audit.y });
  modeling.connect(audit, choice);
  const passed = modeling.connect(choice, list), back = modeling.connect(choice, elements.get('correct'));
  modeling.updateProperties(passed, { id: 'second_passed', name: '通过' });
  modeling.updateProperties(back, { id: 'second_back', name: '退回补正',
    conditionExpression: element('bpmn:FormalExpression', { body: '${audit_result == "return"}' }) });
  modeling.updateProperties(choice, { default: passed.businessObject });
}
"""


def wait_until_kept(page: Any) -> None:
    """The drawing is on the server."""
    page.locator("#designer[data-state=kept]").wait_for()


def test_a_notice_is_cloned_changed_mended_and_released(
    site: Any, application: dict[str, Any], check_accessibility: Callable[[Any], None]
) -> None:
    place = site.place
    older = apply(site, place.campaign, application)

    # cloned for the next year
    page = site.open("designer")
    page.goto(f"{site.address}/drafts/new")
    check_accessibility(page)
    page.fill("#new_key", "samr_2023")
    page.fill("#number", "市监检测函〔2023〕1号")
    page.get_by_role("button", name="复制为新通知").click()
    page.get_by_role("heading", name="samr_2023", exact=True).wait_for()
    page.locator("#draft_check", has_text="可以发布").wait_for()
    check_accessibility(page)
    draft = page.url

    # the deadline moved, field by field
    page.get_by_role("link", name="通知要素").click()
    page.get_by_role("link", name="日期", exact=True).click()
    assert page.input_value("#edit_facts_dates_0_value") == "2023-08-10"
    page.fill("#edit_facts_dates_0_value", "2023-08-31")
    page.get_by_role("button", name="保存", exact=True).last.click()
    page.get_by_text("已保存为草稿第 2 版").wait_for()
    check_accessibility(page)

    # a second audit drawn, with a return; it is kept by itself
    page.goto(f"{draft}/edit/case.bpmn")
    page.locator("#designer[data-shown=yes]").wait_for()
    page.evaluate(SECOND_AUDIT)
    wait_until_kept(page)
    page.get_by_role("button", name="检查整份草稿").click()
    page.locator("#check_status", has_text="还不能发布：有 2 处错误").wait_for()
    assert page.locator('.djs-overlays[data-container-id="second_audit"] .server-finding.error').count() == 2
    told = page.inner_text("#findings")
    assert "用到表单“second_audit”，而 forms 中没有 second_audit.form" in told
    assert "用到日期 dates.second_audit，而 notice.yaml 中没有" in told
    check_accessibility(page)

    # an element chosen in the list is shown in the panel, and named there
    page.locator('#findings [data-element="second_audit"]').first.click()
    page.locator("#panel .bio-properties-panel-group-header", has_text="常规").click()
    page.locator("#panel #bio-properties-panel-name").fill("省级复核")
    page.locator("#save_state", has_text="已自动保存").wait_for()
    wait_until_kept(page)
    page.locator("#panel #bio-properties-panel-name").fill("省级复审")
    wait_until_kept(page)

    # the date stated
    page.goto(f"{draft}/edit/notice.yaml?part=dates")
    page.get_by_role("button", name="增加一项").last.click()
    page.fill('[name="facts.dates.3.__name"]', "second_audit")
    page.fill('[name="facts.dates.3.value"]', "2023-09-15")
    page.select_option('[name="facts.dates.3.source"]', "ours")
    page.get_by_role("button", name="保存", exact=True).last.click()
    page.get_by_text("已保存为草稿第").wait_for()

    # the form made as a copy, with one more field, seen in the preview while it is typed
    page.goto(draft)
    page.locator("summary", has_text="增加表单").click()
    page.fill("#form_name", "second_audit")
    page.select_option("#form_copy", "forms/audit.form")
    page.get_by_role("button", name="增加表单").click()
    page.get_by_role("link", name="意见").click()
    page.select_option("#new_type", "number")
    page.get_by_role("button", name="增加组件").click()
    page.fill('[name="component.key"]', "visits")
    page.fill('[name="component.label"]', "现场核查次数")
    page.locator("#preview", has_text="现场核查次数").wait_for()
    check_accessibility(page)
    page.get_by_role("button", name="保存", exact=True).last.click()
    page.get_by_text("已保存为草稿第").wait_for()
    page.goto(draft)
    page.locator("#draft_check", has_text="可以发布").wait_for()
    page.get_by_role("button", name="提请审定").click()
    page.get_by_text("已提请审定").wait_for()

    # released by somebody else, who sees what changed
    office = site.open("releaser")
    office.goto(draft)
    text = office.inner_text("main")
    assert "省级复审" in text and "2023-08-31" in text and "forms/second_audit.form 新增" in text
    check_accessibility(office)
    office.get_by_role("button", name="发布", exact=True).click()
    office.get_by_text("已发布为通知的新版本").wait_for()

    # a case follows the new diagram
    with place.engine.begin(by=place.people["organiser"]) as work:
        (notice,) = [each for each in list_notices(work) if each.key == "samr_2023"]
        assert (notice.version, notice.source, notice.state) == (1, "person", "deployed")
        campaign = create_campaign(
            work, notice.id, key="t2023", organiser_id=place.organisations["authority"],
            bodies=[(place.organisations["body_a"], None)], settings={"experts_per_case": 2},
        )  # fmt: skip
    (issue,) = [task for task in place.tasks("organiser", "issue_notice") if task.campaign_id == campaign]
    place.complete("organiser", issue.id, {"title": "优秀案例征集", "confirmed": "yes"})
    newer = apply(site, campaign, application)
    for number in (older, newer):
        audit_one(site, number, "省级审核", {"result": "pass"})
    auditor = site.open("auditor")
    auditor.goto(f"{site.address}/inbox?view=groups&q={newer}")
    auditor.get_by_role("link", name="省级复审").click()
    fill(auditor, {"visits": "2"})
    auditor.get_by_label("通过", exact=True).check()
    auditor.get_by_role("button", name="提交").click()
    auditor.get_by_text("“省级复审”已办理。").wait_for()
    # and the older one went on without it, on its own diagram
    run_due(place.engine)
    stands = {}
    for number in (older, newer):
        auditor.goto(f"{site.address}/cases?q={number}")
        auditor.get_by_role("link", name=application["title"]).first.click()
        auditor.locator(".diagram[data-shown=yes]").wait_for()
        diagram = auditor.locator(".diagram")
        stands[number] = (diagram.get_attribute("data-now"), "second_audit" in (diagram.get_attribute("data-done") or ""))
    assert stands == {older: ("await_list", False), newer: ("await_list", True)}


def apply(site: Any, campaign: str, application: dict[str, Any]) -> str:
    """A submitted application of the campaign; its number."""
    begun = site.place.begin_case(campaign=campaign)
    (task,) = [each for each in site.place.tasks("applicant") if each.id == begun.task_id]
    site.place.complete("applicant", begun.task_id, whole(application))
    return str(task.number)


def audit_one(site: Any, number: str, step: str, data: dict[str, Any]) -> None:
    """The auditor completes a step of a case."""
    (task,) = [each for each in site.place.tasks("auditor") if each.number == number and each.name == step]
    site.place.complete("auditor", task.id, {"checks": [], "opinion": "", **data})


def test_pages_of_drafts_are_accessible_and_fit_a_narrow_screen(site: Any, check_accessibility: Callable[[Any], None]) -> None:
    place = site.place
    who = place.person("designer")
    with place.engine.begin(by=who.id) as work:
        (notice,) = list_notices(work)
        draft = start_draft(work, who, notice.id)
        content = read_files(work, draft, 1)
        save_file(work, who, draft, "case.bpmn", content["case.bpmn"].replace("省级审核".encode(), "省级初审".encode()), seen=1)
        faulty = content["notice.yaml"].replace(b"value: 30\n", b"value: 35\n", 1)
        save_file(work, who, draft, "notice.yaml", faulty, seen=2)
        broken = content["forms/audit.form"].replace(b'"key": "checks_other"', b'"key": "checks"')
        save_file(work, who, draft, "forms/audit.form", broken, seen=3)
    parts = ("general", "document", "recipients", "dates", "demands", "settings", "reminders", "rules")
    addresses = [
        "/drafts", "/drafts/new", f"/drafts/{draft}", f"/drafts/{draft}/versions", f"/drafts/{draft}/compare",
        f"/drafts/{draft}/check", f"/drafts/{draft}/edit/case.bpmn", f"/drafts/{draft}/edit/case.bpmn?raw=1",
        f"/drafts/{draft}/edit/forms/audit.form", f"/drafts/{draft}/edit/forms/application.form?at=components[1]",
        *(f"/drafts/{draft}/edit/notice.yaml?part={part}" for part in parts),
    ]  # fmt: skip
    page = site.open("designer")
    for number, address in enumerate(addresses):
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(site.address + address)
        for waiting in ("#draft_check .notice", "#designer[data-shown=yes]"):
            if page.locator(waiting.partition(" ")[0].partition("[")[0]).count():
                page.locator(waiting).wait_for()
        check_accessibility(page)
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/draft_{number}.png")
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 320, address
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/draft_{number}_narrow.png")


def test_a_stale_drawing_is_told_and_both_versions_stay(site: Any) -> None:
    place = site.place
    who = place.person("designer")
    with place.engine.begin(by=who.id) as work:
        (notice,) = list_notices(work)
        draft = start_draft(work, who, notice.id)
    rename = """(name) => {
      const modeler = document.getElementById('designer').modeler;
      modeler.get('modeling').updateProperties(modeler.get('elementRegistry').get('audit'), { name });
    }"""
    pages = [site.open("designer") for _ in range(2)]
    for page in pages:
        page.goto(f"{site.address}/drafts/{draft}/edit/case.bpmn")
        page.locator("#designer[data-shown=yes]").wait_for()
    pages[0].evaluate(rename, "省级初审")
    wait_until_kept(pages[0])
    pages[1].evaluate(rename, "省级复核")
    pages[1].locator("#conflict", has_text="褚设计 已另存 case.bpmn，现为第 2 版").wait_for()
    with pages[1].context.expect_page() as opened:
        pages[1].get_by_role("link", name="查看对方改了什么").click()
    opened.value.get_by_text("省级初审").first.wait_for()
    pages[1].get_by_role("button", name="仍将我的存为下一版").click()
    wait_until_kept(pages[1])
    with place.engine.read() as work:
        told = [read_files(work, draft, number)["case.bpmn"] for number in (2, 3)]
    assert "省级初审".encode() in told[0] and "省级复核".encode() in told[1] and "省级初审".encode() not in told[1]
    # undo is the tool's own, and is kept as well
    pages[1].evaluate("() => document.getElementById('designer').modeler.get('commandStack').undo()")
    pages[1].locator("#designer[data-state=unsaved]").wait_for()
    wait_until_kept(pages[1])
    with place.engine.read() as work:
        assert "省级审核".encode() in read_files(work, draft, 4)["case.bpmn"]
