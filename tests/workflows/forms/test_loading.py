"""Forms as designers write them: what is supported is read, everything else is told at once with its path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.texts import Catalogue
from workflows.forms import Form, FormRefused, Group, Kind, Note

TEXT = {"type": "textfield", "key": "a", "label": "甲"}


read_catalogue = cache(lambda: Catalogue("engine", "workflows"))


def refused(source: Any) -> list[tuple[str | None, str]]:
    """Paths and codes of all findings."""
    with pytest.raises(FormRefused) as caught:
        Form.load(source, name="form")
    for finding in caught.value.findings:
        told = read_catalogue().tell(finding, "zh") + read_catalogue().tell(finding, "en")
        assert re.search(r"\{\w+\}", told) is None
    return [(finding.path, finding.code) for finding in caught.value.findings]


def form_of(*components: Any, **keys: Any) -> dict[str, Any]:
    """A form with these components."""
    return {"type": "default", "id": "form", "schemaVersion": 19, "components": list(components), **keys}


def test_the_sample_has_one_field_of_each_kind(form: Form) -> None:
    assert {field.kind for field in form.fields} == set(Kind)
    assert isinstance(form.components[0], Note)
    assert form.components[0].text["en"] == "Read this"
    assert isinstance(form.components[2], Group)
    assert [field.key for field in form.fields][:3] == ["unit", "title", "text"]
    assert form.by_key["title"].label["en"] == "Title"
    assert form.by_key["text"].label["en"] == "正文"
    assert [option.label["en"] for option in form.by_key["fields"].options or ()] == ["One", "二", "其它"]
    assert form.by_key["order"].options is None
    assert form.by_key["scan"].accept == (".pdf", ".jpg")
    assert [column.key for column in form.by_key["rows"].columns] == ["name", "value"]


def test_text_and_bytes_and_data_are_the_same(form: Form) -> None:
    text = Path(__file__).with_name("sample.form").read_text("utf-8")
    for source in (text, text.encode(), json.loads(text)):
        assert [field.key for field in Form.load(source).fields] == [field.key for field in form.fields]


def test_all_faults_with_their_paths() -> None:
    assert refused(
        form_of(
            {**TEXT, "validate": {"maxLenght": 3}},
            {**TEXT, "key": "1st"},
            {"type": "html", "content": "<script>"},
            {"type": "group", "label": "组", "components": [{**TEXT, "label": "="}, {**TEXT, "key": "b", "colour": "red"}]},
            {"type": "number", "key": "n", "label": "数", "validate": {"min": 5, "max": 1, "required": "yes"}},
            {"type": "select", "key": "s", "label": "选"},
            {**TEXT, "key": "c", "properties": {"personal": "secret", "labelen": "C"}},
            surprise=1,
        )
    ) == [
        ("surprise", "KeyUnknown"),
        ("components[0].validate.maxLenght", "KeyMisspelt"),
        ("components[1].key", "ValueMisspelt"),
        ("components[2]", "FormComponentUnsupported"),
        ("components[3].components[0].label", "FormTemplateUnsupported"),
        ("components[3].components[1].colour", "KeyUnknown"),
        ("components[4].validate.required", "ValueNotYesNo"),
        ("components[5]", "FormOptionsUnclear"),
        ("components[6].properties.personal", "ValueNotAllowed"),
        ("components[6].properties.labelen", "KeyMisspelt"),
    ]


@pytest.mark.parametrize(
    ("component", "finding"),
    [
        ({**TEXT, "label": " "}, ("components[0].label", "FormLabelMissing")),
        ({**TEXT, "description": "{{ x }}"}, ("components[0].description", "FormTemplateUnsupported")),
        ({**TEXT, "readonly": "=x"}, ("components[0].readonly", "ValueNotYesNo")),
        ({**TEXT, "validate": {"pattern": "(a+)+$"}}, ("components[0].validate.pattern", "KeyUnknown")),
        ({**TEXT, "validate": {"minLength": 9, "maxLength": 3}}, ("components[0].validate", "FormBoundsCrossed")),
        ({**TEXT, "properties": {"required_if": "b == 1"}}, ("components[0].properties.required_if", "FormNameUnknown")),
        ({**TEXT, "properties": {"required_if": "a = 1"}}, ("components[0].properties.required_if", "ExpressionRefused")),
        ({**TEXT, "conditional": {"hide": "=__import__('os')"}}, ("components[0].conditional.hide", "ExpressionRefused")),
        ({**TEXT, "properties": {"other_of": "a"}}, ("components[0].properties.other_of", "FormOtherUnclear")),
        ({**TEXT, "properties": {"option_en.x": 1}}, None),
        ({"type": "group", "label": "组", "path": "g", "components": []}, ("components[0].path", "ValueNotAllowed")),
        (
            {"type": "datetime", "subtype": "datetime", "key": "d", "dateLabel": "x"},
            ("components[0].subtype", "ValueNotAllowed"),
        ),
        (
            {"type": "filepicker", "key": "f", "label": "f", "accept": "image/*"},
            ("components[0].accept", "FormAcceptUnsupported"),
        ),
        (
            {"type": "number", "key": "n", "label": "n", "validate": {"min": "=1"}},
            ("components[0].validate.min", "ValueNotNumber"),
        ),
        (
            {"type": "radio", "key": "r", "label": "选", "values": [{"value": "x", "label": "一"}] * 2},
            ("components[0].values", "FormOptionTwice"),
        ),
        (
            {"type": "radio", "key": "r", "label": "选", "valuesExpression": "=x", "values": []},
            ("components[0].valuesExpression", "KeyUnknown"),
        ),
        (
            {
                "type": "dynamiclist",
                "path": "t",
                "label": "表",
                "components": [{"type": "filepicker", "key": "f", "label": "文"}],
            },
            ("components[0].components[0]", "FormNestingUnsupported"),
        ),
        ("text", ("components[0]", "ValueNotMapping")),
        ({"label": "x"}, ("components[0]", "FormComponentUnsupported")),
        ({"type": ["text"]}, ("components[0]", "FormComponentUnsupported")),
    ],
)
def test_one_fault(component: Any, finding: tuple[str, str] | None) -> None:
    if finding is None:
        assert Form.load(form_of(component)).fields
    else:
        assert refused(form_of(component)) == [finding]


def test_a_key_stands_once() -> None:
    assert refused(form_of(TEXT, {"type": "group", "label": "组", "components": [TEXT]})) == [
        ("components[1].components[0]", "FormKeyTwice")
    ]


def test_an_id_stands_once() -> None:
    assert refused(form_of({**TEXT, "id": "x"}, {**TEXT, "key": "b", "id": "x"})) == [("components[1].id", "FormIdTwice")]


def test_columns_of_a_table_are_apart_from_fields() -> None:
    form = Form.load(form_of(TEXT, {"type": "dynamiclist", "path": "t", "label": "表", "components": [TEXT]}))
    assert [field.key for field in form.fields] == ["a", "t"]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (b"", "FormNotJson"),
        (b"{", "FormNotJson"),
        (b"\xff\xfe\xff", "FormNotJson"),
        (b"[]", "FormNotObject"),
        (b'"text"', "FormNotObject"),
        (b'{"id": 1, "id": 2}', "JsonKeyTwice"),
        (b'{"id": NaN}', "JsonConstant"),
        (b"[" * 100_000, "FormNotJson"),
        (b'{"a": ' + b"1" * 5_000 + b"}", "FormNotJson"),
        (b" " * 600_000, "FormTooLarge"),
    ],
)
def test_what_is_no_json(source: bytes, code: str) -> None:
    assert [found for _, found in refused(source)] == [code]


def test_too_many_and_too_deep() -> None:
    many = refused(form_of(*[{**TEXT, "key": f"a{number}"} for number in range(600)]))
    assert many == [("components[500]", "FormTooManyComponents")]
    deep: dict[str, Any] = TEXT
    for _ in range(8):
        deep = {"type": "group", "label": "组", "components": [deep]}
    assert [code for _, code in refused(form_of(deep))] == ["FormNestingUnsupported"]


@pytest.mark.parametrize("keys", [{"schemaVersion": 99}, {"type": "table"}, {"components": {}}])
def test_the_whole_form_must_be_one_we_know(keys: dict[str, Any]) -> None:
    (finding,) = refused({**form_of(TEXT), **keys})
    assert finding[0] in keys


def test_a_faulty_field_does_not_make_its_name_unknown() -> None:
    assert refused(
        form_of({**TEXT, "max": 1}, {**TEXT, "key": "b", "conditional": {"hide": "=a == 1"}, "properties": {"other_of": "a"}})
    ) == [("components[0].max", "KeyUnknown")]


def test_names_that_python_or_pydantic_use_are_free(stored: Callable[..., Any]) -> None:
    keys = ["copy", "json", "model_config", "validate", "self", "class_", "schema"]
    form = Form.load(form_of(*[{**TEXT, "key": key} for key in keys]))
    assert form.parse({key: "x" for key in keys}) == {key: "x" for key in keys}
    assert set(form.model.model_json_schema()["properties"]) == set(keys)
