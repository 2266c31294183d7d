"""Many tasks chosen in the inbox: previewed one by one, confirmed, and done as one job with a result for each."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.due import run_due
from engine.tables import user_task
from tests.api.rest.test_bulk import PASS, send_applications
from tests.api.world import Place, read_hidden
from workflows import desk
from workflows.inbox import many
from workflows.tables import receipt, urge
from workflows.talk import watch_case


@pytest.fixture
def data(application: dict[str, Any]) -> dict[str, Any]:
    """What the applications say."""
    return {key: value for key, value in application.items() if "." not in key}


def post(client: Any, page: str, address: str, sent: dict[str, Any]) -> Any:
    """Send a form of a page."""
    return client.post(address, data={"csrf_token": read_hidden(page, "csrf_token"), "key": read_hidden(page, "key"), **sent})


def preview(client: Any, action: str, view: str = "groups", **sent: Any) -> str:
    """The preview, asked for from the list."""
    page = client.get(f"/inbox?view={view}").get_data(as_text=True)
    assert f'value="{action}"' in page
    answer = post(client, page, "/bulk/preview", {"many_action": action, "view": view, **sent})
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def confirm(client: Any, page: str, **sent: Any) -> Any:
    """Send the preview's form as it is, but for what is filled in."""
    one = {name: read_hidden(page, name) for name in ("many_action", "many_back", "many_target_seen", "many_receiver_seen")}
    chosen = {name: re.findall(rf'name="{name}" value="([^"]*)"', page) for name in ("many_shown", "many_task")}
    seen = {"many_target": one["many_target_seen"], "many_receiver": one["many_receiver_seen"]}
    return post(client, page, "/bulk", {**one, **chosen, **seen, **sent})


def told_by_bell(place: Place, login: str) -> list[tuple[str, Any]]:
    """(kind, values) of what the person has not read."""
    who = place.person(login)
    with place.engine.read(by=who.id) as work:
        return [(row.kind, row.values) for row in desk.list_notifications(work, who).rows if row.read_at is None]


def results(place: Place, login: str, answer: Any) -> list[many.TaskResult]:
    """What became of each task of the job that was begun."""
    assert answer.status_code == 303, answer.get_data(as_text=True)
    run_due(place.engine)
    who = place.person(login)
    with place.engine.read(by=who.id) as work:
        return many.list_task_results(work, who, answer.location.rpartition("/")[2], limit=500)


@pytest.mark.parametrize("count", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_tasks_returned_at_once_are_done_but_for_those_that_others_completed(
    place: Place, data: dict[str, Any], count: int
) -> None:
    audits = send_applications(place, count, data)
    auditor, colleague = place.client("auditor"), place.person("colleague")
    page = preview(auditor, "return", step="audit", many_all="yes")
    assert f"共 {count} 项：可以办理 {count} 项，不能办理 0 项" in page
    place.clock.move_to(place.clock.now() + timedelta(minutes=10))
    faster = [audits[1], audits[5], audits[-1]]
    for task_id in faster:
        place.complete("colleague", task_id, PASS)
    done = results(place, "auditor", confirm(auditor, page, many_reason="缺少盖章"))
    assert sorted(each.task_id for each in done) == sorted(audits)
    refused = [each for each in done if each.state == "refused"]
    assert sum(each.state == "done" for each in done) == count - 3
    assert {(each.task_id, each.who, each.closed_at) for each in refused} == {
        (task_id, colleague.name, place.clock.now()) for task_id in faster
    }
    (job,) = re.findall(r'href="/bulk/(\w+)"', auditor.get("/bulk").get_data(as_text=True))
    values = {"job": job, "action": "return", "done": count - 3, "refused": 3}
    assert told_by_bell(place, "auditor") == [("bulk", values)]
    bell = auditor.get("/notifications").get_data(as_text=True)
    assert f"批量退回已完成：{count - 3} 项办好，3 项未办" in bell
    (address,) = re.findall(r'action="(/notifications/\w{32}/read)"', bell)
    assert post(auditor, auditor.get("/inbox").get_data(as_text=True), address, {}).location == f"/bulk/{job}"
    told = auditor.get(f"/bulk/{job}?refused=1").get_data(as_text=True)
    assert (told.count(f"{colleague.name}，"), "未能办理（3）" in told) == (3, True)
    assert len(place.tasks("applicant", "supplement") + place.tasks("applicant", "apply")) == count - 3


def test_a_preview_tells_each_task_that_cannot_be_done_and_changes_nothing(place: Place, data: dict[str, Any]) -> None:
    first, second, third = send_applications(place, 3, data)
    place.complete("colleague", second, PASS)
    auditor = place.client("auditor")
    page = preview(auditor, "claim", many_task=[first, second, "0" * 32])
    assert "共 3 项：可以办理 1 项，不能办理 2 项" in page
    assert f"{place.person('colleague').name}，" in page
    assert re.findall(r'name="many_task" value="(\w+):', page) == [first]
    with place.engine.read() as work:
        claimed = sa.select(user_task.c.id).where(user_task.c.state == "open", user_task.c.assignee.is_not(None))
        assert work.connection.execute(claimed).all() == []
    assert [(each.task_id, each.state) for each in results(place, "auditor", confirm(auditor, page))] == [(first, "done")]
    page = preview(auditor, "unclaim", "mine", many_task=[first, third])
    assert [(each.task_id, each.state) for each in results(place, "auditor", confirm(auditor, page))] == [(first, "done")]


def test_one_form_is_filled_in_for_all_and_all_its_faults_are_told(place: Place, data: dict[str, Any]) -> None:
    audits = send_applications(place, 2, data)
    auditor = place.client("auditor")
    page = preview(auditor, "complete", many_task=audits)
    refused = confirm(auditor, page, opinion="材料齐全。")
    again = refused.get_data(as_text=True)
    assert (refused.status_code, "材料齐全。" in again, 'href="#field_result"' in again) == (422, True, True)
    assert {each.state for each in results(place, "auditor", confirm(auditor, again, **PASS))} == {"done"}
    assert place.tasks("auditor", "audit") == []
    with place.engine.read() as work:
        kept = work.connection.execute(sa.select(sa.func.count()).select_from(receipt)).scalar_one()
    assert kept >= 2


def test_another_target_or_colleague_is_previewed_before_it_is_confirmed(place: Place, data: dict[str, Any]) -> None:
    audits = send_applications(place, 2, data)
    auditor, colleague = place.client("auditor"), place.person("colleague")
    page = preview(auditor, "transfer", many_task=audits)
    old = confirm(auditor, page, many_receiver_seen="", many_reason="出差")
    assert (old.status_code, "按新选择更新" in old.get_data(as_text=True)) == (422, True)
    missing = confirm(auditor, page)
    again = missing.get_data(as_text=True)
    assert (missing.status_code, "理由" in again) == (422, True)
    assert {each.state for each in results(place, "auditor", confirm(auditor, again, many_reason="出差"))} == {"done"}
    with place.engine.read() as work:
        held = work.connection.execute(sa.select(user_task.c.assignee).where(user_task.c.id.in_(audits))).scalars()
        assert set(held) == {colleague.id}


def test_a_form_with_files_is_completed_one_by_one(place: Place, data: dict[str, Any]) -> None:
    audits = send_applications(place, 2, data)
    auditor = place.client("auditor")
    page = preview(auditor, "return", many_task=audits)
    results(place, "auditor", confirm(auditor, page, many_reason="缺少盖章"))
    tasks = place.tasks("applicant")
    assert len(tasks) == 2
    told = preview(place.client("applicant"), "complete", "mine" if tasks[0].assignee else "groups", many_all="yes")
    assert ("可以办理 0 项" in told, "须逐项办理" in told) == (True, True)


def test_watched_cases_are_urged_together_and_only_once_a_day(place: Place, data: dict[str, Any]) -> None:
    audits = send_applications(place, 2, data)
    who, organiser = place.person("organiser"), place.client("organiser")
    for line in place.tasks("auditor", "audit"):
        with place.engine.begin(by=who.id) as work:
            watch_case(work, who, line.case_id or "")
    page = preview(organiser, "urge", "watched", many_all="yes")
    assert "可以办理 2 项" in page
    assert {each.state for each in results(place, "organiser", confirm(organiser, page, many_reason="请尽快审核"))} == {"done"}
    with place.engine.read() as work:
        assert {row.task_id: row.remark for row in work.connection.execute(sa.select(urge))} == dict.fromkeys(
            audits, "请尽快审核"
        )
    assert "可以办理 0 项，不能办理 2 项" in preview(organiser, "urge", "watched", many_all="yes")
    place.clock.move_to(place.clock.now() + timedelta(hours=24))
    assert "可以办理 2 项" in preview(place.client("organiser"), "urge", "watched", many_all="yes")


def test_more_than_a_preview_shows_is_said(place: Place, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    send_applications(place, 3, data)
    monkeypatch.setattr("api.pages.bulk_begin.MOST_SEEN", 2)
    page = preview(place.client("auditor"), "claim", step="audit", many_all="yes")
    assert ("共 2 项" in page, "超过一次可办理的数量" in page) == (True, True)


def test_nothing_chosen_leads_back_to_the_same_list(place: Place) -> None:
    auditor = place.client("auditor")
    page = auditor.get("/inbox?view=groups").get_data(as_text=True)
    sent = {"many_action": "claim", "view": "groups", "due": "overdue"}
    answer = auditor.post("/bulk/preview", data={"csrf_token": read_hidden(page, "csrf_token"), **sent})
    assert (answer.status_code, answer.location) == (303, "/inbox?view=groups&due=overdue")
    assert "请先勾选任务。" in auditor.get(answer.location).get_data(as_text=True)
