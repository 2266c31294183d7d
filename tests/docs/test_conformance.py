"""The page of conformance: every name of the vocabulary stands there with its state, and the tests that it names exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from engine.model.vocabulary import read_vocabulary

VERDICTS = {
    "supported": "run",
    "without effect": "people",
    "told as information": "idle",
    "told as a warning": "missed",
    "refused": "refused",
}


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    """The text of the page."""
    return (root / "docs" / "conformance.md").read_text("utf-8")


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    section = re.split(r"^#+ ", page.partition(f" {heading}\n")[2], maxsplit=1, flags=re.M)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_elements_stand_with_their_state(page: str) -> None:
    found: dict[str, set[str]] = {}
    for names, _, verdict, _ in rows(page, "Elements and attributes"):
        for name in re.findall(r"`(\w+)`", names):
            found.setdefault(name, set()).add(VERDICTS[verdict])
    assert found == {name: {entry["state"]} for name, entry in read_vocabulary()["elements"].items()}


@pytest.mark.parametrize(("heading", "part"), [
    ("Attributes of the Camunda and Operaton namespaces", "camunda"),
    ("Elements of these namespaces below `extensionElements`", "camunda_elements"),
])  # fmt: skip
def test_extensions_stand_with_their_state(page: str, heading: str, part: str) -> None:
    found = {name: VERDICTS[verdict] for verdict, names in rows(page, heading) for name in re.findall(r"`(\w+)`", names)}
    assert found == {name: entry["state"] for name, entry in read_vocabulary()[part].items()}


def test_attributes_without_effect_are_listed(page: str) -> None:
    listed = page.partition("Attributes that have no effect")[2].partition("All other attributes")[0]
    found = {name: re.findall(r"`(\w+)`", names) for name, names in re.findall(r"`(\w+)`: ([^;.]+)", listed)}
    told = {
        name: [each.partition("=")[0] for state in ("idle", "missed") for each in entry.get(state, ())]
        for name, entry in read_vocabulary()["elements"].items()
    }
    assert found == {name: names for name, names in told.items() if names}


def test_every_test_that_is_named_exists(page: str, root: Path) -> None:
    named = set(re.findall(r"`([\w/]+)::(\w+)`", page))
    assert len(named) > 50
    for file, test in sorted(named):
        tree = ast.parse((root / "tests" / "engine" / f"{file}.py").read_text("utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{test}"
