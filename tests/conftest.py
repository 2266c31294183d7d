"""Fixtures for all rooms: a fresh database (also PostgreSQL where a test is marked for it), an engine on it, travelled time."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

import workflows.tables  # noqa: F401 - the tables of both rooms stand in one schema
from engine.clock import VirtualClock
from engine.database import open_database
from engine.tables import metadata
from engine.work import ProcessEngine

POSTGRESQL = os.environ.get("LINXUAN_TEST_POSTGRESQL")

# The normal run tries the same examples on every machine and does not time them; `--all` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("searching", deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests too, and every database test on PostgreSQL")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("searching" if config.getoption("--all") else "steady")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--all"):
        return
    slow = pytest.mark.skip(reason="slow: runs with --all")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(slow)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database; one each for SQLite and PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'linxuan.sqlite3'}"
    else:
        yield request.getfixturevalue("postgresql_url")


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty PostgreSQL database, for tests marked `postgresql`; with all tables if there is an engine."""
    if POSTGRESQL is None:
        pytest.skip("no PostgreSQL server: set LINXUAN_TEST_POSTGRESQL, or run `python3 run.py test`, which starts one")
    model = request.getfixturevalue("postgresql_tables") if "process_engine" in request.fixturenames else None
    with postgresql_database(POSTGRESQL, model) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_tables() -> Iterator[str]:
    """The name of a PostgreSQL database with all tables and nothing in them: a copy is made sooner than they are."""
    assert POSTGRESQL is not None
    with postgresql_database(POSTGRESQL) as url:
        make_tables(url)
        yield str(sa.make_url(url).database)


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and nothing in them."""
    file = tmp_path_factory.mktemp("tables") / "linxuan.sqlite3"
    make_tables(f"sqlite:///{file}")
    return file


def make_tables(url: str) -> None:
    """Make all tables in an empty database."""
    database = open_database(url)
    metadata.create_all(database)
    database.dispose()


class postgresql_database:  # noqa: N801 - used like a function
    """A new database on the server of a test run, empty or a copy of `model`, dropped at the end."""

    def __init__(self, server: str, model: str | None = None) -> None:
        self.model = model
        self.server = sa.make_url(server).set(drivername="postgresql+psycopg")
        self.name = f"linxuan_{uuid.uuid4().hex}"

    def __enter__(self) -> str:
        self._admin(f'CREATE DATABASE "{self.name}"' + (f' TEMPLATE "{self.model}"' if self.model else ""))
        return self.server.set(database=self.name).render_as_string(hide_password=False)

    def __exit__(self, *_: object) -> None:
        self._admin(f'DROP DATABASE "{self.name}" WITH (FORCE)')

    def _admin(self, statement: str) -> None:
        engine = sa.create_engine(self.server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text(statement))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an empty SQLite database, for tests in which the database does not matter."""
    return f"sqlite:///{tmp_path / 'linxuan.sqlite3'}"


@pytest.fixture
def virtual_clock() -> VirtualClock:
    """Time that moves when told; it begins on 2022-07-01 at 9:00 in Beijing."""
    return VirtualClock(datetime(2022, 7, 1, 1, tzinfo=UTC))


@pytest.fixture
def process_engine(database_url: str, sqlite_tables: Path, virtual_clock: VirtualClock) -> Iterator[ProcessEngine]:
    """An engine with all tables, virtual time and no handlers yet, on each database."""
    if database_url.startswith("sqlite"):
        copyfile(sqlite_tables, str(sa.make_url(database_url).database))
    yield from _engine(database_url, virtual_clock)


@pytest.fixture
def sqlite_engine(sqlite_url: str, sqlite_tables: Path, virtual_clock: VirtualClock) -> Iterator[ProcessEngine]:
    """The same on SQLite only."""
    copyfile(sqlite_tables, str(sa.make_url(sqlite_url).database))
    yield from _engine(sqlite_url, virtual_clock)


def _engine(url: str, clock: VirtualClock) -> Iterator[ProcessEngine]:
    database = open_database(url)
    yield ProcessEngine(database, clock)
    database.dispose()
