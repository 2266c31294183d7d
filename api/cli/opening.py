"""Settings and engine for a verb."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url

from api.cli.faults import DatabaseInMemory
from api.settings import Settings, read_settings
from engine.clock import Clock
from engine.work import Backend, ProcessEngine


def read_options(options: argparse.Namespace, **more: Any) -> Settings:
    """The settings of the environment, with `--database` (an address, or simply a file for SQLite) above them.

    Raises SettingsInvalid, DatabaseInMemory.
    """
    settings = read_settings(database_url=read_address(options.database), **more)
    if is_sqlite(settings) and sqlite_file(settings) is None:
        raise DatabaseInMemory()
    return settings


def read_address(given: str | None) -> str | None:
    """What `--database` means: `var/some.sqlite3` is the SQLite file of this name."""
    return given if given is None or "://" in given else f"sqlite:///{given}"


def open_engine(settings: Settings, *, backend: Backend | None = None, clock: Clock | None = None) -> ProcessEngine:
    """The engine for these settings, its schema brought up to date, with the work days of the years that this version knows.

    Raises OSError when a folder cannot be made, OperationalError when the database cannot be opened.
    """
    from api.wiring import build_engine
    from workflows.schema import upgrade_schema

    process_engine = build_engine(settings, backend=backend, clock=clock)
    upgrade_schema(process_engine.database)
    bring_years(process_engine)
    return process_engine


def bring_years(process_engine: ProcessEngine) -> None:
    """Write the work days of the years that this version of the software knows and the database does not."""
    from workflows.workdays import hold_calendar, unseeded_years

    with process_engine.read() as work:
        missing = unseeded_years(work)
    if missing:
        with process_engine.begin() as work:
            hold_calendar(work)


def address_of(settings: Settings) -> URL:
    """The database's address, parsed."""
    return make_url(settings.database_url)


def is_sqlite(settings: Settings) -> bool:
    """Whether the database is SQLite."""
    return address_of(settings).get_backend_name() == "sqlite"


def sqlite_file(settings: Settings) -> Path | None:
    """The file of a SQLite database; None for one in memory."""
    name = address_of(settings).database
    return Path(name) if name and name != ":memory:" else None
