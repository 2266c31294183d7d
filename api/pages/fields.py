"""Forms on pages: what a browser sends as the form's data, and the form's data as fields to be shown.

Names in the browser's form: `title`; `directions` (several); `ranking.<value>` (its place as a number); `indicators.0.name` (a
table's row); `attachments` (ids of files that are with us already), `attachments.drop` (those to be left out) and
`attachments.new` (files that come with this request).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from werkzeug.datastructures import MultiDict

from engine.errors import Finding
from engine.expressions import Expression, write_portable
from workflows.forms import Component, Field, Form, Group, Kind, Note, list_counted

MOST_ROWS_SENT = 5000
READ_AS = {
    Kind.TEXT: "text",
    Kind.LONG_TEXT: "text",
    Kind.DATE: "text",
    Kind.SELECT: "text",
    Kind.RADIO: "text",
    Kind.NUMBER: "number",
    Kind.CHECKBOX: "yes",
    Kind.CHECKLIST: "many",
}
"""How the page's script reads the fields that a condition may name."""


# ---- from the browser ------------------------------------------------------------------------------------------------
def read_draft(form: Form, sent: MultiDict[str, str]) -> dict[str, Any]:
    """What was typed, in the shape that `Form.parse` and drafts take; nothing is checked here, fields not sent are left out."""
    return {
        each.key: value for each in form.fields if not each.read_only and (value := read_value(each, each.key, sent)) is not None
    }


def keep_shown(form: Form, shown: Mapping[str, Any], typed: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows after something was typed: read-only values and columns stay as they were shown."""
    values = {**shown, **typed}
    for each in form.fields:
        if each.kind is Kind.TABLE and each.fixed_rows:
            before, after = shown.get(each.key) or [], typed.get(each.key) or []
            values[each.key] = [{**row, **(after[place] if place < len(after) else {})} for place, row in enumerate(before)]
    return values


def read_value(each: Field, name: str, sent: MultiDict[str, str]) -> Any:
    """The value of one field; None when nothing of it was sent."""
    if each.kind is Kind.CHECKBOX:
        return sent.get(name) == "yes"
    if each.kind is Kind.CHECKLIST:
        return [value for value in sent.getlist(name) if value]
    if each.kind is Kind.RANKING:
        return read_ranking(name, sent)
    if each.kind is Kind.TABLE:
        return read_rows(each, name, sent)
    if each.kind is Kind.FILE:
        dropped = set(sent.getlist(f"{name}.drop"))
        return [value for value in sent.getlist(name) if value and value not in dropped]
    return sent.get(name)


def read_ranking(name: str, sent: MultiDict[str, str]) -> list[str]:
    """The values that have a place, in the order of their places; equal or unreadable places keep the order of the page."""
    placed: list[tuple[float, int, str]] = []
    for order, key in enumerate(sent):
        text = sent[key].strip()
        if key.startswith(f"{name}.") and text:
            try:
                place = float(text)
            except ValueError:
                place = float("inf")
            placed.append((place, order, key.removeprefix(f"{name}.")))
    return [value for _place, _order, value in sorted(placed)]


def read_rows(table: Field, name: str, sent: MultiDict[str, str]) -> list[dict[str, Any]]:
    """The rows of a table, in the order of their numbers."""
    numbers = {
        int(parts[1])
        for key in sent
        if key.startswith(f"{name}.")
        and len(parts := key.split(".")) == 3
        and parts[1].isascii()
        and parts[1].isdigit()
        and len(parts[1]) <= 5
    }
    rows = []
    for number in sorted(numbers)[:MOST_ROWS_SENT]:
        row = {
            column.key: read_value(column, f"{name}.{number}.{column.key}", sent)
            for column in table.columns
            if not column.read_only
        }
        rows.append({key: value for key, value in row.items() if value is not None})
    return rows


def change_rows(form: Form, data: dict[str, Any], operation: str) -> dict[str, Any]:
    """`add:indicators` puts an empty row at the end, `remove:indicators:2` takes the third away; else nothing is changed."""
    verb, _, rest = operation.partition(":")
    key, _, place = rest.partition(":")
    table = form.by_key.get(key)
    if table is None or table.kind is not Kind.TABLE or table.fixed_rows:
        return data
    rows = list(data.get(key) or [])
    if verb == "add" and len(rows) < table.max_rows:
        rows.append({})
    elif verb == "remove" and place.isascii() and place.isdigit() and int(place) < len(rows):
        del rows[int(place)]
    return {**data, key: rows}


# ---- to the page -----------------------------------------------------------------------------------------------------
def id_of(name: str) -> str:
    """The id of a field's element; links of the error summary lead to it."""
    return "field_" + name.replace(".", "_")


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field as the page shows it: `name` is that of the browser's form, `faults` the texts of its findings."""

    field: Field
    name: str
    value: Any
    faults: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    rows: tuple[
        tuple[tuple[ShownField, ...], ...], ...
    ] = ()  # each row of a table has lines of fields that stand beside each other
    files: tuple[Any, ...] = ()
    other: ShownField | None = None
    hide: str = ""  # the condition that hides it, for the page's script; empty where there is none, or none that it can judge

    @property
    def id(self) -> str:
        """The element's id; links of the error summary lead to it."""
        return id_of(self.name)

    @property
    def kind(self) -> str:
        """The kind as templates compare it."""
        return self.field.kind.value

    @property
    def read_only(self) -> bool:
        """Whether the field is only to be read."""
        return self.field.read_only or self.field.masked


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A group, a note, or some fields that stand beside each other (`row`)."""

    kind: str  # "group" | "note" | "row"
    label: str = ""
    parts: tuple[ShownPart, ...] = ()
    fields: tuple[ShownField, ...] = ()
    hide: str = ""
    limit: int | None = None  # words that its texts may have in all
    counted: tuple[str, ...] = ()  # the elements of these texts


@dataclass(frozen=True, slots=True)
class Filling:
    """What the fields are filled with: values, texts of findings by path, the files that values name, the language."""

    values: Mapping[str, Any]
    language: str
    faults: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)


def show_form(form: Form, filling: Filling) -> tuple[ShownPart, ...]:
    """The form's components in the order of the page."""
    explained = {each.other_of: each for each in form.fields if each.other_of}
    return tuple(_show_components(form.components, filling, explained, form.by_key))


def _show_components(
    components: Sequence[Component], filling: Filling, explained: Mapping[str, Field], fields: Mapping[str, Field]
) -> list[ShownPart]:
    parts: list[ShownPart] = []
    row: str | None = None
    for component in components:
        if isinstance(component, Group):
            inner = tuple(_show_components(component.components, filling, explained, fields))
            hide = write_condition(component.hide_if, fields)
            counted = tuple(id_of(each.key) for each in list_counted(component)) if component.max_length else ()
            shown_group = ShownPart("group", component.label[filling.language], inner, hide=hide)
            parts.append(replace(shown_group, limit=component.max_length, counted=counted))
            row = None
        elif isinstance(component, Note):
            hide = write_condition(component.hide_if, fields)
            parts.append(ShownPart("note", component.text[filling.language], hide=hide))
            row = None
        elif not (component.other_of and component.other_of in explained):  # shown with the choice that it explains
            shown = replace(show_field(component, component.key, filling), hide=write_condition(component.hide_if, fields))
            if component.key in explained:
                shown = replace(shown, other=show_field(explained[component.key], explained[component.key].key, filling))
            if row is not None and component.place.row == row and parts[-1].kind == "row":
                parts[-1] = replace(parts[-1], fields=(*parts[-1].fields, shown))
            else:
                parts.append(ShownPart("row", fields=(shown,)))
            row = component.place.row
    return parts


def write_condition(condition: Expression | None, fields: Mapping[str, Field]) -> str:
    """A condition as JSON for the page's script: names carry how their field is read. Empty when the page cannot judge it: what
    it says of fields that nobody fills in here, or is more than comparisons, is judged when the form is sent.
    """
    tree = None if condition is None else write_portable(condition)
    if condition is None or tree is None:
        return ""
    asked = [fields.get(name) for name in condition.names]
    if any(each is None or each.kind not in READ_AS or each.read_only or each.masked for each in asked):
        return ""
    return json.dumps(tree_with_kinds(tree, fields), ensure_ascii=False)


def tree_with_kinds(tree: list[Any], fields: Mapping[str, Field]) -> list[Any]:
    """The tree with `["name", key, how it is read]` for each name."""
    head, *rest = tree
    if head == "name":
        return ["name", rest[0], READ_AS[fields[rest[0]].kind]]
    return [head, *(tree_with_kinds(part, fields) if isinstance(part, list) else part for part in rest)]


def show_field(each: Field, name: str, filling: Filling, value: Any = ...) -> ShownField:
    """One field with its value and its faults."""
    if value is ...:
        value = filling.values.get(each.key, each.default)
    options = tuple((option.value, option.label[filling.language]) for option in each.options or ())
    rows: tuple[tuple[tuple[ShownField, ...], ...], ...] = ()
    if each.kind is Kind.TABLE:
        rows = tuple(_show_row(each, f"{name}.{number}", row, filling) for number, row in enumerate(value or []))
    if each.kind is Kind.RANKING:  # the chosen ones first, in their order
        chosen = [str(item) for item in value or []]
        options = tuple(sorted(options, key=lambda option: chosen.index(option[0]) if option[0] in chosen else len(chosen)))
    files: tuple[Any, ...] = ()
    if each.kind is Kind.FILE:
        files = tuple(filling.files[file_id] for file_id in map(file_id_of, value or []) if file_id in filling.files)
    return ShownField(each, name, value, tuple(filling.faults.get(name, ())), options, rows, files)


def _show_row(table: Field, name: str, row: Mapping[str, Any], filling: Filling) -> tuple[tuple[ShownField, ...], ...]:
    lines = groupby(table.columns, key=lambda column: column.place.row or column.key)
    return tuple(
        tuple(show_field(column, f"{name}.{column.key}", filling, row.get(column.key)) for column in columns)
        for _line, columns in lines
    )


def file_id_of(item: Any) -> str:
    """The id of a file in a draft (an id) or in what was handed in (`{id, name, sha256}`)."""
    return str(item.get("id")) if isinstance(item, Mapping) else str(item)


def sort_faults(findings: Sequence[Finding], texts: Sequence[str]) -> dict[str, list[str]]:
    """Texts of findings by the name of the field in the page: `indicators[0].name` is `indicators.0.name`."""
    found: dict[str, list[str]] = {}
    for finding, text in zip(findings, texts, strict=True):
        path = (finding.path or "").replace("[", ".").replace("]", "")
        found.setdefault(path, []).append(text)
    return found
