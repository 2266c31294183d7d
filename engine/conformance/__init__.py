"""Independent BPMN cases with known outcomes, run on either kernel: the engine is judged by what others wrote.

The cases are not part of the project. A file holds a list of cases that name their diagram beside it. How a case is played and
judged follows from its fields: those of the betsy suite have `labels`, those of the token simulation `steps`, those of
lib-bpmn-engine `complete`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.conformance.cases import JUDGES, Case, Verdict, World
from engine.errors import Problem
from engine.kernel import Kernel

__all__ = ["CaseResult", "CasesUnreadable", "judge_case", "run_conformance"]


class CasesUnreadable(Problem):
    """A file is not a list of cases: `file`, `reason`."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The outcome of one case of a file.

    `result` is `passed`, `refused` (the diagram was not read, or the kernel named what it cannot run) or `wrong`.
    """

    file: str
    case: str
    result: str
    expected: Any
    got: Any
    note: str

    @property
    def passed(self) -> bool:
        """Whether the outcome is the expected one."""
        return self.result == "passed"


def run_conformance(paths: Iterable[Path], *, kernel: Kernel) -> Iterator[CaseResult]:
    """Run the cases of these files, one after the other. A folder stands for the `.json` files in it.

    Raises CasesUnreadable.
    """
    for path in paths:
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            for case in _read_cases(file):
                yield judge_case(case, World(file.parent, kernel), file=file.name)


def judge_case(case: Case, world: World, *, file: str = "") -> CaseResult:
    """Play one case as it is, and again with a dump and restore after every step: also so that every task waits once.

    It passes when the outcome is the expected one and dumping changes nothing.
    """
    judge = next(judge for field, judge in JUDGES.items() if field in case)
    verdict = judge(case, world)
    for waiting in (False, True):
        way = replace(world, waiting=waiting)
        kept, dumped = judge(case, way) if waiting else verdict, judge(case, replace(way, dump=True))
        if dumped != kept:
            return CaseResult(file, case["id"], "wrong", kept.got, dumped.got, f"dump and restore: {dumped.note}")
    return CaseResult(file, case["id"], _result(verdict), verdict.expected, verdict.got, verdict.note)


def _result(verdict: Verdict) -> str:
    if verdict.passed:
        return "passed"
    return "refused" if verdict.refused else "wrong"


def _read_cases(file: Path) -> list[Case]:
    try:
        cases = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise CasesUnreadable(file=str(file), reason=str(fault)) from fault
    if not isinstance(cases, list) or not cases:
        raise CasesUnreadable(file=str(file), reason="not a list of cases")
    for case in cases:
        if not isinstance(case, dict) or not {"id", "file"} <= case.keys() or not JUDGES.keys() & case.keys():
            fields = ", ".join(sorted(JUDGES))
            raise CasesUnreadable(file=str(file), reason=f"a case needs `id`, `file` and one of: {fields}: {str(case)[:200]}")
    return cases
