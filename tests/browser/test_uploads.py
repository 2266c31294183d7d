"""Files are dropped, pasted and chosen; a connection that breaks, and a page that is loaded anew, go on where they were."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from api.pages import uploads
from tests.browser.test_pages import case_of
from workflows.inbox import open_task

pytestmark = pytest.mark.browser
PIECE = 4000
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 64 + b"\n%%EOF\n"  # five pieces
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
DROP = """(place, [files, kind]) => {
    const carried = new DataTransfer();
    for (const [name, bytes, type] of files) carried.items.add(new File([new Uint8Array(bytes)], name, {type, lastModified: 1}));
    const event = kind === 'paste' ? new ClipboardEvent('paste', {clipboardData: carried, bubbles: true, cancelable: true})
        : new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true});
    place.dispatchEvent(event);
}"""
FOLDER = os.environ.get("LINXUAN_TEST_SCREENSHOTS")


def look(page: Any, name: str) -> None:
    """A picture of the field, for who looks at pictures."""
    if FOLDER:
        page.locator("fieldset", has=page.locator("[data-field=attachments]")).screenshot(path=f"{FOLDER}/uploads_{name}.png")


def test_files_are_dropped_and_pasted_and_go_on(
    site: Any, check_accessibility: Callable[[Any], None], application: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIECE", PIECE)
    _, task_id = case_of(site)
    page = site.open("applicant")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{site.address}/tasks/{task_id}")
    place = page.locator("[data-field=attachments]")
    sent: list[str] = []

    def pass_some(route: Any) -> None:
        """The connection breaks in the middle of the large file."""
        offset = route.request.headers["upload-offset"]
        sent.append(offset)
        if offset == str(2 * PIECE):
            route.abort()
        else:
            route.continue_()

    page.route("**/uploads/*", lambda route: pass_some(route) if route.request.method == "PATCH" else route.continue_())
    files = [["说明.pdf", list(PDF), "application/pdf"], ["图片.png", list(PNG), "image/png"]]
    place.evaluate(DROP, [files, "dragover"])
    assert "over" in place.get_attribute("class").split()
    place.evaluate(DROP, [files, "drop"])
    row = page.locator("[data-uploads] li", has_text="说明.pdf")
    row.get_by_text("连接中断，已收到 48%").wait_for()
    page.locator("[data-files] li", has_text="图片.png").wait_for()  # the other one has come
    check_accessibility(page)
    look(page, "paused_zh_1280")

    page.get_by_text("草稿已保存").wait_for()
    page.reload()  # what is known to the server is shown by it, in another language and on a narrow screen too
    page.get_by_text("上次未传完，已收到 48%").wait_for()
    narrow = site.open("applicant", width=375, language="en")
    narrow.goto(f"{site.address}/tasks/{task_id}")
    narrow.get_by_text("48% has arrived; choose the same file again").wait_for()
    check_accessibility(narrow)
    look(narrow, "unfinished_en_375")
    page.unroute("**/uploads/*")
    sent.clear()
    page.on("request", lambda request: sent.append(request.headers.get("upload-offset", "")))
    place.locator("input[type=file]").set_input_files({"name": "说明.pdf", "mimeType": "application/pdf", "buffer": PDF})
    page.locator("[data-files] li", has_text="说明.pdf").wait_for()
    assert [each for each in sent if each] == ["8000", "12000", "16000"]  # from the last byte on
    assert page.locator("[data-part]").count() == 0

    place.locator("input[type=file]").focus()
    place.evaluate(DROP, [[["image.png", list(PNG + b"1"), "image/png"]], "paste"])
    page.locator("[data-files] li", has_text="粘贴的图片 20").wait_for()
    place.evaluate(DROP, [[["程序.exe", [77, 90], "application/octet-stream"]], "drop"])
    refused = page.locator("[data-uploads] li", has_text="不接收文件“程序.exe”")
    refused.wait_for()
    look(page, "refused_zh_1280")
    check_accessibility(page)

    held: list[Any] = []  # the form waits for what is on its way
    page.route("**/uploads/*", lambda route: held.append(route))
    page.locator("[data-field=seal_scan] input[type=file]").set_input_files(
        {"name": "盖章.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n%%EOF\n"}
    )
    fill(page, application)
    page.locator("#task_form button.main").click()
    page.get_by_text("文件传完后自动提交").wait_for()
    (route,) = held
    route.continue_()
    page.get_by_text("有文件没有上传成功").wait_for()  # the program is still there
    page.keyboard.press("Enter")  # on its button, that has the focus
    assert refused.count() == 0
    page.locator("#task_form button.main").click()
    page.locator("#receipts").wait_for()
    shown = page.inner_text("main")
    assert all(name in shown for name in ("说明.pdf", "图片.png", "粘贴的图片 20", "盖章.pdf"))
    broken = [line for line in site.log.console if "net::ERR_FAILED" in line]
    site.log.console[:] = [line for line in site.log.console if line not in broken]
    assert broken  # Chromium itself notes the connection that was broken


def test_cancelled_uploads_are_forgotten(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE", PIECE)
    _, task_id = case_of(site)
    page = site.open("applicant")
    page.goto(f"{site.address}/tasks/{task_id}")
    late: list[Any] = []
    page.route("**/uploads", lambda route: late.append(route))  # the answer to the beginning
    page.route("**/uploads/*", lambda route: None if route.request.method == "PATCH" else route.continue_())
    place = page.locator("[data-field=attachments]")
    with page.expect_request("**/uploads"):
        place.locator("input[type=file]").set_input_files({"name": "说明.pdf", "mimeType": "application/pdf", "buffer": PDF})
    place.get_by_role("button", name="取消 说明.pdf").click()
    place.get_by_text("已取消上传“说明.pdf”").wait_for()
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):  # it had not come yet
        late.pop().continue_()
    page.unroute("**/uploads")
    place.locator("input[type=file]").set_input_files({"name": "说明.pdf", "mimeType": "application/pdf", "buffer": PDF})
    place.get_by_text("正在上传 0%").wait_for()
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        place.get_by_role("button", name="取消 说明.pdf").click()
    assert page.locator("[data-uploads] li").count() == 0
    page.unroute("**/uploads/*")
    page.reload()
    assert page.locator("[data-part]").count() == 0
    with site.place.engine.read() as work:
        assert open_task(work, site.place.person("applicant"), task_id).files == ()


def test_a_file_goes_on_after_a_new_log_in(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE", PIECE)
    _, task_id = case_of(site)
    page = site.open("applicant")
    page.goto(f"{site.address}/tasks/{task_id}")
    sent: list[str] = []

    def end_session(route: Any) -> None:
        """The log-in ends in the middle of the file."""
        offset = route.request.headers.get("upload-offset", "")
        if offset == str(2 * PIECE) and offset not in sent:
            site.end_sessions()
        sent.append(offset)
        route.continue_()

    page.route("**/uploads/*", end_session)
    place = page.locator("[data-field=attachments]")
    place.locator("input[type=file]").set_input_files({"name": "说明.pdf", "mimeType": "application/pdf", "buffer": PDF})
    page.get_by_text("登录已过期，已收到 48%").wait_for()
    page.fill("[name=summary]", "传文件时写的字")
    page.locator("#draft_state", has_text="登录已过期").wait_for()
    before = len(sent)
    site.log_in_beside(page, "applicant")
    page.locator("[data-files] li", has_text="说明.pdf").wait_for()
    assert list(dict.fromkeys(sent[before:])) == ["8000", "12000", "16000"]  # from the last byte on
    page.get_by_role("button", name="保存草稿").click()
    page.locator(".notice.good", has_text="草稿已保存").wait_for()
    assert page.input_value("[name=summary]") == "传文件时写的字"
    assert page.locator("[data-files] li", has_text="说明.pdf").count() == 1


def fill(page: Any, application: dict[str, Any]) -> None:
    """An application without a fault."""
    for name, value in application.items():
        field = page.locator(f"[name='{name}']").first
        if "." in name or field.count() == 0:
            continue
        kind = field.evaluate("each => each.type")
        if kind in ("checkbox", "radio"):
            page.locator(f"[name='{name}'][value='{value[0] if isinstance(value, list) else value}']").check()
        elif kind == "select-one":
            field.select_option(value)
        else:
            field.fill(value)
