"""Two versions of a notice beside each other: which files, which values, which elements of the diagrams differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import orjson

from engine.model import Drawn, list_drawn
from workflows.notices.folders import Files
from workflows.notices.source import NOTICE, read_yaml

What = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One value: `path` within its file or element; None on the side that does not have it."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class ElementChange:
    """One element of a diagram, and which of its values differ."""

    id: str
    name: str
    what: What
    values: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file. `moved` are the names of elements that only lie elsewhere. Without any detail it could not be read."""

    path: str
    what: What
    values: tuple[Change, ...] = ()
    elements: tuple[ElementChange, ...] = ()
    moved: tuple[str, ...] = ()


def compare_folders(before: Files, after: Files) -> tuple[FileChange, ...]:
    """What differs between two folders, file by file. Spelling of YAML, JSON and XML does not count."""
    found = []
    for path in sorted({*before, *after}, key=lambda path: (path != NOTICE, not path.endswith(".bpmn"), path)):
        old, new = before.get(path), after.get(path)
        if old is None or new is None:
            found.append(FileChange(path, "added" if old is None else "removed"))
        elif old != new and (change := _compare_file(path, old, new)) is not None:
            found.append(change)
    return tuple(found)


def _compare_file(path: str, old: bytes, new: bytes) -> FileChange | None:
    if path.endswith(".bpmn"):
        return _compare_diagrams(path, list_drawn(old), list_drawn(new))
    before, after = _read_data(path, old), _read_data(path, new)
    if before is None or after is None:
        return FileChange(path, "changed")
    values = tuple(compare_values(before, after))
    return FileChange(path, "changed", values) if values else None


def _read_data(path: str, content: bytes) -> Any:
    if path == NOTICE:
        return read_yaml(content)[0]
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def compare_values(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """Differences within nested data. Items of lists that have a key are compared by it, others by their place."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            inner = f"{path}.{name}" if path else str(name)
            yield from compare_values(before.get(name, _ABSENT), after.get(name, _ABSENT), inner)
    elif isinstance(before, list) and isinstance(after, list):
        old, new = _by_key(before), _by_key(after)
        if old is None or new is None:
            old, new = dict(enumerate(before)), dict(enumerate(after))
        for key in dict.fromkeys([*old, *new]):
            yield from compare_values(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{path}[{key}]")
        common = [key for key in old if key in new]
        if common != [key for key in new if key in old]:
            yield Change(path, ", ".join(map(str, old)), ", ".join(map(str, new)))
    elif before is not after and _plain(before) != _plain(after):
        yield Change(path, _say(before), _say(after))


_ABSENT = object()


def _by_key(items: list[Any]) -> dict[Any, Any] | None:
    for name in ("key", "path", "value", "id"):
        keys = [item.get(name) if isinstance(item, Mapping) else None for item in items]
        if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
            return dict(zip(keys, items, strict=True))
    return None


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _say(value: Any) -> str | None:
    if value is _ABSENT:
        return None
    if isinstance(value, (Mapping, list)):
        return orjson.dumps(value, default=str).decode()
    return str(_plain(value)) if value is not None else "null"


def _compare_diagrams(path: str, old: Mapping[str, Drawn] | None, new: Mapping[str, Drawn] | None) -> FileChange | None:
    if old is None or new is None:
        return FileChange(path, "changed")
    elements, moved = [], []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if before is None or after is None:
            one = before or after
            assert one is not None
            elements.append(ElementChange(key, one.name, "added" if before is None else "removed"))
            continue
        values = tuple(compare_values({"": before.kind, **before.values}, {"": after.kind, **after.values}))
        if values:
            elements.append(ElementChange(key, after.name or before.name, "changed", values))
        elif before.place != after.place:
            moved.append(after.name or key)
    return FileChange(path, "changed", (), tuple(elements), tuple(moved)) if elements or moved else None
