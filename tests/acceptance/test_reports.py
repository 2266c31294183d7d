"""The replays of Jiangxi 2022 and SAMR 2021, judged from outside: both databases, both kernels, with and without confirmation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from reports_checker import ReportsChecker

from api.settings import Settings
from api.wiring import build_engine
from workflows.replay import Options, play
from workflows.schema import upgrade_schema

JIANGXI = {
    ("phase_1", "2022-11-middle"): "2022-11-20",
    ("phase_2", "2023-03-early"): "2023-03-10",
    ("phase_3", "2023-11-early"): "2023-11-10",
    ("annual", "2022-11-18"): "2022-11-18",
    ("annual", "2023-11-middle"): "2023-11-20",
}
PLAN = {"2021-06": "2021-06-30", "2021-07": "2021-07-31", "2021-08": "2021-08-31", "2021-09": "2021-09-30"}
SUMMARY = ("2021-11-15", "2021-11-25")


@contextmanager
def replayed(url: str, folder: Path, notice: str, **options: Any) -> Iterator[dict[str, Any]]:
    """The JSON result of a replay in an empty database."""
    process_engine = build_engine(Settings(database_url=url, file_folder=folder / "files"))
    upgrade_schema(process_engine.database)
    try:
        report = play(process_engine, Options(notice, **options))
        yield json.loads(json.dumps(report.as_json(), ensure_ascii=False))
    finally:
        process_engine.database.dispose()


def essence(result: dict[str, Any]) -> dict[str, Any]:
    """What must be the same whatever executes and stores."""
    return {key: value for key, value in result.items() if key != "kernel"}


def confirmed(result: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The due days of SAMR 2021 after its confirmation, each one of the candidates."""
    periods = {each["plan"]: each["period"] for each in result["reports"]}
    assert periods["summary"] in SUMMARY
    return {
        ("work_plan", periods["work_plan"]): PLAN[periods["work_plan"]],
        ("summary", periods["summary"]): periods["summary"],
    }


@pytest.fixture(scope="module")
def jiangxi(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """Jiangxi on the token kernel and SQLite, judged; its database."""
    folder = tmp_path_factory.mktemp("jiangxi")
    url = f"sqlite:///{folder / 'replay.sqlite3'}"
    with replayed(url, folder, "jiangxi_2022", institutions=14) as result:
        assert ReportsChecker(result, url, due=JIANGXI, bodies=12).check() == []
    return result, url


def test_phases_and_annual_reports_on_their_days(jiangxi: tuple[dict[str, Any], str]) -> None:
    result, _ = jiangxi
    assert (result["unknown_dates"], result["open_instances"], result["incidents"]) == ([], [], [])
    for plan, period in JIANGXI:
        mine = [each for each in result["reports"] if (each["plan"], each["period"]) == (plan, period)]
        fates = {(each["state"], each["late"]) for each in mine}
        assert fates == {("accepted", False), ("accepted", True), ("closed", False)}
    opened = [line["at"][:10] for line in result["timeline"] if line["event"] == "started" and "-phase_2-" in line["subject"]]
    assert len(opened) == 12 and min(opened) > "2022-11-20"
    assert result["counts"]["receipts"]["report.accepted"] > 55
    assert result["published"]


def test_another_kernel_and_database_give_the_same(
    jiangxi: tuple[dict[str, Any], str], database_url: str, tmp_path: Path
) -> None:
    kernel = "tokens" if database_url.startswith("postgresql") else "spiff"
    with replayed(database_url, tmp_path, "jiangxi_2022", institutions=14, kernel=kernel) as result:
        assert ReportsChecker(result, database_url, due=JIANGXI, bodies=12).check() == []
    assert essence(result) == essence(jiangxi[0])


def test_without_confirmation_nothing_falls_due(sqlite_url: str, tmp_path: Path) -> None:
    with replayed(sqlite_url, tmp_path, "samr_2021_34", institutions=32, confirm=False) as result:
        assert ReportsChecker(result, sqlite_url, due={}, bodies=32, ends=False).check() == []
    assert result["unknown_dates"] == ["plan_due", "summary_due"]
    assert "samr-2021-34" in result["open_instances"]
    assert {each["plan"] for each in result["reports"]} == {"important"}
    assert (result["cutoffs"], result["published"], result["incidents"]) == ([], [], [])
    assert not [line for line in result["timeline"] if line["event"].endswith(".fired")]


def test_after_a_confirmation_it_goes_on(sqlite_url: str, tmp_path: Path) -> None:
    with replayed(sqlite_url, tmp_path, "samr_2021_34", institutions=32) as result:
        assert ReportsChecker(result, sqlite_url, due=confirmed(result), bodies=32).check() == []
    assert (result["unknown_dates"], result["open_instances"]) == ([], [])
    assert {item["published_at"][:10] for item in result["published"]} == {"2022-05-10"}


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["tokens", "spiff"])
@pytest.mark.parametrize("seed", [1, 7])
def test_other_seeds(database_url: str, tmp_path: Path, kernel: str, seed: int) -> None:
    with replayed(database_url, tmp_path, "samr_2021_34", seed=seed, kernel=kernel) as result:
        assert ReportsChecker(result, database_url, due=confirmed(result), bodies=32).check() == []
    assert len(result["published"]) == 20


def test_the_checker_finds_what_is_wrong(jiangxi: tuple[dict[str, Any], str]) -> None:
    """A checker that finds nothing whatever it is given would prove nothing."""
    result, url = jiangxi
    first = next(index for index, each in enumerate(result["submissions"]) if each["channel"] == "report")

    def spoil_late(found: dict[str, Any]) -> None:
        found["reports"][0]["late"] = not found["reports"][0]["late"]

    def spoil_day(found: dict[str, Any]) -> None:
        found["reports"][0]["due_on"] = "2022-11-19"

    def spoil_sent(found: dict[str, Any]) -> None:
        found["submissions"].pop(first)

    def spoil_count(found: dict[str, Any]) -> None:
        found["counts"]["reports"]["closed"] += 1

    for spoil in (spoil_late, spoil_day, spoil_sent, spoil_count):
        spoiled = json.loads(json.dumps(result))
        spoil(spoiled)
        assert ReportsChecker(spoiled, url, due=JIANGXI, bodies=12).check() != []
