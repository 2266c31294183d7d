"""Many timers due at once while something breaks: each has its effect once, none is lost, and none is later than promised."""

from __future__ import annotations

from typing import Any

import pytest

from api.cli.breaking import NAMES as OFFERED
from engine.backends.queue import LEASE_SECONDS, POLL_SECONDS, SWEEP
from tests.faults import breaking
from tests.faults.hosts import find_hindrance
from tests.setup.postgresql import find_binaries

pytestmark = pytest.mark.postgresql

PROMISED = LEASE_SECONDS + 10 + POLL_SECONDS
"""As docs/operations.md says: a lease, a sweep, a poll. Firing them all comes on top."""
NEEDS_SERVER = pytest.mark.skipif(find_binaries() is None, reason="no PostgreSQL is installed that could be started and broken")


def judge(found: dict[str, Any], timers: int, *, firing_s: float) -> None:
    """Exactly once, and in time."""
    delay = found.pop("longest_delay_s")
    assert found == {"expected": timers, "effects": timers, "duplicates": 0, "lost": 0}
    assert 0 <= delay < PROMISED + firing_s


def test_the_promise_is_made_of_what_the_workers_do() -> None:
    assert SWEEP.endswith(" */10") and OFFERED == breaking.NAMES


@NEEDS_SERVER
@pytest.mark.parametrize(
    "fault", ["kill", pytest.param("stop", marks=pytest.mark.slow), pytest.param("restart", marks=pytest.mark.slow)]
)
def test_some_timers(fault: str) -> None:
    judge(breaking.run(timers=400, faults=[fault])[fault], 400, firing_s=20)


@NEEDS_SERVER
@pytest.mark.skipif(find_hindrance() is not None, reason=f"no hosts: {find_hindrance()}")
@pytest.mark.slow
def test_some_timers_while_a_worker_is_cut_off() -> None:
    judge(breaking.run(timers=400, faults=["cut_off"])["cut_off"], 400, firing_s=20)


@NEEDS_SERVER
@pytest.mark.slow
def test_ten_thousand_timers() -> None:
    told = breaking.run(timers=10_000)
    if "skipped" in told["cut_off"]:
        pytest.skip(f"cut_off: {told['cut_off']['skipped']}")
    firing = told["none"]["longest_delay_s"]
    for name, found in told.items():  # killed ones take the time of their start, and SQLite has nobody else
        judge(found, 10_000, firing_s=20 + 2 * firing + {"kill": 60, "sqlite_kill": 200}.get(name, 0))
