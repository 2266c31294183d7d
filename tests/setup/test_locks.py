"""The locks: every file by its hash, no address in them, the two in agreement, and all that the code imports."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RUNTIME, TEST, NODE = (ROOT / name for name in ("requirements.lock", "requirements/test.lock", "requirements/node.lock"))
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)")


def read_pins(lock: Path) -> dict[str, str]:
    return {found[1]: found[2] for line in lock.read_text("utf-8").splitlines() if (found := PIN.match(line))}


def imported(*folders: str) -> Iterator[str]:
    """The distributions whose modules the files import."""
    known = packages_distributions()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                    names = [node.module]
                for name in names:
                    module = name.split(".")[0]
                    if module not in sys.stdlib_module_names:
                        yield from (found.lower().replace("_", "-").replace(".", "-") for found in known.get(module, []))


@pytest.mark.parametrize("lock", [RUNTIME, TEST, NODE], ids=lambda path: path.name)
def test_every_package_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    for block in blocks:
        if PIN.match(block):
            assert "--hash=sha256:" in block, block
    assert read_pins(lock)
    assert "://" not in text
    assert "--index-url" not in text


def test_the_locks_agree() -> None:
    runtime, test = read_pins(RUNTIME), read_pins(TEST)
    assert {name: test.get(name) for name in runtime} == runtime


def test_the_front_ends_lock_names_no_mirror() -> None:
    packages = json.loads((ROOT / "api/web/package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in packages.items() if name)


def test_what_the_rooms_import_is_required_and_what_is_required_is_imported() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = [line.strip() for line in config["options"]["install_requires"].splitlines()]
    required = {re.split(r"[\[<>=!~ ]", line)[0] for line in lines if line and not line.startswith("#")}
    more = {re.split(r"[<>=!~ ]", line)[0] for text in config["options.extras_require"].values() for line in text.split()}
    used = set(imported("api", "engine", "workflows")) - {"linxuan"} - more
    by_others = {"werkzeug", "jinja2", "markupsafe", "pydantic-core", "typing-extensions", "pip"}  # come with what is required
    assert used - by_others <= required
    read_as_data = {"tzdata", "psycopg"}  # zoneinfo reads the one, SQLAlchemy imports the other by its name
    assert required - used <= read_as_data


def test_what_the_tests_import_is_locked() -> None:
    assert set(imported("tests", "benchmarks")) - {"linxuan", "pip"} <= set(read_pins(TEST))
