"""`run.py` on a fresh copy of the sources: the demonstration, its second start, and the way to a machine without network.

Needs the package registries, and some minutes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.serving import Server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
LEFT_OUT = shutil.ignore_patterns(".venv*", ".git", "node_modules", "dist", "var", "__pycache__", ".*_cache", "*.egg-info")
PYTHON = getattr(sys, "_base_executable", sys.executable)
NOWHERE = "http://127.0.0.1:9/"


def copy_sources(folder: Path) -> Path:
    """The sources alone, as after `git clone`."""
    return Path(shutil.copytree(ROOT, folder, ignore=LEFT_OUT))


def plain_environment(**more: str) -> dict[str, str]:
    """The environment without what pytest and an active environment add to it."""
    left_out = ("VIRTUAL_ENV", "PYTHON", "PYTEST", "LINXUAN")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"LANG": "C", "LC_ALL": "C"} | more


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `run.py` of a copy to its end."""
    command = [PYTHON, "run.py", *arguments]
    return subprocess.run(command, cwd=folder, env=plain_environment(**environment), capture_output=True, text=True, timeout=900)


def test_from_nothing_to_a_machine_without_network(tmp_path: Path) -> None:
    folder = copy_sources(tmp_path / "first")
    with Server([PYTHON, "run.py"], folder, plain_environment(), patience=900) as server:
        told = server.read_output()
        assert f"Linxuan is ready: {server.address}" in told
        for role in ("organiser", "auditor", "applicant", "expert", "designer", "releaser", "administrator"):
            assert f"\n  {role} " in told
        assert "dist/page.js" in server.get("/login")[1]
        taken = run(folder, "--port", str(server.port))
        assert taken.returncode == 1
        assert f"Port {server.port} on 127.0.0.1 is taken" in taken.stderr
        assert server.stop(signal.SIGTERM) == 0
    with Server([PYTHON, "run.py"], folder, plain_environment(PIP_INDEX_URL=NOWHERE)) as again:
        assert "Installing" not in again.read_output()
        assert "Making" not in again.output
        assert again.seconds < 30

    bundle = tmp_path / "bundle"
    made = run(folder, "bundle", str(bundle))
    assert made.returncode == 0, made.stderr
    offline_machine(tmp_path, bundle)


def offline_machine(tmp_path: Path, bundle: Path) -> None:
    """Another copy, without network, without node, in another language: set up from the bundle, it checks the notice."""
    folder, programs, home = copy_sources(tmp_path / "second"), tmp_path / "bin", tmp_path / "home"
    programs.mkdir()
    home.mkdir()
    for name in ("sh", "env"):
        (programs / name).symlink_to(str(shutil.which(name)))
    closed = {"PIP_INDEX_URL": NOWHERE, "npm_config_registry": NOWHERE, "HTTPS_PROXY": NOWHERE, "PIP_FIND_LINKS": ""}
    bare = {"PATH": str(programs), "HOME": str(home), "LC_ALL": "zh_CN.UTF-8"}
    answer = run(folder, "--offline", str(bundle), "check", "bpmn/samr_2022_932", **closed, **bare)
    assert answer.returncode == 0, answer.stderr
    assert "可以部署" in answer.stdout
    assert (folder / "api" / "static" / "dist" / "page.js").exists()
