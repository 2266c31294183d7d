"""The wheel holds the data that the code reads, and nothing that is only for development."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", "*.egg-info", "web")


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel that was built from a copy of the sources."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "THIRD-PARTY-NOTICES.md"):
        shutil.copy(ROOT / name, source)
    for name in ("api", "bpmn", "engine", "workflows", "tests/setup", "requirements"):
        shutil.copytree(ROOT / name, source / name, ignore=LEFT_OUT)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    answer = subprocess.run([*command, "--wheel-dir", str(target), str(source)], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("room", ["api", "bpmn", "engine", "workflows"])
def test_all_data_of_the_rooms_is_in_it(room: str, wheel_files: set[str]) -> None:
    files = {path.relative_to(ROOT) for path in (ROOT / room).rglob("*") if path.is_file() and not path.name.startswith(".")}
    sources = {path.as_posix() for path in files if not {"web", "__pycache__"} & set(path.parts)}
    assert sources
    assert sources - wheel_files == set()


def test_nothing_else_is_in_it(wheel_files: set[str]) -> None:
    assert {name.split("/")[0] for name in wheel_files if ".dist-info" not in name} == {"api", "bpmn", "engine", "workflows"}
    assert any(name.endswith("licenses/LICENSE") or name.endswith("/LICENSE") for name in wheel_files)
    assert any(name.endswith("THIRD-PARTY-NOTICES.md") for name in wheel_files)
