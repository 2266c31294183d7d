"""Nested data as fields: what is shown and sent back unchanged is the same data, and nothing typed is lost."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from werkzeug.datastructures import MultiDict

from api.pages.drafts import components
from api.pages.records import ABSENT, Node, Record, Sent, Showing, Slot, order_like, read_shape, shape_of, show_shape
from workflows.notices import Notice, bundled_notices
from workflows.notices.source import read_yaml

SHOWING = Showing(str, str)
NOTICES = bundled_notices()


def browser_form(node: Node) -> MultiDict[str, str]:
    """What a browser sends of the fields as they are shown."""
    form: MultiDict[str, str] = MultiDict()

    def visit(part: Node) -> None:
        for mark, value in part.marks:
            form.add(mark, value)
        if part.entry is not None:
            form.add(f"{part.name}.__name", part.entry)
        if part.kind == "several":
            for word in part.value:
                form.add(part.name, word)
        elif part.kind not in ("record", "variants", "listing", "named"):
            form.add(part.name, str(part.value))
        for inner in (*part.parts, *part.more):
            visit(inner)

    visit(node)
    return form


def send_back(shape: Any, value: Any, operation: str = "", **typed: str) -> Any:
    """Show the value, change some fields, and read what comes back."""
    form = browser_form(show_shape(shape, value, "", "", SHOWING))
    for name, text in typed.items():
        form[name.replace("__dot__", ".")] = text
    return read_shape(shape, "", Sent(form, operation))


@pytest.mark.parametrize("key", sorted(NOTICES))
def test_a_notice_comes_back_as_it_was_shown(key: str) -> None:
    data, _faults = read_yaml(NOTICES[key]["notice.yaml"])
    assert data is not None
    back = order_like(send_back(shape_of(Notice), data), data)
    # in the same order, too; a day in a place of any kind comes back as its text, which reads the same
    assert json.dumps(back, default=str) == json.dumps(data, default=str)


@pytest.mark.parametrize("key", sorted(NOTICES))
def test_every_component_of_every_form_comes_back_as_it_was_shown(key: str) -> None:
    shape = components.component_shape()
    for path, content in NOTICES[key].items():
        if path.endswith(".form"):
            form = json.loads(content)
            for line in components.list_components(form):
                found = components.find(form, line.place)
                assert found is not None
                before = found[0][found[1]]
                shown = components.open_component(before)
                back = components.close_component(order_like(send_back(shape, shown), shown), before)
                assert back == before, (path, line.place)


class Day(BaseModel):
    kind: Literal["day"] = "day"
    value: date


class Span(BaseModel):
    kind: Literal["span"] = "span"
    first: date
    last: date | None = None


class Inner(BaseModel):
    key: str
    count: int | None = None


class Outer(BaseModel):
    name: str
    when: Annotated[Day | Span, Field(discriminator="kind")]
    items: tuple[Inner, ...] = ()
    free: dict[str, Inner] = {}
    words: tuple[Literal["a", "b"], ...] = ()
    lines: tuple[int, ...] = ()
    yes: bool | None = None
    plain: Any = None
    inner: Inner | None = None


SHAPE = shape_of(Outer)
FULL: dict[str, Any] = {
    "name": "x",
    "when": {"kind": "day", "value": date(2022, 8, 10)},
    "items": [{"key": "one"}, {"key": "two", "count": 2}, {"key": "three"}],
    "free": {"p": {"key": "p"}, "q": {"key": "q"}},
}


def test_values_of_all_kinds() -> None:
    data = {
        **FULL,
        "words": ["b"],
        "lines": [1, 2],
        "yes": False,
        "plain": ["true", True, 5, "5", None, "2023-03-17"],
        "inner": {"key": "i", "count": None},
    }
    assert send_back(SHAPE, data) == data
    for plain in ("a\nb", "true", "-1", '"quoted"', "", None, [], [""], 0, False):
        assert send_back(SHAPE, {**FULL, "plain": plain}) == {**FULL, "plain": plain}


def test_what_does_not_fit_is_kept_to_be_mended() -> None:
    data = {"name": {"a": 1}, "when": "soon", "items": {"no": "list"}, "free": [1], "lines": ["1", "x"], "more": {"z": [1]}}
    back = send_back(SHAPE, data)
    assert back == {**data, "lines": [1, "x"]}
    assert send_back(SHAPE, FULL, when__dot__value="next week")["when"] == {"kind": "day", "value": "next week"}


def test_buttons_change_lists_and_keep_what_was_typed() -> None:
    def keys(operation: str, **typed: str) -> list[str | None]:
        return [item.get("key") for item in send_back(SHAPE, FULL, operation, **typed)["items"]]

    assert keys("add:items", items__dot__0__dot__key="typed") == ["typed", "two", "three", None]
    assert keys("remove:items.1") == ["one", "three"]
    assert keys("up:items.2") == ["one", "three", "two"]
    assert keys("down:items.0") == ["two", "one", "three"]
    assert keys("up:items.0") == keys("down:items.2") == ["one", "two", "three"]
    assert list(send_back(SHAPE, FULL, "add:free")["free"]) == ["p", "q", "new"]
    assert list(send_back(SHAPE, FULL, free__dot__1__dot____name="p")["free"]) == ["p", "p_2"]  # no entry is lost


def test_another_kind_keeps_what_both_have() -> None:
    assert send_back(SHAPE, FULL, when__dot__kind="span")["when"] == {"kind": "span"}
    data = {**FULL, "when": {"kind": "span", "first": date(2022, 1, 1), "last": date(2022, 2, 1)}}
    assert send_back(SHAPE, data)["when"] == data["when"]
    odd = {**FULL, "when": {"kind": "week", "value": 3}}
    assert send_back(SHAPE, odd)["when"] == odd["when"]


def test_faults_stand_at_their_fields() -> None:
    faults = {"items[1].count": ["no number"], "free.q.key": ["bad"], "when.kind": ["unknown"], "items": ["too few"]}
    node = show_shape(SHAPE, FULL, "", "", Showing(str, str, faults))
    told: dict[str, tuple[str, ...]] = {}

    def visit(part: Node) -> None:
        if part.faults:
            told[part.name] = part.faults
        for inner in (*part.parts, *part.more):
            visit(inner)

    visit(node)
    assert told == {
        "when.kind": ("unknown",),
        "items": ("too few",),
        "items.1.count": ("no number",),
        "free.1.key": ("bad",),
    }
    assert node.faulty and not show_shape(SHAPE, FULL, "", "", SHOWING).faulty


def test_nothing_is_absent_where_it_is_not_needed() -> None:
    slot = Slot("inner", shape_of(Inner), required=False, nullable=True)
    assert read_shape(slot.shape, "inner", Sent(MultiDict()), slot=slot) is ABSENT
    assert isinstance(SHAPE, Record) and repr(ABSENT) == "absent"


def test_components_are_added_moved_and_taken_out() -> None:
    form: dict[str, Any] = {"components": [components.make("group", "g"), components.make("textfield", "a")]}
    assert components.add(form, "components[0]", "radio", inside=True) == "components[0].components[0]"
    assert components.add(form, "components[0]", "number", inside=False) == "components[1]"
    assert components.add(form, "", "text", inside=False) == "components[3]"
    assert [line.type for line in components.list_components(form)] == ["group", "radio", "number", "textfield", "text"]
    assert components.move(form, "components[1]", 1) == "components[2]"
    assert components.move(form, "components[0]", -1) == "components[0]"
    assert components.remove(form, "components[0].components[0]") == "components[0]"
    assert components.remove(form, "components[9]") == ""
    assert [line.type for line in components.list_components(form)] == ["group", "textfield", "number", "text"]
