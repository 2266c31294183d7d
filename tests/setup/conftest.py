"""What the tests of the set-up share: a copy of what `run.py` needs, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with `run.py`, `requirements/`, the locks and the front end's sources, as after `git clone`."""
    folder = tmp_path / "linxuan"
    folder.mkdir()
    for name in ("run.py", "setup.cfg", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", "THIRD-PARTY-NOTICES.md"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "requirements", folder / "requirements", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "api" / "web", folder / "api" / "web", ignore=shutil.ignore_patterns("node_modules"))
    return folder


@pytest.fixture
def run(checkout: Path) -> Run:
    """Run `run.py` of the checkout; `before` is Python that pretends something first."""

    def call(*arguments: str, before: str = "", language: str = "C", **environment: str) -> subprocess.CompletedProcess[str]:
        program = f"{before}\nimport runpy, sys\nsys.path.insert(0, '')\nrunpy.run_path('run.py', run_name='__main__')"
        command = [sys.executable, "-S", "-c", program, *arguments]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
        return subprocess.run(
            command, cwd=checkout, env=clean | {"LANG": language} | environment, capture_output=True, text=True, timeout=300
        )

    return call
