"""Reminders on a real campaign: one letter for all that is open, nothing for what is done, and one letter for what was missed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from engine.handlers import Call
from engine.tables import timer, user_task
from engine.tasks import claim_task
from workflows import reminders
from workflows.people import create_person
from workflows.reminders import sending
from workflows.reviews import drop_expert


def at(month: int, day: int, hour: int = 1) -> datetime:
    """UTC; hour 1 is nine in Beijing."""
    return datetime(2022, month, day, hour, tzinfo=UTC)


def read_timers(stage: Any, state: str = "armed") -> list[str]:
    query = sa.select(timer).where(timer.c.handler == "reminders.send", timer.c.state == state).order_by(timer.c.due_at)
    with stage.process_engine.read() as work:
        return [f"{row.payload['task']}:{row.payload['name']}" for row in work.connection.execute(query)]


def test_one_timer_for_all_tasks_of_a_step_with_the_same_due_date(make_stage: Any) -> None:
    stage = make_stage(cases=4, experts=6, provinces=3)
    stage.open_review(experts_per_case=3)
    assert [name for name in read_timers(stage) if name.startswith("review:")] == [
        "review:before7",
        "review:before3",
        "review:before1",
        "review:day",
        "review:overdue20221101",
    ]
    stage.go_to(at(10, 20))
    letters = stage.letters("办理提醒")
    experts = [letter for letter in letters if letter.recipient.startswith("expert")]
    assert len(experts) == 6  # one each, though each has two reviews
    assert all("以下 2 项任务尚未办理" in letter.body and letter.body.count("samr2022-") == 2 for letter in experts)
    assert all("2022年10月31日24:00" in letter.body and "检测" not in letter.body for letter in experts)
    [organiser] = [letter for letter in letters if letter.recipient == "organiser@example.org"]
    assert "以下 12 项任务尚未办理" in organiser.body


def test_what_is_done_is_in_no_letter_and_stops_the_rest(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=2, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    tasks = stage.find_tasks("review")
    for task in tasks[:3]:
        stage.submit(task, 80)
    stage.go_to(at(10, 20))
    assert {letter.recipient for letter in stage.letters("办理提醒")} == {
        f"{stage.expert(tasks[3].assignee).login}@example.org",
        "organiser@example.org",
    }
    stage.submit(tasks[3], 80)
    stage.run()
    count = len(stage.letters())
    stage.go_to(at(11, 5))
    assert len([letter for letter in stage.letters() if letter.subject.startswith(("办理提醒", "逾期提醒"))]) == 2
    assert len(stage.letters()) == count
    assert [name for name in read_timers(stage) if name.startswith("review:")] == []


def test_a_replacement_is_reminded_and_not_the_one_who_left(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=3, experts=9, provinces=3)
    stage.open_review(experts_per_case=2)
    victim = stage.expert(stage.find_tasks("review")[0].assignee)
    with stage.process_engine.begin(by=stage.organiser.id) as work:
        drop_expert(work, stage.organiser, stage.campaign_id, victim.id, reason="出差")
    stage.go_to(at(10, 20))
    reminded = {letter.recipient for letter in stage.letters("办理提醒")} - {"organiser@example.org"}
    assert reminded == {f"{stage.expert(task.assignee).login}@example.org" for task in stage.find_tasks("review")}
    assert f"{victim.login}@example.org" not in reminded


def test_what_was_missed_is_told_once(make_stage: Any) -> None:
    """Nothing ran from 19 to 30 October: three reminders were due, one letter leaves."""
    stage = make_stage(cases=1, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    stage.go_to(at(10, 30))
    letters = [letter for letter in stage.letters("办理提醒") if letter.recipient.startswith("expert")]
    assert len(letters) == 2
    for letter in letters:
        assert "停机" in letter.body
        assert all(day in letter.body for day in ("10月20日09:00", "10月26日09:00", "10月28日09:00")), letter.body
    assert [name for name in read_timers(stage, "cancelled") if name.startswith("review:")] == [
        "review:before3",
        "review:before1",
    ]
    stage.go_to(at(10, 31))
    on_the_day = [letter for letter in stage.letters("办理提醒") if letter.recipient.startswith("expert")]
    assert len(on_the_day) == 4 and "停机" not in on_the_day[-1].body


def test_overdue_tasks_are_reminded_on_every_work_day_until_they_are_done(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    stage.review_all()
    stage.complete("select_cases", stage.organiser, {"cut": 1, "method": "mean", "reason": ""})
    stage.go_to(at(12, 20))
    stage.complete("settle_comments", stage.organiser, {"decisions": [], "remark": ""})
    [task] = stage.find_tasks("publish")
    assert task.due_at == datetime(2023, 3, 17, 16, tzinfo=UTC)
    for day in (17, 18, 19, 20, 21):  # Friday (due), Saturday, Sunday, Monday, Tuesday
        stage.go_to(datetime(2023, 3, day, 2, tzinfo=UTC))
    subjects = Counter(letter.created_at.day for letter in stage.letters("逾期提醒"))
    assert subjects == {20: 1, 21: 1}
    stage.complete("publish", stage.organiser, {"title": "公布"})
    for day in (22, 23):
        stage.go_to(datetime(2023, 3, day, 2, tzinfo=UTC))
    assert len(stage.letters("逾期提醒")) == 2
    assert read_timers(stage) == []


def test_many_recipients_get_their_letters_in_several_transactions(
    make_sqlite_stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "CHUNK", 2)
    stage = make_sqlite_stage(cases=4, experts=6, provinces=3)
    stage.open_review(experts_per_case=3)
    stage.go_to(at(10, 20))
    recipients = Counter(letter.recipient for letter in stage.letters("办理提醒"))
    assert len(recipients) == 7 and set(recipients.values()) == {1}
    stage.go_to(at(10, 26))
    assert set(Counter(letter.recipient for letter in stage.letters("办理提醒")).values()) == {2}


def test_candidates_are_reminded_until_one_has_claimed_it(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6, provinces=3)
    with stage.process_engine.begin() as work:
        second = create_person(
            work,
            login="organiser2",
            name="二",
            organisation_id=stage.authority,
            email="organiser2@example.org",
            language="en",
            roles=[("organiser", stage.authority)],
        )
    stage.open_review(experts_per_case=2)
    stage.review_all()
    stage.complete("select_cases", stage.organiser, {"cut": 1, "method": "mean", "reason": ""})
    stage.go_to(at(12, 20))
    stage.complete("settle_comments", stage.organiser, {"decisions": [], "remark": ""})
    before = len(stage.letters())
    stage.go_to(datetime(2023, 3, 8, 1, tzinfo=UTC))
    both = stage.letters()[before:]
    assert sorted(letter.recipient for letter in both) == ["organiser2@example.org", "organiser@example.org"]
    english = next(letter for letter in both if letter.recipient == "organiser2@example.org")
    assert english.subject == "Reminder (1): 演练征集" and "17 March 2023" in english.body and "{" not in english.body
    [task] = stage.find_tasks("publish")
    with stage.process_engine.begin(by=second) as work:
        claim_task(work, task.id, second)
    stage.go_to(datetime(2023, 3, 14, 1, tzinfo=UTC))
    assert [letter.recipient for letter in stage.letters()[before + 2 :]] == ["organiser2@example.org"]


def test_the_handler_is_harmless_for_any_task(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=3)
    stage.close_collection()
    [task] = stage.find_tasks("organise_review")  # no due date, no rule
    before = read_timers(stage)
    with stage.process_engine.begin() as work:
        for key, element, task_id in (
            (task.business_key, task.element_id, task.id),
            ("no campaign", "review", task.id),
            (task.business_key, "review", "no task"),
        ):
            reminders.plan(Call(work, task.instance_id, key, element, None, "create", {}, {}, {}, task_id))
        assert reminders.plan_for_campaign(work, stage.campaign_id) == 0
    assert read_timers(stage) == before


def test_a_plan_can_be_made_good_for_open_tasks(make_sqlite_stage: Any) -> None:
    stage = make_sqlite_stage(cases=1, experts=6, provinces=3)
    stage.open_review(experts_per_case=2)
    with stage.process_engine.begin() as work:
        work.connection.execute(timer.delete().where(timer.c.handler == "reminders.send"))
        assert reminders.plan_for_campaign(work, stage.campaign_id) == 5
        assert reminders.plan_for_campaign(work, stage.campaign_id) == 0
        work.connection.execute(user_task.update().values(due_at=None))
        assert reminders.plan_for_campaign(work, stage.campaign_id) == 0
