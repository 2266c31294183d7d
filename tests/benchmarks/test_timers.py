"""The measured timers: each has its effect once, by however many processes."""

from __future__ import annotations

import pytest

from benchmarks import timers

KINDS = [pytest.param("sqlite", 1, id="sqlite"), pytest.param("postgresql", 2, id="postgresql", marks=pytest.mark.postgresql)]


@pytest.mark.parametrize(("kind", "processes"), KINDS)
def test_each_timer_has_its_effect_once(kind: str, processes: int, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgresql_url") if kind == "postgresql" else None
    told = timers.run([kind], server=server, timers=120, processes=[processes])[kind][str(processes)]
    assert {name: told[name] for name in ("timers", "effects", "lost", "doubled")} == {
        "timers": 120, "effects": 120, "lost": 0, "doubled": 0
    }  # fmt: skip
    assert set(told) == {"rate", "bare_rate", "ratio", "noise", "timers", "effects", "lost", "doubled"}
