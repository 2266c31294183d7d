"""kill -9 at any moment of a replay: nothing acknowledged is lost, no instance is stuck, and time can go on."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.settings import Settings
from api.wiring import build_engine
from engine.clock import VirtualClock
from engine.database import open_database
from engine.tables import history
from engine.work import ProcessEngine
from tests.faults.programs import Program, wait_until
from tests.faults.wholeness import find_faults, let_time_pass
from workflows.replay.play import DatabaseInUse, Options, play
from workflows.schema import upgrade_schema
from workflows.tables import comment, organisation, receipt

STEPS = 1000
"""About so many rows of history a replay of this size writes."""
SIZE = ("--institutions", 60, "--experts", 12, "--cut", 8)
KINDS = {"application": "application", "correction": "correction", "supplement": "supplement", "list": "recommendation"}
"""Kind of receipt by channel of the clients' log."""
PARTS = 24
"""A replay is divided into so many parts; each number's kill comes at a random moment of another part."""
USUAL = (2, 14)
"""The parts of the normal run: applications, audits and lists, reviews."""

sqlite_kills = [pytest.param(part, marks=() if part in USUAL else pytest.mark.slow) for part in range(PARTS)]
postgresql_kills = [pytest.param(part, marks=() if part == 6 else pytest.mark.slow) for part in range(0, PARTS, 3)]


@pytest.mark.parametrize("part", sqlite_kills)
def test_nothing_is_lost_by_a_kill(part: int, sqlite_url: str, tmp_path: Path) -> None:
    kill_and_judge(sqlite_url, tmp_path, part, seed=part)


@pytest.mark.postgresql
@pytest.mark.parametrize("part", postgresql_kills)
def test_nothing_is_lost_by_a_kill_beside_postgresql(part: int, postgresql_url: str, tmp_path: Path) -> None:
    kill_and_judge(postgresql_url, tmp_path, part, seed=100 + part)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3, PARTS, 6))
def test_the_second_kernel_survives_too(part: int, sqlite_url: str, tmp_path: Path) -> None:
    kill_and_judge(sqlite_url, tmp_path, part, "--kernel", "spiff", seed=200 + part)


def kill_and_judge(url: str, folder: Path, part: int, *options: object, seed: int) -> None:
    """One replay, killed at a moment of the seed's within this part of it, and all that must hold afterwards."""
    dice = random.Random(seed)
    log = folder / "answers.jsonl"
    command = ("-m", "api.cli", "replay", "samr_2022_932", "--database", url, "--seed", 1 + part % 5, *SIZE, "--log", log)
    with Program(*command, *options, folder=folder) as program:
        if part == 0:  # while the database is being made
            time.sleep(dice.uniform(0, 5))
        else:
            steps = int((part + dice.random()) / PARTS * STEPS)
            wait_until(partial(has_steps, open_database(url), steps), program)
            time.sleep(dice.uniform(0, 0.05))
        program.kill()
    assert program.process.returncode == -signal.SIGKILL, program.said()

    clock = VirtualClock(datetime.fromisoformat("2022-06-01T00:00:00+08:00"))
    process_engine = build_engine(Settings(database_url=url, file_folder=folder / "files"), clock=clock)
    try:
        upgrade_schema(process_engine.database)
        answers = read_answers(log)
        clock.move_to(max(clock.now(), read_last_moment(process_engine)))
        assert find_faults(process_engine) == []
        assert compare_answers(process_engine, answers) == []
        assert let_time_pass(process_engine, clock, jump=part % 2 == 0) == []
        assert compare_answers(process_engine, answers) == []  # time has taken nothing away
        if answers:
            with pytest.raises(DatabaseInUse):
                play(process_engine, Options("samr_2022_932"))
    finally:
        process_engine.database.dispose()


def has_steps(database: sa.Engine, steps: int) -> bool:
    """Whether so many rows of history are committed; there may be no such table yet."""
    try:
        with database.connect().execution_options(read_only=True) as connection:
            found: int = connection.execute(sa.text("SELECT count(*) FROM history")).scalar_one()
    except sa.exc.DBAPIError:
        found = -1
    if found >= steps:
        database.dispose()
    return found >= steps


def read_last_moment(process_engine: ProcessEngine) -> datetime:
    """The virtual moment up to which the replay had come."""
    with process_engine.read() as work:
        last: datetime | None = work.connection.execute(sa.select(sa.func.max(history.c.at, type_=history.c.at.type))).scalar()
    return last or process_engine.clock.now()


def read_answers(log: Path) -> list[dict[str, Any]]:
    """What the clients were answered; a last line that is not whole was not acknowledged."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def compare_answers(process_engine: ProcessEngine, answers: list[dict[str, Any]]) -> list[str]:
    """What the clients were told and what is stored: every answer has its row; at most one row has no answer yet."""
    told = Counter(
        (KINDS.get(each["channel"], each["channel"]), each["answer"], each["subject"], datetime.fromisoformat(each["sent_at"]))
        for each in answers
        if each["answer"] == "accepted" or each["reason"] == "TooLate"
    )
    with process_engine.read() as work:
        names = {row.id: row.short_name for row in work.connection.execute(sa.select(organisation))}
        stored = Counter(
            (row.kind, "accepted" if row.accepted else "refused", names[row.organisation_id], row.received_at)
            for row in work.connection.execute(sa.select(receipt))
        )
        stored += Counter(
            ("comment", "accepted", row.kind, row.received_at) for row in work.connection.execute(sa.select(comment))
        )
    faults = [f"acknowledged and lost: {key}" for key in (told - stored).elements()]
    if (unknown := stored - told).total() > 1:
        faults.append(f"stored and never answered: {sorted(map(str, unknown))}")
    return faults
