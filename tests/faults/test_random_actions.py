"""Random actions of two people at once on the cases of a notice: each is done or refused with a reason, and nothing is lost.

No token lost or doubled, no task or timer without its step, and the history tells all that was done.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
import sqlalchemy as sa

from engine.errors import Problem
from engine.tables import history
from engine.work import Work
from tests.faults.overlapping import overlap
from tests.faults.random_actions import DONE, SIGNING, STEPS, Office, allow_everything
from tests.faults.wholeness import find_faults, let_time_pass
from tests.workflows.conftest import small_world, written_world  # noqa: F401 - fixtures
from tests.workflows.world import World
from workflows import inbox

FEW = [(2, "signers"), (3, "in_turn")]
MANY = [pytest.param(seed, signing, marks=pytest.mark.slow) for seed in range(4, 24) for signing in SIGNING]


@pytest.mark.parametrize(("seed", "signing"), [*FEW, *MANY])
def test_every_action_is_done_or_refused_and_nothing_is_lost(small_world: World, seed: int, signing: str) -> None:  # noqa: F811
    allow_everything(small_world, signing=signing)
    small_world.make_campaign()
    office = Office(small_world, Random(seed), signing)
    office.play(60)
    assert find_faults(small_world.process_engine) == []
    seen, done = told(small_world), wanted(office)
    for name in small_world.people:  # who has a task already may claim it again; who takes a step back has it
        assert seen.pop((name, "claimed"), 0) <= done.pop((name, "claimed"), 0) + done[name, "withdrawn"]
    assert seen == +done
    assert office.done.total() > 20 and office.refused.total() > 20
    assert let_time_pass(small_world.process_engine, small_world.clock, jump=bool(seed % 2)) == []


def test_what_somebody_has_claimed_meanwhile_is_not_taken_away(small_world: World) -> None:  # noqa: F811
    """Who came a moment later is told so: the rules are asked again behind the lock."""
    small_world.make_campaign()
    case_id = small_world.apply("lab")
    task_id = small_world.find_task("audit", case_id)
    engine, (first, second) = small_world.process_engine, (small_world["east_auditor"], small_world["east_colleague"])

    def take_over() -> str:
        try:
            with engine.begin(by=second.id) as work:
                inbox.transfer(work, second, task_id, second.id, "有原因")
        except Problem as problem:
            return problem.code
        return "transferred"

    _, came = overlap(engine, lambda work: inbox.claim(work, first, task_id), take_over, by=first.id)
    assert (came, small_world.open("east_auditor", task_id).task.assignee) == ("TaskAlreadyClaimed", first.id)

    def put_back_twice() -> str:
        try:
            with engine.begin(by=first.id) as work:
                inbox.unclaim(work, first, task_id)
        except Problem as problem:
            return problem.code
        return "put back"

    def change_hands(work: Work) -> None:
        inbox.unclaim(work, first, task_id)
        inbox.claim(work, second, task_id)

    assert overlap(engine, change_hands, put_back_twice)[1] == "TaskAlreadyClaimed"
    assert small_world.open("east_colleague", task_id).task.assignee == second.id


def told(world: World) -> Counter[tuple[str, str]]:
    """What the history tells of cases: (person, kind)."""
    names = {who.id: name for name, who in world.people.items()}
    query = sa.select(history.c.by, history.c.kind).where(history.c.kind.in_(DONE.values()), history.c.element_id.in_(STEPS))
    return Counter((names[row.by], row.kind) for row in world.rows(query))


def wanted(office: Office) -> Counter[tuple[str, str]]:
    """What people did, in the words of the history."""
    return Counter({(name, DONE[action]): count for (name, action), count in office.done.items() if action in DONE})
