"""Hubei 2023 as data: every fact of the notice, each with its source; the form of annex 2 whole; the calendar of annex 1."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.workflows.notices.facts import find_part
from workflows.deadlines import say_date
from workflows.forms import Form, FormInvalid, Kind
from workflows.mails import has_letter
from workflows.notices import Notice, bundled_notices, read_notice

KEY = "hubei_2023"


@cache
def notice() -> Notice:
    return read_notice(bundled_notices()[KEY])


def find(path: str) -> Any:
    """What stands at a path of the notice."""
    return find_part(notice(), path)


@pytest.mark.parametrize(
    ("path", "value", "source"),
    [
        ("document.number", None, "notice"),
        ("document.issuer", "湖北省市场监督管理局", "notice"),
        ("document.in_charge", "“51020”专班", "notice"),
        ("document.basis", ("湖北省质量基础设施服务现代产业集群高质量发展实施方案",), "notice"),
        ("document.annex_content_known", True, "notice"),
        ("identity.brand", "荆楚质汇", "notice"),
        ("identity.slogan", "筑基赋能 聚力先行——湖北质量基础设施", "notice"),
        ("recipients.total", 17, "outside"),
        ("institution_kinds.open", True, "notice"),
        ("directions.open", True, "notice"),
        ("rules.resources", ("计量", "标准", "认证认可", "检验检测", "知识产权"), "notice"),
        ("rules.case_categories", ("计量", "标准", "检验检测", "认证", "其它"), "notice"),
        ("rules.introduction_words", 1500, "notice"),
        ("rules.introduction_parts", ("背景和意义", "主要做法和创新点", "工作成效"), "notice"),
        ("rules.evidence", ("相关荣誉", "媒体宣传素材", "研究成果"), "notice"),
        ("rules.comprehensive_review", ("公开", "公平", "公正"), "notice"),
        ("rules.published", True, "notice"),
        ("rules.forwarded_to", ("行政主管部门", "地方政府"), "notice"),
        ("rules.best_to", "市场监管总局", "notice"),
        ("rules.direct_reporters", ("省局相关处室", "直属事业单位", "各质量技术服务机构"), "notice"),
        ("rules.recorded_once", True, "ours"),
        ("rules.grades", ("突出", "较好", "一般", "不足"), "ours"),
        ("direct_reporting", True, "notice"),
        ("rounds.month.takes", "received", "ours"),
        ("rounds.batch.takes", "accepted", "ours"),
        ("rounds.batch.purpose", "上半年宣传、下半年宣传", "notice"),
        ("settings.body_lead_days", 0, "ours"),
        ("settings.duplicate_titles", "refuse", "ours"),
    ],
)
def test_facts(path: str, value: Any, source: str) -> None:
    fact = find(path)
    assert (fact.value, fact.source) == (value, source)


def test_when_it_was_issued_and_what_is_due() -> None:
    issued = notice().document.issued_on
    assert issued is not None and issued.value.isoformat() == "2023-05-23"
    said = {name: (say_date(date, "zh"), date.source, date.words) for name, date in notice().dates.items()}
    assert said == {
        "collection_cutoff": ("2023年12月31日24:00(北京时间)", "notice", "持续征集至2023年12月底"),
        "month_ends": (said["month_ends"][0], "notice", "每月底前报送"),
        "half_years": (said["half_years"][0], "notice", "6月底前征集一批，11月底前征集一批"),
    }
    assert [find(f"rounds.{key}.source") for key in ("month", "batch")] == ["notice", "notice"]


def test_who_is_asked() -> None:
    names = [body.short_name for body in notice().recipients.bodies]
    assert names == [
        "武汉", "黄石", "十堰", "宜昌", "襄阳", "鄂州", "荆门", "孝感", "荆州",
        "黄冈", "咸宁", "随州", "恩施", "仙桃", "潜江", "天门", "神农架",
    ]  # fmt: skip
    assert {body.source for body in notice().recipients.bodies if body.key != "shennongjia"} == {"outside"}
    assert find("recipients.bodies.shennongjia").source == "notice"
    regions = [body.region for body in notice().recipients.bodies]
    assert len(set(regions)) == 17 and all(region is not None and region.startswith("42") for region in regions)


def test_lists_and_criteria() -> None:
    assert [item.key for item in find("institution_kinds.items")] == [
        "department", "metrology", "standards", "accreditation", "testing", "intellectual_property", "other",
    ]  # fmt: skip
    assert [item.key for item in find("directions.items")] == [
        "innovation", "strategy", "industry", "quality", "small_business", "trade", "other",
    ]  # fmt: skip
    assert [(demand.zh, demand.source, demand.weight) for demand in notice().demands] == [
        ("创新性", "notice", None),
        ("实效性", "notice", None),
        ("典型性", "notice", None),
    ]


def test_the_form_of_annex_two_is_whole() -> None:
    form = Form.load(bundled_notices()[KEY]["forms/application.form"])
    assert [(field.key, field.label.zh) for field in form.fields] == [
        ("title", "案例题目"),
        ("institution_name", "报送单位"),
        ("categories", "案例分类"),
        ("categories_other", "其它分类"),
        ("contact_name", "联系人"),
        ("contact_phone", "电话"),
        ("background", "一、背景和意义"),
        ("practice", "二、主要做法和创新点"),
        ("results", "三、工作成效"),
        ("evidence_note", "材料说明"),
        ("evidence_files", "证明材料"),
        ("unit_opinion", "意见"),
        ("seal_scan", "盖章扫描件"),
        ("sealed_on", "盖章日期"),
    ]
    boxes = form.by_key["categories"].options or ()
    assert [option.label.zh for option in boxes] == ["计量", "标准", "检验检测", "认证", "其它"]
    assert form.by_key["evidence_files"].kind is Kind.FILE and not form.by_key["evidence_files"].required


@pytest.mark.parametrize(("length", "fits"), [(500, True), (501, False)])
def test_the_introduction_has_1500_words_in_all(length: int, fits: bool) -> None:
    form = Form.load(bundled_notices()[KEY]["forms/application.form"])
    texts = {"background": "字" * 500, "practice": "字" * 500, "results": "字" * length}
    with pytest.raises(FormInvalid) as refused:
        form.parse(texts)
    told = [finding for finding in refused.value.findings if finding.code == "FieldGroupTooLong"]
    assert [(finding.path, finding.values["length"]) for finding in told] == ([] if fits else [("background", 1501)])


def test_the_calendar_of_annex_one() -> None:
    activities = notice().activities
    assert len(activities) == 17
    assert [activity.date.words for activity in activities][:5] == [
        "2023年每周四", "2023年4月—9月", "2023年4月—9月", "2023年4月—12月", "2023年6月",
    ]  # fmt: skip
    several = {activity.key: len(activity.organisers) for activity in activities if len(activity.organisers) > 1}
    assert several == {"food_seminar": 2, "drug_contest": 2, "quality_month": 7, "standards_day": 2}
    assert {activity.source for activity in activities} == {"notice"}


def test_letters_have_texts() -> None:
    assert [letter.key for letter in notice().letters if not has_letter(letter.key)] == []
