"""Every fact that a person can be told has words, in both languages, with the same gaps to fill."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import Problem
from engine.texts import LANGUAGES, Catalogue

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("engine", "workflows", "api")
PROGRAMS = ("__main__", "engine.scripts.child")
"""Modules that are started, not imported."""
GAP = re.compile(r"(?<!{){([a-z_]+?)(?:_en|_zh)?}(?!})")
"""A gap to fill; `{label}` and `{label_en}` are the same one in the reader's language."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(*ROOMS)


def problems(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from problems(child)


def import_rooms() -> None:
    for room in ROOMS:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
            if not module.name.endswith(PROGRAMS) and ".migrations." not in module.name:
                importlib.import_module(module.name)


def written_codes() -> Iterator[tuple[str, str]]:
    """Codes that the code hands to `Finding(...)`, as (place, code)."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding" and node.args:
                    first = node.args[0]
                    if isinstance(first, ast.Constant):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", str(first.value)


def test_no_code_stands_twice() -> None:
    """YAML would silently take the last one."""
    codes = [
        (room, code)
        for room in ROOMS
        for path in sorted((ROOT / room).glob("texts*.yaml"))
        for code in re.findall(r"^([A-Za-z_][\w.]*):", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert [code for code, count in Counter(codes).items() if count > 1] == []


def test_every_problem_has_words(catalogue: Catalogue) -> None:
    import_rooms()
    ours = {kind.__name__ for kind in problems() if kind.__module__.split(".")[0] in ROOMS and not kind.__name__.startswith("_")}
    assert ours - set(catalogue.entries) == set()


def test_every_finding_has_words(catalogue: Catalogue) -> None:
    assert [(place, code) for place, code in written_codes() if code not in catalogue.entries] == []


def test_both_languages_say_the_same(catalogue: Catalogue) -> None:
    different = {
        code
        for code, texts in catalogue.entries.items()
        if len({frozenset(GAP.findall(texts[language])) for language in LANGUAGES}) != 1
    }
    assert different == set()


def test_no_text_is_empty_and_chinese_is_chinese(catalogue: Catalogue) -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for code, texts in catalogue.entries.items():
        assert texts["zh"].strip() and texts["en"].strip(), code
    share = sum(bool(chinese.search(texts["zh"])) for texts in catalogue.entries.values()) / len(catalogue.entries)
    assert share > 0.95
