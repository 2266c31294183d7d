"""The inbox by programs: its views and filters, filters that are kept, and how urgent a task is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode


def test_tasks_are_planned_narrowed_and_found_by_a_kept_filter(call: Any, place: Any, sent: dict[str, str]) -> None:
    auditor, organiser, task = call("auditor"), call("organiser"), sent["task"]
    assert auditor.post(f"/tasks/{task}/plan", {"priority": 100, "follow_up_on": "2022-07-06"}).status_code == 200
    refused = auditor.post(f"/tasks/{task}/plan", {"priority": 100, "follow_up_on": "2022-06-01"})
    assert (refused.status_code, refused.get_json()["findings"][0]["code"]) == (422, "FollowUpPast")
    asked = {"view": "groups", "step": "audit", "sort": "priority"}
    group = f"auditor@{place.organisations['body_a']}"
    assert auditor.post("/filters", {"name": "审核", "group": group, **asked}).status_code == 201
    (kept,) = call("colleague").get("/filters").get_json()["items"]
    assert (kept["asked"], kept["owner"]) == (asked, place.person("auditor").name)
    found = auditor.get(f"/tasks?{urlencode(kept['asked'])}").get_json()["items"]
    assert [(each["id"], each["priority"], each["readable"]) for each in found] == [(task, 100, True)]
    assert auditor.get(f"/tasks?view=groups&body={place.organisations['body_b']}").get_json()["items"] == []
    assert auditor.post(f"/filters/{kept['id']}", {"name": "待审核"}).status_code == 200
    assert call("colleague").get("/filters").get_json()["items"] == []
    assert [auditor.client.delete(f"/api/v1/filters/{kept['id']}", headers=auditor.proof({})).status_code for _ in range(2)] == [
        200,
        404,
    ]
    assert organiser.post(f"/cases/{sent['case']}/watch", {"watch": True}).status_code == 200
    assert organiser.post(f"/cases/{sent['case']}/tasks/{task}/priority", {"priority": 25}).status_code == 200
    (watched,) = organiser.get("/tasks?view=watched").get_json()["items"]
    assert (watched["priority"], watched["readable"]) == (25, False)
