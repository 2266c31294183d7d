"""The Python environment `.venv`, and the locked packages in it."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from requirements.messages import ROOT, SetupFailed, python_name, refuse, require_space, run_logged, say
from requirements.stamps import hash_files, read_stamp, write_stamp

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "linxuan-setup.json"
RUNTIME_LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "requirements" / "test.lock"
NODE_LOCK = ROOT / "requirements" / "node.lock"


def make_environment() -> None:
    """Make `.venv`, or make it anew when it no longer runs (its Python was removed or is older than ours).

    Raises SetupFailed when this Python cannot make environments, or when a folder of somebody else stands there.
    """
    if VENV.exists():
        if _environment_works():
            return
        if not STAMP.exists() and any(VENV.iterdir()):
            refuse(
                f"{VENV} 已存在但不能使用。请删除或改名后重试。",
                f"{VENV} exists but does not work. Remove or rename it and run this again.",
            )
    if find_spec("venv") is None or find_spec("ensurepip") is None:  # Debian splits both off
        package = f"python{python_name()}-venv"
        refuse(
            f"这个 Python 缺少 venv 模块。Debian/Ubuntu：sudo apt install {package}，然后重试。",
            f"This Python lacks the venv module. Debian/Ubuntu: sudo apt install {package}, then run this again.",
        )
    require_space()
    say("建立 Python 环境 .venv ……", "Making the Python environment .venv ...")
    try:
        run_logged("venv", [sys.executable, "-m", "venv", "--clear", str(VENV)])
        write_stamp(STAMP, {})
    except (SetupFailed, OSError):
        shutil.rmtree(VENV, ignore_errors=True)  # half an environment would stand in the way of the next try
        raise


def _environment_works() -> bool:
    probe = [str(PYTHON), "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"]
    return PYTHON.exists() and subprocess.run(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def pip(arguments: list[str], bundle: Path | None = None) -> None:
    """Run pip in the environment. The user's settings (PIP_*, pip.conf: mirrors, certificates) hold, but for a bundle.

    Raises SetupFailed with the remedy.
    """
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PYTHONNOUSERSITE="1")
    for name in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH", "PYTHONHOME"):  # they would lead past the environment
        environment.pop(name, None)
    command = [str(PYTHON), "-m", "pip", *arguments]
    if bundle:
        environment.pop("PIP_FIND_LINKS", None)
        command += ["--no-index", "--find-links", str(bundle / "wheels")]
    run_logged("pip", command, environment=environment)


def install_packages(lock: Path, bundle: Path | None) -> None:
    """Install the packages of `lock` by their hashes, and this folder itself as an editable package with its console script.

    Raises SetupFailed with the remedy.
    """
    stamp = read_stamp(STAMP)
    wanted = hash_files([lock])
    larger = lock == RUNTIME_LOCK and stamp.get(TEST_LOCK.name) == hash_files([TEST_LOCK])  # it holds everything of ours
    if stamp.get(lock.name) != wanted and not larger:
        say("安装 Python 包（首次约一分钟）……", "Installing the Python packages (about a minute the first time) ...")
        pip(["install", "--require-hashes", "--requirement", str(lock)], bundle)
        stamp[lock.name] = wanted
        write_stamp(STAMP, stamp)
    ourselves = hash_files([ROOT / "setup.cfg", ROOT / "pyproject.toml"])
    if lock != NODE_LOCK and (stamp.get("ourselves") != ourselves or stamp.get("root") != str(ROOT)):
        pip(["install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)], bundle)
        stamp |= {"ourselves": ourselves, "root": str(ROOT)}
        write_stamp(STAMP, stamp)
