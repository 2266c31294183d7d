"""The date of reports is moved while some are handed in and others are not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.instances import instance_variables
from engine.tables import history, outbox, timer, user_task
from engine.verification import verify_history
from tests.workflows.reports.acting import BEIJING, Action
from workflows import extensions
from workflows.extensions import Plan
from workflows.tables import report

DUE = datetime(2021, 7, 1, tzinfo=BEIJING)
"""24:00 of 30 June: the work plans are due."""
ONE, TWO = "act-work_plan-2021-06-01", "act-work_plan-2021-06-02"
DATA: dict[str, Any] = {"plan": "方案", "cities": [{"unit": "", "city": "甲市", "incentive": "received"}]}


def move(action: Action, name: str, new: str) -> Plan:
    """Preview and confirm; the background does its part."""
    action.process_engine.bulk.update(extensions.OPERATIONS)
    who = action["organiser"]
    with action.process_engine.begin(by=who.id) as work:
        extensions.hold_campaign(work, action.campaign_id)
        asked = extensions.ask_extension(work, action.campaign_id, name, new)
        plan = extensions.preview_extension(work, who, action.campaign_id, asked)
        extensions.extend(work, who, action.campaign_id, asked, digest=plan.digest, reason="汛期", document_number="1")
    action.at(2021, 6, 20, 10)
    return plan


def rows(action: Action, query: sa.Select[Any]) -> list[Any]:
    with action.process_engine.read() as work:
        return list(work.connection.execute(query).all())


def test_reports_that_are_not_handed_in_get_the_new_date(samr: Action) -> None:
    samr.confirm("plan_due", "2021-06")
    samr.do("one", "write_report", DATA, ONE)
    plan = move(samr, "plan_due", "2021-07-10")
    later = DUE + timedelta(days=10)
    assert [(row.number, row.old, row.new) for row in plan.reports] == [(TWO, DUE, later)]
    assert [(row.element_id, row.subject, row.old, row.new) for row in plan.tasks] == [("write_report", TWO, DUE, later)]
    assert [(row.element_id, row.old, row.new) for row in plan.timers] == [("await_plan", DUE, later)]
    assert (samr.report(ONE).due_at, samr.report(TWO).due_at) == (DUE, later)
    assert samr.find_task("write_report", TWO).due_at == later
    with samr.process_engine.read() as work:
        own = work.connection.execute(sa.select(report.c.instance_id).where(report.c.number == TWO)).scalar_one()
        seen = instance_variables(work, own)
        assert [datetime.fromisoformat(each) for each in (seen["due"], seen["dates"]["plan_due"])] == [later, later]
        assert verify_history(work).broken is None
    entries = rows(samr, sa.select(history.c.detail).where(history.c.instance_id == own, history.c.kind == "deadline_moved"))
    assert len(entries) == 1
    told = rows(samr, sa.select(outbox.c.recipient).where(outbox.c.unique_key.startswith("extension:")))
    assert {row.recipient for row in told} == {"two@example.org"}
    armed = rows(samr, sa.select(timer.c.due_at).where(timer.c.handler == "reminders.send", timer.c.state == "armed"))
    assert max(row.due_at for row in armed) == datetime(2021, 7, 19, 9, tzinfo=BEIJING)  # overdue: a week later, a Monday
    samr.at(2021, 7, 9)
    samr.do("two", "write_report", DATA, TWO)
    assert not samr.report(TWO).late
    assert rows(samr, sa.select(user_task.c.id).where(user_task.c.element_id == "conclude_plan")) == []
    samr.at(2021, 7, 11)
    assert samr.find_task("conclude_plan").due_at is None


@pytest.mark.parametrize("day", [10, 11])
def test_late_is_who_comes_after_the_new_date(samr_lite: Action, day: int) -> None:
    samr_lite.confirm("plan_due", "2021-06")
    move(samr_lite, "plan_due", "2021-07-10")
    samr_lite.at(2021, 7, day)
    samr_lite.do("one", "write_report", DATA, ONE)
    assert samr_lite.report(ONE).late is (day == 11)
