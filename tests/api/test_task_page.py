"""The task's page: what is next, what differs between two windows, plans, files looked at, and talk about its case."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from api.pages.previews import read_text
from workflows import inbox
from workflows.tables import attachment

PASS = {"checks": ["complete"], "result": "pass", "opinion": ""}


@pytest.fixture
def cases(place: Any, application: dict[str, Any]) -> list[str]:
    """Two cases that wait for the auditor of the first body; their tasks in the order of the list."""
    for _ in range(2):
        place.hand_in(application)
    return [row.id for row in place.tasks("auditor", "audit")]


def test_after_completing_the_next_task_of_the_same_list_is_one_step_away(place: Any, cases: list[str], send: Callable) -> None:
    client = place.client("auditor")
    listed = client.get("/inbox?view=groups").get_data(as_text=True)
    assert f'/tasks/{cases[0]}?list=view%3Dgroups"' in listed
    sent = {**PASS, "list": "view=groups"}
    done = send(client, f"/tasks/{cases[0]}?list=view%3Dgroups", f"/tasks/{cases[0]}/complete", sent)
    assert (done.status_code, done.headers["Location"]) == (303, "/inbox?view=groups")
    after = client.get(done.headers["Location"]).get_data(as_text=True)
    assert f'下一项： <a href="/tasks/{cases[1]}?list=view%3Dgroups">' in after


def test_another_windows_text_is_shown_beside_what_was_typed_and_nothing_is_lost(
    place: Any, cases: list[str], send: Callable
) -> None:
    client, task_id = place.client("auditor"), cases[0]
    stale = client.get(f"/tasks/{task_id}").get_data(as_text=True)
    assert 'id="seen_draft" value=""' in stale
    send(client, f"/tasks/{task_id}", f"/tasks/{task_id}/draft", {"opinion": "另一窗口写的", "result": "return"})
    typed = {"opinion": "这个窗口写的", "result": "return", "seen_draft": ""}
    for action in ("complete", "draft"):
        answer = send(client, f"/tasks/{task_id}", f"/tasks/{task_id}/{action}", typed)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 409, action
        table = page.partition('id="stale"')[2].partition("</section>")[0]
        assert "另一窗口写的" in table and "这个窗口写的" in table and "退回补正" not in table
        assert re.search(r">\s*这个窗口写的</textarea>", page)
    with place.engine.read() as work:
        assert inbox.read_draft(work, place.person("auditor"), task_id)[0]["opinion"] == "另一窗口写的"
    again = send(client, f"/tasks/{task_id}", f"/tasks/{task_id}/draft", {"opinion": "这个窗口写的", "result": "return"})
    assert again.status_code == 303


def test_priority_and_follow_up_are_kept_and_shown(place: Any, cases: list[str], send: Callable) -> None:
    client, task_id = place.client("auditor"), cases[0]
    where = f"/tasks/{task_id}"
    assert send(client, where, f"{where}/plan", {"priority": "100", "follow_up_on": "2022-07-08"}).status_code == 303
    page = client.get(where).get_data(as_text=True)
    assert "特急" in page and 'value="2022-07-08"' in page and "李同事" in page
    refused = send(client, where, f"{where}/plan", {"priority": "3", "follow_up_on": "2022-06-08"})
    assert refused.status_code == 422


def test_a_file_is_looked_at_in_a_page_of_ours_and_its_bytes_do_nothing(place: Any, cases: list[str]) -> None:
    client = place.client("auditor")
    with place.engine.read() as work:
        file_id = work.connection.execute(sa.select(attachment.c.id).limit(1)).scalar_one()
    page = client.get(f"/attachments/{file_id}/show")
    assert f'<iframe class="preview" src="/attachments/{file_id}/content"' in page.get_data(as_text=True)
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    bytes_ = client.get(f"/attachments/{file_id}/content", buffered=True)
    assert bytes_.mimetype == "application/pdf"
    assert (
        "script-src" not in bytes_.headers["Content-Security-Policy"]
        and "default-src 'none'" in bytes_.headers["Content-Security-Policy"]
    )
    assert (bytes_.headers["X-Frame-Options"], bytes_.headers["X-Content-Type-Options"]) == ("SAMEORIGIN", "nosniff")
    assert place.client("auditor_b").get(f"/attachments/{file_id}/content").status_code == 404


def test_texts_are_read_in_the_encodings_of_offices() -> None:
    assert read_text("好".encode()) == read_text("好".encode("gb18030")) == read_text(b"\xef\xbb\xbf" + "好".encode()) == "好"
    assert read_text("好好".encode()[:-1], cut=True) == "好"
    assert "\ufffd" in read_text(b"\xff\xff")


def test_talk_on_the_tasks_page_comes_back_to_it(place: Any, cases: list[str], send: Callable) -> None:
    client, task_id = place.client("auditor"), cases[0]
    where = f"/tasks/{task_id}"
    with place.engine.read() as work:
        case_id = inbox.open_task(work, place.person("auditor"), task_id).case.id
    said = send(client, where, f"/cases/{case_id}/remarks", {"text": "请@李同事看", "task": task_id})
    assert (said.status_code, said.headers["Location"]) == (303, f"{where}#talk")
    refused = send(client, where, f"/cases/{case_id}/remarks", {"text": "@无此人 请看", "task": task_id})
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422 and "“@无此人”" in page and re.search(r">\s*@无此人 请看</textarea>", page)
    bell = place.client("colleague").get("/notifications").get_data(as_text=True)
    assert "孙审核在" in bell and "提到了您" in bell
    assert "提到了您" not in place.client("colleague", language="en").get("/notifications").get_data(as_text=True)


def test_an_organiser_sets_the_priority_of_what_a_case_waits_for(place: Any, cases: list[str], send: Callable) -> None:
    client, task_id = place.client("organiser"), cases[0]
    with place.engine.read() as work:
        case_id = inbox.open_task(work, place.person("auditor"), task_id).case.id
    where = f"/cases/{case_id}"
    assert send(client, where, f"{where}/priority", {"of": task_id, "priority": "75"}).status_code == 303
    assert "高" in place.client("auditor").get(f"/tasks/{task_id}").get_data(as_text=True)
    assert send(client, where, f"{where}/priority", {"of": task_id, "priority": "7"}).status_code == 422
