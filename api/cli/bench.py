"""`bench`: measurements, for those who work on the software. They come with the source tree, not with the installed package."""

from __future__ import annotations

import argparse
import json
from types import ModuleType

from api.cli.parser import Options, Verbs
from api.cli.words import Words
from engine.errors import Problem

KINDS = ("sqlite", "postgresql")


class BenchmarksMissing(Problem):
    """The folder `benchmarks` is not there: the software runs from an installed package."""


class ServerMissing(Problem):
    """No PostgreSQL server was given, and none is installed that could be started."""


def add_verbs(verbs: Verbs) -> None:
    """`bench step`."""
    benching = verbs.add("bench", database=False).verbs()
    add_common(benching.add("step", bench_step, database=False, json=True)).add("--turns", type=int, default=20)


def add_common(options: Options) -> Options:
    """Where to measure."""
    options.add("--on", nargs="+", choices=KINDS, default=list(KINDS))
    return options.add("--server", metavar="URL")


def load_benchmark(name: str) -> ModuleType:
    """A module of the folder `benchmarks`.

    Raises BenchmarksMissing.
    """
    import importlib

    try:
        return importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as fault:
        if fault.name is not None and fault.name.partition(".")[0] in ("benchmarks", "tests"):
            raise BenchmarksMissing() from fault
        raise


def bench_step(options: argparse.Namespace, words: Words) -> int:
    """One completed user task, beside the least and the most that it could cost.

    Raises BenchmarksMissing, ServerMissing.
    """
    try:
        told = load_benchmark("step").run(options.on, server=options.server, turns=options.turns)
    except LookupError as fault:
        raise ServerMissing() from fault
    if options.json:
        print(json.dumps(told, indent=1))
        return 0
    for kind, found in told.items():
        figures = {name: value for name, value in found.items() if not isinstance(value, dict)}
        print(words.say("benched.step", kind=kind, **figures))
        noise = ", ".join(f"{name} {value:.0%}" for name, value in found["noise"].items())
        print(words.say("benched.noise", noise=noise))
    return 0
