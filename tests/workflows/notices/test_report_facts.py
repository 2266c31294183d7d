"""Jiangxi 2022 and SAMR 2021 as data: every fact of the two notices, each with its source."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.workflows.notices.facts import find_part
from workflows.deadlines import Unknown, say_date
from workflows.forms import Form, FormInvalid
from workflows.mails import has_letter
from workflows.notices import Notice, bundled_notices, read_notice

JIANGXI, SAMR = "jiangxi_2022", "samr_2021_34"


@cache
def notice(key: str) -> Notice:
    return read_notice(bundled_notices()[key])


def find(path: str) -> Any:
    """What stands at a path: the notice, then as `find_part`."""
    key, _, rest = path.partition(".")
    return find_part(notice(key), rest)


@pytest.mark.parametrize(
    ("path", "value", "source"),
    [
        ("jiangxi_2022.document.issuer", "江西省市场监管局办公室", "notice"),
        ("jiangxi_2022.document.issued_on", "2022-10-09", "notice"),
        ("jiangxi_2022.document.theme", "检验检测促进产业优化升级", "notice"),
        ("jiangxi_2022.document.basis", "('认秘函〔2022〕35号',)", "notice"),
        ("jiangxi_2022.document.contact_office", "省市场监管局认监处", "notice"),
        ("jiangxi_2022.document.annexes", "('情况汇总表',)", "notice"),
        ("jiangxi_2022.document.annex_content_known", "False", "notice"),
        ("jiangxi_2022.recipients.total", "12", "outside"),
        ("jiangxi_2022.reports.annual.recipient", "省市场监管局认监处", "notice"),
        ("jiangxi_2022.rules.cases_chosen", "定期", "notice"),
        ("jiangxi_2022.rules.survey", "('线上', '线下')", "notice"),
        ("samr_2021_34.document.number", "市监质发〔2021〕34号", "notice"),
        ("samr_2021_34.document.published_on", "2021-05-27", "outside"),
        ("samr_2021_34.document.basis", "('国市监质〔2020〕177号',)", "notice"),
        ("samr_2021_34.document.contact_office", "总局质量发展局", "notice"),
        ("samr_2021_34.document.annexes", "('质量基础设施一站式服务典型案例征集要求',)", "notice"),
        ("samr_2021_34.document.annex_content_known", "False", "notice"),
        ("samr_2021_34.recipients.total", "32", "outside"),
        ("samr_2021_34.recipients.corps", "1", "notice"),
        ("samr_2021_34.reports.summary.recipient", "总局质量发展局", "notice"),
        ("samr_2021_34.targets.typical_cases.reached", "20", "outside"),
        ("samr_2021_34.rules.incentive_localities", "('历年获得', '拟申请')", "notice"),
        ("samr_2021_34.rules.counted_in_assessment", "对省级人民政府的质量工作考核", "notice"),
        ("samr_2021_34.result.published", "20", "outside"),
        ("samr_2021_34.result.published_on", "2022-05-10", "outside"),
    ],
)
def test_facts(path: str, value: str, source: str) -> None:
    fact = find(path)
    assert (str(fact.value), fact.source) == (value, source)


@pytest.mark.parametrize(
    ("path", "words", "included", "before"),
    [
        ("phase_1", "2022年11月中旬前", "2022-11-20", "2022-11-10"),
        ("phase_2", "2023年3月上旬前", "2023-03-10", "2023-02-28"),
        ("phase_3", "2023年11月上旬", "2023-11-10", "2023-10-31"),
        ("annual_2022", "2022年11月18日前", "2022-11-18", "2022-11-17"),
        ("annual_2023", "2023年11月中旬前", "2023-11-20", "2023-11-10"),
    ],
)
def test_dates_of_jiangxi_in_both_readings(path: str, words: str, included: str, before: str) -> None:
    date = notice(JIANGXI).dates[path]
    other = date.model_copy(update={"includes_last_day": False})
    assert (date.words, date.source, str(date.due_on), str(other.due_on)) == (words, "notice", included, before)


def test_twelve_bodies_report_in_jiangxi() -> None:
    bodies = notice(JIANGXI).recipients.bodies
    assert [body.kind for body in bodies] == ["institution"] + ["prefecture"] * 11
    assert [body.source for body in bodies] == ["notice"] + ["outside"] * 11
    plans = {plan.key: plan for plan in notice(JIANGXI).reports}
    assert all(set(plan.by) == {"institution", "prefecture"} for plan in plans.values())
    assert {key: plan.due for key, plan in plans.items()} == {
        "phase_1": ("phase_1",),
        "phase_2": ("phase_2",),
        "phase_3": ("phase_3",),
        "annual": ("annual_2022", "annual_2023"),
    }
    (pilots,) = notice(JIANGXI).targets
    assert (pilots.value, pilots.per, pilots.source) == (1, "body", "notice")


def test_at_least_one_pilot_field_is_reported_in_jiangxi() -> None:
    form = Form.load(bundled_notices()[JIANGXI]["forms/phase_1_report.form"])
    said = {"survey": "调研", "experience": "经验"}
    for rows in ([], [{}]):
        with pytest.raises(FormInvalid) as caught:
            form.parse({**said, "pilots": rows})
        assert [(each.code, each.path) for each in caught.value.findings] == [("FieldRequired", "pilots")]
    row = {"unit": None, "field": "家具", "reason": None}
    assert form.parse({**said, "pilots": [row]}) == {**said, "pilots": [row]}


def test_unknown_dates_of_samr_and_their_candidates() -> None:
    dates = notice(SAMR).dates
    found = {name: value for name, value in dates.items() if isinstance(value, Unknown)}
    assert {name: [str(each.due_on) for each in value.candidates] for name, value in found.items()} == {
        "plan_due": ["2021-05-31", "2021-06-30", "2021-07-31", "2021-08-31", "2021-09-30"],
        "summary_due": ["2021-11-15", "2021-11-25"],
    }
    assert all(value.source == "notice" and {each.source for each in value.candidates} == {"ours"} for value in found.values())
    assert notice(SAMR).document.issued_on is None
    assert say_date(dates["publication"], "zh") == "2022年5月10日24:00(北京时间)"


def test_targets_of_samr_are_planned_figures() -> None:
    targets = {each.key: (each.value, each.per, each.source) for each in notice(SAMR).targets}
    assert targets == {
        "models": (10, "whole", "notice"),
        "cities": (100, "whole", "notice"),
        "enterprises": (10000, "whole", "notice"),
        "cities_per_province": (3, "body", "notice"),
        "typical_cases": (10, "whole", "notice"),
    }
    bodies = notice(SAMR).recipients.bodies
    assert [body.kind for body in bodies].count("province") == 31 and "consortium" not in {body.kind for body in bodies}
    assert [plan.key for plan in notice(SAMR).reports if plan.unscheduled] == ["important"]


@pytest.mark.parametrize("key", [JIANGXI, SAMR])
def test_letters_have_texts_and_every_form_is_said_to_be_ours(key: str) -> None:
    assert all(has_letter(letter.key) for letter in notice(key).letters)
    files = {path for path in bundled_notices()[key] if path != "notice.yaml"}
    assert {path for part in notice(key).reconstructed for path in part.what} == files


@pytest.mark.parametrize(
    ("key", "form"), [(JIANGXI, "annual_report"), (SAMR, "summary"), (SAMR, "work_plan"), (JIANGXI, "phase_1_report")]
)
def test_forms_of_reports_say_that_they_are_reconstructions(key: str, form: str) -> None:
    content = bundled_notices()[key][f"forms/{form}.form"]
    assert "样式为本系统拟定" in content.decode()
    fields = Form.load(content).fields
    assert all(field.label.zh and field.label.en for field in fields)
    assert any("unit" in {column.key for column in field.columns} for field in fields)
