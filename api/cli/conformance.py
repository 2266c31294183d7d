"""`conformance`: the engine judged by cases that others wrote."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from api.cli.parser import Verbs
from api.cli.words import Words


def add_verbs(verbs: Verbs) -> None:
    """`conformance`."""
    conforming = verbs.add("conformance", conform, database=False, json=True)
    conforming.add("paths", type=Path, nargs="+", metavar="CASES.json")
    conforming.add("--kernel", choices=("tokens", "spiff"), default="tokens")


def conform(options: argparse.Namespace, words: Words) -> int:
    """Run the cases of all files; 1 when one failed.

    Raises CasesUnreadable.
    """
    from engine.conformance import run_conformance
    from engine.definitions import KERNELS

    results = list(run_conformance(options.paths, kernel=KERNELS[options.kernel]))
    counts = Counter(result.result for result in results)
    if options.json:
        told = {name: counts[name] for name in ("passed", "refused", "wrong")}
        cases = [asdict(result) for result in results]
        print(json.dumps({"kernel": options.kernel, **told, "cases": cases}, ensure_ascii=False, indent=1))
    else:
        for result in results:
            if not result.passed:
                text = words.say("conformed.case", expected=_told(result.expected), got=_told(result.got), note=result.note)
                print(f"{result.result:8} {result.file} {result.case}: {text}")
        for file in dict.fromkeys(result.file for result in results):
            each = Counter(result.result for result in results if result.file == file)
            print(words.say("conformed.file", file=file, passed=each["passed"], refused=each["refused"], wrong=each["wrong"]))
        print(words.say("conformed", passed=counts["passed"], failed=len(results) - counts["passed"]))
    return 0 if counts["passed"] == len(results) else 1


def _told(outcome: object) -> str:
    return json.dumps(outcome, ensure_ascii=False)
