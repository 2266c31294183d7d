"""Independent BPMN cases with known outcomes, run on either kernel: the engine is judged by what others wrote.

The cases are not part of the project. A folder holds `betsy.json`, `token-simulation.json` and `lib-bpmn-engine.json`, each a
list of cases that name their diagram beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.conformance.cases import Case, Verdict, World, judge_betsy, judge_library, judge_simulation
from engine.kernel import Kernel

__all__ = ["SUITES", "CaseResult", "run_conformance", "run_suite"]

SUITES: dict[str, Callable[[Case, World], Verdict]] = {
    "betsy": judge_betsy,
    "token-simulation": judge_simulation,
    "lib-bpmn-engine": judge_library,
}
"""How each suite is judged, by its name."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The outcome of one case: `result` is `passed`, `refused` (not read, or not supported by the kernel) or `wrong`."""

    suite: str
    case: str
    result: str
    note: str

    @property
    def passed(self) -> bool:
        """Whether the outcome is the expected one."""
        return self.result == "passed"

    def to_json(self) -> dict[str, Any]:
        """The fields, for `--json`."""
        return asdict(self)


def run_conformance(folder: Path, *, kernel: Kernel, suite: str | None = None, dump: bool = False) -> list[CaseResult]:
    """Run all suites of the folder, or one. With `dump` each document goes through JSON between any two steps.

    Raises FileNotFoundError when the folder holds no suite, KeyError for a suite that there is not.
    """
    names = [suite] if suite else [name for name in SUITES if (folder / f"{name}.json").exists()]
    if not names:
        raise FileNotFoundError(f"no conformance suite in {folder}")
    return [result for name in names for result in run_suite(folder, name, kernel=kernel, dump=dump)]


def run_suite(folder: Path, suite: str, *, kernel: Kernel, dump: bool = False) -> list[CaseResult]:
    """Run every case of one suite.

    Raises FileNotFoundError, KeyError for an unknown suite.
    """
    judge, world = SUITES[suite], World(folder, kernel, dump)
    results = []
    for case in json.loads((folder / f"{suite}.json").read_text("utf-8")):
        verdict = judge(case, world)
        result = "passed" if verdict.passed else "refused" if verdict.refused else "wrong"
        results.append(CaseResult(suite, case["id"], result, verdict.note))
    return results
