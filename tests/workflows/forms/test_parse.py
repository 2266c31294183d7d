"""What people fill in: one validation for page, REST and import, all faults at once, by field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.texts import Catalogue
from workflows.forms import Form, FormInvalid, count_words

MakeUpload = Callable[..., Any]


def faults(form: Form, data: Any, **options: Any) -> dict[str | None, str]:
    """The codes of all faults by path."""
    with pytest.raises(FormInvalid) as caught:
        form.parse(data, **options)
    findings = caught.value.findings
    assert len({finding.path for finding in findings}) == len(findings)
    return {finding.path: finding.code for finding in findings}


def test_everything_has_its_key_and_read_only_fields_have_none(form: Form, filled: dict[str, Any]) -> None:
    clean = form.parse(filled)
    assert list(clean) == [field.key for field in form.fields if field.key != "unit"]
    assert clean["title"] == "题目"
    assert clean["text"] is None
    assert clean["rows"] == []
    assert clean["fields"] == ["x"]
    assert clean["promise"] is True


def test_read_only_fields_are_not_taken(form: Form, filled: dict[str, Any]) -> None:
    assert "unit" not in form.parse({**filled, "unit": "别的单位"})


def test_all_faults_at_once_in_the_order_of_the_form(form: Form) -> None:
    with pytest.raises(FormInvalid) as caught:
        form.parse(
            {"title": "", "text": "二字", "count": "many", "day": "10.8.2022", "mail": "x", "nonsense": 1, "result": "return"}
        )
    assert [(finding.path, finding.code) for finding in caught.value.findings] == [
        ("nonsense", "FieldUnknown"),
        ("title", "FieldRequired"),
        ("text", "FieldTooShort"),
        ("count", "FieldNotNumber"),
        ("day", "FieldNotDate"),
        ("fields", "FieldRequired"),
        ("opinion", "FieldRequired"),
        ("reason", "FieldRequired"),
        ("mail", "FieldNotEmail"),
        ("promise", "FieldMustBeTicked"),
    ]


def test_messages_name_the_field_in_both_languages(form: Form) -> None:
    catalogue = Catalogue("engine", "workflows")
    with pytest.raises(FormInvalid) as caught:
        form.parse({"title": "超过十个字的题目超过十个字"})
    told = {finding.path: [catalogue.tell(finding, "zh"), catalogue.tell(finding, "en")] for finding in caught.value.findings}
    assert told["title"] == [
        "“题目”现有 13 字，不能超过 10 字（按 Word 口径计字）",
        "“Title” has 13 words; at most 10 are allowed, counted as Word counts them",
    ]
    assert not any("{" in text for texts in told.values() for text in texts)


@pytest.mark.parametrize("data", [None, [], "text", 3, [("title", "x")]])
def test_only_an_object_is_taken(form: Form, data: Any) -> None:
    assert faults(form, data) == {None: "FormDataNotObject"}


def test_a_misspelt_key_is_told_with_the_right_one(form: Form, filled: dict[str, Any]) -> None:
    with pytest.raises(FormInvalid) as caught:
        form.parse({**filled, "titel": "x"})
    (finding,) = caught.value.findings
    assert (finding.code, finding.values["suggestion"]) == ("FieldMisspelt", "title")


# ---- texts ----
def test_texts_are_cleaned(form: Form, filled: dict[str, Any]) -> None:
    clean = form.parse({**filled, "title": " 题\u202e目\x00 ", "text": "一行\r\n二行  \n"})
    assert (clean["title"], clean["text"]) == ("题目", "一行\n二行")


def test_lengths_count_words_and_still_bound_characters(form: Form, filled: dict[str, Any]) -> None:
    assert form.parse({**filled, "title": "ISO 9001 认证八个字了"})["title"]
    assert faults(form, {**filled, "title": "x" * 301}) == {"title": "FieldTooManyCharacters"}
    assert faults(form, {**filled, "title": "x" * 300_000}) == {"title": "FieldTooManyCharacters"}


@pytest.mark.parametrize("value", [1, True, ["x"], {"a": 1}])
def test_a_text_must_be_a_text(form: Form, filled: dict[str, Any], value: Any) -> None:
    assert faults(form, {**filled, "title": value}) == {"title": "FieldNotText"}


@pytest.mark.parametrize("address", ["a@b.cn", "zhang.san+tag@mail.example.com"])
def test_mail_addresses(form: Form, filled: dict[str, Any], address: str) -> None:
    assert form.parse({**filled, "mail": address})["mail"] == address


@pytest.mark.parametrize("address", ["a", "a@b", "a@b.cn, c@d.cn", "a b@c.cn", "<a@b.cn>", "a@b.cn\nBcc: x@y.cn"])
def test_mail_addresses_refused(form: Form, filled: dict[str, Any], address: str) -> None:
    assert faults(form, {**filled, "mail": address}) == {"mail": "FieldNotEmail"}


@pytest.mark.parametrize(
    "number", ["010-12345678", "13800000000", "+86 138 0000 0000", "(0571)1234567转12", "１３８００００００００"]
)
def test_phone_numbers(form: Form, filled: dict[str, Any], number: str) -> None:
    assert form.parse({**filled, "phone": number})["phone"].isascii() or "转" in number


@pytest.mark.parametrize("number", ["12", "电话", "138-0000-000x"])
def test_phone_numbers_refused(form: Form, filled: dict[str, Any], number: str) -> None:
    assert faults(form, {**filled, "phone": number}) == {"phone": "FieldNotPhone"}


# ---- numbers and days ----
@pytest.mark.parametrize(
    ("given", "stored"),
    [(3, 3), ("3", 3), (" 12 ", 12), (3.0, 3), (Decimal("7"), 7), ("１２", 12), ("1e1", 10), ("", None), (None, None)],
)
def test_whole_numbers(form: Form, filled: dict[str, Any], given: Any, stored: int | None) -> None:
    clean = form.parse({**filled, "count": given, "reason": "r"})["count"]
    assert clean == stored
    assert clean is None or type(clean) is int


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("x", "FieldNotNumber"),
        (True, "FieldNotNumber"),
        ([1], "FieldNotNumber"),
        ("NaN", "FieldNotNumber"),
        (float("inf"), "FieldNotNumber"),
        ("1" * 100, "FieldNotNumber"),
        ("1e999999999", "FieldNotNumber"),
        (1.5, "FieldNotWhole"),
        (0, "FieldTooSmall"),
        (101, "FieldTooLarge"),
    ],
)
def test_whole_numbers_refused(form: Form, filled: dict[str, Any], given: Any, code: str) -> None:
    assert faults(form, {**filled, "count": given, "reason": "r"}) == {"count": code}


def test_decimals_stay_exact(form: Form, filled: dict[str, Any]) -> None:
    assert form.parse({**filled, "share": 0.1})["share"] == "0.10"
    assert form.parse({**filled, "share": "1"})["share"] == "1.00"
    assert faults(form, {**filled, "share": "0.1" + "0" * 40 + "1"}) == {"share": "FieldTooExact"}
    assert faults(form, {**filled, "share": "0.125"}) == {"share": "FieldTooExact"}
    assert faults(form, {**filled, "share": "1.01"}) == {"share": "FieldTooLarge"}


@pytest.mark.parametrize("given", ["2022-08-10", date(2022, 8, 10)])
def test_days(form: Form, filled: dict[str, Any], given: Any) -> None:
    assert form.parse({**filled, "day": given})["day"] == "2022-08-10"


@pytest.mark.parametrize("given", ["2022-02-30", "2022-8-1", "20220810", "2022-08-10T00:00"])
def test_days_refused(form: Form, filled: dict[str, Any], given: str) -> None:
    assert faults(form, {**filled, "day": given}) == {"day": "FieldNotDate"}


# ---- choices ----
def test_other_needs_its_text_and_only_then_takes_it(form: Form, filled: dict[str, Any]) -> None:
    assert faults(form, {**filled, "kind": "other", "fields": ["other", "x"]}) == {
        "kind_other": "FieldRequired",
        "fields_other": "FieldRequired",
    }
    clean = form.parse({**filled, "kind": "other", "kind_other": "丙", "fields": ["other", "x"], "fields_other": "三"})
    assert (clean["kind_other"], clean["fields"], clean["fields_other"]) == ("丙", ["x", "other"], "三")
    assert form.parse({**filled, "kind": "a", "kind_other": "丙"})["kind_other"] is None


def test_choices_are_those_of_the_form(form: Form, filled: dict[str, Any]) -> None:
    assert faults(form, {**filled, "kind": "z", "result": "reject", "fields": ["x", "q"]}) == {
        "kind": "FieldNotOption",
        "result": "FieldNotOption",
        "fields": "FieldNotOption",
    }
    assert faults(form, {**filled, "fields": ["x", "x"]}) == {"fields": "FieldChosenTwice"}
    assert faults(form, {**filled, "fields": {"x": True}}) == {"fields": "FieldNotList"}
    assert form.parse({**filled, "fields": "y"})["fields"] == ["y"]  # one box ticked on a page


def test_a_ranking_keeps_its_order_and_knows_its_options_once_bound(form: Form, filled: dict[str, Any]) -> None:
    assert form.parse({**filled, "order": ["c2", "c1"]})["order"] == ["c2", "c1"]
    bound = form.bind({"cases": [("c1", "案例一"), ("c2", "案例二")]})
    assert bound.parse({**filled, "order": ["c2", "c1"]})["order"] == ["c2", "c1"]
    assert faults(bound, {**filled, "order": ["c3"]}) == {"order": "FieldNotOption"}
    assert faults(bound, {**filled, "order": ["c1", "c1"]}) == {"order": "FieldChosenTwice"}


@pytest.mark.parametrize(("given", "stored"), [(True, True), ("on", True), ("true", True), (1, True)])
def test_ticks(form: Form, filled: dict[str, Any], given: Any, stored: bool) -> None:
    assert form.parse({**filled, "promise": given})["promise"] is stored


@pytest.mark.parametrize("given", [False, "", None, "false", 0])
def test_a_required_tick_must_be_there(form: Form, filled: dict[str, Any], given: Any) -> None:
    assert faults(form, {**filled, "promise": given}) == {"promise": "FieldMustBeTicked"}


# ---- conditions ----
def test_a_hidden_field_is_neither_required_nor_stored_nor_checked(form: Form, filled: dict[str, Any]) -> None:
    assert form.parse({**filled, "count": 3, "reason": 42})["reason"] is None
    assert faults(form, {**filled, "count": 60}) == {"reason": "FieldRequired"}
    assert form.parse({**filled, "count": 60, "reason": "因为"})["reason"] == "因为"


def test_a_condition_over_an_empty_value_does_not_hold(form: Form, filled: dict[str, Any]) -> None:
    del filled["count"]
    assert faults(form, filled) == {"reason": "FieldRequired"}


def test_required_if(form: Form, filled: dict[str, Any]) -> None:
    assert form.parse({**filled, "result": "pass"})["opinion"] is None
    assert faults(form, {**filled, "result": "return", "opinion": "  "}) == {"opinion": "FieldRequired"}
    assert form.parse({**filled, "result": "return", "opinion": "请补充"})["opinion"] == "请补充"


# ---- tables ----
def test_rows(form: Form, filled: dict[str, Any]) -> None:
    rows = [{"name": "批次", "value": "1500"}, {"name": "", "value": None}, {"name": " 成本 "}]
    assert form.parse({**filled, "rows": rows})["rows"] == [{"name": "批次", "value": "1500.0"}, {"name": "成本", "value": None}]


def test_faults_in_rows_name_row_and_column(form: Form, filled: dict[str, Any]) -> None:
    rows = [{"name": "好"}, {"value": 1}, {"name": "x", "value": "y", "more": 1}]
    assert faults(form, {**filled, "rows": rows}) == {
        "rows.1.name": "FieldRequired",
        "rows.2.value": "FieldNotNumber",
        "rows.2.more": "FieldUnknown",
    }
    assert faults(form, {**filled, "rows": [{"name": "x"}] * 4}) == {"rows": "FieldTooManyRows"}
    assert faults(form, {**filled, "rows": "x"}) == {"rows": "FieldNotRows"}
    assert faults(form, {**filled, "rows": ["x"]}) == {"rows.0": "FieldNotRows"}


# ---- files ----
def test_a_field_takes_its_own_uploads(form: Form, filled: dict[str, Any], stored: MakeUpload) -> None:
    files = [stored("1", "scan", "盖章.PDF"), stored("2", "other", "x.pdf")]
    assert form.parse(filled, files=files)["scan"] == [{"id": "1", "name": "盖章.PDF", "sha256": "0" * 64}]
    assert form.parse({**filled, "scan": []}, files=files)["scan"] == []
    assert form.parse({**filled, "scan": [{"id": "1", "name": "anything"}]}, files=files)["scan"][0]["name"] == "盖章.PDF"


def test_files_refused(form: Form, filled: dict[str, Any], stored: MakeUpload) -> None:
    files = [
        stored("1", "scan", "a.exe"),
        stored("2", "scan", "b.jpg"),
        stored("3", "scan", "c.pdf"),
        stored("4", "person", "d.pdf"),
    ]
    assert faults(form, {**filled, "scan": ["4"]}, files=files) == {"scan": "FieldFileUnknown"}
    assert faults(form, {**filled, "scan": ["1"]}, files=files) == {"scan": "FieldFileKind"}
    assert form.parse({**filled, "scan": ["2", "3"]}, files=files)["scan"][1]["id"] == "3"
    with pytest.raises(FormInvalid) as caught:
        form.parse(filled, files=files)
    assert [finding.code for finding in caught.value.findings] == ["FieldFileKind", "FieldTooManyFiles"]


# ---- whatever comes ----
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_is_sent_is_refused_or_stored_as_json_and_accepted_again(data: st.DataObject) -> None:
    form = _sample()
    keys = st.sampled_from([field.key for field in form.fields] + ["unknown"])
    sent = data.draw(st.dictionaries(keys, JSON, max_size=12))
    try:
        clean = form.parse(sent)
    except FormInvalid as problem:
        assert problem.findings
        return
    assert form.parse(orjson.loads(orjson.dumps(clean))) == clean


@settings(max_examples=100, deadline=None)
@given(
    count=st.none() | st.integers(1, 100),
    share=st.none() | st.decimals(0, 1, places=2),
    fields=st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=2, unique=True),
    rows=st.lists(st.fixed_dictionaries({"name": st.text("检验abc", min_size=1, max_size=5)}), max_size=3),
    text=st.text("检验检测abc \n", max_size=12),
)
def test_what_was_stored_is_stored_the_same_again(
    count: int | None, share: Decimal | None, fields: list[str], rows: list[dict[str, str]], text: str
) -> None:
    form = _sample()
    sent = {"title": "题", "promise": True, "reason": "r", "count": count, "share": share, "fields": fields, "rows": rows}
    try:
        clean = form.parse({**sent, "text": text})
    except FormInvalid as problem:
        assert {finding.code for finding in problem.findings} == {"FieldTooShort"}
        assert count_words(text) in (1, 2)
        return
    assert clean["share"] is None or Decimal(clean["share"]) == share
    assert form.parse(orjson.loads(orjson.dumps(clean))) == clean


def _sample() -> Form:
    return Form.load(Path(__file__).with_name("sample.form").read_bytes())
