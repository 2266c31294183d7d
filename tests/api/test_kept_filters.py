"""Kept filters on the page of the inbox: named, renamed, shared, begun with, and what is told when a colleague changes one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.api.world import Place


def read(client: Any, address: str = "/inbox") -> str:
    return str(client.get(address).get_data(as_text=True))


def test_a_shared_filter_is_begun_with_and_its_change_is_told(place: Place, send: Callable[..., Any]) -> None:
    auditor, colleague = place.client("auditor"), place.client("colleague")
    group = f"auditor@{place.organisations['body_a']}"
    kept = {"view": "groups", "due": "week", "name": "本周", "group": group}
    assert send(auditor, "/inbox", "/inbox/filters", kept).status_code == 303
    page = read(auditor, "/inbox?view=groups&due=week")
    assert re.findall(r'href="(/inbox[^"]*)" aria-current="true">本周<', page) == ["/inbox?view=groups&amp;due=week"]
    (filter_id,) = re.findall(r'action="/inbox/filters/(\w+)"', page)
    refused = send(auditor, "/inbox", f"/inbox/filters/{filter_id}", {"name": " "})
    assert (refused.status_code, f'id="name_{filter_id}_fault"' in refused.get_data(as_text=True)) == (422, True)
    assert send(auditor, "/inbox", f"/inbox/filters/{filter_id}", {"name": "快到期", "group": group}).status_code == 303
    assert send(colleague, "/inbox", "/inbox/start", {"start": f"filter:{filter_id}"}).location == "/inbox"
    assert '<option value="week" selected>' in read(colleague)
    assert '<option value="week" selected>' not in read(colleague, "/inbox?view=groups")
    send(auditor, "/inbox", "/inbox/filters", {**kept, "name": "快到期", "due": "today"})
    page = read(colleague)
    assert "修改了共享筛选“快到期”。您的待办仍按修改前显示。" in page
    assert '<option value="week" selected>' in page
    send(colleague, "/inbox", "/inbox/start", {"start": f"filter:{filter_id}"})
    page = read(colleague)
    assert ("修改了共享筛选" in page, '<option value="today" selected>' in page) == (False, True)
    assert send(auditor, "/inbox", f"/inbox/filters/{filter_id}/drop", {}).status_code == 303
    assert '<option value="today" selected>' not in read(colleague)
