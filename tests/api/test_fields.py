"""What a browser sends becomes the form's data, and the form's data become fields."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from api.pages.fields import Filling, change_rows, keep_shown, read_draft, show_form, sort_faults
from engine.errors import Finding
from workflows.forms import Form


def load(name: str) -> Form:
    return Form.load((resources.files("bpmn") / "samr_2022_932" / "forms" / f"{name}.form").read_bytes(), name=name)


def make(*components: dict[str, Any]) -> Form:
    whole = [{"id": f"Field_{place}", **component} for place, component in enumerate(components)]
    return Form.load(json.dumps({"components": whole, "type": "default", "id": "made", "schemaVersion": 19}), name="made")


def test_values_by_kind() -> None:
    sent = MultiDict(
        [("title", "题目"), ("directions", "safety_livelihood"), ("directions", "other"), ("originality", "yes"),
         ("attachments", "a"), ("attachments", "b"), ("attachments.drop", "a"), ("institution_name", "冒充")]
    )  # fmt: skip
    data = read_draft(load("application"), sent)
    assert data["title"] == "题目" and data["directions"] == ["safety_livelihood", "other"]
    assert data["originality"] is True and data["attachments"] == ["b"] and data["seal_scan"] == []
    assert "institution_name" not in data  # read-only fields are not taken from the browser
    assert "summary" not in data  # not sent is not the same as emptied


@pytest.mark.parametrize(
    ("places", "order"),
    [
        ({"x": "2", "y": "1", "z": ""}, ["y", "x"]),
        ({"x": "1", "y": "1", "z": "1"}, ["x", "y", "z"]),
        ({"x": "last", "y": "10", "z": "9"}, ["z", "y", "x"]),
        ({"x": "", "y": " ", "z": ""}, []),
        ({"x": "1.5", "y": "-1", "z": "nan"}, ["y", "x", "z"]),
    ],
)
def test_a_ranking_by_its_numbers(places: dict[str, str], order: list[str]) -> None:
    sent = MultiDict({f"ranking.{value}": place for value, place in places.items()})
    assert read_draft(load("recommendation"), sent)["ranking"] == order


def test_rows_of_a_table() -> None:
    sent = MultiDict(
        {"indicators.10.name": "二", "indicators.2.name": "一", "indicators.2.value": "1", "indicators.x.name": "n",
         "indicators.3.nothing": "n", "indicators.99999999.name": "n", "indicators.2.name.more": "n"}
    )  # fmt: skip
    rows = read_draft(load("application"), sent)["indicators"]
    assert rows == [{"name": "一", "value": "1"}, {}, {"name": "二"}]


@pytest.mark.parametrize(
    ("operation", "rows"),
    [
        ("add:indicators", [{"name": "甲"}, {"name": "乙"}, {}]),
        ("remove:indicators:0", [{"name": "乙"}]),
        ("remove:indicators:7", [{"name": "甲"}, {"name": "乙"}]),
        ("remove:indicators:-1", [{"name": "甲"}, {"name": "乙"}]),
        ("remove:indicators:²", [{"name": "甲"}, {"name": "乙"}]),
        ("add:title", [{"name": "甲"}, {"name": "乙"}]),
        ("nonsense", [{"name": "甲"}, {"name": "乙"}]),
        ("", [{"name": "甲"}, {"name": "乙"}]),
    ],
)
def test_rows_are_added_and_removed(operation: str, rows: list[dict[str, str]]) -> None:
    data = {"indicators": [{"name": "甲"}, {"name": "乙"}]}
    assert change_rows(load("application"), data, operation)["indicators"] == rows


def test_tables_with_fixed_rows_keep_what_was_shown() -> None:
    form = load("settlement")
    shown = {"decisions": [{"comment": "1", "about": "甲", "text": "好"}, {"comment": "2", "about": "", "text": "不好"}]}
    typed = read_draft(form, MultiDict({"decisions.0.comment": "1", "decisions.0.decision": "adopted", "decisions.0.text": "伪"}))
    kept = keep_shown(form, shown, typed)["decisions"]
    assert kept[0] == {"comment": "1", "about": "甲", "text": "好", "decision": "adopted"}
    assert kept[1] == shown["decisions"][1]
    assert change_rows(form, {"decisions": []}, "add:decisions")["decisions"] == []


def test_fields_that_stand_beside_each_other() -> None:
    form = make(
        {"type": "textfield", "key": "a", "label": "甲", "layout": {"row": "one"}},
        {"type": "textfield", "key": "b", "label": "乙", "layout": {"row": "one"}},
        {"type": "textfield", "key": "c", "label": "丙", "layout": {"row": "two"}},
    )
    parts = show_form(form, Filling({"a": "1"}, "zh", {"b": ["错"]}))
    assert [[field.name for field in part.fields] for part in parts] == [["a", "b"], ["c"]]
    assert parts[0].fields[0].value == "1" and parts[0].fields[1].faults == ("错",)


def test_the_text_for_other_stands_with_its_choice() -> None:
    parts = show_form(load("audit"), Filling({}, "zh"))
    fields = [field for part in parts for field in part.fields]
    assert [field.name for field in fields] == ["checks", "result", "opinion"]
    assert fields[0].other is not None and fields[0].other.name == "checks_other"


def test_every_form_of_the_notice_can_be_shown_in_both_languages() -> None:
    for file in (resources.files("bpmn") / "samr_2022_932" / "forms").iterdir():
        form = load(file.name.removesuffix(".form"))
        assert show_form(form, Filling(form.defaults, "zh")) and show_form(form, Filling(form.defaults, "en"))


def test_a_table_begins_with_the_rows_that_its_form_states() -> None:
    column = {"type": "textfield", "id": "Field_name", "key": "name", "label": "名称", "validate": {"required": True}}
    table = {"type": "dynamiclist", "label": "表", "components": [column]}
    form = make(
        {**table, "path": "usual"},
        {**table, "path": "two", "defaultRepetitions": 2, "components": [{**column, "id": "Field_other"}]},
        {**table, "path": "none", "defaultRepetitions": 0, "components": [{**column, "id": "Field_third"}]},
        {**table, "path": "fixed", "allowAddRemove": False, "components": [{**column, "id": "Field_fourth"}]},
    )

    def count(values: dict[str, Any]) -> dict[str, int]:
        return {field.name: len(field.rows) for part in show_form(form, Filling(values, "zh")) for field in part.fields}

    assert count(form.defaults) == {"usual": 1, "two": 2, "none": 0, "fixed": 0}
    less = change_rows(
        form, read_draft(form, MultiDict([("usual.0.name", ""), ("two.0.name", "甲"), ("two.1.name", "")])), "remove:usual:0"
    )
    assert count({**form.defaults, **less}) == {"usual": 0, "two": 2, "none": 0, "fixed": 0}
    assert form.parse(less) == {"usual": [], "two": [{"name": "甲"}], "none": [], "fixed": []}  # an empty row is no row


def test_faults_find_their_fields() -> None:
    findings = [Finding("A", path="title"), Finding("B", path="indicators[0].name"), Finding("C"), Finding("D", path="title")]
    assert sort_faults(findings, ["a", "b", "c", "d"]) == {"title": ["a", "d"], "indicators.0.name": ["b"], "": ["c"]}
