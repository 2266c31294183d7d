"""`conformance`: the engine judged by cases that others wrote."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from api.cli.faults import PathMissing
from api.cli.parser import Verbs
from api.cli.words import Words


def add_verbs(verbs: Verbs) -> None:
    """`conformance`."""
    conforming = verbs.add("conformance", conform, database=False, json=True)
    conforming.add("folder", type=Path)
    conforming.add("--kernel", choices=("tokens", "spiff"), default="tokens")
    conforming.add("--suite")
    conforming.add("--dump", action="store_true")


def conform(options: argparse.Namespace, words: Words) -> int:
    """Run the cases of a folder; 1 when one was wrong.

    Raises PathMissing when the folder holds no (such) suite.
    """
    from engine.conformance import run_conformance
    from engine.definitions import KERNELS

    try:
        results = run_conformance(options.folder, kernel=KERNELS[options.kernel], suite=options.suite, dump=options.dump)
    except (FileNotFoundError, KeyError) as fault:
        raise PathMissing(path=options.folder / f"{options.suite or '*'}.json") from fault
    if options.json:
        print(json.dumps([result.to_json() for result in results], ensure_ascii=False, indent=1))
    else:
        for result in results:
            if not result.passed:
                print(f"{result.result:8} {result.suite} {result.case}: {result.note}")
        for suite in dict.fromkeys(result.suite for result in results):
            counts = Counter(result.result for result in results if result.suite == suite)
            print(words.say("conformed", suite=suite, passed=counts["passed"], refused=counts["refused"], wrong=counts["wrong"]))
    return 1 if any(result.result == "wrong" for result in results) else 0
