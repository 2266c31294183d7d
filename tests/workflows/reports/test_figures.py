"""From prefecture to province to authority: asking below, summing up, and targets with what is reached and who is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from engine.due import run_due
from tests.workflows.reports.acting import BEIJING, Action
from workflows import reports
from workflows.campaigns.forms import campaign_notice
from workflows.forms import Form
from workflows.notices import bundled_notices
from workflows.organisations import create_organisation
from workflows.reports import CollectionRefused
from workflows.reports.figures import join_reports
from workflows.reports.filling import fill_draft
from workflows.rules import NotPermitted, ReportUnknown
from workflows.tables import organisation

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


def test_a_case_counts_for_its_body_whatever_the_channel(samr: Action) -> None:
    """By the tree (also two levels below), by the region where the tree does not tell, for the body itself, or for none."""
    with samr.process_engine.begin() as work:
        work.connection.execute(sa.update(organisation).where(organisation.c.id == samr.places["two"]).values(region="420000"))
        for name, above, region in (("lab", "low", None), ("school", "authority", "420000"), ("union", "authority", None)):
            samr.places[name] = create_organisation(
                work, name=name, short_name=name, kind="institution", parent_id=samr.places[above], region=region
            )
    cases = [
        ("lab", "published", None),
        ("lab", "published", None),
        ("one", "published", None),
        ("school", "published", None),
        ("union", "published", None),
        ("union", "published", "two"),
        ("lab", "selected", None),
        ("lab", "accepted", None),
        ("school", "draft", None),
    ]
    for number, (institution, state, body) in enumerate(cases, start=1):
        samr.write_case(number, institution, state, body)

    def count(*names: str, cases: str = "published", per: str = "whole", value: int = 10) -> tuple[object, ...]:
        with samr.process_engine.read() as work:
            stored = campaign_notice(work, samr.campaign_id)
            target = next(each for each in stored.notice.targets if each.key == "typical_cases")
            assert target.counted is not None
            counted = target.counted.model_copy(update={"cases": cases})
            target = target.model_copy(update={"counted": counted, "per": per, "value": value})
            notice = stored.notice.model_copy(update={"targets": (target,)})
            samr.process_engine.extras["notices"][stored.id] = replace(stored, notice=notice)
            bodies = frozenset(samr.places[name] for name in names) if names else None
            (found,) = reports.reached_targets(work, samr.campaign_id, bodies=bodies)
            samr.process_engine.extras["notices"][stored.id] = stored
        return found.actual, {body.short_name: int(figure) for body, figure in found.bodies}, found.elsewhere

    assert count() == (6, {"江西": 3, "湖北": 2}, 1)
    assert count("one") == (3, {"江西": 3}, 0)
    assert count("two") == (2, {"湖北": 2}, 0)
    assert count("low") == (0, {}, 0)
    assert count(per="body", value=3) == (1, {"江西": 3, "湖北": 2}, 1)
    assert count(cases="accepted") == (8, {"江西": 5, "湖北": 2}, 1)
    assert count(cases="selected") == (7, {"江西": 4, "湖北": 2}, 1)
    assert count("one", cases="selected") == (3, {"江西": 3}, 0)  # who is selected is not told before it is published


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
