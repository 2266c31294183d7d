"""Who may see which field: blind review hides, personal data are masked."""

from __future__ import annotations

import pytest

from workflows.forms import Form

VALUES = {
    "unit": "某检验检测院",
    "title": "题目",
    "person": "张三丰",
    "phone": "13812345678",
    "rows": [{"name": "批次", "value": "1.0"}],
    "dropped": "of an older form",
}


@pytest.mark.parametrize("role", ["applicant", "auditor", "organiser"])
def test_who_handles_a_case_sees_everything(form: Form, role: str) -> None:
    reader = form.visible_for(role)
    assert reader.fields == form.fields
    assert reader.show(VALUES) == {key: value for key, value in VALUES.items() if key != "dropped"}


def test_experts_see_neither_unit_nor_persons(form: Form) -> None:
    reader = form.visible_for("expert")
    assert {field.key for field in form.fields} - {field.key for field in reader.fields} == {"unit", "person"}
    assert reader.show(VALUES) == {"title": "题目", "phone": "138****5678", "rows": VALUES["rows"]}


@pytest.mark.parametrize("role", ["designer", "administrator", None])
def test_others_see_masks(form: Form, role: str | None) -> None:
    shown = form.visible_for(role).show(VALUES)
    assert (shown["person"], shown["phone"], shown["unit"]) == ("张**", "138****5678", "某检验检测院")


def test_an_expert_of_an_open_review_sees_names_masked(form: Form) -> None:
    shown = form.visible_for("expert", blind=False).show(VALUES)
    assert (shown["unit"], shown["person"]) == ("某检验检测院", "张**")


def test_identity_numbers_are_only_for_who_needs_them() -> None:
    source = {
        "type": "default",
        "id": "f",
        "schemaVersion": 19,
        "components": [{"type": "textfield", "key": "number", "label": "证件号", "properties": {"personal": "identity"}}],
    }
    form = Form.load(source)
    assert form.visible_for("designer").fields == ()
    assert form.visible_for("organiser").show({"number": "110101199001011234"}) == {"number": "110101199001011234"}


def test_a_group_without_fields_goes() -> None:
    inner = [{"type": "textfield", "key": "a", "label": "甲", "properties": {"blind": "hidden"}}]
    group = {"type": "group", "label": "单位", "components": [{"type": "text", "text": "只给单位看"}, *inner]}
    form = Form.load({"type": "default", "id": "f", "schemaVersion": 19, "components": [group]})
    assert form.visible_for("expert").components == ()
