"""A disk without space: a clear answer, nothing half-written, reading goes on, and so does all else when there is space again."""

from __future__ import annotations

import io
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from flask.testing import FlaskClient

from api.app import create_app
from api.cli import main
from api.security import cookie_name
from engine.clock import VirtualClock
from engine.due import run_due
from engine.tables import history, timer, user_task
from engine.timers import arm_timer
from engine.work import ProcessEngine
from tests.faults.browsing import SCAN, read_hidden
from tests.faults.collecting import Collecting, open_engine
from tests.faults.conftest import copy_database
from tests.faults.test_killed_server import TYPED
from tests.faults.wholeness import find_faults
from workflows.sessions import open_session
from workflows.tables import application_version, attachment, draft, person, receipt

SPACE = "10m"


@dataclass
class Disk:
    """A small file system in memory."""

    folder: Path
    ballast: Path = field(init=False)

    def __post_init__(self) -> None:
        self.ballast = self.folder / "ballast"

    def fill(self, *, leave: int = 0) -> None:
        """Use up all space but so many bytes."""
        with self.ballast.open("ab", buffering=0) as file:
            while (free := os.statvfs(self.folder)).f_bavail * free.f_frsize > leave:
                try:
                    file.write(bytes(min(free.f_bavail * free.f_frsize - leave, 65536)))
                except OSError:
                    return

    def clear(self) -> None:
        """Give the space back."""
        self.ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of `SPACE`."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip() or 'not permitted'}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture(autouse=True)
def plain_logs() -> Iterator[None]:
    """One line for each event: the default prints every value on the stack."""
    structlog.configure(processors=[structlog.processors.KeyValueRenderer()])
    yield
    structlog.reset_defaults()


@pytest.fixture
def process_engine(disk: Disk, model: tuple[Path, Collecting]) -> Iterator[ProcessEngine]:
    """The campaign on the small disk, in virtual time that stands still."""
    process_engine = open_engine(copy_database(model[0], disk.folder), disk.folder)
    process_engine.clock = VirtualClock(process_engine.clock.now())
    yield process_engine
    process_engine.database.dispose()


@pytest.fixture
def browser(process_engine: ProcessEngine) -> FlaskClient:
    """The first applicant's browser, logged in."""
    with process_engine.begin() as work:
        found = work.connection.execute(sa.select(person.c.id).where(person.c.login == "applicant-1")).scalar_one()
        token = open_session(work, found, address="127.0.0.1")
    client = create_app(process_engine).test_client()
    client.set_cookie(cookie_name("session", process_engine.extras["settings"]), token)
    return client


def count(process_engine: ProcessEngine, *tables: sa.Table) -> list[int]:
    """How many rows they have."""
    with process_engine.read() as work:
        return [work.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables]


def typed(page: str, *, file: bytes | None = None) -> dict[str, Any]:
    """The form as it is sent, with its key and the files that are there already."""
    data: dict[str, Any] = {**dict(read_hidden(page)), "title": "磁盘满时提交的案例", **dict(TYPED)}
    data["seal_scan"] = re.findall(r'name="seal_scan" value="([^"]+)"', page)
    return data | ({} if file is None else {"seal_scan.new": (io.BytesIO(file), "scan.pdf")})


def test_a_task_is_refused_whole_and_completed_when_there_is_space(
    disk: Disk, process_engine: ProcessEngine, browser: FlaskClient, model: tuple[Path, Collecting]
) -> None:
    task_id, _ = model[1].tasks["applicant-1"][0]
    path = f"/tasks/{task_id}"
    page = browser.get(path).get_data(as_text=True)
    uploaded = browser.post(f"{path}/draft", data=typed(page, file=SCAN))
    assert uploaded.status_code == 303
    page = browser.get(path).get_data(as_text=True)
    tables = (receipt, application_version, attachment, draft, history)
    before, form = count(process_engine, *tables), typed(page)

    refusals = 0
    for leave in (0, 8192, 16384, 32768, 65536):
        disk.fill(leave=leave)
        answer = browser.post(f"{path}/complete", data=form)
        if answer.status_code == 303:  # so much was enough
            disk.clear()
            break
        refusals += 1
        assert answer.status_code == 503
        assert "存储空间已满" in answer.get_data(as_text=True)
        assert count(process_engine, *tables) == before
        assert browser.get(path).status_code == 200  # reading goes on
        assert find_faults(process_engine) == []
        disk.clear()
    assert refusals > 0
    answer = browser.post(f"{path}/complete", data=form)
    assert answer.status_code == 303 and "#receipts" in answer.location
    assert count(process_engine, receipt, application_version) == [1, 1]
    with process_engine.read() as work:
        query = sa.select(user_task.c.state).where(user_task.c.id == task_id)
        assert work.connection.execute(query).scalar_one() == "completed"
    assert find_faults(process_engine) == []


def test_a_file_that_does_not_fit_leaves_nothing_behind(
    disk: Disk, process_engine: ProcessEngine, browser: FlaskClient, model: tuple[Path, Collecting]
) -> None:
    path = f"/tasks/{model[1].tasks['applicant-1'][0][0]}"
    page = browser.get(path).get_data(as_text=True)
    disk.fill(leave=65536)
    answer = browser.post(f"{path}/draft", data=typed(page, file=SCAN + bytes(300_000)))
    assert answer.status_code == 503
    assert "存储空间已满" in answer.get_data(as_text=True)
    assert [file for file in (disk.folder / "files").rglob("*") if file.is_file()] == []
    assert count(process_engine, attachment, draft) == [0, 0]
    disk.clear()
    assert browser.post(f"{path}/draft", data=typed(page, file=SCAN + bytes(300_000))).status_code == 303
    assert count(process_engine, attachment, draft) == [1, 1]
    assert find_faults(process_engine) == []


def test_pages_are_shown_when_not_even_the_use_of_the_session_can_be_noted(
    disk: Disk, process_engine: ProcessEngine, browser: FlaskClient
) -> None:
    clock = process_engine.clock
    assert isinstance(clock, VirtualClock)
    disk.fill()
    clock.move_to(clock.now() + timedelta(minutes=5))
    assert browser.get("/inbox").status_code == 200


def test_a_timer_that_could_not_fire_fires_later(disk: Disk, process_engine: ProcessEngine) -> None:
    process_engine.handlers.register("bell.ring", lambda call: None)
    with process_engine.begin() as work:
        arm_timer(work, "bell.ring", work.now, unique_key="bell", payload={"name": "bell" * 20_000})
    disk.fill()
    with pytest.raises(sa.exc.OperationalError, match="full"):
        run_due(process_engine)
    disk.clear()
    assert run_due(process_engine) == 1
    with process_engine.read() as work:
        row = work.connection.execute(sa.select(timer).where(timer.c.unique_key == "bell")).one()
    assert (row.state, row.attempt) == ("fired", 0)  # it was not the timer's fault


@pytest.mark.parametrize("leave", [0, 300_000, 2_000_000])
def test_a_verb_says_it_in_words(disk: Disk, leave: int, capfd: pytest.CaptureFixture[str]) -> None:
    disk.fill(leave=leave)
    database = disk.folder / "replay.sqlite3"
    code = main(["replay", "samr_2022_932", "--database", str(database), "--institutions", "40", "--lang", "en"])
    _, error = capfd.readouterr()
    assert code == 1
    assert "no space left" in error or "disk is full" in error, error
    assert "Traceback" not in error
