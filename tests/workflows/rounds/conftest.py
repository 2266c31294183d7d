"""Hubei on SQLite (written once, the file copied for each test), and on each database."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from engine.clock import VirtualClock
from engine.database import open_database
from engine.tables import metadata
from engine.work import ProcessEngine
from tests.workflows.rounds.hubei import Hubei, beijing, build_hubei
from workflows.handlers import install_handlers


@pytest.fixture(scope="session")
def written_hubei(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hubei, Path]:
    """The world as written into a SQLite file, with an issued campaign; nobody changes it."""
    folder = tmp_path_factory.mktemp("hubei")
    database = open_database(f"sqlite:///{folder / 'hubei.sqlite3'}")
    metadata.create_all(database)
    clock = VirtualClock(beijing(5, 23, 9))
    process_engine = ProcessEngine(database, clock)
    install_handlers(process_engine.handlers)
    found = build_hubei(process_engine, clock)
    found.make_campaign()
    database.dispose()
    return found, folder / "hubei.sqlite3"


@pytest.fixture
def hubei(sqlite_engine: ProcessEngine, tmp_path: Path, written_hubei: tuple[Hubei, Path]) -> Hubei:
    """Hubei with an issued campaign, on SQLite."""
    return _enter(sqlite_engine, tmp_path, written_hubei)


@pytest.fixture
def hubei_anywhere(process_engine: ProcessEngine, tmp_path: Path, written_hubei: tuple[Hubei, Path]) -> Hubei:
    """The same on each database."""
    return _enter(process_engine, tmp_path, written_hubei)


def _enter(process_engine: ProcessEngine, folder: Path, written: tuple[Hubei, Path]) -> Hubei:
    process_engine.extras["files"] = folder / "files"
    clock = process_engine.clock = VirtualClock(beijing(5, 23, 9))
    install_handlers(process_engine.handlers)
    if process_engine.database.dialect.name != "sqlite":
        made = build_hubei(process_engine, clock)
        made.make_campaign()
        return made
    found, file = written
    process_engine.database.dispose()
    shutil.copyfile(file, str(process_engine.database.url.database))
    process_engine.definitions.update(found.process_engine.definitions)
    return replace(found, process_engine=process_engine, clock=clock)
