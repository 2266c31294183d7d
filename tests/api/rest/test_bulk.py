"""`/bulk-jobs` and its pages: many tasks at once, each with its own rules, form and receipt."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.bulk import run_bulk
from engine.due import run_due
from engine.tables import bulk_chunk, history, user_task
from tests.api.rest.conftest import PDF, Caller, make_caller
from workflows.applications import first_task, start_application
from workflows.files import attach_file, receive_file
from workflows.inbox.many import start_many
from workflows.tables import case, receipt

PASS = {"result": "pass", "opinion": "材料齐全，同意。"}


def send_applications(world: Any, count: int, data: dict[str, Any]) -> list[str]:
    """So many applications of `applicant`, sent by one bulk job; the audits that wait for `auditor`, by number."""
    who, items = world.person("applicant"), []
    received = receive_file(world.engine, io.BytesIO(PDF), name="seal.pdf")
    with world.engine.begin(by=who.id) as work:
        for number in range(count):
            task_id = first_task(work, start_application(work, who, world.campaign, channel="recommended"))
            assert task_id is not None
            attach_file(work, who, received, task_id=task_id, field="seal_scan")
            items.append({"task": task_id, "data": {"title": f"检测案例{number:03}"}})
        job = start_many(work, who, "complete", items, data=data)
    run_due(world.engine)
    told = make_caller(world, "applicant").get(f"/bulk-jobs/{job}").json
    assert (told["state"], told["done"]) == ("done", count)
    return [line.id for line in sorted(world.tasks("auditor", "audit"), key=lambda line: str(line.number))]


def results_of(caller: Caller, job: str, **query: Any) -> list[dict[str, Any]]:
    found, address = [], f"/bulk-jobs/{job}/results?limit=7" + "".join(f"&{name}={value}" for name, value in query.items())
    while True:
        page = caller.get(address).json
        found += page["items"]
        if page["next"] is None:
            return found
        address = f"/bulk-jobs/{job}/results?limit=7&cursor={page['next']}" + "".join(f"&{k}={v}" for k, v in query.items())


@pytest.mark.parametrize("count", [24, pytest.param(100, marks=pytest.mark.slow)])
def test_what_others_completed_meanwhile_is_told_with_who_and_when(
    place: Any, application_data: dict[str, Any], count: int
) -> None:
    audits = send_applications(place, count, application_data)
    assert len(audits) == count
    auditor = make_caller(place, "auditor")
    begun = auditor.post(
        "/bulk-jobs", {"action": "complete", "tasks": [{"task": each} for each in audits], "data": PASS}, key="k"
    )
    assert (begun.status_code, begun.json["state"], begun.json["left"]) == (202, "running", count)
    job = begun.json["id"]
    again = auditor.post(
        "/bulk-jobs", {"action": "complete", "tasks": [{"task": each} for each in audits], "data": PASS}, key="k"
    )
    assert again.json["id"] == job
    colleague = place.person("colleague")
    place.clock.move_to(place.clock.now() + timedelta(hours=1))
    moment = place.clock.now()
    with place.engine.begin() as work:  # nothing of the job is done yet: its chunks rest
        work.connection.execute(bulk_chunk.update().values(next_try_at=moment + timedelta(days=1)))
    for task_id in (audits[2], audits[11], audits[-1]):
        place.complete("colleague", task_id, PASS)
    with place.engine.begin() as work:
        work.connection.execute(bulk_chunk.update().values(next_try_at=moment))
    run_due(place.engine)
    told = auditor.get(f"/bulk-jobs/{job}").json
    assert (told["state"], told["done"], told["refused"], told["left"]) == ("done", count - 3, 3, 0)
    refused = results_of(auditor, job, refused="true")
    assert [
        (each["position"], each["problem"]["code"], each["who"], datetime.fromisoformat(each["closed_at"])) for each in refused
    ] == [(place_, "TaskAlreadyCompleted", colleague.name, moment) for place_ in (3, 12, count)]
    whole = results_of(auditor, job)
    assert [each["task"] for each in whole] == audits
    assert {each["name"] for each in whole} == {"省级审核"}
    assert sorted(each["title"] for each in whole) == [f"检测案例{number:03}" for number in range(count)]
    with place.engine.read() as work:
        assert work.connection.execute(sa.select(case.c.state).distinct()).scalars().all() == ["audited"]
        audited = sa.select(history.c.by, sa.func.count()).where(history.c.element_id == "audit", history.c.kind == "completed")
        who = dict(work.connection.execute(audited.group_by(history.c.by)).all())
    assert who == {place.people["auditor"]: count - 3, colleague.id: 3}
    page = place.client("auditor").get(f"/bulk/{job}?refused=1").get_data(as_text=True)
    assert f"{colleague.name}，" in page
    assert "未能办理（3）" in page
    listed = place.client("auditor").get("/bulk").get_data(as_text=True)
    assert f"共 {count} 项：已办理 {count - 3} 项，未能办理 3 项，待办理 0 项" in listed


def test_each_task_is_judged_by_itself(place: Any, application_data: dict[str, Any]) -> None:
    audits = send_applications(place, 3, application_data)
    stranger, auditor = make_caller(place, "auditor_b"), make_caller(place, "auditor")
    tasks = [{"task": each} for each in audits]
    foreign = stranger.post("/bulk-jobs", {"action": "claim", "tasks": tasks}).json["id"]
    claimed = auditor.post("/bulk-jobs", {"action": "claim", "tasks": tasks}).json["id"]
    run_due(place.engine)
    assert {each["problem"]["code"] for each in results_of(stranger, foreign)} == {"TaskUnknown"}
    assert {each["name"] for each in results_of(stranger, foreign)} == {None}
    assert {each["state"] for each in results_of(auditor, claimed)} == {"done"}
    for path in ("", "/results"):
        assert stranger.get(f"/bulk-jobs/{claimed}{path}").json["code"] == "BulkUnknown"
    assert [each["id"] for each in stranger.get("/bulk-jobs").json["items"]] == [foreign]
    stale = [{"task": audits[0], "revision": 1}, {"task": audits[1], "revision": 2, "data": {"result": "nonsense"}}]
    job = auditor.post("/bulk-jobs", {"action": "complete", "tasks": stale, "data": PASS}).json["id"]
    run_due(place.engine)
    changed, invalid = results_of(auditor, job)
    assert (changed["problem"]["code"], invalid["problem"]["code"]) == ("TaskChanged", "FormInvalid")
    assert [each["path"] for each in invalid["problem"]["findings"]] == ["result"]
    returned = {"action": "return", "tasks": tasks, "target": "apply", "reason": "缺少盖章"}
    job = auditor.post("/bulk-jobs", returned).json["id"]
    run_due(place.engine)
    assert {each["state"] for each in results_of(auditor, job)} == {"done"}
    assert len(place.tasks("applicant", "apply")) == 3


def test_what_came_too_late_gets_its_receipt_and_what_was_asked_in_time_is_in_time(
    place: Any, application_data: dict[str, Any]
) -> None:
    who = place.person("applicant")
    received = receive_file(place.engine, io.BytesIO(PDF), name="seal.pdf")
    ids = []
    with place.engine.begin(by=who.id) as work:
        for _ in range(2):
            task_id = first_task(work, start_application(work, who, place.campaign, channel="recommended"))
            attach_file(work, who, received, task_id=str(task_id), field="seal_scan")
            ids.append(str(task_id))
    with place.engine.read() as work:
        cutoff = work.connection.execute(sa.select(sa.func.min(user_task.c.due_at, type_=user_task.c.due_at.type))).scalar_one()
    place.clock.move_to(cutoff - timedelta(seconds=1))
    with place.engine.begin(by=who.id) as work:
        early = start_many(work, who, "complete", [{"task": ids[0]}], data=application_data)
    place.clock.move_to(cutoff + timedelta(seconds=1))
    with place.engine.begin(by=who.id) as work:
        late = start_many(work, who, "complete", [{"task": ids[1]}], data=application_data)
    run_bulk(place.engine, early)
    run_bulk(place.engine, late)
    caller = make_caller(place, "applicant")
    (done,), (refused,) = results_of(caller, early), results_of(caller, late)
    assert (done["state"], datetime.fromisoformat(done["received_at"])) == ("done", cutoff - timedelta(seconds=1))
    assert refused["problem"]["code"] == "TooLate"
    with place.engine.read() as work:
        rows = work.connection.execute(sa.select(receipt.c.accepted, receipt.c.received_at).order_by(receipt.c.received_at)).all()
    assert rows == [(True, cutoff - timedelta(seconds=1)), (False, cutoff + timedelta(seconds=1))]


def test_a_job_that_cannot_be_begun_says_all_that_is_wrong(place: Any) -> None:
    auditor = make_caller(place, "auditor")
    twice = auditor.post("/bulk-jobs", {"action": "claim", "tasks": [{"task": "0" * 32}, {"task": "0" * 32}]})
    assert (twice.status_code, [each["path"] for each in twice.json["findings"]]) == (422, ["tasks.1"])
    assert auditor.post("/bulk-jobs", {"action": "return", "tasks": [{"task": "0" * 32}]}).json["code"] == "ReasonRequired"
    assert auditor.post("/bulk-jobs", {"action": "claim", "tasks": []}).status_code == 422
    assert auditor.get(f"/bulk-jobs/{'0' * 32}/results?cursor=eA").status_code in (404, 422)


def test_a_job_is_stopped_on_its_page(place: Any, send: Any) -> None:
    auditor = place.person("auditor")
    with place.engine.begin(by=auditor.id) as work:
        job = start_many(work, auditor, "claim", [{"task": f"{number:032}"} for number in range(30)])
    client = place.client("auditor")
    page = client.get(f"/bulk/{job}").get_data(as_text=True)
    assert 'hx-trigger="every 2s"' in page
    answer = send(client, f"/bulk/{job}", f"/bulk/{job}/cancel", {}, follow_redirects=True)
    assert "已中止，30 项没有办理。" in answer.get_data(as_text=True)
    assert run_due(place.engine) == 0
    quiet = client.get(f"/bulk/{job}", headers={"HX-Request": "true"})
    assert quiet.headers["HX-Refresh"] == "true"
    caller = make_caller(place, "auditor")
    assert caller.post(f"/bulk-jobs/{job}/cancel").json == {"id": job, "left": 0}
