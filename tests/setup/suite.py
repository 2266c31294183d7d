"""A run of all tests: brings its own PostgreSQL server, and ends by saying what was skipped and why. Called by `run.py test`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from postgresql import TemporaryServer, find_binaries

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_WORKERS = 4
"""Browsers, servers and databases run beside each process of the tests."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def read_arguments(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own options, and what goes on to pytest."""
    parser = argparse.ArgumentParser("run.py test", description="Runs the tests. Everything else is handed to pytest.")
    parser.add_argument("--all", action="store_true", help="the slow tests too, and every database test on PostgreSQL")
    parser.add_argument(
        "--require", default="", metavar="THINGS", help="browser,postgresql: fail when their tests are skipped for want of them"
    )
    options, rest = parser.parse_known_args(arguments)
    options.require = [name for name in options.require.split(",") if name]
    if unknown := set(options.require) - {"browser", "postgresql"}:
        parser.error(f"--require knows browser and postgresql, not {', '.join(sorted(unknown))}")
    return options, rest


def spread_tests(rest: list[str]) -> list[str]:
    """Options that spread a whole run over the processors, a file's tests staying together; none for a chosen part."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chosen = any(not argument.startswith("-") or argument.startswith(("-n", "-k", "-m", "--lf", "--pdb")) for argument in rest)
    workers = min(processors + processors // 2, MOST_WORKERS)  # half of the time a test waits for a browser, a server or a disk
    return [] if chosen or processors < 2 else ["-n", str(workers), "--dist", "loadfile"]


def run_pytest(arguments: list[str], environment: dict[str, str]) -> int:
    """pytest in a process of its own, with the plugin that reports the skips as its last line; its exit code."""
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parent), environment.get("PYTHONPATH")]))
    return subprocess.call([sys.executable, "-m", "pytest", "-p", "skips", *arguments], cwd=ROOT, env=environment)


def main() -> int:
    """The exit code: pytest's, or 1 when something required was missing."""
    options, rest = read_arguments(sys.argv[1:])
    ours = {name for name in os.environ if name.startswith("LINXUAN_") and not name.startswith("LINXUAN_TEST_")}
    environment = {name: value for name, value in os.environ.items() if name not in ours}  # settings of an installation
    environment["LINXUAN_TEST_REQUIRE"] = ",".join(options.require)
    arguments = [*(["--all"] if options.all else []), *spread_tests(rest), *rest]
    if environment.get("LINXUAN_TEST_POSTGRESQL"):
        return run_pytest(arguments, environment)
    binaries = find_binaries()
    if binaries is None:
        if "postgresql" in options.require:
            print("PostgreSQL is required, but no server is installed here. Debian: apt install postgresql", file=sys.stderr)
            return 1
        return run_pytest(arguments, environment)
    with TemporaryServer(binaries) as server:
        return run_pytest(arguments, environment | {"LINXUAN_TEST_POSTGRESQL": server.url})


if __name__ == "__main__":
    sys.exit(main())
