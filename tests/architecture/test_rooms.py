"""The house keeps its rooms: imports, styles, types, names and sizes."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ("api", "engine", "workflows", "bpmn")
CODE = (*ROOMS, "requirements", "tests", "benchmarks")
LONGEST_FILE, LONGEST_TEST = 400, 600
"""Lines; a file of more has become two things and gets a folder."""
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "base", "misc", "tools"}


def run_tool(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True)


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "node_modules" not in path.parts)


def test_imports_run_one_way_and_libraries_stay_in_their_rooms() -> None:
    program = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports('setup.cfg', no_cache=True))"
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


ALONE = """
import importlib, os, sys
for name in ("flask", "lxml.etree", "openpyxl", "psycopg", "pydantic", "SpiffWorkflow.bpmn", "sqlalchemy"):
    importlib.import_module(name)  # once for all
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except ImportError as fault:
            os.write(1, f"{name}: {fault}\\n".encode())
        os._exit(0)
    os.waitpid(child, 0)
"""
"""Imports each of the modules that are named in a process of its own."""


def test_what_a_verb_imports_can_be_the_first_that_is_imported() -> None:
    """Verbs of the command line import what they need when they are called: a circle of imports would show there alone."""
    trees = [ast.parse(path.read_text("utf-8")) for path in python_files("api/cli")]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    named = {node.module for each in functions for node in ast.walk(each) if isinstance(node, ast.ImportFrom)}
    wanted = sorted({".".join(name.split(".")[:2]) for name in named if name is not None and name.startswith("workflows.")})
    assert len(wanted) > 10
    answer = subprocess.run([sys.executable, "-c", ALONE, *wanted], cwd=ROOT, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_ruff_is_clean() -> None:
    answer = run_tool("ruff", "check", "--output-format", "concise", ".")
    assert answer.returncode == 0, answer.stdout


def test_mypy_is_clean() -> None:
    answer = run_tool("mypy", "--config-file", "setup.cfg")
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("room", ROOMS)
def test_no_dependency_provides_the_name_of_a_room(room: str) -> None:
    assert set(packages_distributions().get(room, [])) <= {"linxuan"}


def test_no_file_has_become_two_things() -> None:
    counts = {path.relative_to(ROOT): count_lines(path) for path in python_files(*CODE)}
    limits = {path: LONGEST_TEST if path.parts[0] == "tests" else LONGEST_FILE for path in counts}
    assert {str(path): count for path, count in counts.items() if count > limits[path]} == {}


def count_lines(path: Path) -> int:
    """Lines of a file; a migration that Alembic wrote is as long as the schema."""
    return 0 if path.parent.name == "versions" else len(path.read_text("utf-8").splitlines())


def test_modules_are_named_after_what_is_in_them() -> None:
    names = {(path, name) for path in python_files(*CODE) for name in (path.stem, path.parent.name)}
    assert [str(path) for path, name in names if name in FORBIDDEN or name.endswith("_service")] == []


def test_every_module_and_public_thing_says_what_it_promises() -> None:
    missing = [place for path in python_files("api", "engine", "workflows", "requirements") for place in undocumented(path)]
    assert missing == []


def undocumented(path: Path) -> Iterator[str]:
    """Public modules, classes and functions without a docstring; a method that only fills an interface needs none."""
    tree = ast.parse(path.read_text("utf-8"))
    name = path.relative_to(ROOT)
    if tree.body and ast.get_docstring(tree) is None:
        yield str(name)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield f"{name}:{node.lineno} {node.name}"


def test_test_folders_are_no_packages() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_what_runs_before_anything_is_installed_needs_the_standard_library_alone() -> None:
    allowed = sys.stdlib_module_names | {"requirements"}
    for path in [ROOT / "run.py", *python_files("requirements")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, path
