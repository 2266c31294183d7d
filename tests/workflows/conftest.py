"""Fixtures of the process tests. On SQLite the world is written once and its file copied for each test."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.clock import VirtualClock
from engine.database import open_database
from engine.tables import metadata
from engine.work import ProcessEngine
from tests.workflows.world import World, build_world
from workflows.handlers import install_handlers


@pytest.fixture(scope="session")
def written_world(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """The world as written into a SQLite file, and that file; nobody changes it."""
    folder = tmp_path_factory.mktemp("world")
    database = open_database(f"sqlite:///{folder / 'world.sqlite3'}")
    metadata.create_all(database)
    clock = VirtualClock(datetime(2022, 7, 1, 1, tzinfo=UTC))
    found = build_world(ProcessEngine(database, clock), clock)
    database.dispose()
    return found, folder / "world.sqlite3"


@pytest.fixture
def small_world(
    process_engine: ProcessEngine, virtual_clock: VirtualClock, tmp_path: Path, written_world: tuple[World, Path]
) -> World:
    """The world on each database, without a campaign."""
    return _enter(process_engine, virtual_clock, tmp_path, written_world)


@pytest.fixture
def world(sqlite_engine: ProcessEngine, virtual_clock: VirtualClock, tmp_path: Path, written_world: tuple[World, Path]) -> World:
    """The world on SQLite, with an issued campaign."""
    found = _enter(sqlite_engine, virtual_clock, tmp_path, written_world)
    found.make_campaign()
    return found


def _enter(process_engine: ProcessEngine, clock: VirtualClock, folder: Path, written: tuple[World, Path]) -> World:
    process_engine.extras["files"] = folder / "files"
    if process_engine.database.dialect.name != "sqlite":
        return build_world(process_engine, clock)
    found, file = written
    process_engine.database.dispose()
    shutil.copyfile(file, str(process_engine.database.url.database))
    install_handlers(process_engine.handlers)
    process_engine.definitions.update(found.process_engine.definitions)
    return replace(found, process_engine=process_engine, clock=clock)
