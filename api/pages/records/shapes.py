"""What a value may look like, read from the annotations of pydantic models: a new key of a model is a new field of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Text:
    """One text."""


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number."""


@dataclass(frozen=True, slots=True)
class YesNo:
    """Yes or no."""


@dataclass(frozen=True, slots=True)
class Day:
    """A day, ISO 8601."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """A list of some words."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plain:
    """A text, a number, yes or no, nothing, or a list of these: as it is written."""


@dataclass(frozen=True, slots=True)
class Lines:
    """A list of single values, one a line."""

    item: Text | Number | Day | Plain


@dataclass(frozen=True, slots=True)
class Slot:
    """One key of a record."""

    name: str
    shape: Shape
    required: bool = True
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with these keys."""

    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of records."""

    item: Record | Variants


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping of free names to values of one shape."""

    item: Shape


@dataclass(frozen=True, slots=True)
class Variants:
    """One of several records, told apart by what stands under `key`."""

    key: str
    records: tuple[tuple[str, Record], ...]

    @property
    def by_word(self) -> Mapping[str, Record]:
        """The records by the word that chooses them."""
        return dict(self.records)


Shape = Text | Number | YesNo | Day | Choice | Several | Plain | Lines | Record | Listing | Named | Variants
_SINGLE = (Text, Number, Day, Plain)


@cache
def shape_of(annotation: Any) -> Shape:
    """The shape of a type that a model names. What it does not know is shown as it is written.

    Whether None is allowed is the slot's matter, see `record_of`.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        return shape_of(get_args(annotation)[0])
    if origin is Literal:
        words = get_args(annotation)
        return Choice(tuple(map(str, words))) if all(isinstance(word, str) for word in words) else Plain()
    if origin in (Union, UnionType):
        return _union([each for each in get_args(annotation) if each is not NoneType])
    if origin in (tuple, list):
        return _list(get_args(annotation)[0])
    if origin is dict:
        return Named(shape_of(get_args(annotation)[1]))
    if isinstance(annotation, type):
        if issubclass(annotation, BaseModel):
            return record_of(annotation)
        for kind, shape in ((bool, YesNo()), (int, Number()), (date, Day()), (str, Text())):
            if issubclass(annotation, kind):
                return shape
    return Plain()


@cache
def record_of(model: type[BaseModel]) -> Record:
    """A model as a record, its keys spelt as in the file."""
    return Record(
        tuple(
            Slot(info.alias or name, shape_of(_full(info.annotation)), info.is_required(), _takes_none(info.annotation))
            for name, info in model.model_fields.items()
        )
    )


def _full(annotation: Any) -> Any:
    return annotation if annotation is not None else NoneType


def _takes_none(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _takes_none(get_args(annotation)[0])
    return get_origin(annotation) in (Union, UnionType) and any(_is_none(each) for each in get_args(annotation))


def _is_none(annotation: Any) -> bool:
    return annotation is NoneType or _takes_none(annotation)


def _list(item: Any) -> Shape:
    shape = shape_of(item)
    if isinstance(shape, Choice):
        return Several(shape.options)
    if isinstance(shape, (Record, Variants)):
        return Listing(shape)
    return Lines(shape) if isinstance(shape, _SINGLE) else Plain()


def _union(parts: list[Any]) -> Shape:
    parts = [inner for part in parts for inner in _members(part)]
    if len(parts) == 1:
        return shape_of(parts[0])
    models = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
    key = _discriminator(models)
    if models and len(models) == len(parts) and key is not None:
        records = tuple((str(model.model_fields[key].default), _without(record_of(model), key)) for model in models)
        return Variants(key, records)
    return Plain()


def _members(annotation: Any) -> list[Any]:
    """The members of a union, unions and annotations within it opened."""
    if get_origin(annotation) is Annotated and get_origin(get_args(annotation)[0]) in (Union, UnionType):
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [inner for each in get_args(annotation) if each is not NoneType for inner in _members(each)]
    return [annotation]


def _discriminator(models: list[type[BaseModel]]) -> str | None:
    """The key whose word tells the models apart: in each a literal that is its default."""
    for name in models[0].model_fields if models else ():
        infos = [model.model_fields.get(name) for model in models]
        words = {info.default for info in infos if info is not None and get_origin(info.annotation) is Literal}
        if len(words) == len(models) and all(isinstance(word, str) for word in words):
            return name
    return None


def _without(record: Record, key: str) -> Record:
    return Record(tuple(slot for slot in record.slots if slot.name != key))
