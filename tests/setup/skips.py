"""pytest plugin of `run.py test`: the last line says what was skipped and why, and a skip of what is required fails the run."""

from __future__ import annotations

import os
from collections import Counter

import pytest

CHOSEN = "slow:"
"""Skips whose reason begins so were chosen, not suffered: they need `--all`."""


class Skips:
    """Counts skipped tests by reason."""

    def __init__(self, required: list[str]) -> None:
        self.required = required
        self.reasons: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()
        self.deselected = 0

    def count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Take note of one report."""
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        place = report.longrepr
        reason = str(place[2] if isinstance(place, tuple) else place).removeprefix("Skipped: ")
        self.reasons[reason] += 1
        if not reason.startswith(CHOSEN):
            self.missing.update(name for name in self.required if name in report.keywords)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.count(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.count(report)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.deselected += len(items)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.missing and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def summary(self) -> str:
        """One line about everything that did not run."""
        parts = [f"{count} × {reason}" for reason, count in self.reasons.most_common()]
        if self.deselected:
            parts.append(f"{self.deselected} × deselected by the arguments")
        line = "Skipped: " + ("; ".join(parts) if parts else "nothing")
        if self.missing:
            line = f"FAILED: required but skipped: {', '.join(sorted(self.missing))}. {line}"
        return line


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # a worker of xdist: the one that shows the results counts
    required = [name for name in os.environ.get("LINXUAN_TEST_REQUIRE", "").split(",") if name]
    config.pluginmanager.register(Skips(required), "linxuan-skips")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    plugin = config.pluginmanager.get_plugin("linxuan-skips")
    if isinstance(plugin, Skips):
        print(plugin.summary(), flush=True)
