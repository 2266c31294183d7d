"""A notice that nobody issued, as a folder: weekly rounds, two audit levels, no experts, and no Python of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from checker import Checker

from api.settings import Settings
from api.wiring import build_engine
from workflows.replay import Options, play
from workflows.schema import upgrade_schema

FOLDER = Path(__file__).parent / "invented" / "toy_safety_2024"
FRIDAYS = [str(date(2024, 3, 8) + timedelta(weeks=week)) for week in range(8)]


class WeeklyChecker(Checker):
    """Judges what every campaign has; the rounds are recomputed below."""

    def parts(self) -> tuple[Callable[[], None], ...]:
        """Neither experts nor a selection."""
        whole = (self.check_submissions, self.check_receipts, self.check_lists, self.check_ends, self.check_history)
        return (*whole, self.check_timeline)


def replay(url: str, folder: Path, *, kernel: str = "tokens") -> dict[str, Any]:
    """The judged result of a replay of the folder, but for the kernel's name."""
    process_engine = build_engine(Settings(database_url=url, file_folder=folder / "files"))
    upgrade_schema(process_engine.database)
    try:
        report = play(process_engine, Options(str(FOLDER), institutions=12, kernel=kernel))
    finally:
        process_engine.database.dispose()
    result: dict[str, Any] = json.loads(json.dumps(report.as_json(), ensure_ascii=False))
    assert WeeklyChecker(result, url).check() == []
    assert result.pop("kernel") == kernel
    return result


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The replay on the token kernel and SQLite."""
    folder = tmp_path_factory.mktemp("invented")
    return replay(f"sqlite:///{folder / 'replay.sqlite3'}", folder)


def test_a_new_notice_is_a_folder(played: dict[str, Any]) -> None:
    assert (played["incidents"], played["open_instances"]) == ([], [])
    assert [(each["plan"], each["due_on"]) for each in played["rounds"]] == [("week", friday) for friday in FRIDAYS]
    in_rounds = {}
    for each in played["rounds"]:
        opens_at = datetime.fromisoformat(each["cutoff_at"]) - timedelta(weeks=1)
        for case in each["cases"]:
            assert opens_at <= datetime.fromisoformat(case["moment"]) < datetime.fromisoformat(each["cutoff_at"])
            assert in_rounds.setdefault(case["number"], each["period"]) == each["period"]
    assert len(in_rounds) == played["counts"]["receipts"]["report.accepted"]
    events = {(line["event"], line["subject"]) for line in played["timeline"]}
    published = [each["number"] for each in played["published"]]
    assert published and all(
        (f"{step}.completed", number) in events for step in ("first_audit", "second_audit", "decide") for number in published
    )
    assert {"application.refused", "report.accepted", "correction.accepted"} <= set(played["counts"]["receipts"])


def test_the_second_kernel_gives_the_same(played: dict[str, Any], sqlite_url: str, tmp_path: Path) -> None:
    assert replay(sqlite_url, tmp_path, kernel="spiff") == played


@pytest.mark.postgresql
def test_postgresql_gives_the_same(played: dict[str, Any], postgresql_url: str, tmp_path: Path) -> None:
    assert replay(postgresql_url, tmp_path) == played
