"""What a browser sends of nested data, read back by its shape. Nothing is checked and nothing is lost: faults are told later.

Names in the browser's form: `document.title.value`; entries of lists and of free names by their place (`demands.0.key`), with
`demands.__count`; the name of a free entry is `dates.0.__name`. `__empty` says how an empty value was written before (null,
an empty list), `__extra` and `__raw` hold as JSON what has no field of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from api.pages.records.shapes import (
    Choice,
    Day,
    Lines,
    Listing,
    Named,
    Number,
    Plain,
    Record,
    Several,
    Shape,
    Slot,
    Variants,
    YesNo,
)

ABSENT: Final[Any] = type("Absent", (), {"__repr__": lambda self: "absent"})()
"""No value at all: the key is left out."""
COUNT, EMPTY, EXTRA, NAME, RAW = "__count", "__empty", "__extra", "__name", "__raw"
MOST_ENTRIES = 2_000


@dataclass(frozen=True, slots=True)
class Sent:
    """The browser's form, and the one thing that a button asked for: `add:demands`, `remove:demands.2`, `up:…`, `down:…`."""

    form: MultiDict[str, str]
    operation: str = ""

    def asks(self, verb: str, name: str) -> bool:
        """Whether the button was this one."""
        return self.operation == f"{verb}:{name}"


def read_shape(shape: Shape, name: str, sent: Sent, *, slot: Slot | None = None) -> Any:
    """The value under `name`; ABSENT when nothing of it is left and its key is not needed."""
    form = sent.form
    if f"{name}.{RAW}" in form:
        return _read_json(form[f"{name}.{RAW}"])
    if isinstance(shape, Record):
        return _read_record(shape, name, sent, slot)
    if isinstance(shape, Variants):
        return _read_variants(shape, name, sent, slot)
    if isinstance(shape, Listing):
        found: Any = [value for _place, value in _read_entries(shape.item, name, sent)]
        return found if found else _empty(name, sent, slot, [])
    if isinstance(shape, Named):
        named = _name_entries(name, sent, _read_entries(shape.item, name, sent))
        return named if named else _empty(name, sent, slot, {})
    return _read_single(shape, name, sent, slot)


def _read_record(shape: Record, name: str, sent: Sent, slot: Slot | None) -> Any:
    found: dict[str, Any] = {}
    for each in shape.slots:
        value = read_shape(each.shape, f"{name}.{each.name}" if name else each.name, sent, slot=each)
        if value is not ABSENT:
            found[each.name] = value
    extra = _read_json(sent.form.get(f"{name}.{EXTRA}" if name else EXTRA, ""))
    if isinstance(extra, Mapping):
        found |= extra
    elif extra not in ("", None):
        found[EXTRA] = extra
    if _is_blank(found) and slot is not None:
        return _empty(name, sent, slot, ABSENT)
    return found


def _read_variants(shape: Variants, name: str, sent: Sent, slot: Slot | None) -> Any:
    key = f"{name}.{shape.key}" if name else shape.key
    word, was = sent.form.get(key, ""), sent.form.get(f"{name}.__was" if name else "__was", "")
    record = shape.by_word.get(was or word, Record(()))  # the fields on the page are those of the kind that it was
    found = _read_record(record, name, sent, None)
    if word != was:  # what the new kind does not have is let go; empty values are not written for it
        known = {each.name for each in shape.by_word.get(word, Record(())).slots}
        found = {inner: value for inner, value in found.items() if inner in known and value not in (None, "", [], {})}
    if not word and not found and slot is not None:
        return ABSENT
    return {shape.key: word, **found}


def _read_entries(item: Shape, name: str, sent: Sent) -> list[tuple[int, Any]]:
    count = sent.form.get(f"{name}.{COUNT}", "0")
    numbers = list(range(min(int(count), MOST_ENTRIES))) if count.isascii() and count.isdigit() and len(count) < 6 else []
    for place, number in enumerate(numbers):
        if sent.asks("up", f"{name}.{number}") and place > 0:
            numbers[place - 1], numbers[place] = numbers[place], numbers[place - 1]
            break
        if sent.asks("down", f"{name}.{number}") and place < len(numbers) - 1:
            numbers[place + 1], numbers[place] = numbers[place], numbers[place + 1]
            break
    found = []
    for number in numbers:
        if not sent.asks("remove", f"{name}.{number}"):
            value = read_shape(item, f"{name}.{number}", sent)
            found.append((number, {} if value is ABSENT else value))
    if sent.asks("add", name):
        found.append(
            (-1, {item.key: item.records[0][0]} if isinstance(item, Variants) else {} if isinstance(item, Record) else "")
        )
    return found


def _name_entries(name: str, sent: Sent, entries: list[tuple[int, Any]]) -> dict[str, Any]:
    """Free entries under their names; a name that stands already gets a number, so that no entry is lost."""
    found: dict[str, Any] = {}
    for number, value in entries:
        wanted = sent.form.get(f"{name}.{number}.{NAME}", "").strip() or "new"
        key, more = wanted, 2
        while key in found:
            key, more = f"{wanted}_{more}", more + 1
        found[key] = value
    return found


def _read_single(shape: Shape, name: str, sent: Sent, slot: Slot | None) -> Any:
    if isinstance(shape, Several):
        return [word for word in sent.form.getlist(name) if word] or _empty(name, sent, slot, [])
    text = sent.form.get(name, "").replace("\r\n", "\n").strip()
    if isinstance(shape, Lines):
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        return [_read_item(shape.item, line) for line in lines] or _empty(name, sent, slot, [])
    if not text:
        return _empty(name, sent, slot, None)
    if isinstance(shape, YesNo):
        return {"yes": True, "no": False}.get(text, text)
    if isinstance(shape, Choice):
        return text
    if isinstance(shape, Plain) and all(line.startswith("- ") for line in text.split("\n")):
        return [_read_item(shape, line[2:].strip()) for line in text.split("\n")]
    return _read_item(shape, text)


def _read_item(shape: Shape, text: str) -> Any:
    if isinstance(shape, Plain):
        return read_plain(text)
    if isinstance(shape, Number):
        return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) else text
    if isinstance(shape, Day) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text


def read_plain(text: str) -> Any:
    """A single value of any kind as it was typed; in quotes it is a text whatever it looks like."""
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
        return int(text)
    if len(text) > 1 and text[0] == text[-1] == '"' and isinstance(inner := _read_json(text), str):
        return inner
    return text


def _empty(name: str, sent: Sent, slot: Slot | None, otherwise: Any) -> Any:
    """How nothing is written: as it was before, else left out where the key is not needed."""
    mark = sent.form.get(f"{name}.{EMPTY}")
    if mark in ("null", '""', "[]", "{}"):
        return json.loads(mark)
    if slot is None:
        return otherwise
    return None if slot.required and slot.nullable else ABSENT


def _is_blank(value: Any) -> bool:
    """Whether nothing was typed anywhere in it."""
    if isinstance(value, Mapping):
        return all(_is_blank(inner) for inner in value.values())
    return value in (None, "", [])


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def order_like(new: Any, old: Any) -> Any:
    """`new` with the keys of mappings in the order in which `old` has them; what is new comes last."""
    if isinstance(new, Mapping) and isinstance(old, Mapping):
        keys = [*(key for key in old if key in new), *(key for key in new if key not in old)]
        return {key: order_like(new[key], old.get(key)) for key in keys}
    if isinstance(new, list) and isinstance(old, list):
        return [order_like(item, old[place] if place < len(old) else None) for place, item in enumerate(new)]
    return new
