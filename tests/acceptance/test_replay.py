"""The replay of SAMR 2022, judged from outside: on both databases, on both kernels, with other seeds, sizes and deadlines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from checker import Checker

from api.settings import Settings
from api.wiring import build_engine
from workflows.replay import Options, play
from workflows.replay.play import find_notice, make_world, notice_dates
from workflows.schema import upgrade_schema

SMALL = {"institutions": 60, "experts": 15, "cut": 12, "experts_per_case": 3}
"""Enough for every fate of a case, few enough for the normal run; the campaign as it was is played with `--all`."""


@contextmanager
def replayed(url: str, folder: Path, **options: Any) -> Iterator[dict[str, Any]]:
    """The JSON result of a replay in an empty database."""
    process_engine = build_engine(Settings(database_url=url, file_folder=folder / "files"))
    upgrade_schema(process_engine.database)
    try:
        report = play(process_engine, Options("samr_2022_932", **{**SMALL, **options}))
        yield json.loads(json.dumps(report.as_json(), ensure_ascii=False))
    finally:
        process_engine.database.dispose()


def planned_below(*, seed: int, institutions: int, experts: int) -> list[str]:
    """The provinces that the seed makes stay below their quota."""
    _, content = find_notice("samr_2022_932")
    world = make_world(content, notice_dates(content), seed=seed, institutions=institutions, experts=experts)
    return list(world.below_quota)


def essence(result: dict[str, Any]) -> dict[str, Any]:
    """What must be the same whatever executes and stores."""
    return {key: value for key, value in result.items() if key != "kernel"}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The replay on the token kernel and SQLite, judged."""
    folder = tmp_path_factory.mktemp("reference")
    url = f"sqlite:///{folder / 'replay.sqlite3'}"
    with replayed(url, folder) as result:
        assert Checker(result, url).check() == []
    return result


def test_the_campaign_is_played_to_its_end(reference: dict[str, Any]) -> None:
    assert len(reference["published"]) == 12
    assert {item["published_at"][:10] for item in reference["published"]} == {"2023-03-17"}
    assert (reference["incidents"], reference["open_instances"]) == ([], [])
    assert reference["below_quota"] == planned_below(seed=1, institutions=60, experts=15)
    answers = {(entry["channel"], entry["answer"]) for entry in reference["submissions"]}
    assert answers >= {
        (channel, answer) for channel in ("application", "list", "correction") for answer in ("accepted", "refused")
    }
    (collection,) = [cutoff for cutoff in reference["cutoffs"] if cutoff["name"] == "collection"]
    assert collection == {"name": "collection", "cutoff_at": "2022-08-11T00:00:00+08:00", "due_on": "2022-08-10"}


REMINDERS = [
    # day, role, step, due on, which of the plan, letters
    ("2022-07-21", "applicant", "apply", "2022-07-30", "before7", 1),
    ("2022-07-21", "applicant", "apply", "2022-07-31", "before7", 2),
    ("2022-07-25", "applicant", "apply", "2022-08-03", "before7", 1),
    ("2022-07-27", "applicant", "apply", "2022-07-30", "before3", 1),
    ("2022-07-29", "applicant", "apply", "2022-07-29", "day", 1),
    ("2022-07-29", "applicant", "apply", "2022-07-30", "before1", 2),
    ("2022-07-30", "applicant", "apply", "2022-07-30", "day", 1),
    ("2022-08-01", "applicant", "apply", "2022-08-01", "day", 1),
    ("2022-08-01", "applicant", "apply", "2022-08-10", "before7", 1),
    ("2022-08-01", "auditor", "recommend", "2022-08-10", "before7", 33),
    ("2022-08-02", "applicant", "apply", "2022-08-02", "day", 1),
    ("2022-08-03", "applicant", "apply", "2022-08-03", "day", 1),
    ("2022-08-03", "applicant", "apply", "2022-08-04", "before1", 2),
    ("2022-08-04", "applicant", "apply", "2022-08-04", "day", 3),
    ("2022-08-05", "applicant", "apply", "2022-08-06", "before1", 2),
    ("2022-08-05", "applicant", "apply", "2022-08-10", "before3", 1),
    ("2022-08-05", "applicant", "correct", "2022-08-10", "before3", 1),
    ("2022-08-05", "auditor", "recommend", "2022-08-10", "before3", 30),
    ("2022-08-06", "applicant", "apply", "2022-08-06", "day", 1),
    ("2022-08-09", "applicant", "apply", "2022-08-10", "before1", 1),
    ("2022-08-09", "applicant", "correct", "2022-08-10", "before1", 1),
    ("2022-08-09", "auditor", "recommend", "2022-08-10", "before1", 13),
    ("2022-08-10", "applicant", "apply", "2022-08-10", "day", 2),
    ("2022-08-10", "applicant", "correct", "2022-08-10", "day", 1),
    ("2022-08-10", "auditor", "recommend", "2022-08-10", "day", 10),
    ("2022-10-20", "expert", "review", "2022-10-31", "before7", 9),
    ("2022-10-20", "organiser", "review", "2022-10-31", "before7", 1),
    ("2022-10-26", "expert", "review", "2022-10-31", "before3", 1),
    ("2022-10-26", "organiser", "review", "2022-10-31", "before3", 1),
    ("2023-03-08", "organiser", "publish", "2023-03-17", "before7", 1),
    ("2023-03-14", "organiser", "publish", "2023-03-17", "before3", 1),
    ("2023-03-16", "organiser", "publish", "2023-03-17", "before1", 1),
    ("2023-03-17", "organiser", "publish", "2023-03-17", "day", 1),
]
"""What each role was sent, by day: seven, three and one work days before each due day and on it, to those who still owe it.

Work days by the State Council's calendar: Saturday 30 July and Saturday 6 August 2022 are due days of bodies, but no work days.
"""


def test_what_each_role_was_reminded_of(reference: dict[str, Any]) -> None:
    """The whole list. All leave at nine in Beijing; the engine of a replay is twelve seconds late."""
    names = ("role", "step", "due_on", "occurrence", "letters")
    found = [(line["at"][:10], *(line[name] for name in names)) for line in reference["reminders"]]
    assert found == REMINDERS
    assert {line["at"][10:] for line in reference["reminders"]} == {"T09:00:12+08:00"}


def test_the_second_kernel_gives_the_same(reference: dict[str, Any], sqlite_url: str, tmp_path: Path) -> None:
    with replayed(sqlite_url, tmp_path, kernel="spiff") as result:
        assert Checker(result, sqlite_url).check() == []
    assert essence(result) == essence(reference)


@pytest.mark.postgresql
@pytest.mark.parametrize("kernel", ["tokens", pytest.param("spiff", marks=pytest.mark.slow)])
def test_postgresql_gives_the_same(reference: dict[str, Any], kernel: str, postgresql_url: str, tmp_path: Path) -> None:
    with replayed(postgresql_url, tmp_path, kernel=kernel) as result:
        assert Checker(result, postgresql_url).check() == []
    assert essence(result) == essence(reference)


@pytest.mark.slow
def test_another_seed_gives_another_campaign(reference: dict[str, Any], sqlite_url: str, tmp_path: Path) -> None:
    with replayed(sqlite_url, tmp_path, seed=7) as result:
        assert Checker(result, sqlite_url).check() == []
    assert result["published"] != reference["published"]


def test_a_shifted_deadline_shifts_what_is_in_time(reference: dict[str, Any], sqlite_url: str, tmp_path: Path) -> None:
    with replayed(sqlite_url, tmp_path, deadline=datetime.fromisoformat("2022-08-21T00:00:00+08:00")) as result:
        assert Checker(result, sqlite_url).check() == []
    (collection,) = [cutoff for cutoff in result["cutoffs"] if cutoff["name"] == "collection"]
    assert collection["due_on"] == "2022-08-20"
    assert any(entry["sent_at"] > "2022-08-11" and entry["answer"] == "accepted" for entry in result["submissions"])


@pytest.mark.slow
def test_the_whole_campaign_of_49(database_url: str, tmp_path: Path) -> None:
    with replayed(database_url, tmp_path, institutions=170, experts=40, cut=49, experts_per_case=None) as result:
        assert Checker(result, database_url).check() == []
    assert len(result["published"]) == 49
    assert len(result["below_quota"]) == 2
    assert result["below_quota"] == planned_below(seed=1, institutions=170, experts=40)


def test_the_checker_finds_what_is_wrong(reference: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    """A checker that finds nothing whatever it is given would prove nothing."""
    url = f"sqlite:///{next(tmp_path_factory.getbasetemp().glob('reference*')) / 'replay.sqlite3'}"
    for spoil in (
        lambda found: found["submissions"][0].update(
            answer="refused" if found["submissions"][0]["answer"] == "accepted" else "accepted"
        ),
        lambda found: found["below_quota"].append("北京"),
        lambda found: found["published"].reverse(),
        lambda found: found["cutoffs"][0].update(due_on="2022-08-01"),
        lambda found: found["timeline"].insert(0, found["timeline"][-1]),
    ):
        spoiled = json.loads(json.dumps(reference))
        spoil(spoiled)
        assert Checker(spoiled, url).check() != []
