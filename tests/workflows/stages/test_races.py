"""Two officials at the same moment: who seals and who settles, two who pass the last place, do not miss each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from engine.errors import Problem
from tests.workflows.stages.conftest import StageWorld
from tests.workflows.stages.test_life import RANKING_DAY
from workflows import stages

pytestmark = pytest.mark.usefixtures("each_world")
MEETING = 0.5
"""Seconds for the second to come to where it must wait for the first."""


def together(world: StageWorld, first: Any, second: Any) -> list[Any]:
    """Do `first`, and before it is committed begin `second` in another thread; what both gave, a refusal by its name."""

    def run(act: Any) -> Any:
        try:
            with world.process_engine.begin(by=world["east_auditor"].id) as work:
                return act(work)
        except Problem as refused:
            return type(refused).__name__

    with ThreadPoolExecutor(1) as pool:
        with world.process_engine.begin(by=world["east_auditor"].id) as work:
            one = first(work)
            waiting = pool.submit(run, second)
            with suppress(TimeoutError):
                waiting.exception(MEETING)
        return [one, waiting.result(20)]


def test_sealing_waits_for_the_settlement(each_world: StageWorld) -> None:
    world = each_world
    world.open_stage()
    one = world.bring("north_lab", "north_auditor")
    two = world.bring("south_lab", "south_auditor")
    world.at(RANKING_DAY)
    world.rank([one, two])
    comment = world.object_to(one)
    decision = {"comment": comment, "decision": "adopted", "answer": "属实。"}

    given = together(
        world,
        lambda work: stages.settle(world.call(work, {"decisions": [decision], "remark": ""})),
        lambda work: stages.seal(world.call(work, {})),
    )
    assert given[0] == {"dropped_count": 1}
    row = world.list_row()
    assert (row.cases, row.dropped, row.sha256) == ([two], [one], given[1]["list_sha256"])


def test_a_settlement_finds_the_list_sealed(each_world: StageWorld) -> None:
    world = each_world
    world.open_stage()
    one = world.bring("north_lab", "north_auditor")
    world.at(RANKING_DAY)
    world.rank([one])
    given = together(
        world,
        lambda work: stages.seal(world.call(work, {})),
        lambda work: stages.settle(world.call(work, {"decisions": [], "remark": ""})),
    )
    assert given[1] == "ListSealed"
    assert world.list_row().cases == [one]


def test_two_do_not_take_the_last_place(each_world: StageWorld) -> None:
    world = each_world
    world.open_stage(quotas={world.places["north"]: ("", 1)})
    tasks = [world.find_task("check", world.apply("north_lab", title=f"案例{number}")) for number in range(2)]

    def check(task_id: str) -> str:
        try:
            world.complete("north_auditor", task_id, {"checks": ["complete"], "result": "pass", "opinion": ""})
        except Problem as refused:
            return type(refused).__name__
        return "passed"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(check, tasks)) == ["QuotaUsedUp", "passed"]
