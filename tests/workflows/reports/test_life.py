"""A report from its opening to its end: handed in early, late, returned and corrected, never."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from engine.due import run_due
from engine.errors import TaskUnknown
from engine.tables import instance, outbox, timer
from tests.workflows.reports.acting import BEIJING, Action
from workflows.cases.life import read_life
from workflows.forms import FormInvalid
from workflows.reports import ReporterUnclear, start_report
from workflows.reports.opening import ReportScheduled
from workflows.reports.steps import ExaminationRefused
from workflows.rules import NotPermitted, ReportUnknown
from workflows.tables import receipt, report_version

PHASE_1 = "act-phase_1-2022-11-middle-01"
PHASE_1_TWO = "act-phase_1-2022-11-middle-02"
DONE = {"survey": "调研", "experience": "经验", "pilots": [{"unit": "", "field": "家具", "reason": ""}]}


def restart(action: Action) -> None:
    """As after a restart of the program: nothing is remembered but the database."""
    action.process_engine.definitions.clear()
    for name in ("notices", "forms", "reminder_rules"):
        action.process_engine.extras.pop(name, None)


def moment(action: Action, number: str) -> datetime | None:
    return action.report(number).received_at


def test_the_campaign_opens_a_report_for_each_body_and_the_next_when_the_last_is_concluded(jiangxi: Action) -> None:
    assert [line.number for line in jiangxi.reports()] == [
        "act-annual-2022-11-18-01",
        "act-annual-2022-11-18-02",
        PHASE_1,
        PHASE_1_TWO,
    ]
    assert jiangxi.report(PHASE_1).due_at == datetime(2022, 11, 20, 16, tzinfo=UTC)
    assert jiangxi.find_task("write_report", PHASE_1).due_at == datetime(2022, 11, 21, tzinfo=BEIJING)
    jiangxi.at(2022, 11, 21)
    jiangxi.do("organiser", "conclude_phase_1", {"remark": ""})
    assert {line.number for line in jiangxi.reports() if line.plan == "phase_2"} == {
        "act-phase_2-2023-03-early-01",
        "act-phase_2-2023-03-early-02",
    }
    assert {line.state for line in jiangxi.reports() if line.plan == "phase_1"} == {"closed"}


def test_handed_in_returned_corrected_and_accepted(samr: Action) -> None:
    """With a restart between all steps, on both databases."""
    samr.confirm("plan_due", "2021-06")
    number = "act-work_plan-2021-06-01"
    data = {"plan": "方案", "cities": [{"unit": "", "city": "甲市", "incentive": "received"}]}
    samr.do("one", "write_report", data, number)
    restart(samr)
    assert samr.report(number).state == "submitted"
    samr.examine(number, "return", opinion="请补充城市", until="2021-06-20")
    restart(samr)
    assert samr.report(number).state == "returned"
    assert samr.find_task("correct", number).due_at == datetime(2021, 6, 21, tzinfo=BEIJING)
    assert samr.open("one", "correct", number).values["plan"] == "方案"
    more = {**data, "cities": [*data["cities"], {"unit": "", "city": "乙市", "incentive": "none"}]}  # type: ignore[misc]
    samr.at(2021, 6, 15, 10)
    samr.do("one", "correct", more, number)
    restart(samr)
    samr.examine(number)
    view = samr.view("one", number)
    assert (view.line.state, view.line.late, [version.version for version in view.versions]) == ("accepted", False, [1, 2])
    assert view.line.received_at == view.versions[0].received_at
    assert [(each.version, each.result, each.opinion) for each in view.examinations] == [
        (1, "return", "请补充城市"),
        (2, "accept", ""),
    ]
    assert [(each.kind, each.accepted, each.cutoff_at) for each in view.receipts] == [
        ("report", True, datetime(2021, 6, 30, 16, tzinfo=UTC))
    ] * 2
    assert [each.sha256 for each in view.receipts] == [version.sha256 for version in view.versions]
    with samr.process_engine.read() as work:
        states = dict(map(tuple, work.connection.execute(sa.select(instance.c.business_key, instance.c.state)).all()))
        letters = set(work.connection.execute(sa.select(outbox.c.unique_key)).scalars())
    assert states[number] == "ended" and states["act"] == "running"
    assert {f"report_received:{number}:1:{samr['one'].id}", f"report_returned:{number}:1:{samr['one'].id}"} <= letters


@pytest.mark.parametrize(("second", "late"), [(59, False), (60, True)])
def test_late_is_what_comes_at_the_due_moment_or_after(jiangxi: Action, second: int, late: bool) -> None:
    day, at = (20, (23, 59, 59)) if second == 59 else (21, (0, 0, 0))
    jiangxi.at(2022, 11, day, *at)
    jiangxi.do("one", "write_report", DONE, PHASE_1)
    line = jiangxi.report(PHASE_1)
    assert (line.state, line.late) == ("submitted", late)


def test_a_late_one_is_taken_and_a_correction_after_the_date_makes_nobody_late(jiangxi: Action) -> None:
    jiangxi.do("one", "write_report", DONE, PHASE_1)
    jiangxi.examine(PHASE_1, "return", opinion="太短")
    jiangxi.at(2022, 11, 25, 9)
    jiangxi.do("one", "correct", DONE, PHASE_1)
    jiangxi.do("two", "write_report", DONE, PHASE_1_TWO)
    assert (jiangxi.report(PHASE_1).late, jiangxi.report(PHASE_1_TWO).late) == (False, True)
    for number in (PHASE_1, PHASE_1_TWO):
        jiangxi.examine(number)
        assert jiangxi.report(number).state == "accepted"


def test_concluding_closes_what_was_not_handed_in_and_nothing_else(jiangxi: Action) -> None:
    jiangxi.do("one", "write_report", DONE, PHASE_1)
    jiangxi.at(2022, 11, 21)
    unfinished = jiangxi.open("organiser", "conclude_phase_1").context["unfinished"]
    assert [(line.number, line.missing) for line in unfinished] == [(PHASE_1_TWO, True)]
    jiangxi.do("organiser", "conclude_phase_1", {"remark": ""})
    assert (jiangxi.report(PHASE_1).state, jiangxi.report(PHASE_1_TWO).state) == ("submitted", "closed")
    assert jiangxi.report(PHASE_1_TWO).missing
    assert {line.state for line in jiangxi.reports() if line.plan == "annual"} == {"draft"}
    jiangxi.examine(PHASE_1)
    assert jiangxi.report(PHASE_1).state == "accepted"


def test_a_return_needs_a_reason_and_a_day_to_come(jiangxi: Action) -> None:
    jiangxi.do("one", "write_report", DONE, PHASE_1)
    with pytest.raises(ExaminationRefused) as refusal:
        jiangxi.examine(PHASE_1, "return", opinion="请改", until="2022-10-01")
    assert [(each.code, each.path) for each in refusal.value.findings] == [("CollectionDuePassed", "until")]
    assert jiangxi.report(PHASE_1).state == "submitted"
    with pytest.raises(TaskUnknown):
        jiangxi.examine(PHASE_1, name="two")


def test_important_matters_are_reported_at_any_time(samr_lite: Action) -> None:
    samr = samr_lite
    for period in ("1", "2"):
        with samr.process_engine.begin(by=samr["one"].id) as work:
            start_report(work, samr["one"], samr.campaign_id, "important")
        number = f"act-important-01-{period}"
        samr.do("one", "write_report", {"subject": "事项", "content": "情况"}, number)
        assert (samr.report(number).state, samr.report(number).due_at, samr.report(number).late) == ("submitted", None, False)
    with samr.process_engine.begin(by=samr["one"].id) as work, pytest.raises(ReportScheduled):
        start_report(work, samr["one"], samr.campaign_id, "work_plan")
    with samr.process_engine.begin(by=samr["one"].id) as work, pytest.raises(ReporterUnclear):
        start_report(work, samr["one"], samr.campaign_id, "important", reporter_id=samr.places["two"])
    with samr.process_engine.begin(by=samr["low"].id) as work, pytest.raises(NotPermitted):
        start_report(work, samr["low"], samr.campaign_id, "important")


def test_who_sees_which_report(jiangxi: Action) -> None:
    def seen(name: str) -> set[str]:
        return {line.number for line in jiangxi.reports(name) if line.plan == "phase_1"}

    assert [seen(name) for name in ("organiser", "one", "two", "low")] == [
        {PHASE_1, PHASE_1_TWO},
        {PHASE_1},
        {PHASE_1_TWO},
        set(),
    ]
    for name in ("two", "low", "designer"):
        with pytest.raises(ReportUnknown):
            jiangxi.view(name, PHASE_1)
    # a case's page leads to those of its body
    jiangxi.write_case(1, "low", "published", "one")
    for name in ("organiser", "one"):
        with jiangxi.process_engine.read() as work:
            told = read_life(work, jiangxi[name], f"{1:032x}").reports
        assert [line.number for line in told if line.plan == "phase_1"] == [PHASE_1]


def test_reminders_reach_who_owes_a_report_and_stop_when_it_is_done(jiangxi: Action) -> None:
    jiangxi.do("one", "write_report", DONE, PHASE_1)
    jiangxi.at(2022, 11, 20, 12)
    with jiangxi.process_engine.read() as work:
        query = sa.select(outbox.c.recipient, outbox.c.body).where(outbox.c.unique_key.contains(":write_report:"))
        told: dict[str, str] = {}
        for row in work.connection.execute(query):
            told[row.recipient] = told.get(row.recipient, "") + row.body
    assert PHASE_1_TWO in told["two@example.org"]
    assert all(PHASE_1 not in body for body in told.values())


def test_opening_happens_once(jiangxi: Action) -> None:
    with jiangxi.process_engine.begin() as work:
        again = (
            sa.update(timer).where(timer.c.handler == "reports.begin").values(state="armed", generation=timer.c.generation + 1)
        )
        assert work.connection.execute(again).rowcount == 4
    run_due(jiangxi.process_engine)
    assert len(jiangxi.reports()) == 4
    with jiangxi.process_engine.read() as work:
        assert set(work.connection.execute(sa.select(timer.c.state).where(timer.c.handler == "reports.begin")).scalars()) == {
            "fired"
        }


def count(action: Action, table: Any) -> int:
    with action.process_engine.read() as work:
        return int(work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def test_a_refused_form_leaves_no_trace(jiangxi: Action) -> None:
    with pytest.raises(FormInvalid):
        jiangxi.do("one", "write_report", {"survey": ""}, PHASE_1)
    assert (count(jiangxi, report_version), count(jiangxi, receipt), moment(jiangxi, PHASE_1)) == (0, 0, None)
