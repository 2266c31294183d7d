"""Data as the page shows it: every value in its field whatever is wrong with it, faults at their places."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from api.pages.records.reading import ABSENT, COUNT, EMPTY, EXTRA, RAW, read_plain
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

LONG = 40
"""A text of more characters has several lines on the page."""


@dataclass(frozen=True, slots=True)
class Node:
    """One field, or several under one heading. `name` is that of the browser's form, `path` the place as findings write it.

    `more` are fields that few need: folded away unless they hold something or something is wrong there.
    """

    kind: str
    name: str
    path: str
    label: str
    value: Any = None
    faults: tuple[str, ...] = ()
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    parts: tuple[Node, ...] = ()
    more: tuple[Node, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    entry: str | None = None

    @property
    def id(self) -> str:
        """The element's id."""
        return "edit_" + self.name.replace(".", "_")

    @property
    def filled(self) -> bool:
        """Whether there is something to see or to mend in it."""
        own = bool(self.faults) or self.value not in (None, "", []) or self.kind in ("listing", "named") and bool(self.parts)
        return own or any(part.filled for part in (*self.parts, *self.more))

    @property
    def faulty(self) -> bool:
        """Whether something is wrong in it."""
        return bool(self.faults) or any(part.faulty for part in (*self.parts, *self.more))


@dataclass(frozen=True, slots=True)
class Showing:
    """What showing needs to know: words for keys and choices, texts of faults by place, keys that come last or folded."""

    label: Callable[[str], str]
    option: Callable[[str], str]
    faults: Mapping[str, Sequence[str]] = field(default_factory=dict)
    folded: frozenset[str] = frozenset()
    last: frozenset[str] = frozenset()


def show_shape(shape: Shape, value: Any, name: str, path: str, showing: Showing, *, slot: Slot | None = None) -> Node:
    """The value in its field. A value of another shape is shown as it is written, so that it can be mended."""
    key = slot.name if slot else path.rpartition(".")[2]
    required = slot is not None and slot.required and not slot.nullable
    given: dict[str, Any] = {
        "name": name,
        "path": path,
        "label": showing.label(key),
        "faults": tuple(showing.faults.get(path, ())),
        "required": required,
    }
    if value in (None, "", [], {}) and value is not ABSENT:
        given["marks"] = ((f"{name}.{EMPTY}", json.dumps(value)),)
    if not _fits(shape, value):
        return Node(
            "raw", value=json.dumps(value, ensure_ascii=False, indent=1, default=str), **{**given, "name": f"{name}.{RAW}"}
        )
    if isinstance(shape, Record):
        parts = _show_record(shape, {} if value in (ABSENT, None) else value, name, path, showing)
        folded = {each.name for each in shape.slots if each.name in showing.folded}
        return Node(
            "record",
            parts=tuple(part for part, key in parts if key not in folded),
            more=tuple(part for part, key in parts if key in folded),
            **given,
        )
    if isinstance(shape, Variants):
        return _show_variants(shape, value, showing, given)
    if isinstance(shape, (Listing, Named)):
        return _show_entries(shape, value, showing, given)
    return _show_single(shape, value, showing, given)


def _fits(shape: Shape, value: Any) -> bool:
    if value is ABSENT or value is None:
        return True
    if isinstance(shape, (Record, Variants, Named)):
        return isinstance(value, Mapping)
    if isinstance(shape, (Listing, Lines, Several)):
        single = not any(isinstance(item, (Mapping, list)) for item in value) if isinstance(value, list) else False
        return isinstance(value, list) and (isinstance(shape, Listing) or single)
    if isinstance(shape, Plain):
        return not isinstance(value, Mapping) and not (
            isinstance(value, list) and any(isinstance(item, (Mapping, list)) for item in value)
        )
    if isinstance(shape, YesNo):
        return isinstance(value, bool)
    return not isinstance(value, (Mapping, list))


def _show_record(shape: Record, value: Mapping[str, Any], name: str, path: str, showing: Showing) -> list[tuple[Node, str]]:
    found = []
    for slot in sorted(shape.slots, key=lambda slot: slot.name in showing.last):
        inner, place = f"{name}.{slot.name}" if name else slot.name, f"{path}.{slot.name}" if path else slot.name
        found.append((show_shape(slot.shape, value.get(slot.name, ABSENT), inner, place, showing, slot=slot), slot.name))
    known = {slot.name for slot in shape.slots}
    extra = {key: item for key, item in value.items() if key not in known}
    if extra:
        faults = [text for key in extra for text in showing.faults.get(f"{path}.{key}" if path else key, ())]
        text = json.dumps(extra, ensure_ascii=False, indent=1, default=str)
        own = f"{name}.{EXTRA}" if name else EXTRA
        found.append((Node("extra", own, path, showing.label(EXTRA), text, tuple(faults)), EXTRA))
    return found


def _show_variants(shape: Variants, value: Any, showing: Showing, given: dict[str, Any]) -> Node:
    held = {} if value in (ABSENT, None) else value
    word = held.get(shape.key)
    name, path = given["name"], given["path"]
    place = f"{path}.{shape.key}" if path else shape.key
    options = tuple((each, showing.option(each)) for each, _record in shape.records)
    if isinstance(word, str) and word and word not in shape.by_word:
        options = (*options, (word, word))
    choice = Node(
        "choice",
        f"{name}.{shape.key}" if name else shape.key,
        place,
        showing.label(shape.key),
        word if isinstance(word, str) else "",
        tuple(showing.faults.get(place, ())),
        True,
        options,
        marks=((f"{name}.__was" if name else "__was", word if isinstance(word, str) else ""),),
    )
    record = shape.by_word.get(word, Record(())) if isinstance(word, str) else Record(())
    rest = {key: item for key, item in held.items() if key != shape.key}
    parts = _show_record(record, rest, name, path, showing)
    folded = {slot.name for slot in record.slots if slot.name in showing.folded}
    return Node(
        "variants",
        parts=(choice, *(part for part, key in parts if key not in folded)),
        more=tuple(part for part, key in parts if key in folded),
        **given,
    )


def _show_entries(shape: Listing | Named, value: Any, showing: Showing, given: dict[str, Any]) -> Node:
    name, path = given["name"], given["path"]
    parts = []
    if isinstance(shape, Named):
        entries = list(value.items()) if isinstance(value, Mapping) else []
        for number, (key, item) in enumerate(entries):
            node = show_shape(shape.item, item, f"{name}.{number}", f"{path}.{key}" if path else key, showing)
            faults = (*node.faults, *showing.faults.get(f"{path}.{key}.[key]", ()))
            parts.append(_entry(node, key, faults))
    else:
        for number, item in enumerate(value if isinstance(value, list) else []):
            node = show_shape(shape.item, item, f"{name}.{number}", f"{path}[{number}]", showing)
            parts.append(_entry(node, None, node.faults))
    marks = (*given.pop("marks", ()), (f"{name}.{COUNT}", str(len(parts))))
    return Node("named" if isinstance(shape, Named) else "listing", parts=tuple(parts), marks=marks, **given)


def _entry(node: Node, key: str | None, faults: tuple[str, ...]) -> Node:
    values = {part.name.rpartition(".")[2]: part.value for part in node.parts}
    titles = [values.get(name) for name in ("zh", "short_name", "name", "label", "task", "key", "value")]
    label = next((str(title) for title in titles if title), node.label) if key is None else key
    return replace(node, label=label, faults=faults, entry=key)


def _show_single(shape: Shape, value: Any, showing: Showing, given: dict[str, Any]) -> Node:
    text = "" if value in (ABSENT, None) else value
    if isinstance(shape, YesNo):
        return Node("yesno", value={True: "yes", False: "no"}.get(value, "") if isinstance(value, bool) else "", **given)
    if isinstance(shape, Choice):
        options = tuple((word, showing.option(word)) for word in shape.options)
        if text and text not in shape.options:  # what is wrong is shown as well
            options = (*options, (str(text), str(text)))
        return Node("choice", value=str(text), options=options, **given)
    if isinstance(shape, Several):
        chosen = [str(item) for item in text] if isinstance(text, list) else []
        options = tuple((word, showing.option(word)) for word in dict.fromkeys((*shape.options, *chosen)))
        return Node("several", value=chosen, options=options, **given)
    if isinstance(shape, Lines):
        return Node("lines", value="\n".join(write_plain(item) for item in text) if isinstance(text, list) else "", **given)
    if isinstance(shape, Plain) and isinstance(text, list):
        return Node("lines", value="\n".join(f"- {quote_plain(item)}" for item in text), **given)
    written = "" if text == "" else quote_plain(text) if isinstance(shape, Plain) else write_plain(text)
    kind = {Number: "number", Day: "day"}.get(type(shape), "text")
    if kind == "text" and (len(written) > LONG or "\n" in written):
        kind = "long"
    return Node(kind, value=written, **given)


def quote_plain(value: Any) -> str:
    """A single value of any kind as it is typed: a text that reads like something else stands in quotes."""
    written = write_plain(value)
    unlike = isinstance(value, str) and (not value or read_plain(written) != value)
    return json.dumps(value, ensure_ascii=False) if unlike else written


def write_plain(value: Any) -> str:
    """A single value as it is typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return "null" if value is None else str(value)
