"""Files that come in pieces, as the page's script sends them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.world import Place, read_hidden

PDF = b"%PDF-1.7\n" + b"." * 500 + b"\n%%EOF\n"


@pytest.fixture
def task(place: Place) -> str:
    """The first task of a new application."""
    return place.start()[1]


def sign(client: FlaskClient, task: str) -> dict[str, str]:
    """The headers of the script on the task's page."""
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    return {"X-CSRFToken": read_hidden(page, "csrf_token"), "Accept": "application/json"}


def test_a_file_in_pieces(place: Place, task: str) -> None:
    client = place.client("applicant")
    headers = sign(client, task)

    def ask(method: str, address: str, **more: Any) -> Any:
        more["headers"] = {**headers, **more.get("headers", {})}
        return client.open(address, method=method, **more)

    def piece(offset: Any, content: bytes, **more: Any) -> Any:
        return ask(
            "PATCH",
            part["address"],
            data=content,
            headers={"Upload-Offset": str(offset), **more},
            content_type="application/octet-stream",
        )

    told = {"field": "seal_scan", "name": "盖章.pdf", "size": len(PDF), "mark": "1"}
    part = ask("POST", f"/tasks/{task}/uploads", data=told).json
    assert (part["offset"], part["size"]) == (0, len(PDF))
    assert piece(0, PDF[:100]).json["offset"] == 100
    for offset in (0, "", "x", 101):
        wrong = piece(offset, b"x")
        assert (wrong.status_code, wrong.json["code"], wrong.json["offset"]) == (409, "PartOffsetWrong", 100)
    broken = piece(100, b"", **{"Content-Length": "999"})  # nothing came of what was promised
    assert broken.json["offset"] == 100
    assert ask("GET", part["address"]).json == {**part, "offset": 100}
    assert "已收到 19%" in client.get(f"/tasks/{task}").get_data(as_text=True)
    other = place.client("colleague")
    assert other.get(part["address"], headers={"Accept": "application/json"}).status_code == 404
    done = piece(100, PDF[100:]).json
    assert done["offset"] == len(PDF) and f'value="{done["file"]}"' in done["html"] and "盖章.pdf" in done["html"]
    assert piece(len(PDF), b"").json["file"] == done["file"]
    assert client.get(f"/attachments/{done['file']}", buffered=True).get_data() == PDF
    assert ask("DELETE", part["address"]).status_code == 204
    assert ask("GET", part["address"]).json["code"] == "PartUnknown"


def test_what_is_refused_is_told_in_words(place: Place, task: str) -> None:
    client = place.client("applicant")
    headers = sign(client, task)
    for told, status, text in (
        ({"field": "seal_scan", "name": "a.exe", "size": "5"}, 422, "不接收文件“a.exe”：类型须为 pdf, jpg, jpeg, png"),
        ({"field": "seal_scan", "name": "a.pdf", "size": "many"}, 422, "没有内容"),
        ({"field": "seal_scan", "name": "a.pdf", "size": "9" * 12}, 422, "超过 50.0 MB 的上限"),
        ({"field": "title", "name": "a.pdf", "size": "5"}, 422, "没有可上传文件的栏目"),
    ):
        answer = client.post(f"/tasks/{task}/uploads", data=told, headers=headers)
        assert (answer.status_code, text in answer.json["message"]) == (status, True), answer.json
    assert client.post(f"/tasks/{task}/uploads", data={}).status_code == 400  # no token: a page of somebody else
    assert place.client().post(f"/tasks/{task}/uploads", data={}, headers=headers).status_code in (400, 401)


def test_without_a_script_files_go_with_the_form(place: Place, task: str) -> None:
    client = place.client("applicant")
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    hidden = {name: read_hidden(page, name) for name in ("csrf_token", "key", "revision", "seen_draft")}
    files = [(io.BytesIO(PDF), "一.pdf"), (io.BytesIO(PDF + b"2"), "二.pdf")]
    client.post(f"/tasks/{task}/draft", data={**hidden, "attachments.new": files})
    page = client.get(f"/tasks/{task}").get_data(as_text=True)
    assert "一.pdf" in page and "二.pdf" in page and 'name="attachments.new"' in page
