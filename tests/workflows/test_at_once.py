"""Several people at the same moment: one winner, no number twice, the audit and the list do not miss each other."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from tests.workflows.world import World
from workflows.tables import application_version, case, receipt


def at_once(*actions: Callable[[], Any]) -> list[str]:
    """Run the actions in threads that begin together; for each the name of its result's type or of what it raised."""
    barrier, results = Barrier(len(actions)), ["" for _ in actions]

    def run(place: int, action: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results[place] = type(action()).__name__
        except Problem as problem:
            results[place] = problem.code

    threads = [Thread(target=run, args=(place, action)) for place, action in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_of_several_completes_a_task(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    data = world.application("lab", task_id)
    results = at_once(
        *[lambda name=name: world.complete(name, task_id, data, revision=1) for name in ("lab", "lab_colleague") * 2]
    )
    assert sorted(set(results)) == ["Receipt", "TaskAlreadyCompleted"] and results.count("Receipt") == 1
    assert len(world.rows(sa.select(application_version))) == len(world.rows(sa.select(receipt))) == 1


def test_the_same_action_sent_twice_at_once_happens_once(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.open_case("lab")
    task_id = world.find_task("apply", case_id)
    data = world.application("lab", task_id)
    assert at_once(*[lambda: world.complete("lab", task_id, data, revision=1, key="once")] * 4) == ["Receipt"] * 4
    assert len(world.rows(sa.select(application_version))) == len(world.rows(sa.select(receipt))) == 1


def test_no_number_is_given_twice(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    at_once(*[lambda name=name: world.open_case(name) for name in ("lab", "lab2", "works", "lab_colleague") * 2])
    assert world.rows(sa.select(case.c.number).order_by(case.c.number)) == [(f"samr-2022-{count:04d}",) for count in range(1, 9)]


def test_an_audit_and_the_list_at_once_leave_no_case_waiting(small_world: World) -> None:
    world = small_world
    world.make_campaign()
    case_id = world.apply("lab")
    audit, ranking = world.find_task("audit", case_id), world.find_task("recommend", body="east")
    results = at_once(
        lambda: world.complete("east_auditor", audit, {"checks": [], "result": "pass", "opinion": ""}),
        lambda: world.complete("east_colleague", ranking, {"ranking": [], "shortfall_reason": "", "remark": ""}),
    )
    assert results == ["Receipt", "Receipt"]
    world.settle()
    assert world.state(case_id) == "not_recommended"
