"""The national campaign in small: it comes to its end, and its own look from outside finds nothing wrong - or what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.national import run, tell_lines
from benchmarks.national.timing import Timing
from benchmarks.national.verifying import verify
from benchmarks.national.workers import Place, RunningClock, open_place

INSTITUTIONS = 50
"""One of the 50th sends across the cut-off; some are returned, rejected or silent."""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """A whole campaign on SQLite, as `--json` prints it."""
    lines: list[str] = []
    found = run(["sqlite"], institutions=INSTITUTIONS, experts=12, listed=0.5, cut=5, tell=lines.append)
    assert any(line.startswith("deadline day: 48") for line in lines)
    return json.loads(json.dumps(found))["sqlite"]["1"]  # type: ignore[no-any-return]


def test_the_campaign_comes_to_its_end(told: dict[str, Any]) -> None:
    found = told["found"]
    assert told["ok"]
    assert (found["published"], found["running"], found["incidents"]) == (5, 0, 0)
    assert found["acknowledged"] == found["acknowledged_and_stored"] == found["accepted"]
    assert found["refused"] == found["refused_told"]
    assert sum(found["cases"].values()) == INSTITUTIONS
    assert found["cases"]["rejected"] == 1


def test_every_phase_tells_what_it_did(told: dict[str, Any]) -> None:
    phases = {row["phase"]: row for row in told["phases"]}
    assert phases["open cases"]["done"] == INSTITUTIONS
    assert phases["deadline day"]["operations"]["complete apply"]["count"] == phases["deadline day"]["done"]
    assert phases["review"]["done"] % 5 == 0
    assert phases["results told"]["operations"]["message result_published"]["count"] * 5 == phases["review"]["done"]
    assert set(told["peak_mb"]) == {"worker 0", "coordinator"}
    assert phases["archive"]["operations"]["bulk "]["count"] == 1
    assert told["found"]["archived"] == told["found"]["instances"] - 1
    assert told["size"]["kb_archived"] < told["size"]["kb_packed"] <= told["size"]["kb_per_case"]
    (line,) = tell_lines({"sqlite": {"1": told}})
    assert (line["institutions"], line["ok"], line["faster"]) == (INSTITUTIONS, True, 1)


@pytest.fixture
def looked_at(tmp_path: Path) -> Place:
    """An empty database, and a folder with what clients were told."""
    return Place(f"sqlite:///{tmp_path}/looked_at.sqlite3", tmp_path)


def test_a_lost_application_is_found(looked_at: Place) -> None:
    (looked_at.folder / "accepted-0.txt").write_text("0123 2022-08-01T00:00:00+00:00 abc\n", encoding="utf-8")
    found = verify(open_place(looked_at, RunningClock()), looked_at.folder)
    assert (found["ok"], found["acknowledged"], found["acknowledged_and_stored"]) == (False, 1, 0)


def test_quantiles_are_as_exact_as_the_buckets() -> None:
    timing = Timing()
    for ms in range(1, 1001):
        timing.add(ms)
    other = Timing()
    other.merge(timing)
    assert (other.count, other.longest_ms) == (1000, 1000)
    assert other.find_quantile(0.5) == pytest.approx(500, rel=0.03)
    assert other.find_quantile(0.99) == pytest.approx(990, rel=0.03)
