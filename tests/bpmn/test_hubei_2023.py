"""The form of Hubei's notice of 2023 (annex 2) against what the notice prints: labels, order, boxes, limits."""

from __future__ import annotations

from importlib import resources
from typing import Any

import pytest

from workflows.forms import Component, Field, Form, FormInvalid, Group

ANNEX = """
2023年湖北省质量基础设施服务产业发展典型案例
  title             text       案例题目          required
  institution_name  text       报送单位          read-only
  categories        checklist  案例分类          required  计量 标准 检验检测 认证 其它
  categories_other  text       其它分类          explains categories
  contact_name      text       联系人            required
  contact_phone     text       电话              required  phone
一、案例介绍（总体情况介绍，合计1500字以内）  1500
  background        long_text  一、背景和意义        required
  practice          long_text  二、主要做法和创新点  required
  results           long_text  三、工作成效          required
二、相关证明材料
  evidence_note     long_text  材料说明
  evidence_files    file       证明材料          10 files
报送单位意见
  unit_opinion      long_text  意见              required
  seal_scan         file       盖章扫描件        required
  sealed_on         date       盖章日期          required
"""
"""As printed, but: 联系人及电话 are two fields, 意见 and its seal and date are three. 知识产权 has no box."""


@pytest.fixture(scope="module")
def form() -> Form:
    """The form of the notice's folder."""
    return Form.load((resources.files("bpmn") / "hubei_2023/forms/application.form").read_bytes())


def tell(component: Component) -> list[str]:
    """A group and its fields as lines of words."""
    if isinstance(component, Group):
        limit = [] if component.max_length is None else [str(component.max_length)]
        return [" ".join([component.label.zh, *limit]), *(line for each in component.components for line in tell(each))]
    assert isinstance(component, Field)
    said = [component.key, component.kind.value, component.label.zh]
    said += ["read-only"] * component.read_only + ["required"] * component.required
    said += [component.check] if component.check else []
    said += [option.label.zh for option in component.options or ()]
    said += ["explains", component.other_of] if component.other_of else []
    said += [str(component.max_files), "files"] if component.max_files > 1 else []
    return [" ".join(said)]


def test_the_form_is_the_annex(form: Form) -> None:
    told = [line for component in form.components for line in tell(component)]
    assert told == [" ".join(line.split()) for line in ANNEX.strip().splitlines()]


def test_every_label_has_its_english(form: Form) -> None:
    for field in form.fields:
        for label in (field.label, *(option.label for option in field.options or ())):
            assert label.en and label.en != label.zh and label.en.isascii(), label


def test_the_introduction_has_1500_words_in_all(form: Form) -> None:
    whole: dict[str, Any] = {
        "title": "题目",
        "categories": ["testing", "other"],
        "categories_other": "知识产权",
        "contact_name": "张三",
        "contact_phone": "027-12345678",
        "background": "字" * 500,
        "practice": "字" * 500,
        "results": "字" * 499 + "，2023年",
        "unit_opinion": "同意报送。",
        "sealed_on": "2023-06-01",
        "seal_scan": ["scan"],
    }
    assert tell_faults(form, whole) == ["FieldGroupTooLong background", "FieldFileUnknown seal_scan"]
    whole["results"] = "字" * 500
    assert tell_faults(form, whole) == ["FieldFileUnknown seal_scan"]
    whole["categories_other"] = " "
    assert tell_faults(form, whole) == ["FieldRequired categories_other", "FieldFileUnknown seal_scan"]


def tell_faults(form: Form, data: dict[str, Any]) -> list[str]:
    """Code and place of each fault."""
    with pytest.raises(FormInvalid) as invalid:
        form.parse(data)
    return [f"{finding.code} {finding.path}" for finding in invalid.value.findings]
