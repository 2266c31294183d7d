"""Simple expressions as lists for the pages' script; whatever has more to it is left to the server."""

from __future__ import annotations

from typing import Any

import pytest

from engine.expressions import parse, write_portable


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('kind != "other"', ["!=", ["name", "kind"], ["value", "other"]]),
        ("${agreed}", ["name", "agreed"]),
        ("not agreed", ["not", ["name", "agreed"]]),
        ("count > 3 and count <= -1", ["and", [">", ["name", "count"], ["value", 3]], ["<=", ["name", "count"], ["value", -1]]]),
        ("1 < count < 2.5", ["and", ["<", ["value", 1], ["name", "count"]], ["<", ["name", "count"], ["value", 2.5]]]),
        ("kind in ['a', 'b'] or x == null", [
            "or", ["in", ["name", "kind"], ["list", ["value", "a"], ["value", "b"]]], ["==", ["name", "x"], ["value", None]],
        ]),
        ("'a' not in words", ["not in", ["value", "a"], ["name", "words"]]),
        ("x == True", ["==", ["name", "x"], ["value", True]]),
        ("len(words) > 2", None),
        ("count + 1 > 2", None),
        ("'a' if x else 'b'", None),
        ("row.kind == 'a'", None),
    ],
)  # fmt: skip
def test_trees(text: str, tree: Any) -> None:
    assert write_portable(parse(text)) == tree
