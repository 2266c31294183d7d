"""A task's page: faults at once, nothing typed lost, the same form sent twice, a page that is out of date, drafts, files."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from engine.due import run_due
from engine.tasks import get_task
from tests.api.world import Place, read_hidden
from workflows.applications import first_task, start_application
from workflows.files import store_upload
from workflows.tables import application_version, attachment, receipt

PDF = b"%PDF-1.7\n%%EOF\n"
Send = Callable[..., Any]


@pytest.fixture
def task(place: Place) -> str:
    """The first task of a new application."""
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        case_id = start_application(work, who, place.campaign, channel="recommended")
        found = first_task(work, case_id)
    assert found is not None
    return found


def seal(name: str = "盖章.pdf", content: bytes = PDF) -> dict[str, Any]:
    """The scan of the sealed form, as a browser sends it."""
    return {"seal_scan.new": (io.BytesIO(content), name)}


def count(place: Place, table: sa.Table) -> int:
    with place.engine.read() as work:
        return int(work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def test_all_faults_at_once_and_nothing_typed_is_lost(place: Place, task: str, send: Send) -> None:
    client = place.client("applicant")
    typed = {
        "title": "题" * 61,
        "contact_phone": "没有<电话>",
        "directions": ["other", "small_business"],
        "practice": "做法一\n做法二",
        "indicators.0.name": "只有指标",
    }
    answer = send(client, f"/tasks/{task}", f"/tasks/{task}/complete", typed)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for fault in (
        "“案例题目”现有 61 字，不能超过 60 字",
        "“联系电话”须为电话号码",
        "请填写“其它方向”",
        "请填写“数值”",
        "请填写“案例摘要”",
        "请填写“盖章扫描件”",
        "须勾选“真实性承诺",
    ):
        assert fault in page
    assert 'href="#field_indicators_0_value"' in page
    assert 'value="没有&lt;电话&gt;"' in page
    assert "题" * 61 in page and "做法一\n做法二" in page and 'value="只有指标"' in page
    assert page.count("checked") == 2
    # and the next visit still has it
    again = client.get(f"/tasks/{task}").get_data(as_text=True)
    assert 'value="没有&lt;电话&gt;"' in again and 'value="只有指标"' in again
    assert count(place, application_version) == 0


def test_complete_gives_a_receipt(place: Place, task: str, send: Send, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    answer = send(client, f"/tasks/{task}", f"/tasks/{task}/complete", {**application, **seal()})
    assert answer.status_code == 303 and answer.location.endswith("#receipts")
    page = client.get(answer.location).get_data(as_text=True)
    assert "已收到，时间：2022年7月1日09:00:00(北京时间)" in page
    assert "2022年8月5日24:00(北京时间)" in page  # the cut-off as it stood
    with place.engine.read() as work:
        stored = work.connection.execute(sa.select(receipt)).one()
    assert stored.sha256 in page and stored.accepted


def test_the_same_form_twice_is_one_submission(place: Place, task: str, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    hidden = {name: read_hidden(page, name) for name in ("csrf_token", "key", "revision")}
    first, second = (client.post(f"/tasks/{task}/complete", data={**hidden, **application, **seal()}) for _ in range(2))
    assert (first.status_code, first.location) == (303, second.location)
    assert second.status_code == 303
    assert count(place, application_version) == count(place, receipt) == count(place, attachment) == 1


def test_a_page_that_is_out_of_date_is_told_so(place: Place, task: str, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    hidden = {name: read_hidden(page, name) for name in ("csrf_token", "key", "revision")}
    client.post(f"/tasks/{task}/claim", data={"csrf_token": hidden["csrf_token"], "key": "another window"})
    answer = client.post(f"/tasks/{task}/complete", data={**hidden, **application})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "任务在您打开页面之后有变化" in page and application["practice"] in page
    assert read_hidden(page, "revision") != hidden["revision"]
    assert read_hidden(page, "key") != hidden["key"]


def test_a_task_that_is_gone_shows_what_was_typed(place: Place, task: str, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    hidden = {name: read_hidden(page, name) for name in ("csrf_token", "key", "revision")}
    other = place.client("applicant")
    page = other.get(f"/tasks/{task}").get_data(as_text=True)
    mine = {name: read_hidden(page, name) for name in ("csrf_token", "key", "revision")}
    assert other.post(f"/tasks/{task}/complete", data={**mine, **application, **seal()}).status_code == 303
    answer = client.post(f"/tasks/{task}/complete", data={**hidden, **application, "practice": "另一个窗口的内容"})
    assert answer.status_code == 409
    assert "这项任务已由他人办理，或已被流程收回" in answer.get_data(as_text=True)
    kept = answer.get_data(as_text=True).partition("您填写的内容")[2].partition("</aside>")[0]
    assert "另一个窗口的内容" in kept and "产品质量监督检验院（所）" in kept and "服务小微企业" in kept
    assert "product_quality_institute" not in kept and "small_business" not in kept
    assert count(place, application_version) == 1


def test_too_late_is_told_with_the_cutoff(place: Place, task: str, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    place.clock.move_to(datetime(2022, 8, 5, 16, tzinfo=UTC))  # the first instant that is too late
    client = place.client("applicant")
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    hidden = {name: read_hidden(page, name) for name in ("csrf_token", "key", "revision")}
    answer = client.post(f"/tasks/{task}/complete", data={**hidden, **application, **seal()})
    assert answer.status_code == 409
    assert "2022年8月5日24:00(北京时间)" in answer.get_data(as_text=True)
    assert application["practice"] in answer.get_data(as_text=True)


def test_too_late_with_a_file_is_told_with_the_cutoff_and_keeps_what_was_typed(
    place: Place, task: str, application: dict[str, Any]
) -> None:
    place.clock.move_to(datetime(2022, 8, 5, 16, 0, 1, tzinfo=UTC))
    client = place.client("applicant")
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    hidden = {name: read_hidden(page, name) for name in ("csrf_token", "key", "revision")}
    run_due(place.engine)  # the clock takes the task away before the request comes
    answer = client.post(f"/tasks/{task}/complete", data={**application, **hidden, **seal()})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "2022年8月5日24:00" in page and application["title"] in page
    with place.engine.read() as work:
        assert [row.accepted for row in work.connection.execute(sa.select(receipt))] == [False]


def test_refused_files_are_faults_of_their_field(place: Place, task: str, send: Send, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    data = {**application, "title": "", **seal("章.exe", b"MZ")}
    answer = send(client, f"/tasks/{task}", f"/tasks/{task}/complete", data)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "不接收文件“章.exe”" in page and "请填写“案例题目”" in page
    assert page.index("请填写“案例题目”") < page.index("不接收文件“章.exe”")  # in the order of the page
    assert count(place, attachment) == 0


def test_files_stay_when_something_else_is_wrong(place: Place, task: str, send: Send, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    answer = send(client, f"/tasks/{task}", f"/tasks/{task}/complete", {**application, "title": "", **seal()})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "盖章.pdf" in page and "请填写“盖章扫描件”" not in page
    file_id = read_hidden(page, "seal_scan")
    fixed = {**application, "seal_scan": file_id}
    assert send(client, f"/tasks/{task}", f"/tasks/{task}/complete", fixed).status_code == 303


def test_a_file_can_be_left_out(place: Place, task: str, send: Send, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    extra = {"attachments.new": [(io.BytesIO(PDF), "甲.pdf"), (io.BytesIO(PDF + b"2"), "乙.pdf")]}
    answer = send(client, f"/tasks/{task}", f"/tasks/{task}/draft", {**application, **extra})
    assert answer.status_code == 303
    with place.engine.read() as work:
        files = {row.name: row.id for row in work.connection.execute(sa.select(attachment))}
    kept = {"attachments": [files["甲.pdf"], files["乙.pdf"]], "attachments.drop": files["甲.pdf"]}
    answer = send(client, f"/tasks/{task}", f"/tasks/{task}/complete", {**application, **kept, **seal()})
    assert answer.status_code == 303
    with place.engine.read() as work:
        data = work.connection.execute(sa.select(application_version.c.data)).scalar_one()
    assert [each["name"] for each in data["attachments"]] == ["乙.pdf"]


def test_drafts_and_rows_without_javascript(place: Place, task: str, send: Send) -> None:
    client = place.client("applicant")
    answer = send(client, f"/tasks/{task}", f"/tasks/{task}/draft", {"title": "草稿题目", "op": "add:indicators"})
    assert answer.location.endswith("#field_indicators")
    page = client.get(answer.location).get_data(as_text=True)
    assert 'value="草稿题目"' in page and 'name="indicators.0.name"' in page
    rows = {"indicators.0.name": "甲", "indicators.1.name": "乙"}
    send(client, f"/tasks/{task}", f"/tasks/{task}/draft", {**rows, "op": "remove:indicators:0"})
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    assert 'value="乙"' in page and 'value="甲"' not in page and "indicators.1.name" not in page


def test_saving_while_typing_never_overwrites_a_newer_draft(place: Place, task: str) -> None:
    client = place.client("applicant")
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    sent = {"csrf_token": read_hidden(page, "csrf_token"), "revision": read_hidden(page, "revision")}
    quiet = {"HX-Request": "true"}
    first = client.post(f"/tasks/{task}/draft", data={**sent, "seen_draft": "", "title": "窗口一"}, headers=quiet)
    assert first.status_code == 200 and "草稿已保存" in first.get_data(as_text=True)
    seen = read_hidden(first.get_data(as_text=True), "seen_draft")
    place.clock.move_to(datetime(2022, 7, 1, 1, 5, tzinfo=UTC))
    other = client.post(f"/tasks/{task}/draft", data={**sent, "seen_draft": "", "title": "窗口二"}, headers=quiet)
    assert other.status_code == 409 and "另一个窗口" in other.get_data(as_text=True)
    assert 'value="窗口一"' in client.get(f"/tasks/{task}").get_data(as_text=True)
    third = client.post(f"/tasks/{task}/draft", data={**sent, "seen_draft": seen, "title": "窗口一续"}, headers=quiet)
    assert third.status_code == 200


def test_returning_needs_a_reason_and_keeps_it_simple(place: Place, task: str, send: Send, application: dict[str, Any]) -> None:
    send(place.client("applicant"), f"/tasks/{task}", f"/tasks/{task}/complete", {**application, **seal()})
    (audit,) = place.tasks("auditor", "audit")
    client = place.client("auditor")
    answer = send(client, f"/tasks/{audit.id}", f"/tasks/{audit.id}/return", {"target": "apply", "reason": " "})
    assert answer.status_code == 422 and "details" in answer.get_data(as_text=True)
    answer = send(client, f"/tasks/{audit.id}", f"/tasks/{audit.id}/return", {"target": "apply", "reason": "缺数据"})
    assert answer.status_code == 303
    assert [row.element_id for row in place.tasks("applicant")] == ["apply"]


def test_transfer_to_a_colleague(place: Place, task: str, send: Send, application: dict[str, Any]) -> None:
    send(place.client("applicant"), f"/tasks/{task}", f"/tasks/{task}/complete", {**application, **seal()})
    (audit,) = place.tasks("auditor", "audit")
    client = place.client("auditor")
    page = client.get(f"/tasks/{audit.id}").get_data(as_text=True)
    assert "李同事" in page and "周审核" not in page
    to = {"person": place.people["colleague"], "reason": "出差"}
    assert send(client, f"/tasks/{audit.id}", f"/tasks/{audit.id}/transfer", to).status_code == 303
    with place.engine.read() as work:
        assert get_task(work, audit.id).assignee == place.people["colleague"]


def test_what_was_typed_survives_the_end_of_the_session(place: Place, task: str, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    hidden = {name: read_hidden(page, name) for name in ("csrf_token", "key", "revision")}
    place.clock.move_to(datetime(2022, 7, 1, 3, tzinfo=UTC))  # two hours later
    answer = client.post(f"/tasks/{task}/complete", data={**hidden, **application})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 401 and "您刚才填写的内容已带到本页" in page
    sent = {name: read_hidden(page, name) for name in ("csrf_token", "next", "carried")}
    answer = client.post("/login", data={**sent, "login": "applicant", "password": "correct horse battery"})
    assert answer.location == f"/tasks/{task}"
    page = client.get(answer.location).get_data(as_text=True)
    assert application["practice"] in page and 'name="indicators.0.name" value="服务企业"' in page


def test_a_sheet_to_be_printed_and_sealed(place: Place, task: str, send: Send, application: dict[str, Any]) -> None:
    client = place.client("applicant")
    answer = send(client, f"/tasks/{task}", f"/tasks/{task}/draft", {**application, "op": "print"})
    assert answer.location == f"/tasks/{task}/print"
    page = client.get(answer.location).get_data(as_text=True)
    assert application["practice"] in page and "服务小微企业、提升管理水平" in page and "单位（盖章）" in page
    assert "<textarea" not in page
    assert (
        "☑ 服务小微企业、提升管理水平" in page and page.count("☑") == 2 and "其它 ________" in page
    )  # boxes, as forms have them
    assert "未填写" not in page and "盖章扫描件" not in page  # a sheet to be filled in and sealed


def test_a_closed_task_says_who_closed_it(place: Place, application: dict[str, Any]) -> None:
    who = place.person("applicant")
    with place.engine.begin(by=who.id) as work:
        sent = first_task(work, start_application(work, who, place.campaign, channel="direct"))
        left = first_task(work, start_application(work, who, place.campaign, channel="recommended"))
    assert sent and left
    handled = re.compile(r"<dt>办理人</dt><dd>([^<]*)</dd>")
    client = place.client("applicant")
    assert handled.findall(client.get(f"/tasks/{sent}").get_data(as_text=True)) == ["尚未签收"]
    with place.engine.begin(by=who.id) as work:
        store_upload(work, who, io.BytesIO(PDF), name="seal.pdf", task_id=sent, field="seal_scan")
    place.complete("applicant", sent, {key: value for key, value in application.items() if "." not in key})
    place.move_to(datetime(2022, 8, 10, 16, tzinfo=UTC))
    client = place.client("applicant")
    pages = [client.get(f"/tasks/{task_id}").get_data(as_text=True) for task_id in (sent, left)]
    assert [handled.findall(page) for page in pages] == [["吴申报"], ["系统"]]
