"""SAMR 2022 as data: every fact of the notice and of its result, each with its source."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.workflows.notices.facts import find_part
from workflows.deadlines import say_date
from workflows.forms import Form
from workflows.mails import has_letter
from workflows.notices import Notice, bundled_notices, read_notice

KEY = "samr_2022_932"


@cache
def notice() -> Notice:
    return read_notice(bundled_notices()[KEY])


def find(path: str) -> Any:
    """What stands at a path of the notice."""
    return find_part(notice(), path)


@pytest.mark.parametrize(
    ("path", "value", "source"),
    [
        ("document.number", "市监检测函〔2022〕932号", "notice"),
        ("document.issuer", "市场监管总局办公厅", "notice"),
        ("document.theme", "检验检测促进经济社会创新发展", "notice"),
        ("document.department", "认可检测司", "notice"),
        ("document.annex_content_known", False, "notice"),
        ("recurrence.forerunner_year", 2021, "outside"),
        ("recipients.provinces", 31, "notice"),
        ("recipients.corps", 1, "notice"),
        ("recipients.consortium", 1, "notice"),
        ("recipients.total", 33, "notice"),
        ("quota.minimum", 3, "notice"),
        ("quota.maximum", None, "notice"),
        ("quota.corps_counts_as_province", True, "ours"),
        ("quota.consortium_minimum", None, "ours"),
        ("institution_kinds.open", True, "notice"),
        ("directions.open", True, "notice"),
        ("directions.chosen_by", "institution", "notice"),
        ("rules.fraud_forbidden", True, "notice"),
        ("rules.disputes_borne_by", "institution", "notice"),
        ("rules.expert_audit", ("公开", "公平", "公正"), "notice"),
        ("rules.results_published", True, "notice"),
        ("rules.recommended_to", ("各级政府", "行业主管单位"), "notice"),
        ("channels.paper.to", "认可检测司", "notice"),
        ("direct_reporting", True, "notice"),
        ("settings.experts_per_case", 5, "ours"),
        ("settings.score_method", "trimmed", "ours"),
        ("settings.consultation_work_days", 5, "ours"),
        ("settings.body_lead_days", 5, "ours"),
        ("settings.paper_in_time_by", "receipt", "ours"),
        ("settings.correction_window", "collection", "ours"),
        ("settings.cut", 49, "notice"),
        ("result.procedure", ("自主申报", "省级审核", "专家评审", "征求意见"), "notice"),
        ("result.selected", 49, "notice"),
        ("result.reported_on", "2023-03-17", "outside"),
        ("result.months_after_deadline", 7, "outside"),
        ("scale.institutions", 55_000, "notice"),
        ("scale.certificates", 3_366_000, "notice"),
        ("scale.certified_organisations", 939_000, "notice"),
        ("scale.stress_ceiling", 55_000, "ours"),
        ("scale.realistic_bodies", 33, "ours"),
        ("scale.realistic_cases", (100, 2000), "ours"),
    ],
)
def test_facts(path: str, value: Any, source: str) -> None:
    found = find(path)
    assert (found.value, found.source) == (value, source)


@pytest.mark.parametrize(
    "path",
    [
        "settings.cut",
        "result.procedure",
        "result.selected",
        "result.fields",
        "scale.institutions",
        "scale.certificates",
        "scale.certified_organisations",
    ],
)
def test_facts_of_the_report_are_not_said_to_be_in_the_notice(path: str) -> None:
    assert (find(path).source, find(path).text) == ("notice", "result")


def test_dates_and_how_they_are_shown() -> None:
    dates = notice().dates
    assert {name: (date.due_on.isoformat() if date.due_on else None, date.source) for name, date in dates.items()} == {
        "collection_cutoff": ("2022-08-10", "notice"),
        "review_until": ("2022-10-31", "ours"),
        "publication": ("2023-03-17", "outside"),
    }
    cutoff = dates["collection_cutoff"]
    assert cutoff.words == "征集截止时间为2022年8月10日"
    assert cutoff.cutoff_at is not None
    assert cutoff.cutoff_at.isoformat() == "2022-08-10T16:00:00+00:00"
    assert "2022年8月10日24:00" in say_date(cutoff, "zh")
    assert (notice().document.issued_on.value.isoformat(), notice().document.issued_on.source) == ("2022-07-01", "notice")


def test_thirty_three_bodies_recommend() -> None:
    bodies = notice().recipients.bodies
    provinces = [body for body in bodies if body.kind == "province"]
    assert [len(bodies), len(provinces), len({body.key for body in bodies}), len({body.short_name for body in bodies})] == [
        33,
        31,
        33,
        33,
    ]
    assert len({body.region for body in provinces}) == 31
    assert all(body.region is not None and body.region.endswith("0000") for body in provinces)
    assert {body.source for body in provinces} == {"outside"}  # the text names them as a group
    assert [body.short_name for body in bodies if body.kind != "province"] == ["兵团", "创新联合体"]
    assert {"天津市市场监督管理委员会", "吉林省市场监督管理厅", "宁夏回族自治区市场监督管理厅", "北京市市场监督管理局"} <= {
        body.name for body in bodies
    }


def test_lists_of_the_notice() -> None:
    kinds, directions = notice().institution_kinds, notice().directions
    assert kinds is not None and directions is not None
    assert [item.zh for item in kinds.items if item.source == "notice"] == [
        "国家产品质量检验检测中心",
        "海关技术中心",
        "产品质量监督检验院（所）",
        "纤维检验局（院、所、中心）",
        "第三方检验检测公司",
        "科研院所及高校实验室",
    ]
    assert find("institution_kinds.items.third_party_company").words == "国营、民营或外资"
    assert [item.key for item in directions.items if item.source == "notice"] == [
        "resumption",
        "specialised",
        "small_business",
        "safety_livelihood",
        "foreign_trade",
        "market_supervision",
    ]
    assert (kinds.items[-1].key, directions.items[-1].key) == ("other", "other")


def test_demands_are_the_notices_and_weights_are_ours() -> None:
    demands = notice().demands
    assert [(demand.zh, demand.source, demand.weight.source) for demand in demands] == [
        ("差别化", "notice", "ours"),
        ("实效性", "notice", "ours"),
        ("典型性", "notice", "ours"),
        ("真实性", "notice", "ours"),
    ]
    assert sum(demand.weight.value for demand in demands) == 100
    assert [item.key for item in find("demands.effectiveness").evidence] == ["economic", "social", "technical"]


def test_mail_subjects() -> None:
    subjects = find("channels.email").subjects
    assert [(subject.pattern, subject.sent_by, subject.source) for subject in subjects] == [
        ("{body}检验检测优秀案例申报", "body", "notice"),
        ("{institution}检验检测优秀案例申报", "institution", "notice"),
    ]
    assert find("direct_reporting").reading is not None
    assert [channel.key for channel in notice().channels] == ["online", "email", "paper"]


def test_fields_of_the_result() -> None:
    assert len(find("result.fields").value) == 9


def test_what_is_not_said_is_open_and_decided_by_settings() -> None:
    questions = {question.key: question.setting for question in notice().open_questions}
    assert questions == {
        "paper": "paper_in_time_by",
        "corrections": "correction_window",
        "corps": "quota.corps_counts_as_province",
        "consortium": "quota.consortium_minimum",
    }


def test_reminders_are_ours() -> None:
    plan = {reminder.task: reminder for reminder in notice().reminders}
    assert plan["recommend"].work_days_before == (7, 3, 1)
    assert plan["recommend"].on_the_day
    assert plan["review"].overdue == "daily"
    assert {reminder.source for reminder in plan.values()} == {"ours"}


def test_every_letter_has_a_text() -> None:
    assert [letter.key for letter in notice().letters if not has_letter(letter.key)] == []


def test_the_application_form_says_that_it_is_ours() -> None:
    (form,) = [part for part in notice().reconstructed if part.what == ("forms/application.form",)]
    assert (form.zh, form.source) == ("样式为本系统拟定", "ours")
    assert "样式为本系统拟定" in bundled_notices()[KEY]["forms/application.form"].decode()


# ---- the forms of this notice ----
@cache
def form(key: str) -> Form:
    return Form.load(bundled_notices()[KEY][f"forms/{key}.form"], name=key)


def test_the_application_form() -> None:
    fields = form("application").by_key
    assert {key for key, field in fields.items() if field.personal} == {"contact_name", "contact_phone", "contact_email"}
    hidden = {key for key, field in fields.items() if not field.shown_blind}
    unit = {"institution_name", "institution_kind", "institution_kind_other", "seal_scan"}
    assert hidden == unit | {"contact_name", "contact_phone", "contact_email"}
    assert fields["institution_name"].read_only
    required = {key for key, field in fields.items() if field.required}
    assert {
        "title",
        "directions",
        "summary",
        "background",
        "practice",
        "results",
        "demonstration",
        "seal_scan",
        "originality",
    } <= required


def test_the_audit_needs_an_opinion_unless_it_passes() -> None:
    for key in ("audit", "acceptance"):
        assert form(key).parse({"result": "pass"})["opinion"] is None
        for result in ("return", "reject"):
            assert form(key).parse({"result": result, "opinion": "请补充数据"})["result"] == result
            with pytest.raises(Exception, match="FieldRequired at opinion"):
                form(key).parse({"result": result})


def test_the_score_sheet_scores_the_demands() -> None:
    fields = form("review").fields
    criteria = {field.criterion: (field.minimum, field.maximum, field.decimals) for field in fields if field.criterion}
    assert criteria == {demand.key: ("0", "100", 0) for demand in notice().demands}
    assert (form("review").by_key["comment"].required, form("review").by_key["comment"].min_length) == (True, 20)


def test_every_label_has_an_english_text() -> None:
    for path in bundled_notices()[KEY]:
        if path.startswith("forms/"):
            for field in form(path[6:-5]).fields:
                for part in (field, *field.columns):
                    assert part.label.en.isascii() or "“" in part.label.en or "–" in part.label.en, (path, part.key)
                    assert part.description is None or part.description.en != part.description.zh, (path, part.key)
                    for option in part.options or ():
                        assert option.label.en != option.label.zh, (path, part.key, option.value)
