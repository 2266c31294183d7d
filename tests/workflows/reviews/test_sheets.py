"""Score sheets: in time and once, counted exactly; the campaign is told when the last one is in, whatever happens at once."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import Problem, TaskAlreadyCompleted
from engine.history import list_entries
from engine.tables import message, user_task
from engine.verification import verify_chain
from workflows.reviews import (
    ReviewCommentTooShort,
    ReviewNotYours,
    ReviewsClosed,
    ReviewTooLate,
    list_progress,
)
from workflows.reviews.sheets import read_score
from workflows.reviews.terms import read_terms
from workflows.scoring import ScoresInvalid
from workflows.tables import campaign, case, window


def read(stage: Any, query: Any) -> Any:
    with stage.process_engine.read() as work:
        return work.connection.execute(query).all()


def test_sheets_are_counted_and_the_last_one_ends_the_review(make_stage: Any) -> None:
    stage = make_stage(cases=3, experts=6, provinces=3)
    stage.open_review(experts_per_case=3)
    points = {
        "distinctiveness": "80",
        "effectiveness": "90.5",
        "typicality": "70",
        "authenticity": "100",
    }  # weights 20, 30, 30, 20
    first, *rest = stage.find_tasks("review")
    stage.submit(first, points)
    [row] = [row for row in stage.reviews() if row.state == "submitted"]
    assert Decimal(row.total) == Decimal("84.15")
    assert row.scores == {"distinctiveness": "80", "effectiveness": "90.5", "typicality": "70", "authenticity": "100"}
    assert row.submitted_at == stage.clock.now()
    for task in rest[:-1]:
        stage.submit(task, 80)
    stage.run()
    assert stage.find_tasks("select_cases") == []
    assert sorted(stage.states().values()) == ["reviewed", "reviewed", "reviewing"]
    stage.submit(rest[-1], 60)
    stage.run()
    assert set(stage.states().values()) == {"reviewed"}
    assert len(stage.find_tasks("select_cases")) == 1
    assert read(stage, sa.select(campaign.c.phase)) == [("selecting",)]
    assert read(stage, sa.select(message.c.state).where(message.c.name == "reviews_done")) == [("delivered",)]
    assert read(stage, sa.select(message).where(message.c.name == "reviews_closed")) == []  # nobody is late
    with stage.process_engine.read() as work:
        row = work.connection.execute(sa.select(case).where(case.c.number == first.business_key)).one()
        terms = read_terms(work, stage.campaign_id)
        score = read_score(work, row.id, terms, "trimmed")
        assert score is not None and score.fell_back and Decimal(row.score) == score.value
        assert score.shown == Decimal("81.38")  # (84.15 + 80 + 80) / 3
        entries = list_entries(work, row.instance_id)
        assert verify_chain(work, row.instance_id) is None
    assert sum(entry.kind == "review_recorded" for entry in entries) == 3
    recorded = [entry.detail for entry in entries if entry.kind == "review_recorded"]
    assert all(set(detail) == {"review", "sha256"} for detail in recorded)  # a history tells no points


def test_a_sheet_with_faults_is_refused_whole(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=3)
    stage.open_review(experts_per_case=1)
    [task] = stage.find_tasks("review")
    with pytest.raises(ScoresInvalid) as caught:
        stage.submit(task, {"distinctiveness": 101, "effectiveness": None, "typicality": "gut", "authenticity": 80})
    assert [(f.code, f.path) for f in caught.value.findings] == [
        ("ScoreOutOfRange", "distinctiveness"),
        ("ScoreMissing", "effectiveness"),
        ("ScoreNotANumber", "typicality"),
    ]
    with pytest.raises(ReviewCommentTooShort) as short:
        stage.submit(task, 80, comment="好")
    assert short.value.values == {"least": 20, "length": 1}
    assert [row.state for row in stage.reviews()] == ["assigned"]


def test_only_the_expert_hands_in_and_only_once(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    task, other = stage.find_tasks("review")
    stranger = next(expert for expert in stage.experts if expert.id not in (task.assignee, other.assignee))
    with pytest.raises(ReviewNotYours):
        stage.submit(task, 80, by=stranger.id)
    stage.submit(task, 80)
    with pytest.raises(TaskAlreadyCompleted):
        stage.submit(task, 90)
    with pytest.raises(ReviewsClosed):  # another's task is not there for a second sheet
        stage.submit(other, 0, by=task.assignee)
    [done] = [row for row in stage.reviews() if row.state == "submitted"]
    assert Decimal(done.total) == 80


def test_the_last_second_is_in_time_and_the_next_is_not(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6, provinces=3)
    stage.open_review(experts_per_case=3)
    first, second, _third = stage.find_tasks("review")
    [(cutoff,)] = read(stage, sa.select(window.c.cutoff_at).where(window.c.name == "review"))
    stage.clock.move_to(cutoff - timedelta(microseconds=1))
    stage.submit(first, 90)
    stage.clock.move_to(cutoff)  # the timer has not fired yet: the window alone decides
    with pytest.raises(ReviewTooLate) as caught:
        stage.submit(second, 90)
    assert "2022年10月31日24:00" in caught.value.values["cutoff"]
    stage.run()  # housekeeping: the review ends with what is there
    assert stage.find_tasks("review") == []
    assert sorted(row.state for row in stage.reviews()) == ["closed", "closed", "submitted"]
    assert stage.states() == {"samr2022-0001": "reviewed"}
    assert len(stage.find_tasks("select_cases")) == 1
    [(score,)] = read(stage, sa.select(case.c.score))
    assert Decimal(score) == 90
    with pytest.raises(TaskAlreadyCompleted):
        stage.submit(second, 90)


def test_a_case_without_any_sheet_has_no_score(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=2, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    for task in stage.find_tasks("review", key=stage.numbers[0]):
        stage.submit(task, 75)
    [(cutoff,)] = read(stage, sa.select(window.c.cutoff_at).where(window.c.name == "review"))
    stage.go_to(cutoff)
    assert set(stage.states().values()) == {"reviewed"}
    scores = dict(read(stage, sa.select(case.c.number, case.c.score)))
    assert Decimal(scores[stage.numbers[0]]) == 75 and scores[stage.numbers[1]] is None


def test_progress_names_who_is_behind(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=2, experts=6, provinces=3)
    stage.open_review(experts_per_case=3)
    done = stage.find_tasks("review")[0]
    stage.submit(done, 80)
    with stage.process_engine.read() as work:
        progress = {row.expert_id: (row.assigned, row.submitted) for row in list_progress(work, stage.campaign_id)}
    assert progress[done.assignee] == (0, 1)
    assert sum(assigned for assigned, _ in progress.values()) == 5


def test_last_sheets_of_many_cases_at_once_end_the_review_once(make_stage: Any) -> None:
    """All last sheets are handed in by threads at the same moment: the campaign goes on, exactly once."""
    stage = make_stage(cases=6, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    last = {}
    for task in stage.find_tasks("review"):
        if task.business_key in last:
            stage.submit(task, 80)
        else:
            last[task.business_key] = task
    barrier = threading.Barrier(len(last))
    failures: list[Exception] = []

    def hand_in(task: Any) -> None:
        barrier.wait()
        try:
            stage.submit(task, 70)
        except Exception as error:  # collected for the assertion below
            failures.append(error)

    threads = [threading.Thread(target=hand_in, args=(task,)) for task in last.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    stage.run()
    assert set(stage.states().values()) == {"reviewed"}
    assert len(read(stage, sa.select(message).where(message.c.name == "reviews_done"))) == 1
    assert len(stage.find_tasks("select_cases")) == 1


def test_the_deadline_and_the_last_sheets_at_once_leave_nothing_open(make_stage: Any) -> None:
    """Experts hand in while the clock ends the review: each sheet is either taken or refused, and no case hangs."""
    stage = make_stage(cases=4, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    [(cutoff,)] = read(stage, sa.select(window.c.cutoff_at).where(window.c.name == "review"))
    tasks = stage.find_tasks("review")
    stage.clock.move_to(cutoff - timedelta(seconds=1))
    barrier = threading.Barrier(len(tasks) + 1)
    answers: list[str] = []

    def hand_in(task: Any) -> None:
        barrier.wait()
        try:
            stage.submit(task, 80)
        except Problem as problem:
            answers.append(problem.code)
        else:
            answers.append("taken")

    threads = [threading.Thread(target=hand_in, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    barrier.wait()
    stage.clock.move_to(cutoff)
    stage.run()
    for thread in threads:
        thread.join(60)
    stage.run()
    taken = [row for row in stage.reviews() if row.state == "submitted"]
    assert len(answers) == len(tasks) and answers.count("taken") == len(taken)
    assert set(answers) <= {"taken", "ReviewTooLate", "ReviewsClosed", "TaskAlreadyCompleted"}
    assert set(stage.states().values()) == {"reviewed"}
    assert len(stage.find_tasks("select_cases")) == 1
    assert read(stage, sa.select(user_task).where(user_task.c.element_id == "review", user_task.c.state == "open")) == []
