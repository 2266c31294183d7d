"""A form as a pydantic model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, create_model, model_validator
from pydantic import Field as Key
from pydantic_core import InitErrorDetails, PydanticCustomError

from workflows.forms.fields import Field, Kind
from workflows.forms.problems import FormInvalid

_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.LONG_TEXT: str,
    Kind.DATE: date,
    Kind.SELECT: str,
    Kind.RADIO: str,
    Kind.CHECKBOX: bool,
    Kind.CHECKLIST: list[str],
    Kind.RANKING: list[str],
}


class _StoredFile(BaseModel):
    id: str
    name: str
    sha256: str


def build_model(name: str, fields: Sequence[Field], parse: Callable[[Any], dict[str, Any]]) -> type[BaseModel]:
    """The model of a form; its validation is `parse`, whose findings become errors of the types `FieldRequired`, ...

    Attributes are `f_<key>` (a key may be any name, also one that pydantic uses itself); data and JSON schema use the keys.
    """

    def validate(data: Any) -> Any:
        try:
            return parse(data)
        except FormInvalid as problem:
            faults = [
                InitErrorDetails(
                    type=PydanticCustomError(found.code, "{code}", {"code": found.code, **found.values}),
                    loc=tuple(int(part) if part.isdigit() else part for part in (found.path or "").split(".") if part),
                    input=None,
                )
                for found in problem.findings
            ]
            raise ValidationError.from_exception_data(name, faults) from None

    validators: dict[str, Any] = {"parse": model_validator(mode="before")(validate)}
    return create_model(
        f"Form_{name}",
        __config__=ConfigDict(extra="forbid", title=name),
        __validators__=validators,
        **{f"f_{field.key}": _annotate(field) for field in fields if not field.read_only},
    )


def _annotate(field: Field) -> Any:
    needed = field.required and field.hide_if is None
    title: dict[str, Any] = {"alias": field.key, "title": field.label.zh, "description": _describe(field)}
    kind = _type_of(field)
    if field.kind in (Kind.CHECKLIST, Kind.RANKING, Kind.TABLE, Kind.FILE):
        return (kind, Key(**title)) if needed else (kind, Key(default_factory=list, **title))
    if needed:
        return (kind, Key(**title))
    return (bool, Key(False, **title)) if field.kind is Kind.CHECKBOX else (kind | None, Key(None, **title))


def _type_of(field: Field) -> Any:
    if field.kind is Kind.NUMBER:
        low = None if field.minimum is None else Decimal(field.minimum)
        high = None if field.maximum is None else Decimal(field.maximum)
        return Annotated[Decimal if field.decimals else int, Key(ge=low, le=high)]
    if field.kind is Kind.TABLE:
        columns = {f"f_{column.key}": _annotate(column) for column in field.columns if not column.read_only}
        row = create_model(f"Row_{field.key}", __config__=ConfigDict(extra="forbid"), **columns)
        return list[row]  # type: ignore[valid-type]
    if field.kind is Kind.FILE:
        return list[_StoredFile]
    if field.options and field.kind in (Kind.SELECT, Kind.RADIO):
        return Literal[tuple(option.value for option in field.options)]
    return _TYPES[field.kind]


def _describe(field: Field) -> str | None:
    limits = f"字数上限 {field.max_length}" if field.kind in (Kind.TEXT, Kind.LONG_TEXT) and field.max_length else ""
    parts = [field.label.en, field.description.zh if field.description else "", limits]
    return "; ".join(part for part in parts if part) or None
