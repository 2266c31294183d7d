"""Fixtures of the fault tests: the collecting campaign as a SQLite database that is made once and copied."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.collecting import Collecting, make_collecting

APPLICANTS, CASES = 4, 4


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Collecting]:
    """A folder with the database, and who is in it; nobody changes it."""
    folder = tmp_path_factory.mktemp("collecting")
    return folder, make_collecting(f"sqlite:///{folder / 'linxuan.sqlite3'}", folder, applicants=APPLICANTS, cases=CASES)


@pytest.fixture
def copied(model: tuple[Path, Collecting], tmp_path: Path) -> tuple[str, Collecting]:
    """The address of a copy, and who is in it."""
    return copy_database(model[0], tmp_path), model[1]


def copy_database(source: Path, folder: Path) -> str:
    """Copy a database that nobody has open; the copy's address."""
    for file in source.glob("linxuan.sqlite3*"):
        shutil.copy(file, folder / file.name)
    return f"sqlite:///{folder / 'linxuan.sqlite3'}"
