"""A form for programs: its fields as people see them, and the JSON schema of the data that completing takes."""

from __future__ import annotations

from typing import Any

from pydantic import Field as Key

from api.rest.shapes import Free, Told
from workflows.forms import Field, Form


class LabelTold(Told):
    """A text in both languages."""

    zh: str
    en: str


class OptionTold(Told):
    """One value that can be chosen."""

    value: str
    label: LabelTold


class FieldTold(Told):
    """One field; `options` is null where any text is taken, `columns` are those of a table."""

    key: str
    kind: str
    label: LabelTold
    required: bool
    read_only: bool
    options: list[OptionTold] | None
    max_length: int | None
    minimum: str | None
    maximum: str | None
    decimals: int
    accept: list[str]
    max_files: int
    columns: list[FieldTold]


class FormTold(Told):
    """A form. `data` is the JSON schema of what `complete` takes; conditions between fields are checked beyond it."""

    id: str
    fields: list[FieldTold]
    data: Free = Key(description="JSON Schema")


def tell_form(form: Form) -> FormTold:
    """The form with the options bound to it."""
    return FormTold(
        id=form.id, fields=[tell_field(each) for each in form.fields], data=form.model.model_json_schema(by_alias=True)
    )


def tell_field(field: Field) -> FieldTold:
    """A field."""
    told: dict[str, Any] = {name: getattr(field, name) for name in FieldTold.model_fields if name not in ("kind", "columns")}
    return FieldTold.model_validate({**told, "kind": field.kind.value, "columns": [tell_field(each) for each in field.columns]})
