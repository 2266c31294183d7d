"""From prefecture to province to authority: asking below, summing up, and targets with what is reached and who is missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.due import run_due
from tests.workflows.reports.acting import BEIJING, Action
from workflows import reports
from workflows.forms import Form
from workflows.notices import bundled_notices
from workflows.reports import CollectionRefused
from workflows.reports.figures import join_reports
from workflows.reports.filling import fill_draft
from workflows.rules import NotPermitted, ReportUnknown

SUMMARY = "act-summary-2021-11-25-01"
LOW, LOWER = f"{SUMMARY}-01", f"{SUMMARY}-02"
DUE = datetime(2021, 11, 20, tzinfo=BEIJING)


def summary(models: int, *cities: tuple[str, int], **more: Any) -> dict[str, Any]:
    rows = [{"unit": "", "city": city, "incentive": "none", "enterprises": count} for city, count in cities]
    return {"summary": "总结", "models": models, "cities": rows, "cases": [], **more}


def collect(action: Action, name: str = "one", *, units: tuple[str, ...] = ("low", "lower"), due: datetime | None = DUE) -> int:
    with action.process_engine.begin(by=action[name].id) as work:
        ids = [action.places.get(each, each) for each in units]
        asked = reports.collect(work, action[name], action.report(SUMMARY).id, ids, due)
    run_due(action.process_engine)
    return asked


def refusals(action: Action, **options: Any) -> list[str]:
    with pytest.raises(CollectionRefused) as refusal:
        collect(action, **options)
    return [each.code for each in refusal.value.findings]


def test_a_province_asks_below_sums_up_and_reports(samr: Action) -> None:
    samr.confirm("summary_due", "2021-11-25")
    assert collect(samr) == 2
    assert collect(samr) == 0
    assert [(line.number, line.reporter, line.due_at) for line in samr.reports() if line.parent_id] == [
        (LOW, "low", DUE),
        (LOWER, "lower", DUE),
    ]
    samr.do("low", "write_report", summary(1, ("甲市", 30), ("乙市", 5)), LOW)
    samr.examine(LOW, "return", name="one", opinion="请核实")
    samr.do("low", "correct", summary(2, ("甲市", 40), ("乙市", 5)), LOW)
    samr.examine(LOW, name="one")
    with samr.process_engine.begin(by=samr["one"].id) as work:
        report_id = samr.report(SUMMARY).id
        rolled = reports.roll_up(work, report_id)
        task_id = fill_draft(work, samr["one"], report_id)
    assert ([line.number for line in rolled.included], [line.number for line in rolled.missing]) == ([LOW], [LOWER])
    values = dict(samr.open("one", "write_report", SUMMARY).values)
    assert samr.find_task("write_report", SUMMARY).id == task_id
    assert (values["models"], [(row["unit"], row["city"], row["enterprises"]) for row in values["cities"]]) == (
        2,
        [("low", "甲市", 40), ("low", "乙市", 5)],
    )
    samr.do("one", "write_report", {**values, "summary": "汇总", "cases": []}, SUMMARY)
    samr.examine(SUMMARY)
    samr.do("organiser", "conclude_summary", {"remark": ""}) if ("act", "conclude_summary") in samr.tasks() else None
    samr.at(2021, 11, 26)
    samr.do("organiser", "conclude_summary", {"remark": ""})
    assert {line.number: line.state for line in samr.reports()} == {
        SUMMARY: "accepted",
        LOW: "accepted",
        LOWER: "closed",
        "act-summary-2021-11-25-02": "closed",
    }


def test_who_sees_what_was_asked_below(samr_lite: Action) -> None:
    samr_lite.confirm("summary_due", "2021-11-25")
    collect(samr_lite)
    seen = {name: {line.number for line in samr_lite.reports(name)} for name in ("organiser", "one", "two", "low")}
    other = "act-summary-2021-11-25-02"
    assert seen == {"organiser": {SUMMARY, other}, "one": {SUMMARY, LOW, LOWER}, "two": {other}, "low": {LOW}}
    assert [line.number for line in samr_lite.view("one", SUMMARY).children] == [LOW, LOWER]
    assert samr_lite.view("organiser", SUMMARY).children == ()
    assert samr_lite.view("low", LOW).parent is None


def test_what_cannot_be_asked(samr_lite: Action) -> None:
    samr_lite.confirm("summary_due", "2021-11-25")
    assert refusals(samr_lite, units=()) == ["SubordinateUnknown"]
    assert refusals(samr_lite, units=("two",)) == ["SubordinateUnknown"]
    assert refusals(samr_lite, due=None) == ["CollectionDueMissing"]
    assert refusals(samr_lite, due=datetime(2021, 5, 1, tzinfo=BEIJING)) == ["CollectionDuePassed"]
    assert refusals(samr_lite, due=datetime(2021, 11, 26, tzinfo=BEIJING) + timedelta(days=1), units=()) == [
        "SubordinateUnknown",
        "CollectionDueTooLate",
    ]
    with pytest.raises(ReportUnknown):
        collect(samr_lite, "two")
    with pytest.raises(NotPermitted):
        collect(samr_lite, "organiser")
    samr_lite.do("one", "write_report", summary(1), SUMMARY)
    with pytest.raises(NotPermitted):
        collect(samr_lite)


def test_targets_and_what_is_reached_are_two_figures(samr_lite: Action) -> None:
    samr = samr_lite
    samr.confirm("plan_due", "2021-06")
    samr.confirm("summary_due", "2021-11-25")
    cities = [{"unit": "", "city": each, "incentive": "none"} for each in "甲乙丙"]
    samr.do("one", "write_report", {"plan": "方案", "cities": cities}, "act-work_plan-2021-06-01")
    samr.do("two", "write_report", {"plan": "方案", "cities": cities[:2]}, "act-work_plan-2021-06-02")
    samr.do("one", "write_report", summary(4, ("甲", 7000), ("乙", 4000)), SUMMARY)
    samr.do("two", "write_report", summary(3, ("丁", 500)), "act-summary-2021-11-25-02")
    for number in ("act-work_plan-2021-06-01", "act-work_plan-2021-06-02", SUMMARY):
        samr.examine(number)
    with samr.process_engine.read() as work:
        found = {each.target.key: each for each in reports.reached_targets(work, samr.campaign_id)}
        own = reports.reached_targets(work, samr.campaign_id, bodies=frozenset({samr.places["two"]}))
    figures = {key: (each.target.value, each.actual, each.pending) for key, each in found.items()}
    assert figures == {
        "models": (10, Decimal(4), Decimal(3)),
        "cities": (100, Decimal(2), Decimal(1)),
        "enterprises": (10000, Decimal(11000), Decimal(500)),
        "cities_per_province": (3, Decimal(1), Decimal(0)),
        "typical_cases": (10, Decimal(0), Decimal(0)),
    }
    assert [(body.short_name, count) for body, count in found["cities_per_province"].bodies] == [("江西", 3), ("湖北", 2)]
    assert [body.short_name for body in found["models"].missing] == ["湖北"]
    assert [(each.target.key, each.actual) for each in own if each.target.key in ("models", "cities_per_province")] == [
        ("models", Decimal(0)),
        ("cities_per_province", Decimal(0)),
    ]


FORM = Form.load(bundled_notices()["samr_2021_34"]["forms/summary.form"])
rows = st.lists(
    st.fixed_dictionaries(
        {"unit": st.sampled_from(["", "某区"]), "city": st.sampled_from("甲乙"), "enterprises": st.integers(0, 9)}
    ),
    max_size=3,
)


@given(st.lists(st.tuples(st.sampled_from(["one", "two"]), rows, st.one_of(st.none(), st.integers(0, 99))), max_size=4))
def test_joining_adds_numbers_and_keeps_every_row(given_reports: list[tuple[str, list[dict[str, Any]], int | None]]) -> None:
    joined = join_reports(FORM, [(unit, {"models": models, "cities": lines}) for unit, lines, models in given_reports])
    numbers = [models for _, _, models in given_reports if models is not None]
    assert joined.get("models") == (sum(numbers) if numbers else None)
    expected = [{**line, "unit": line["unit"] or unit} for unit, lines, _ in given_reports for line in lines]
    assert joined.get("cities", []) == expected
