"""The program as it is run: it answers, tells what is to be known, stops when told, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.serving import Server

ROOT = Path(__file__).resolve().parent.parent.parent
LINXUAN = [sys.executable, "-m", "api.cli"]
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}


def test_it_answers_and_stops_when_told(tmp_path: Path) -> None:
    with Server([*LINXUAN, "serve"], tmp_path, ENVIRONMENT | {"HOME": str(tmp_path)}) as server:
        assert server.get("/health")[0] == 200
        status, page = server.get("/login")
        assert (status, "<form" in page) == (200, True)
        told = server.read_output()
        assert f"Linxuan is ready: {server.address}" in told
        assert "Notice samr_2022_932, version 1: deployed" in told
        begun = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - begun < 15
    assert "Traceback" not in server.output
    assert not (tmp_path / ".gunicorn").exists()
    with closing(sqlite3.connect(tmp_path / "var" / "linxuan.sqlite3")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM instance").fetchone() == (0,)  # deploying starts nothing

    with Server([*LINXUAN, "serve"], tmp_path, ENVIRONMENT) as again:  # after Ctrl+C too, and with nothing deployed twice
        assert "version 2" not in again.read_output()
        assert again.stop(signal.SIGINT) == 0


def test_a_killed_worker_is_replaced_and_the_scheduler_goes_on(tmp_path: Path) -> None:
    with Server([*LINXUAN, "serve"], tmp_path, ENVIRONMENT) as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        if not children.exists():
            pytest.skip("this system does not list child processes")
        (worker,) = children.read_text().split()
        os.kill(int(worker), signal.SIGKILL)
        deadline = time.monotonic() + 60
        while children.read_text().split() in ([], [worker]) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert server.get("/health")[0] == 200
        assert holds_the_role(tmp_path / "var" / "linxuan.sqlite3-scheduler")


def holds_the_role(lock: Path) -> bool:
    """Whether some process holds the scheduler's lock, within a few of its turns."""
    program = (
        "import fcntl, sys, time\n"
        "for _ in range(100):\n"
        "    with open(sys.argv[1]) as file:\n"
        "        try:\n            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "        except BlockingIOError:\n            sys.exit(0)\n"
        "    time.sleep(0.1)\n"
        "sys.exit(1)\n"
    )
    return subprocess.run([sys.executable, "-c", program, str(lock)]).returncode == 0


def test_a_demonstration_tells_its_log_ins_and_refuses_another_database(tmp_path: Path) -> None:
    with Server([*LINXUAN, "serve", "--demo"], tmp_path, ENVIRONMENT) as server:
        told = server.read_output()
        for role in ("organiser", "auditor", "prefecture", "applicant", "expert", "designer", "releaser", "administrator"):
            assert f"\n  {role} " in told
        assert "password of all" in told
        assert "演示" in server.get("/login")[1]
    assert (tmp_path / "var" / "demo.sqlite3").exists()
    named = ENVIRONMENT | {"LINXUAN_DATABASE_URL": "sqlite:///var/demo.sqlite3"}
    with Server([*LINXUAN, "serve"], tmp_path, named) as plain:
        assert "演示" in plain.get("/login")[1]  # it stays a demonstration, however it is served

    other = ["--database", "other.sqlite3"]
    made = [*LINXUAN, "organisation", "create", "某局", "--kind", "authority", *other]
    environment = {**os.environ, **ENVIRONMENT, "LANG": "C", "LC_ALL": "C"}
    assert subprocess.run(made, cwd=tmp_path, env=environment, capture_output=True).returncode == 0
    refused = subprocess.run([*LINXUAN, "demo", *other], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "holds data already" in refused.stderr


def await_worker(address: str) -> None:
    """Wait until a worker has registered itself."""
    deadline = time.monotonic() + 60
    with psycopg.connect(address, autocommit=True) as connection:
        while connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_several_servers_and_a_worker_on_postgresql(tmp_path: Path, database_url: str) -> None:
    address = database_url.replace("postgresql+psycopg://", "postgresql://")
    environment = {**os.environ, **ENVIRONMENT, "LANG": "C", "LC_ALL": "C"}
    with Server([*LINXUAN, "serve", "--workers", "2", "--database", address], tmp_path, ENVIRONMENT) as server:
        assert "linxuan worker" in server.read_output()
        assert [server.get("/health")[0] for _ in range(6)] == [200] * 6
        worker = [*LINXUAN, "worker", "--database", address]
        once = [*worker, "--until-empty"]
        empty = subprocess.run(once, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert empty.returncode == 0, empty.stderr
        running = subprocess.Popen(worker, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        assert running.stderr is not None
        assert "The worker runs" in running.stderr.readline()
        await_worker(address)
        running.send_signal(signal.SIGTERM)
        _, told = running.communicate(timeout=60)
        assert running.returncode == 0, told
        assert "Traceback" not in told
