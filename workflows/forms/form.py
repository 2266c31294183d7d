"""A form: read from Camunda Forms JSON, shown to readers of different rights, and the one validation of what is filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.errors import Finding
from engine.expressions import Expression, ExpressionFailed
from workflows.forms.counting import count_words
from workflows.forms.fields import Component, Field, Kind, Label, Option
from workflows.forms.model import build_model
from workflows.forms.problems import FormInvalid, FormRefused
from workflows.forms.reading import read_components
from workflows.forms.tree import change_fields, conditions_by_field, list_counted, list_fields, list_groups
from workflows.forms.values import Reader, Upload, is_empty, means_other
from workflows.rules.masks import mask_value

if TYPE_CHECKING:
    from pydantic import BaseModel

MOST_KEYS = 1_000
"""Keys of one submission."""
_SEES_PERSONAL = frozenset(("applicant", "auditor", "organiser"))
"""Roles that work with the persons named in a form."""


@dataclass(frozen=True)
class Form:
    """A form, immutable and shared. `components` are what a page shows, in order; `fields` those of them that hold values."""

    id: str
    components: tuple[Component, ...]

    @classmethod
    def load(cls, source: bytes | str | Mapping[str, Any], *, name: str = "") -> Form:
        """Read a form in Camunda Forms JSON.

        Raises FormRefused with all findings; their paths look like `components[3].validate.maxLength`.
        """
        form_id, components, findings = read_components(source)
        if findings:
            raise FormRefused(findings=findings, name=name or form_id)
        return cls(form_id, components)

    # ---- what it holds ----
    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """All fields in the order of the page, those in groups too; the columns of a table stand in its field."""
        return tuple(list_fields(self.components))

    @cached_property
    def by_key(self) -> dict[str, Field]:
        """The fields by their keys."""
        return {field.key: field for field in self.fields}

    @cached_property
    def model(self) -> type[BaseModel]:
        """The form as a pydantic model, for typed data and OpenAPI; its validation is `parse`, with the same findings."""
        return build_model(self.id, self.fields, self.parse)

    @property
    def defaults(self) -> dict[str, Any]:
        """What a new page shows: the values that the form states."""
        return {field.key: field.default for field in self.fields if field.default is not None}

    # ---- for whom ----
    def bind(self, options: Mapping[str, Iterable[tuple[str, str] | Option]]) -> Form:
        """The form with the options that come from outside, by the name that the form gives them (`valuesKey`).

        Pairs are (value, label). Until options are bound, any value is taken and the handler must check it.
        """
        wanted = {each.options_from for field in self.fields for each in (field, *field.columns)} & options.keys()
        if not wanted:
            return self
        bound = {name: tuple(_read_option(item) for item in options[name]) for name in wanted if name is not None}

        def change(field: Field) -> Field:
            return replace(field, options=bound[field.options_from]) if field.options_from in bound else field

        return replace(self, components=change_fields(self.components, change))

    def freeze(self, keys: frozenset[str]) -> Form:
        """The form with these fields only to be read: their values were decided elsewhere, and `parse` does not take them."""

        def change(field: Field) -> Field:
            return replace(field, read_only=True) if field.key in keys else field

        return replace(self, components=change_fields(self.components, change)) if keys else self

    def append(self, field: Field) -> Form:
        """The form with one more field at its end, that does not belong to what its designer drew."""
        return replace(self, components=(*self.components, field))

    def visible_for(self, role: str | None, *, blind: bool | None = None) -> Form:
        """The form as a reader of `role` may see it (None: the public).

        In blind review (`blind`; unless said otherwise, for experts) the fields that the form hides from experts are gone.
        Personal data are masked for everybody but applicants, auditors and organisers; identity numbers then are gone.
        """
        blind = role == "expert" if blind is None else blind
        plain = role in _SEES_PERSONAL and not blind
        if (blind, plain) not in self._views:
            self._views[blind, plain] = self._show_to(blind=blind, plain=plain)
        return self._views[blind, plain]

    @cached_property
    def _views(self) -> dict[tuple[bool, bool], Form]:
        """What its readers see, made once: a form never changes."""
        return {}

    def _show_to(self, *, blind: bool, plain: bool) -> Form:
        def change(field: Field) -> Field | None:
            if blind and not field.shown_blind:
                return None
            if field.personal is None or plain:
                return field
            return None if field.personal == "identity" else replace(field, masked=True)

        return replace(self, components=change_fields(self.components, change))

    def show(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """`values` as this form's reader may see them: only its fields, masked where the form says so."""
        return {field.key: _show(field, values[field.key]) for field in self.fields if field.key in values}

    # ---- what is filled in ----
    def parse(self, data: Any, *, files: Iterable[Upload] = ()) -> dict[str, Any]:
        """What was filled in, as it is stored: JSON values, texts trimmed and in NFC, decimals as text, days as ISO 8601.

        Every field that is not read-only has its key (None, [] or False when empty or hidden by a condition). Read-only
        fields are not taken from `data`. `files` are the uploads of this task; without a list of ids in `data` a file
        field takes all of its own.

        Raises FormInvalid with all faults at once; the path of each finding is the field's key (`table.0.column` in tables).
        """
        if not isinstance(data, Mapping):
            raise FormInvalid(findings=[Finding("FormDataNotObject")])
        reader = Reader(files)
        unknown = self._find_unknown(data)
        values = {field.key: reader.read(field, data.get(field.key), field.key) for field in self.fields if not field.read_only}
        hidden = self._find_hidden(values)
        for field in self.fields:
            if field.read_only:
                continue
            if field.key in hidden or self._explains_nothing(field, values):
                values[field.key] = [] if isinstance(values[field.key], list) else False if field.kind is Kind.CHECKBOX else None
                for path in [path for path in reader.faults if path == field.key or path.startswith(f"{field.key}.")]:
                    del reader.faults[path]
            elif is_empty(values[field.key]) and self._is_required(field, values):
                reader.require(field, field.key)
        findings = unknown + [finding for faults in reader.faults.values() for finding in faults]
        findings += self._find_long_groups(values)
        if findings:
            order = {field.key: place for place, field in enumerate(self.fields)}
            findings.sort(key=lambda finding: order.get((finding.path or "").split(".")[0], -1))
            raise FormInvalid(findings=findings)
        return values

    def _find_unknown(self, data: Mapping[Any, Any]) -> list[Finding]:
        if len(data) > MOST_KEYS:
            return [Finding("FormDataTooLarge", values={"limit": MOST_KEYS})]
        found = []
        for key in [str(key)[:80] for key in data if key not in self.by_key]:
            near = get_close_matches(key, list(self.by_key), n=1)
            code = "FieldMisspelt" if near else "FieldUnknown"
            found.append(Finding(code, path=key, values={"key": key, "suggestion": near[0] if near else ""}))
        return found

    def _find_long_groups(self, values: Mapping[str, Any]) -> list[Finding]:
        """Groups whose texts together are longer than allowed; told at the first of them."""
        found = []
        for group in list_groups(self.components):
            texts = list_counted(group)
            length = sum(count_words(values.get(field.key) or "") for field in texts)
            if group.max_length is not None and length > group.max_length:
                said = {"label": group.label.zh, "label_en": group.label.en, "length": length, "limit": group.max_length}
                found.append(Finding("FieldGroupTooLong", path=texts[0].key, values=said))
        return found

    def _find_hidden(self, values: Mapping[str, Any]) -> set[str]:
        """Keys of fields that a condition hides; in the order of the page, a hidden field counts as empty for those after it."""
        seen = dict(values)
        hidden = set()
        for key, conditions in self._conditions.items():
            if any(_holds(condition, self.fields, seen) for condition in conditions):
                hidden.add(key)
                seen[key] = None
        return hidden

    @cached_property
    def _conditions(self) -> dict[str, tuple[Expression, ...]]:
        return {key: found for key, found in conditions_by_field(self.components).items() if found}

    def _explains_nothing(self, field: Field, values: Mapping[str, Any]) -> bool:
        return field.other_of is not None and not means_other(values.get(field.other_of))

    def _is_required(self, field: Field, values: Mapping[str, Any]) -> bool:
        if field.required or field.other_of is not None:  # an 其它 that explains nothing was put aside before
            return True
        return field.required_if is not None and _holds(field.required_if, self.fields, values)


def _holds(condition: Expression, fields: Sequence[Field], values: Mapping[str, Any]) -> bool:
    """Whether a condition holds with these values. One that cannot be told because a value it names is still empty does not.

    Raises ExpressionFailed when it cannot be evaluated with values that are all there.
    """
    seen = {field.key: _as_number(field, values.get(field.key)) for field in fields}
    try:
        return bool(condition.evaluate(seen))
    except ExpressionFailed:
        if any(seen[name] is None for name in condition.names):
            return False
        raise


def _as_number(field: Field, value: Any) -> Any:
    """Decimals are texts when stored; conditions compare them as numbers."""
    return float(value) if field.kind is Kind.NUMBER and isinstance(value, str) else value


def _show(field: Field, value: Any) -> Any:
    if field.kind is Kind.TABLE and isinstance(value, list):
        return [{column.key: _show(column, row[column.key]) for column in field.columns if column.key in row} for row in value]
    return mask_value(field.personal, value) if field.masked else value


def _read_option(item: tuple[str, str] | Option) -> Option:
    return item if isinstance(item, Option) else Option(item[0], Label(item[1], item[1]))
