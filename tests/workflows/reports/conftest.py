"""Fixtures of the tests of reports: the actions of Jiangxi 2022 and SAMR 2021 with their bodies, people and time.

On SQLite each is written once and its file copied for each test.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from engine.clock import VirtualClock
from engine.database import open_database
from engine.tables import metadata
from engine.work import ProcessEngine
from tests.workflows.reports.acting import BEIJING, Action, build_action
from workflows.handlers import install_handlers


@dataclass(frozen=True)
class Kind:
    """One of the two actions: its notice, when it is issued, and two of its bodies."""

    notice: str
    issued_at: datetime
    bodies: tuple[str, str]

    def build(self, process_engine: ProcessEngine) -> Action:
        process_engine.clock = VirtualClock(self.issued_at)
        install_handlers(process_engine.handlers)
        return build_action(process_engine, self.notice, self.bodies)


JIANGXI = Kind("jiangxi_2022", datetime(2022, 10, 9, 9, tzinfo=BEIJING), ("南昌市市场监督管理局", "江西省检验检测认证总院"))
SAMR = Kind("samr_2021_34", datetime(2021, 5, 28, 9, tzinfo=BEIJING), ("江西省市场监督管理局", "湖北省市场监督管理局"))


@pytest.fixture(scope="session")
def written_actions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Action, Path]]:
    """Each action as written into a SQLite file, and that file; nobody changes it."""
    found = {}
    for kind in (JIANGXI, SAMR):
        file = tmp_path_factory.mktemp("action") / f"{kind.notice}.sqlite3"
        database = open_database(f"sqlite:///{file}")
        metadata.create_all(database)
        found[kind.notice] = (kind.build(ProcessEngine(database)), file)
        database.dispose()
    return found


@pytest.fixture
def jiangxi(sqlite_engine: ProcessEngine, written_actions: dict[str, tuple[Action, Path]]) -> Action:
    """Jiangxi 2022, issued on 2022-10-09: the first reports are open."""
    return _copy(sqlite_engine, JIANGXI, written_actions)


@pytest.fixture
def samr(process_engine: ProcessEngine, written_actions: dict[str, tuple[Action, Path]]) -> Action:
    """SAMR 2021 on each database, issued on 2021-05-28: two dates are unknown, nothing is due."""
    if process_engine.database.dialect.name != "sqlite":
        return SAMR.build(process_engine)
    return _copy(process_engine, SAMR, written_actions)


@pytest.fixture
def samr_lite(sqlite_engine: ProcessEngine, written_actions: dict[str, tuple[Action, Path]]) -> Action:
    """The same on SQLite only."""
    return _copy(sqlite_engine, SAMR, written_actions)


def _copy(process_engine: ProcessEngine, kind: Kind, written: dict[str, tuple[Action, Path]]) -> Action:
    found, file = written[kind.notice]
    process_engine.clock = VirtualClock(kind.issued_at)
    process_engine.database.dispose()
    shutil.copyfile(file, str(process_engine.database.url.database))
    install_handlers(process_engine.handlers)
    process_engine.definitions.update(found.process_engine.definitions)
    return replace(found, process_engine=process_engine)
