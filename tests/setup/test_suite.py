"""The run of all tests: its last line, and the failure of a run in which something required was skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = """
    import pytest

    def test_fine():
        pass

    @pytest.mark.browser
    def test_looks_good():
        pytest.skip("no Chromium here")

    @pytest.mark.slow
    @pytest.mark.postgresql
    @pytest.mark.skip(reason="slow: runs with --all")
    def test_takes_long():
        pass
"""


def run_with_plugin(folder: Path, required: str, *arguments: str, tests: str = TESTS) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(textwrap.dedent(tests))
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  browser: x\n  slow: x\n  postgresql: x\n")
    environment = dict(
        os.environ,
        LINXUAN_TEST_REQUIRE=required,
        PYTHONPATH=str(ROOT / "tests" / "setup"),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    command = [sys.executable, "-m", "pytest", "-p", "skips", "-q", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def last_line(answer: subprocess.CompletedProcess[str]) -> str:
    return answer.stdout.strip().splitlines()[-1]


def test_the_last_line_tells_what_was_skipped_and_why(tmp_path: Path) -> None:
    answer = run_with_plugin(tmp_path, "")
    assert answer.returncode == 0
    assert last_line(answer) == "Skipped: 1 × no Chromium here; 1 × slow: runs with --all"
    assert "1 passed, 2 skipped" in answer.stdout


def test_a_skip_of_what_is_required_fails(tmp_path: Path) -> None:
    answer = run_with_plugin(tmp_path, "browser,postgresql")
    assert answer.returncode == 1
    assert last_line(answer).startswith("FAILED: required but skipped: browser. Skipped: ")


def test_what_was_chosen_not_to_run_is_not_missing(tmp_path: Path) -> None:
    answer = run_with_plugin(tmp_path, "postgresql", "-k", "fine or long")
    assert answer.returncode == 0
    assert "1 × deselected by the arguments" in last_line(answer)


def test_a_skipped_module_of_something_required_fails(tmp_path: Path) -> None:
    tests = "import pytest\npytestmark = pytest.mark.browser\npytest.skip('no Chromium here', allow_module_level=True)\n"
    answer = run_with_plugin(tmp_path, "browser", tests=tests)
    assert answer.returncode not in (0, 5)


def test_nothing_skipped_is_said_too_and_with_several_processes(tmp_path: Path) -> None:
    answer = run_with_plugin(tmp_path, "browser", "-p", "xdist", "-n", "2", tests="def test_fine():\n    pass\n")
    assert answer.returncode == 0
    assert last_line(answer) == "Skipped: nothing"


@pytest.mark.parametrize("arguments", [["--require", "chrome"]])
def test_an_unknown_requirement_is_refused(arguments: list[str]) -> None:
    answer = subprocess.run([sys.executable, "tests/setup/suite.py", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 2
    assert "browser and postgresql" in answer.stderr


def test_required_postgresql_without_a_server_fails_at_once(tmp_path: Path) -> None:
    program = "import sys, suite; suite.find_binaries = lambda: None; sys.exit(suite.main())"
    environment = {name: value for name, value in os.environ.items() if name != "LINXUAN_TEST_POSTGRESQL"}
    environment["PYTHONPATH"] = str(ROOT / "tests" / "setup")
    command = [sys.executable, "-c", program, "--require", "postgresql", "--collect-only"]
    answer = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert answer.returncode == 1
    assert "apt install postgresql" in answer.stderr


@pytest.mark.postgresql
def test_the_temporary_server_answers_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "setup"))
    import postgresql  # noqa: PLC0415 - stands beside this file, where only the run of all tests looks

    binaries = postgresql.find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed: apt install postgresql")
    with postgresql.TemporaryServer(binaries) as server:
        engine = create_engine(server.url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            assert connection.execute(text("SHOW listen_addresses")).scalar_one() == ""
        engine.dispose()
        folder = server.folder
    assert not folder.exists()
    assert shutil.which("pg_ctl") is None or binaries.exists()


def test_a_whole_run_is_spread_over_the_processors_and_a_chosen_part_is_not() -> None:
    program = (
        "import json, sys, suite; suite.os.sched_getaffinity = lambda _: range(int(sys.argv[1]));"
        "print(json.dumps(suite.spread_tests(sys.argv[2:])))"
    )

    def spread(*arguments: str) -> list[str]:
        answer = subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=ROOT / "tests/setup", capture_output=True, text=True, check=True
        )
        found: list[str] = json.loads(answer.stdout)
        return found

    assert spread("2") == spread("2", "--durations=5") == ["-n", "3", "--dist", "loadfile"]
    assert spread("2", "tests/setup") == spread("2", "-n0") == spread("2", "-k", "late") == spread("1") == []
