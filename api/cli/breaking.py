"""`faults`: what is left when things break on purpose, for those who work on the software. It comes with the source tree."""

from __future__ import annotations

import argparse
import json

from api.cli.bench import BenchmarksMissing, ServerMissing
from api.cli.parser import Verbs
from api.cli.words import Words

NAMES = ("none", "kill", "stop", "restart", "cut_off", "sqlite_kill")


def add_verbs(verbs: Verbs) -> None:
    """`faults timers`."""
    breaking = verbs.add("faults", database=False).verbs()
    timing = breaking.add("timers", break_timers, database=False, json=True)
    timing.add("--timers", type=int, default=10_000, metavar="N").add("--fault", action="append", choices=NAMES)
    timing.add("--seed", type=int, default=1, metavar="N")


def break_timers(options: argparse.Namespace, words: Words) -> int:
    """Many timers due at once while something breaks; 1 when one was lost or fired twice, or a fault could not be made.

    Raises BenchmarksMissing, ServerMissing.
    """
    import importlib

    try:
        breaking = importlib.import_module("tests.faults.breaking")
    except ModuleNotFoundError as fault:
        if fault.name is not None and fault.name.partition(".")[0] == "tests":
            raise BenchmarksMissing() from fault
        raise
    try:
        told = breaking.run(timers=options.timers, faults=options.fault or NAMES, seed=options.seed)
    except LookupError as fault:
        raise ServerMissing() from fault
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        for name, found in told.items():
            print(words.say("broken.skipped" if "skipped" in found else "broken.timers", fault=name, **found))
    whole = {"effects": options.timers, "duplicates": 0, "lost": 0}
    return 0 if all({name: found.get(name) for name in whole} == whole for found in told.values()) else 1
