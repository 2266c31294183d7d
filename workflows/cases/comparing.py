"""Two versions of an application side by side: which fields changed, and in a text which words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Literal

from workflows.cases.views import VersionView
from workflows.forms import Field, Form, Kind

LONGEST = 4_000
"""Words up to which two texts are compared word by word; longer ones sentence by sentence (the time grows with the square)."""
SHORTEST_SAME = 2
"""Shorter equal pieces between two changes are read as part of the change: a lone 的 that stayed tells nobody anything."""

_WORDS = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)*|\s+|.", re.DOTALL)
_SENTENCES = re.compile(r"[^。！？；\n]*[。！？；\n]?", re.DOTALL)

What = Literal["same", "added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text: in both versions (`same`), only in the earlier (`removed`), only in the later (`added`)."""

    what: What
    text: str


@dataclass(frozen=True, slots=True)
class RowDifference:
    """What became of a row of a table; None where a version has none. `cells` are the columns by key in which a changed row
    differs, with the pieces of a text."""

    what: What
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    cells: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FileDifference:
    """What became of a file (as the values name it: id, name, sha256); `changed`: another took its place."""

    what: What
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A field (`path` is its key) that differs. `field` is that of the later form, or the earlier where it is gone.

    `pieces` are those of a text, `rows` those of a table, `files` those that differ.
    """

    field: Field
    what: What
    before: Any
    after: Any
    pieces: tuple[Piece, ...] = ()
    rows: tuple[RowDifference, ...] = ()
    files: tuple[FileDifference, ...] = ()


def compare_versions(before: VersionView, after: VersionView) -> tuple[Difference, ...]:
    """All fields that differ between two versions, in the order of the later form; fields that are gone at the end.

    Only what the two views show is compared: who reads blind learns of no difference that they may not see.
    """
    fields = {field.key: field for field in after.form.fields}
    gone = [field for field in before.form.fields if field.key not in fields]
    found = (_compare(field, before.values.get(field.key), after.values.get(field.key)) for field in (*fields.values(), *gone))
    return tuple(difference for difference in found if difference is not None)


def compare_values(form: Form, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The fields of one form whose values differ, but for files and what is only shown; `after` may leave fields out."""
    asked = [field for field in form.fields if field.key in after and not field.read_only and field.kind is not Kind.FILE]
    found = (_compare(field, before.get(field.key), after[field.key]) for field in asked)
    return tuple(difference for difference in found if difference is not None)


def compare_texts(before: str, after: str) -> tuple[Piece, ...]:
    """Two texts as pieces: read with the removed ones it is the earlier text, with the added ones the later."""
    left, right = _split(before, after)
    pieces: list[Piece] = []
    for code, a, b, c, d in _join(SequenceMatcher(None, left, right, autojunk=False).get_opcodes()):
        if code == "equal":
            pieces.append(Piece("same", "".join(left[a:b])))
            continue
        if a < b:
            pieces.append(Piece("removed", "".join(left[a:b])))
        if c < d:
            pieces.append(Piece("added", "".join(right[c:d])))
    return tuple(pieces)


def _split(before: str, after: str) -> tuple[list[str], list[str]]:
    left, right = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(left), len(right)) > LONGEST:
        left, right = ([each for each in _SENTENCES.findall(text) if each] for text in (before, after))
    return left, right


Code = tuple[str, int, int, int, int]


def _join(codes: Sequence[Code]) -> list[Code]:
    """Changes that stand nearer to each other than `SHORTEST_SAME` become one."""
    joined: list[Code] = []
    for place, (code, a, b, c, d) in enumerate(codes):
        between = code == "equal" and b - a < SHORTEST_SAME and 0 < place < len(codes) - 1
        kind = "replace" if between else code
        if joined and kind != "equal" and joined[-1][0] != "equal":
            _, first, _, second, _ = joined.pop()
            joined.append(("replace", first, b, second, d))
        else:
            joined.append((kind, a, b, c, d))
    return joined


def _compare(field: Field, before: Any, after: Any) -> Difference | None:
    before, after = _empty(before), _empty(after)
    if before == after:
        return None
    what: What = "added" if before is None else "removed" if after is None else "changed"
    if field.kind is Kind.FILE:
        return _compare_files(field, what, before or [], after or [])
    if field.kind is Kind.TABLE:
        return Difference(field, what, before, after, rows=_compare_rows(field, before or [], after or []))
    pieces = compare_texts(str(before or ""), str(after or "")) if field.kind in (Kind.TEXT, Kind.LONG_TEXT) else ()
    return Difference(field, what, before, after, pieces)


def _empty(value: Any) -> Any:
    return None if value in ("", [], None) else value


def _compare_files(field: Field, what: What, before: Sequence[Any], after: Sequence[Any]) -> Difference | None:
    """By content: what was sent again under the same name with other bytes took the other's place, as does the only file."""
    had, has = ({(file["name"], file.get("sha256")): file for file in files} for files in (before, after))
    gone, new = ([side[each] for each in side if each not in other] for side, other in ((had, has), (has, had)))
    if not gone and not new:
        return None
    found: list[FileDifference] = []
    for old in gone:
        only = len(before) == len(after) == 1
        heir = next((file for file in new if only or file["name"] == old["name"]), None)
        if heir is not None:
            new.remove(heir)
        found.append(FileDifference("removed" if heir is None else "changed", old, heir))
    found += [FileDifference("added", None, file) for file in new]
    return Difference(field, what, before, after, files=tuple(found))


def _compare_rows(
    field: Field, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> tuple[RowDifference, ...]:
    """Rows that stayed are found by their content; between them the first that is gone became the first that is new."""
    left, right = ([repr(sorted(row.items())) for row in rows] for rows in (before, after))
    found: list[RowDifference] = []
    for code, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if code == "equal":
            found += [RowDifference("same", before[a + place], after[c + place]) for place in range(b - a)]
            continue
        both = min(b - a, d - c)
        found += [_compare_row(field, before[a + place], after[c + place]) for place in range(both)]
        found += [RowDifference("removed", row, None) for row in before[a + both : b]]
        found += [RowDifference("added", None, row) for row in after[c + both : d]]
    return tuple(found)


def _compare_row(field: Field, before: Mapping[str, Any], after: Mapping[str, Any]) -> RowDifference:
    cells = (_compare(column, before.get(column.key), after.get(column.key)) for column in field.columns)
    return RowDifference("changed", before, after, {each.field.key: each.pieces for each in cells if each is not None})
