"""An installation moves from SQLite to PostgreSQL in the middle of a campaign, which goes on there."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.cli import main
from engine.clock import VirtualClock
from engine.tables import metadata
from engine.work import ProcessEngine
from tests.faults.collecting import Collecting, make_collecting, open_engine
from tests.faults.wholeness import find_faults, let_time_pass
from workflows.tables import case, search_entry

pytestmark = pytest.mark.postgresql


@pytest.fixture
def collecting(sqlite_url: str, tmp_path: Path) -> Collecting:
    return make_collecting(sqlite_url, tmp_path, applicants=2, cases=2)


@pytest.fixture
def moved(postgresql_url: str, tmp_path: Path) -> Iterator[ProcessEngine]:
    process_engine = open_engine(postgresql_url, tmp_path)
    yield process_engine
    process_engine.database.dispose()


def move(source: str, target: str) -> int:
    return main(["--lang", "en", "migrate-database", "--from", source, "--to", target])


def read_all(process_engine: ProcessEngine) -> dict[str, list[str]]:
    """All rows of all tables."""
    with process_engine.read() as work:
        found = {
            table.name: sorted(repr(tuple(row)) for row in work.connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
        }
        entries = work.connection.execute(sa.select(search_entry)).all()  # PostgreSQL has an order of its own for words
        return found | {"search_entry": sorted(f"{row.key} {sorted(row.words.replace(chr(39), '').split())}" for row in entries)}


def test_all_rows_arrive_and_the_campaign_goes_on(
    collecting: Collecting, moved: ProcessEngine, sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> None:
    assert move(sqlite_url, postgresql_url) == 0
    source = open_engine(sqlite_url, tmp_path)
    before = read_all(source)
    source.database.dispose()
    assert read_all(moved) == before and len(before["instance"]) > 4
    assert find_faults(moved) == []
    moved.clock = clock = VirtualClock(moved.clock.now())
    assert let_time_pass(moved, clock, jump=False) == []
    with moved.read() as work:
        assert set(work.connection.execute(sa.select(case.c.state)).scalars()) == {"lapsed"}


def test_a_database_in_use_is_not_filled(
    collecting: Collecting, moved: ProcessEngine, sqlite_url: str, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert move(sqlite_url, postgresql_url) == 0
    before = read_all(moved)
    assert move(sqlite_url, postgresql_url) == 1
    assert "in use already" in capsys.readouterr().err
    assert read_all(moved) == before


def test_a_served_database_is_not_moved(
    collecting: Collecting, sqlite_url: str, postgresql_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "linxuan.sqlite3-scheduler").open("a") as role:
        fcntl.flock(role, fcntl.LOCK_EX)
        assert move(sqlite_url, postgresql_url) == 1
    assert "stop it first" in capsys.readouterr().err


@pytest.mark.parametrize(("source", "target"), [("sqlite", "sqlite"), ("postgresql", "postgresql"), ("postgresql", "sqlite")])
def test_other_ways_are_refused(
    source: str, target: str, sqlite_url: str, postgresql_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    urls = {"sqlite": sqlite_url, "postgresql": postgresql_url}
    assert move(urls[source], urls[target]) == 1
    assert "from SQLite to PostgreSQL" in capsys.readouterr().err
