"""The replay of Hubei 2023, judged from outside: on both databases and on both kernels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checker import RoundsChecker

from api.settings import Settings
from api.wiring import build_engine
from workflows.replay import Options, play
from workflows.schema import upgrade_schema

SMALL = 22
"""Institutions: few for the normal run, enough for both channels, returns, lateness and duplicates."""


def replay(url: str, folder: Path, *, seed: int = 3, institutions: int = SMALL, kernel: str = "tokens") -> dict[str, Any]:
    """The judged result of a replay, but for the kernel's name."""
    process_engine = build_engine(Settings(database_url=url, file_folder=folder / "files"))
    upgrade_schema(process_engine.database)
    try:
        report = play(process_engine, Options("hubei_2023", seed=seed, institutions=institutions, kernel=kernel))
    finally:
        process_engine.database.dispose()
    result: dict[str, Any] = json.loads(json.dumps(report.as_json(), ensure_ascii=False))
    assert RoundsChecker(result, url).check() == []
    assert result.pop("kernel") == kernel
    return result


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The replay on the token kernel and SQLite."""
    folder = tmp_path_factory.mktemp("hubei")
    return replay(f"sqlite:///{folder / 'replay.sqlite3'}", folder)


def test_two_cadences_at_once(reference: dict[str, Any]) -> None:
    due = [(each["plan"], each["due_on"]) for each in reference["rounds"]]
    assert due == [
        ("month", "2023-05-31"),
        ("batch", "2023-06-30"),
        ("month", "2023-06-30"),
        ("month", "2023-07-31"),
        ("month", "2023-08-31"),
        ("month", "2023-09-30"),
        ("month", "2023-10-31"),
        ("batch", "2023-11-30"),
        ("month", "2023-11-30"),
        ("month", "2023-12-31"),
    ]
    assert (reference["incidents"], reference["open_instances"]) == ([], [])
    answers = {(entry["channel"], entry["answer"]) for entry in reference["submissions"]}
    assert {("report", "accepted"), ("duplicate", "refused"), ("arrival", "accepted"), ("application", "accepted")} <= answers


def test_eight_months_and_two_batches_on_their_dates(reference: dict[str, Any]) -> None:
    """What `--json` tells of the clock: every cut-off, and when each was done, twelve seconds after its moment."""
    months = [(f"2023-{month:02}", day) for month, day in zip(range(5, 13), (31, 30, 31, 31, 30, 31, 30, 31), strict=True)]
    expected = {f"month/{key}": f"{key}-{day}" for key, day in months}
    expected |= {"batch/2023-H1": "2023-06-30", "batch/2023-H2": "2023-11-30"}
    cutoffs = {line["name"]: line for line in reference["cutoffs"] if "/2023-" in line["name"]}
    assert {name: line["due_on"] for name, line in cutoffs.items()} == expected
    fired = [
        (line["event"].partition("_")[0], line["due_on"], line["at"])
        for line in reference["timeline"]
        if line["event"] in ("month_cutoff.fired", "batch_cutoff.fired")
    ]
    told = [(name.partition("/")[0], line["due_on"], line["cutoff_at"]) for name, line in cutoffs.items()]
    assert sorted(fired) == sorted((plan, due_on, at.replace("T00:00:00", "T00:00:12")) for plan, due_on, at in told)
    assert len(fired) == 10


def test_the_second_kernel_gives_the_same(reference: dict[str, Any], sqlite_url: str, tmp_path: Path) -> None:
    assert replay(sqlite_url, tmp_path, kernel="spiff") == reference


@pytest.mark.postgresql
@pytest.mark.parametrize("kernel", ["tokens", pytest.param("spiff", marks=pytest.mark.slow)])
def test_postgresql_gives_the_same(reference: dict[str, Any], kernel: str, postgresql_url: str, tmp_path: Path) -> None:
    assert replay(postgresql_url, tmp_path, kernel=kernel) == reference


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 24))
def test_other_seeds_are_played_to_the_end(seed: int, sqlite_url: str, tmp_path: Path) -> None:
    replay(sqlite_url, tmp_path, seed=seed, institutions=90)
