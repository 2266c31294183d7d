"""A program outside does the work of a service task by REST alone."""

from __future__ import annotations

from typing import Any

import pytest

from engine.definitions import deploy
from engine.instances import start_instance
from tests.api.rest.conftest import Caller, make_caller
from tests.engine.conftest import DIAGRAMS
from workflows.people import grant_role

FETCH = {"worker": "scanner", "topics": ["scan"], "lock_seconds": 60, "most": 5}


@pytest.fixture
def robot(place: Any) -> Caller:
    """A program of somebody with the role `worker`."""
    with place.engine.begin() as work:
        person = place.person("designer")
        grant_role(work, person.id, "worker", person.organisation_id)
    return make_caller(place, "designer")


@pytest.fixture
def instance(place: Any) -> str:
    """An instance that waits for a worker."""
    with place.engine.begin() as work:
        deployed = deploy(work, {"external.bpmn": (DIAGRAMS / "external.bpmn").read_bytes()}, name="external")
        return start_instance(work, deployed.definitions["external_process"], "case-1", {"urgency": 1, "files": ["a.pdf"]})


def test_from_fetching_to_done(robot: Caller, instance: str) -> None:
    answer = robot.post("/external-tasks/fetch", FETCH, key="first")
    assert answer.status_code == 200
    (task,) = answer.json["items"]
    assert (task["instance_id"], task["variables"]["file"], task["properties"]) == (instance, "a.pdf", {"depth": "full"})
    assert robot.post("/external-tasks/fetch", FETCH, key="first").json == answer.json
    assert robot.post("/external-tasks/fetch", FETCH).json == {"items": []}
    address = f"/external-tasks/{task['id']}"
    lost = robot.post(f"{address}/complete", {"worker": "other"})
    assert (lost.status_code, lost.json["code"]) == (409, "ExternalTaskLost")
    extended = robot.post(f"{address}/extend", {"worker": "scanner", "lock_seconds": 600})
    assert extended.json["locked_until"] > task["locked_until"]
    done = robot.post(f"{address}/complete", {"worker": "scanner", "variables": {"clean": True}}, key="done")
    assert (done.status_code, done.json) == (200, {"id": task["id"], "locked_until": None})
    assert robot.post(f"{address}/complete", {"worker": "scanner", "variables": {"clean": True}}, key="done").json == done.json
    over = robot.post(f"{address}/complete", {"worker": "scanner"})
    assert (over.status_code, over.json["code"]) == (409, "ExternalTaskOver")


def test_failing_until_a_person_has_to_look(robot: Caller, instance: str, place: Any) -> None:
    (task,) = robot.post("/external-tasks/fetch", FETCH).json["items"]
    address = f"/external-tasks/{task['id']}"
    assert robot.post(f"{address}/fail", {"worker": "scanner", "error": "no scanner", "retries": 2}).status_code == 200
    (again,) = robot.post("/external-tasks/fetch", FETCH).json["items"]
    assert (again["id"], again["retries"], again["last_error"]) == (task["id"], 2, "no scanner")
    assert robot.post(f"{address}/fail", {"worker": "scanner", "error": "still none"}).status_code == 200
    assert robot.post("/external-tasks/fetch", FETCH).json == {"items": []}
    administrator = make_caller(place, "administrator")
    (incident,) = [each for each in administrator.get("/incidents").json["items"] if each["instance_id"] == instance]
    assert (incident["kind"], incident["code"], incident["retryable"]) == ("external", "ExternalTaskFailed", True)
    assert administrator.post(f"/incidents/{incident['id']}/retry").status_code == 200
    assert len(robot.post("/external-tasks/fetch", FETCH).json["items"]) == 1


def test_who_is_no_worker_gets_nothing(place: Any, instance: str) -> None:
    for login in ("administrator", "organiser"):
        refused = make_caller(place, login).post("/external-tasks/fetch", FETCH)
        assert (refused.status_code, refused.json["code"]) == (403, "NotPermitted")


def test_what_does_not_fit(robot: Caller) -> None:
    for body in ({**FETCH, "topics": []}, {**FETCH, "lock_seconds": 0}, {**FETCH, "most": 101}, {**FETCH, "worker": "a b"}):
        assert robot.post("/external-tasks/fetch", body).status_code == 422
    assert robot.post(f"/external-tasks/{'0' * 32}/complete", {"worker": "w"}).status_code == 404
