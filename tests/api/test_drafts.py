"""Drafts on pages without JavaScript: begun, cloned, uploaded, edited as text, compared, handed over, sent back, released."""

from __future__ import annotations

import io
import json
import re
import zipfile
from html import unescape
from typing import Any

from lxml import html

from tests.api.world import NOTICE, Place, read_hidden, send
from workflows.notices import bundled_notices, deploy_folder, get_notice, list_notices
from workflows.notices.drafts import list_drafts, list_versions, read_files


def text_of(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def notice_id(place: Place) -> str:
    with place.engine.read() as work:
        return list_notices(work)[0].id


def begin(place: Place, client: Any, **data: str) -> str:
    """Begin a draft; its address."""
    answer = send(client, "/drafts/new", "/drafts", {"kind": "next", "notice": notice_id(place), **data})
    assert answer.status_code == 303, text_of(answer)
    return str(answer.location)


def edit(client: Any, draft: str, path: str, change: tuple[str, str], **more: str) -> Any:
    """Change the text of a file."""
    page = text_of(client.get(f"{draft}/edit/{path}?raw=1"))
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    text = unescape(found[1])
    assert change[0] in text
    return send(client, f"{draft}/edit/{path}?raw=1", f"{draft}/edit/{path}?raw=1", {"text": text.replace(*change), **more})


def test_a_draft_is_written_checked_and_released_by_another(place: Place) -> None:
    designer, releaser = place.client("designer"), place.client("releaser")
    draft = begin(place, designer)
    assert "可以发布，没有问题" in text_of(designer.get(f"{draft}/check"))
    assert '<code>forms/application.form</code>\n<span class="small quiet">用于：填写申报材料、补正材料</span>' in text_of(
        designer.get(draft)
    )
    assert edit(designer, draft, "case.bpmn", ("省级审核", "省级初审")).status_code == 303
    edit(designer, draft, "notice.yaml", ("cut:\n    source: notice", "cut:\n    source: notices"))
    page = text_of(designer.get(f"{draft}/check"))
    assert "还不能发布：有 1 处错误" in page and f"{draft}/edit/notice.yaml?at=settings.cut.source" in page
    edit(designer, draft, "notice.yaml", ("source: notices", "source: notice"))
    page = text_of(designer.get(f"{draft}/compare"))
    assert "省级初审" in page and "notice.yaml</code>" not in page

    assert text_of(releaser.get("/drafts")).count("待审定") == 0
    assert send(designer, draft, f"{draft}/submit", {"reason": "更名"}).status_code == 303
    assert "份草稿待审定" in text_of(releaser.get("/drafts"))
    page = text_of(releaser.get(draft))
    assert "更名" in page and "<del>省级审核</del>" in page and "<ins>省级初审</ins>" in page
    answer = send(releaser, draft, f"{draft}/return", {"reason": ""})
    assert answer.status_code == 422 and "退回须说明理由" in text_of(answer)
    send(releaser, draft, f"{draft}/return", {"reason": "请再核对"})
    assert "请再核对" in text_of(designer.get(draft))
    send(designer, draft, f"{draft}/submit", {})
    assert send(designer, draft, f"{draft}/release", {}).status_code == 403
    old = releaser.get(draft)
    send(releaser, draft, f"{draft}/release", {})
    assert "已发布为通知的新版本" in text_of(releaser.get(draft))
    with place.engine.read() as work:
        newest = list_notices(work)[0]
        assert (newest.version, newest.source, newest.state) == (2, "person", "deployed")
        stored = get_notice(work, newest.id)
    # pressed twice, it happened once
    hidden = {name: read_hidden(text_of(old), name) for name in ("csrf_token", "key", "revision")}
    assert releaser.post(f"{draft}/release", data=hidden).status_code == 409
    xml = releaser.get(f"/definitions/{stored.definitions['case']}.bpmn").get_data()
    assert "省级初审".encode() in xml
    # a folder that comes later stays below what a person released
    folder = dict(bundled_notices()[NOTICE])
    folder["case.bpmn"] = folder["case.bpmn"].replace("省级审核".encode(), "省级复审".encode())
    with place.engine.begin() as work:
        deploy_folder(work, folder, key=NOTICE)
    assert "第 2 版" in text_of(place.client().get(f"/notices/{NOTICE}"))
    assert place.client().get(f"/notices/{NOTICE}?version=3").status_code == 404
    assert "第 3 版" in text_of(releaser.get(f"/notices/{NOTICE}?version=3"))


def test_a_clone_has_its_own_key_and_dates(place: Place) -> None:
    designer = place.client("designer")
    answer = send(
        designer, "/drafts/new", "/drafts", {"kind": "clone", "notice": notice_id(place), "new_key": NOTICE, "years": "1"}
    )
    assert answer.status_code == 422 and "不能用作新通知的键" in text_of(answer) and f'value="{NOTICE}"' in text_of(answer)
    answer = send(
        designer, "/drafts/new", "/drafts", {"kind": "clone", "notice": notice_id(place), "new_key": "x", "years": "one"}
    )
    assert answer.status_code == 422 and "年数须为" in text_of(answer) and 'value="one"' in text_of(answer)
    draft = begin(place, designer, kind="clone", new_key="samr_2023", number="某文〔2023〕1号", years="1")
    page = text_of(designer.get(f"{draft}/compare"))
    assert "<ins>2023-08-10</ins>" in page and "samr_2023_case" in page
    assert "可以发布，" in text_of(designer.get(f"{draft}/check"))


def test_a_stale_page_is_told_and_keeps_its_text(place: Place) -> None:
    designer = place.client("designer")
    draft = begin(place, designer)
    edit(designer, draft, "forms/audit.form", ("核对事项", "核对"))
    answer = edit(designer, draft, "forms/audit.form", ("核对", "核查"), revision="1")
    page = text_of(answer)
    assert answer.status_code == 409 and "褚设计 已另存 forms/audit.form，现为第 2 版" in page
    assert "核查" in page and 'name="take" value="2"' in page and "compare?before=1&amp;after=2" in page
    answer = edit(designer, draft, "forms/audit.form", ("核对", "核查"), revision="1", take="2")
    assert answer.status_code == 303
    with place.engine.read() as work:
        (found,) = list_drafts(work)
        assert found.version == 3
        assert "核查".encode() in read_files(work, found.id, 3)["forms/audit.form"]


def test_a_drawing_is_kept_by_itself(place: Place) -> None:
    designer = place.client("designer")
    draft = begin(place, designer)
    token = read_hidden(text_of(designer.get(draft)), "csrf_token")
    xml = designer.get(f"{draft}/files/case.bpmn").get_data()

    def put(content: bytes, mark: str, headers: dict[str, str] | None = None) -> Any:
        sent = {"If-Match": mark, "X-CSRFToken": token} if headers is None else headers
        return designer.put(f"{draft}/files/case.bpmn", data=content, content_type="application/xml", headers=sent)

    answer = put(xml + b"\n", '"1"')
    assert (answer.status_code, answer.get_json()["version"]) == (200, 2)
    answer = put(xml, '"1"')
    assert answer.status_code == 409 and answer.get_json()["version"] == 2 and "before=1&after=2" in answer.get_json()["compare"]
    assert put(xml, '"2"').get_json()["version"] == 3
    assert put(xml, "x").status_code == 422
    assert put(xml, '"3"', headers={"If-Match": '"3"'}).status_code == 400  # no form token
    assert put(b"x" * 2_000_001, '"3"').status_code == 422


def test_versions_come_back_and_folders_travel(place: Place) -> None:
    designer = place.client("designer")
    draft = begin(place, designer)
    edit(designer, draft, "case.bpmn", ("省级审核", "省级初审"))
    with place.engine.read() as work:
        (found,) = list_drafts(work)
        first = read_files(work, found.id, 1)
    answer = send(designer, f"{draft}/versions", f"{draft}/versions/1/restore", {})
    assert answer.status_code == 303 and "第 1 版的内容已恢复为第 3 版" in text_of(designer.get(draft))
    content = designer.get(f"{draft}/folder.zip").get_data()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {name.removeprefix(f"{NOTICE}/"): archive.read(name) for name in archive.namelist()} == first
    upload = {"kind": "upload", "folder": (io.BytesIO(content), "folder.zip")}
    answer = send(designer, "/drafts/new", "/drafts", upload, content_type="multipart/form-data")
    assert answer.status_code == 303
    with place.engine.read() as work:
        uploaded = next(each for each in list_drafts(work) if each.id != found.id)
        assert read_files(work, uploaded.id, 1) == first
        assert len(list_versions(work, uploaded.id)) == 1
    for bad in (b"no archive", b""):
        upload = {"kind": "upload", "folder": (io.BytesIO(bad), "folder.zip")}
        assert send(designer, "/drafts/new", "/drafts", upload, content_type="multipart/form-data").status_code == 422


def test_files_are_added_and_taken_out(place: Place) -> None:
    designer = place.client("designer")
    draft = begin(place, designer)
    answer = send(designer, draft, f"{draft}/files", {"kind": "form", "name": "second", "copy": "forms/audit.form"})
    assert answer.location == f"{draft}/edit/forms/second.form"
    copied = json.loads(designer.get(f"{draft}/files/forms/second.form").get_data())
    assert copied["id"] == "second" and len(copied["components"]) == 4
    for name in ("second", "Second", "../x", ""):
        answer = send(designer, draft, f"{draft}/files", {"kind": "form", "name": name})
        assert answer.status_code == 422 and "不能用作文件名" in text_of(answer)
    send(designer, draft, f"{draft}/files", {"kind": "diagram", "name": "extra"})
    page = text_of(designer.get(f"{draft}/check"))
    assert "extra.bpmn 未在 diagrams 中列出" in page
    assert send(designer, draft, f"{draft}/remove/extra.bpmn", {}).status_code == 303
    assert "未在 diagrams 中列出" not in text_of(designer.get(f"{draft}/check"))


def test_a_decision_table_is_added_and_edited_as_text(place: Place) -> None:
    designer = place.client("designer")
    draft = begin(place, designer)
    answer = send(designer, draft, f"{draft}/files", {"kind": "decision", "name": "grading"})
    assert answer.location == f"{draft}/edit/grading.dmn"
    assert "grading.dmn" not in text_of(designer.get(f"{draft}/check"))
    text = designer.get(f"{draft}/files/grading.dmn").get_data(as_text=True)
    assert '_grading" name="grading">' in text
    page = designer.get(answer.location).get_data(as_text=True)
    assert "&lt;decisionTable" in page and "返回逐项编辑" not in page
    saved = send(
        designer, answer.location, f"{answer.location}?raw=1", {"text": text.replace("<text>-</text>", "<text>&gt;</text>")}
    )
    assert saved.status_code == 303
    page = designer.get(f"{draft}/check").get_data(as_text=True)
    assert "第 1 条规则" in page and f"{draft}/edit/grading.dmn?raw=1&amp;line=8#text" in page


def fields_of(page: str) -> dict[str, list[str]]:
    """What a browser would send of the page's main form, as it stands."""
    (form,) = [each for each in html.fromstring(page).forms if each.get("id") in ("facts_form", "component_form")]
    found: dict[str, list[str]] = {}
    for name, value in form.form_values():
        found.setdefault(name, []).append(value.removeprefix("\n"))
    return found


def test_the_facts_are_edited_field_by_field(place: Place) -> None:
    designer = place.client("designer")
    draft = begin(place, designer)
    address = f"{draft}/edit/notice.yaml"
    for part in ("general", "document", "dates", "demands", "recipients", "settings", "reminders", "directions"):
        page = text_of(designer.get(f"{address}?part={part}"))
        answer = designer.post(f"{address}?part={part}", data=fields_of(page))
        assert answer.status_code == 303
    with place.engine.read() as work:
        assert list_drafts(work)[0].version == 1  # nothing was changed

    def change(part: str, op: str = "", **typed: str) -> Any:
        sent = fields_of(text_of(designer.get(f"{address}?part={part}")))
        sent |= {name.replace("__dot__", "."): [text] for name, text in typed.items()}
        return designer.post(f"{address}?part={part}", data={**sent, "op": op})

    assert change("dates", facts__dot__dates__dot__0__dot__value="2022-08-20").status_code == 303
    change("demands", facts__dot__demands__dot__0__dot__weight__dot__value="25")
    page = text_of(designer.get(f"{address}?part=demands"))
    assert "各项要求的权重之和为 105，须为 100" in page
    change("demands", facts__dot__demands__dot__1__dot__weight__dot__value="much")
    page = text_of(designer.get(f"{address}?part=demands"))
    assert 'value="much"' in page and "“value”须为数字" in page and 'href="#edit_facts_demands_1_weight_value"' in page
    assert "finding" not in text_of(designer.get(f"{address}?part=dates")).partition("record-form")[2].partition("</form>")[0]
    change("demands", facts__dot__demands__dot__1__dot__weight__dot__value="25")
    answer = change("letters", op="add:facts.letters")
    assert answer.location.endswith("?part=letters#edit_facts_letters")
    assert "缺少“key”" in text_of(designer.get(f"{address}?part=letters"))
    change("letters", op="remove:facts.letters.10")
    page = text_of(designer.get(f"{draft}/compare"))
    rows = re.findall(r"<code>([^<]+)</code></th><td[^>]*><del>([^<]*)</del></td><td[^>]*><ins>([^<]*)</ins>", page)
    assert rows == [
        ("dates.collection_cutoff.value", "2022-08-10", "2022-08-20"),
        ("demands[distinctiveness].weight.value", "20", "25"),
        ("demands[effectiveness].weight.value", "30", "25"),
    ]


def test_faults_in_yaml_itself_lead_to_its_text(place: Place) -> None:
    designer = place.client("designer")
    draft = begin(place, designer)
    edit(designer, draft, "notice.yaml", ("format: 1", "format: [1"))
    page = text_of(designer.get(f"{draft}/edit/notice.yaml"))
    assert 'id="text"' in page and "format: [1" in page
    assert f"{draft}/edit/notice.yaml?raw=1&amp;line=" in text_of(designer.get(f"{draft}/check"))


def test_a_form_is_edited_component_by_component(place: Place) -> None:
    designer = place.client("designer")
    draft = begin(place, designer)
    address = f"{draft}/edit/forms/audit.form"

    def change(at: str, op: str = "", **typed: str) -> Any:
        sent = fields_of(text_of(designer.get(f"{address}?at={at}")))
        sent |= {name.replace("__dot__", "."): [text] for name, text in typed.items()}
        return designer.post(address, data={**sent, "op": op})

    assert change("components[2]").status_code == 303
    with place.engine.read() as work:
        assert list_drafts(work)[0].version == 1
    answer = change("components[3]", op="add_component", new_type="number")
    assert answer.location.endswith("at=components[4]#component") or "components%5B4%5D" in answer.location
    change("components[4]", component__dot__key="visits", component__dot__label="现场核查次数")
    change("components[4]", component__dot__validate__dot__min="3", component__dot__validate__dot__max="1")
    page = text_of(designer.get(f"{address}?at=components[4]"))
    assert "下限大于上限" in page and "现场核查次数" in page
    sent = fields_of(page) | {"component.validate.max": ["9"]}
    shown = text_of(designer.post(f"{draft}/preview/forms/audit.form", data=sent))
    assert "现场核查次数" in shown and "下限大于上限" not in shown and 'name="visits"' in shown
    assert "下限大于上限" in text_of(designer.get(f"{address}?at=components[4]"))  # nothing was kept
    change("components[4]", component__dot__validate__dot__max="9")
    change("components[4]", op="up_component")
    form = json.loads(designer.get(f"{draft}/files/forms/audit.form").get_data())
    assert [each["key"] for each in form["components"]] == ["checks", "checks_other", "result", "visits", "opinion"]
    assert form["components"][3] == {
        "type": "number", "id": "Field_field_1", "key": "visits", "label": "现场核查次数", "validate": {"min": 3, "max": 9},
    }  # fmt: skip
    change("components[3]", op="remove_component")
    assert text_of(designer.get(f"{draft}/compare")).count("没有不同") == 1


def test_two_parts_of_the_facts_are_in_nobodys_way_without_javascript_too(place: Place) -> None:
    designer = place.client("designer")
    draft = begin(place, designer)
    address = f"{draft}/edit/notice.yaml?part=document"
    fields = html.fromstring(text_of(designer.get(address))).get_element_by_id("facts_form").form_values()
    dates = f"{draft}/edit/notice.yaml?part=dates"
    others = dict(html.fromstring(text_of(designer.get(dates))).get_element_by_id("facts_form").form_values())
    others["facts.dates.0.value"] = "2022-08-31"
    assert designer.post(dates, data=others).status_code == 303
    typed = {**dict(fields), "facts.document.title.value": "另一个标题"}
    assert designer.post(address, data=typed).status_code == 303
    again = designer.post(address, data={**typed, "facts.document.title.value": "第三个标题"})  # this part was changed since
    page = text_of(again)
    assert again.status_code == 409 and "<del>另一个标题</del>" in page and "<ins>第三个标题</ins>" in page
    with place.engine.read() as work:
        (found,) = list_drafts(work)
        stored = read_files(work, found.id, found.version)["notice.yaml"].decode()
    assert "2022-08-31" in stored and "另一个标题" in stored


def test_a_component_is_kept_in_the_version_that_the_page_showed(place: Place) -> None:
    """Somebody took a component out meanwhile: what was typed into the second one must not land in the third."""
    designer = place.client("designer")
    draft = begin(place, designer)
    address = f"{draft}/edit/forms/audit.form"
    stale = dict(
        html.fromstring(text_of(designer.get(f"{address}?at=components[1]"))).get_element_by_id("component_form").form_values()
    )
    send(designer, f"{address}?at=components[0]", address, {"at": "components[0]", "op": "remove_component"})
    typed = {**stale, "component.label": "其它核查事项", "op": ""}
    answer = designer.post(address, data=typed)
    assert answer.status_code == 409 and 'name="take" value="2"' in text_of(answer)
    assert designer.post(address, data={**typed, "take": "2"}).status_code == 303
    with place.engine.read() as work:
        (found,) = list_drafts(work)
        first = json.loads(read_files(work, found.id, 1)["forms/audit.form"])
        stored = json.loads(read_files(work, found.id, 3)["forms/audit.form"])
    first["components"][1]["label"] = "其它核查事项"
    assert stored == first
