"""`run.py` on machines that lack something: a message that names the remedy, and nothing half-made left behind."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from requirements import messages
from requirements.messages import SetupFailed, explain
from requirements.stamps import read_stamp, write_stamp

ROOT = Path(__file__).resolve().parent.parent.parent
Run = Callable[..., "subprocess.CompletedProcess[str]"]
CLOSED_PORT = "http://127.0.0.1:9/"
ROOMY = "import shutil\nshutil.disk_usage = lambda path: shutil._ntuple_diskusage(1 << 40, 0, 1 << 40)\n"


def test_an_old_python_can_read_run_py() -> None:
    ast.parse((ROOT / "run.py").read_text("utf-8"), feature_version=(3, 6))


def test_an_old_python_is_told_what_it_lacks(run: Run) -> None:
    answer = run(before="import sys\nsys.version_info = (3, 9, 2, 'final', 0)")
    assert answer.returncode == 1
    assert "Python 3.11 or newer is needed; this is 3.9" in answer.stderr
    assert "需要 Python 3.11" in answer.stderr


@pytest.mark.parametrize("version", ["3.9", "3.10"])
def test_a_real_old_python_is_told_what_it_lacks(version: str, checkout: Path) -> None:
    python = next((path for path in candidates(version) if works(path)), None)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    answer = subprocess.run([python, "run.py"], cwd=checkout, capture_output=True, text=True)
    assert answer.returncode == 1
    assert f"this is {version}" in answer.stderr


def candidates(version: str) -> list[str]:
    found = shutil.which(f"python{version}")
    homes = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return [*map(str, homes), *([found] if found else [])]


def works(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True).returncode == 0


def test_windows_is_sent_to_wsl(run: Run) -> None:
    answer = run(before="import os\nos.name = 'nt'")
    assert answer.returncode == 1
    assert "wsl --install" in answer.stderr


@pytest.mark.parametrize(("language", "words"), [("zh_CN.UTF-8", "这个 Python 缺少 venv 模块"), ("C", "lacks the venv module")])
def test_a_python_without_ensurepip_is_told_the_package(run: Run, checkout: Path, language: str, words: str) -> None:
    hide = "import importlib.util as u\nfind = u.find_spec\nu.find_spec = lambda x: None if x == 'ensurepip' else find(x)\n"
    answer = run(before=hide, language=language)
    assert answer.returncode == 1
    assert words in answer.stderr
    assert f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv" in answer.stderr
    assert not (checkout / ".venv").exists()


def test_a_full_disk_is_told_before_anything_is_made(run: Run, checkout: Path) -> None:
    full = "import shutil\nshutil.disk_usage = lambda path: shutil._ntuple_diskusage(100, 90, 10 << 20)\n"
    answer = run(before=full)
    assert answer.returncode == 1
    assert "10 MB are free" in answer.stderr
    assert not (checkout / ".venv").exists()


def test_a_disk_that_fills_up_meanwhile_is_told(run: Run) -> None:
    fill = (
        "import errno, os, pathlib\n"
        "def fail(*_, **__):\n    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "pathlib.Path.write_text = fail\n"
    )
    answer = run(before=ROOMY + fill)
    assert answer.returncode == 1
    assert "The disk is full" in answer.stderr


def test_a_registry_out_of_reach_is_told_with_a_mirror_and_the_offline_way(run: Run, checkout: Path) -> None:
    unreachable = {"PIP_INDEX_URL": CLOSED_PORT, "PIP_RETRIES": "0", "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}
    answer = run(before=ROOMY, **unreachable)
    assert answer.returncode == 1
    assert "The pip registry is out of reach" in answer.stderr
    assert "PIP_INDEX_URL=" in answer.stderr
    assert "--offline" in answer.stderr
    assert "127.0.0.1" in (checkout / "var" / "setup.log").read_text()  # the setting of the user held
    assert read_stamp(checkout / ".venv" / "linxuan-setup.json") == {}  # nothing counts as installed


def test_an_environment_of_somebody_else_is_left_alone(run: Run, checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "precious").write_text("mine")
    answer = run(before=ROOMY)
    assert answer.returncode == 1
    assert "Remove or rename it" in answer.stderr
    assert (checkout / ".venv" / "precious").read_text() == "mine"


def test_help_needs_no_set_up(run: Run, checkout: Path) -> None:
    answer = run("--help")
    assert answer.returncode == 0
    assert "run.py test" in answer.stdout
    assert not (checkout / ".venv").exists()
    assert run("bundle").returncode == 2
    assert run("--offline").returncode == 2


def test_a_folder_that_is_no_bundle_is_refused(run: Run, checkout: Path) -> None:
    answer = run("--offline", str(checkout / "nowhere"))
    assert answer.returncode == 1
    assert "is not a bundle" in answer.stderr


def test_a_bundle_for_another_python_is_refused(run: Run, checkout: Path) -> None:
    folder = checkout / "bundle"
    folder.mkdir()
    (folder / "bundle.json").write_text(json.dumps({"python": "3.8", "platform": "plan9-mips", "locks": "", "registry": ""}))
    answer = run("--offline", str(folder))
    assert answer.returncode == 1
    assert "the bundle has 3.8, needed is" in answer.stderr


@pytest.mark.parametrize(
    ("what", "output", "words"),
    [
        ("pip", "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ("npm", "npm error code ENOSPC", "The disk is full"),
        ("pip", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "Use another mirror"),
        ("npm", "npm error code EINTEGRITY", "Use another mirror"),
        ("pip", "NewConnectionError: Temporary failure in name resolution", "pip registry is out of reach"),
        ("pip", "ProxyError('Cannot connect to proxy.')", "pip registry is out of reach"),
        ("npm", "npm error code ENOTFOUND", "npm registry is out of reach"),
        ("npm", "npm error 503 Service Unavailable", "npm registry is out of reach"),
        ("pip", "(from versions: none)\nERROR: No matching distribution found for lxml==6.1.3", "pip registry is out of reach"),
        ("pip", "(from versions: 5.0)\nERROR: No matching distribution found for lxml==6.1.3", "lacks files for this machine"),
        ("pip", "$ pip --no-index\n(from versions: none)\nNo matching distribution found", "lacks files for this machine"),
        ("npm", "npm error code ENOTCACHED", "lacks files for this machine"),
    ],
)
def test_each_failure_of_pip_and_npm_has_its_remedy(what: str, output: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "C")
    with pytest.raises(SetupFailed, match=words):
        explain(what, output)


def test_an_unknown_failure_shows_the_end_of_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "LOG", tmp_path / "setup.log")
    with pytest.raises(SetupFailed, match="the last words"):
        messages.run_logged("npm", [sys.executable, "-c", "print('the last words'); raise SystemExit(3)"], folder=tmp_path)
    messages.run_logged("npm", [sys.executable, "-c", "print('fine')"], folder=tmp_path)
    assert "fine" in (tmp_path / "setup.log").read_text()


def test_a_stamp_is_read_back_and_a_broken_one_counts_as_none(tmp_path: Path) -> None:
    stamp = tmp_path / "stamp"
    assert read_stamp(stamp) == {}
    write_stamp(stamp, {"a": "b"})
    assert read_stamp(stamp) == {"a": "b"}
    stamp.write_text('{"a": ')
    assert read_stamp(stamp) == {}
