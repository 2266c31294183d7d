"""Experts who leave or may not judge: somebody without a conflict takes over, and nothing is lost when nobody can."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import Problem, TaskUnknown
from engine.history import list_entries
from engine.instances import instance_positions
from engine.tables import instance, message
from workflows.reviews import (
    ExpertNotOnPanel,
    PoolInvalid,
    ReasonMissing,
    ReviewAlreadySubmitted,
    ReviewDropped,
    ReviewNotStarted,
    add_experts,
    declare_conflict,
    drop_expert,
)
from workflows.reviews.terms import read_terms
from workflows.rules import NotPermitted
from workflows.tables import campaign, case, conflict, panel_member, window


def drop(stage: Any, expert_id: str, reason: str = "因公务不能参加评审") -> Any:
    with stage.process_engine.begin(by=stage.organiser.id) as work:
        return drop_expert(work, stage.organiser, stage.campaign_id, expert_id, reason=reason)


def recuse(stage: Any, task: Any, reason: str = "曾为该单位提供咨询") -> Any:
    person = stage.expert(task.assignee)
    with stage.process_engine.begin(by=person.id) as work:
        return declare_conflict(work, person, task.id, reason=reason)


def check_no_conflict(stage: Any) -> None:
    """No open task lies with an expert of the case's own province, none twice with the same expert."""
    tasks = stage.find_tasks("review")
    for task in tasks:
        place = stage.numbers.index(task.business_key)
        assert stage.experts.index(stage.expert(task.assignee)) % 3 != place % 3
    assert max(Counter((task.business_key, task.assignee) for task in tasks).values()) == 1


def test_a_dropped_experts_open_reviews_go_to_others_and_the_review_ends(make_stage: Any) -> None:
    stage = make_stage(cases=6, experts=9, provinces=3)
    stage.open_review(experts_per_case=3, panel_size=8)
    tasks = stage.find_tasks("review")
    victim = Counter(task.assignee for task in tasks).most_common(1)[0][0]
    mine = [task for task in tasks if task.assignee == victim]
    stage.submit(mine[0], 80)
    result = drop(stage, victim)
    assert [number for number, _ in result.filled] == [task.business_key for task in mine[1:]] and result.vacant == []
    tasks = stage.find_tasks("review")
    assert victim not in {task.assignee for task in tasks} and len(tasks) == 17
    check_no_conflict(stage)
    by_state = Counter(row.state for row in stage.reviews())
    assert by_state == {"assigned": 17, "submitted": 1, "dropped": len(mine) - 1}
    old = {row.id: row for row in stage.reviews()}
    followers = [row for row in stage.reviews() if row.replaces_id]
    assert all(old[row.replaces_id].expert_id == victim and old[row.replaces_id].case_id == row.case_id for row in followers)
    letters = stage.letters("请接替评审")
    assert sum(letter.body.count("samr2022-") for letter in letters) == len(followers)
    with stage.process_engine.read() as work:
        members = {row.person_id: row for row in work.connection.execute(sa.select(panel_member))}
        row = work.connection.execute(sa.select(campaign)).one()
        kinds = [entry.kind for entry in list_entries(work, row.instance_id)]
        [item] = work.connection.execute(sa.select(case).where(case.c.number == mine[1].business_key)).all()
        moved = [entry.detail for entry in list_entries(work, item.instance_id) if entry.kind == "transferred"]
    assert (members[victim].state, members[victim].reason) == ("dropped", "因公务不能参加评审")
    assert "expert_dropped" in kinds
    assert moved == [{**moved[0], "from": victim, "reason": "dropped"}]
    for task in tasks:
        stage.submit(task, 80)
    stage.run()
    assert set(stage.states().values()) == {"reviewed"} and len(stage.find_tasks("select_cases")) == 1


def test_the_reserve_is_called_first_because_it_has_least_to_do(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=6, experts=9, provinces=3)
    stage.open_review(experts_per_case=2, panel_size=6)
    with stage.process_engine.read() as work:
        reserve = {row.person_id for row in work.connection.execute(sa.select(panel_member)) if row.state == "reserve"}
    assert len(reserve) == 3
    filled = {expert for _, expert in drop(stage, stage.find_tasks("review")[0].assignee).filled}
    assert filled and filled <= reserve
    with stage.process_engine.read() as work:
        states = {row.person_id: row.state for row in work.connection.execute(sa.select(panel_member))}
    assert {states[expert] for expert in filled} == {"drawn"}


def test_a_recused_expert_can_hand_in_nothing_and_somebody_else_is_drawn(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=3, experts=9, provinces=3)
    stage.open_review(experts_per_case=2)
    task = stage.find_tasks("review")[0]
    result = recuse(stage, task)
    [(number, successor)] = result.filled
    assert number == task.business_key and successor != task.assignee
    check_no_conflict(stage)
    with pytest.raises(ReviewDropped):
        stage.submit(task, 80)
    with pytest.raises(TaskUnknown):
        recuse(stage, task)
    with stage.process_engine.read() as work:
        [row] = work.connection.execute(sa.select(conflict)).all()
        [item] = work.connection.execute(sa.select(case).where(case.c.number == number)).all()
        reasons = [entry.detail.get("reason") for entry in list_entries(work, item.instance_id)]
    assert (row.person_id, row.case_id, row.kind, row.reason, row.by) == (
        task.assignee,
        item.id,
        "declared",
        "曾为该单位提供咨询",
        task.assignee,
    )
    assert "曾为该单位提供咨询" not in reasons  # the institution reads the case's history


def test_whoever_was_recused_is_never_drawn_for_the_case_again(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=9, provinces=3)
    stage.open_review(experts_per_case=1)
    seen = []
    for _ in range(6):  # six experts of the other provinces
        [task] = stage.find_tasks("review")
        seen.append(task.assignee)
        result = recuse(stage, task)
    assert len(set(seen)) == 6
    assert result.vacant == ["samr2022-0001"] and result.filled == []


def test_when_nobody_is_left_the_recusal_holds_and_new_experts_take_over(make_stage: Any) -> None:
    stage = make_stage(cases=2, experts=3, provinces=3)
    stage.open_review(experts_per_case=2)
    task = stage.find_tasks("review", key=stage.numbers[0])[0]
    assert recuse(stage, task).vacant == [stage.numbers[0]]
    with pytest.raises(ReviewDropped):
        stage.submit(task, 80)
    assert stage.numbers[0] in stage.letters("缺少评审专家")[0].body
    assert stage.letters("缺少评审专家")[0].recipient == "organiser@example.org"
    with stage.process_engine.begin() as work:
        local = stage.add_expert(work, 50, stage.provinces[0])
        free = stage.add_expert(work, 51, stage.provinces[1])
    with stage.process_engine.begin(by=stage.organiser.id) as work:
        with pytest.raises(PoolInvalid):
            add_experts(work, stage.organiser, stage.campaign_id, [stage.applicants[0].id])
        assert add_experts(work, stage.organiser, stage.campaign_id, [local.id]).filled == []  # of the case's own province
        assert add_experts(work, stage.organiser, stage.campaign_id, [free.id]).filled == [(stage.numbers[0], free.id)]
        assert add_experts(work, stage.organiser, stage.campaign_id, [free.id]).filled == []  # nothing waits any more
    stage.review_all()
    assert set(stage.states().values()) == {"reviewed"} and len(stage.find_tasks("select_cases")) == 1


def test_an_unfilled_place_does_not_hold_up_the_end(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=3, provinces=3)
    stage.open_review(experts_per_case=2)
    task, other = stage.find_tasks("review")
    recuse(stage, task)
    stage.submit(other, 90)
    with stage.process_engine.read() as work:
        cutoff = work.connection.execute(sa.select(window.c.cutoff_at).where(window.c.name == "review")).scalar_one()
    stage.go_to(cutoff + timedelta(seconds=1))
    assert stage.states() == {"samr2022-0001": "reviewed"}
    assert sorted(row.state for row in stage.reviews()) == ["dropped", "submitted"]


def test_after_handing_in_a_recusal_is_the_organisers_matter(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    task = stage.find_tasks("review")[0]
    stage.submit(task, 80)
    with pytest.raises(ReviewAlreadySubmitted):
        recuse(stage, task)


def test_reasons_and_rights_are_asked_for(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    task, other = stage.find_tasks("review")
    with pytest.raises(ReasonMissing):
        drop(stage, task.assignee, " ")
    with pytest.raises(ReasonMissing):
        recuse(stage, task, "")
    stranger = stage.applicants[0]
    with stage.process_engine.begin(by=stranger.id) as work:
        with pytest.raises(NotPermitted):
            drop_expert(work, stranger, stage.campaign_id, task.assignee, reason="x")
        with pytest.raises(NotPermitted):
            add_experts(work, stranger, stage.campaign_id, [])
        with pytest.raises(TaskUnknown):
            declare_conflict(work, stranger, task.id, reason="x")
    with stage.process_engine.begin(by=other.assignee) as work, pytest.raises(TaskUnknown):
        declare_conflict(work, stage.expert(other.assignee), task.id, reason="x")  # not his task
    drop(stage, task.assignee)
    with pytest.raises(ExpertNotOnPanel):
        drop(stage, task.assignee)
    with pytest.raises(ExpertNotOnPanel):
        drop(stage, stranger.id)


def test_dropping_waits_until_the_tasks_are_there(make_sqlite_stage: Any) -> None:
    """Between the draw and the delivery of the messages there is no task to hand over: nothing is half done."""
    stage = make_sqlite_stage(cases=1, experts=6, provinces=3)
    stage.close_collection()
    values = {"experts_per_case": 2, "pool": [expert.id for expert in stage.experts], "seed": "s"}
    stage.complete("organise_review", stage.organiser, values)  # the messages still lie in their rows
    victim = stage.reviews()[0].expert_id
    with pytest.raises(ReviewNotStarted):
        drop(stage, victim)
    assert {row.state for row in stage.reviews()} == {"assigned"}
    stage.run()
    assert drop(stage, victim).vacant == []
    with stage.process_engine.read() as work:
        instance_id = work.connection.execute(sa.select(case.c.instance_id)).scalar_one()
        assert [element for _, element in instance_positions(work, instance_id)].count("review") >= 2
        assert (
            work.connection.execute(sa.select(message.c.state).where(message.c.name == "review_opened")).scalar_one()
            == "delivered"
        )


def test_dropping_experts_while_others_hand_in_neither_blocks_nor_loses(make_stage: Any) -> None:
    """Locks are taken in one order everywhere: nobody waits for ever, every sheet is taken or told why not."""
    stage = make_stage(cases=6, experts=9, provinces=3)
    stage.open_review(experts_per_case=3)
    tasks = stage.find_tasks("review")
    victims = [expert for expert, _ in Counter(task.assignee for task in tasks).most_common(3)]
    barrier = threading.Barrier(len(tasks) + len(victims))
    answers: list[str] = []

    def run(action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            action()
        except Problem as problem:
            answers.append(problem.code)
        except Exception as error:
            answers.append(repr(error))
        else:
            answers.append("done")

    actions: list[Callable[[], object]] = [partial(stage.submit, task, 80) for task in tasks]
    actions += [partial(drop, stage, victim) for victim in victims]
    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # Whose task was taken away meanwhile is told so: dropped, or not the task's expert any more.
    assert set(answers) <= {"done", "ReviewDropped"} and answers.count("done") >= len(tasks) - len(victims) * 2
    stage.run()
    open_tasks = stage.find_tasks("review")
    assert not {task.assignee for task in open_tasks} & set(victims)
    for task in open_tasks:
        stage.submit(task, 70)
    stage.run()
    assert set(stage.states().values()) == {"reviewed"} and len(stage.find_tasks("select_cases")) == 1
    submitted = Counter(row.number for row in stage.reviews() if row.state == "submitted")
    assert set(submitted.values()) == {3}


def test_dropping_while_the_end_of_the_review_holds_the_campaign(make_stage: Any) -> None:
    """Both need the campaign's instance and then its row; taken in another order each would wait for the other."""
    stage = make_stage(cases=2, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    victim = stage.find_tasks("review")[0].assignee
    with ThreadPoolExecutor(1) as pool:
        with stage.process_engine.begin() as work:
            held = sa.select(campaign.c.instance_id).where(campaign.c.id == stage.campaign_id).scalar_subquery()
            work.connection.execute(sa.select(instance.c.id).where(instance.c.id == held).with_for_update()).one()
            dropping = pool.submit(drop, stage, victim)
            with suppress(TimeoutError):
                dropping.exception(0.5)  # it has come to where it must wait
            read_terms(work, stage.campaign_id, lock=True)  # as `reviews.close` does
        assert dropping.result(20).filled
