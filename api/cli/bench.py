"""`bench`: measurements, for those who work on the software. They come with the source tree, not with the installed package."""

from __future__ import annotations

import argparse
import json
from types import ModuleType
from typing import Any

from api.cli.parser import Options, Verbs
from api.cli.words import Words
from engine.errors import Problem

KINDS = ("sqlite", "postgresql")


class BenchmarksMissing(Problem):
    """The folder `benchmarks` is not there: the software runs from an installed package."""


class ServerMissing(Problem):
    """No PostgreSQL server was given, and none is installed that could be started."""


class DiskTooSmall(Problem):
    """The disk has no room for what is to be measured; `needed` and `free` in MB."""


def add_verbs(verbs: Verbs) -> None:
    """`bench step`, `bench growth`, `bench timers`, `bench national`."""
    benching = verbs.add("bench", database=False).verbs()
    add_common(benching.add("step", bench_step, database=False, json=True)).add("--turns", type=int, default=20)
    growing = add_common(benching.add("growth", bench_growth, database=False, json=True))
    growing.add("--long", action="store_true").add("--turns", type=int, default=10)
    timing = add_common(benching.add("timers", bench_timers, database=False, json=True))
    timing.add("--timers", type=int, default=10_000).add("--processes", type=int, nargs="+", default=[1, 2, 4])

    playing = benching.add("national", bench_national, database=False, json=True)
    playing.add("--on", nargs="+", choices=KINDS, default=["postgresql"]).add("--server", metavar="URL")
    playing.add("--institutions", type=int, default=55_000, metavar="N").add("--experts", type=int, default=100, metavar="N")
    playing.add("--experts-per-case", type=int, default=5, metavar="N").add("--listed", type=float, default=0.1, metavar="PART")
    playing.add("--cut", type=int, default=100, metavar="N").add("--workers", type=int, nargs="+", default=[1], metavar="N")
    playing.add("--http", action="store_true")


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


def run_benchmark(name: str, options: argparse.Namespace, **settings: Any) -> dict[str, Any]:
    """What a benchmark tells, by kind of database.

    Raises BenchmarksMissing, ServerMissing, DiskTooSmall.
    """
    missing = load_benchmark("databases").RoomMissing
    try:
        told: dict[str, Any] = load_benchmark(name).run(options.on, server=options.server, **settings)
    except LookupError as fault:
        raise ServerMissing() from fault
    except missing as fault:
        raise DiskTooSmall(needed=fault.needed >> 20, free=fault.free >> 20) from fault
    return told


def bench_step(options: argparse.Namespace, words: Words) -> int:
    """One completed user task, beside the least and the most that it could cost.

    Raises BenchmarksMissing, ServerMissing, DiskTooSmall.
    """
    told = run_benchmark("step", options, turns=options.turns)
    if options.json:
        print(json.dumps(told, indent=1))
        return 0
    for kind, found in told.items():
        figures = {name: value for name, value in found.items() if not isinstance(value, dict)}
        print(words.say("benched.step", kind=kind, **figures))
        noise = ", ".join(f"{name} {value:.0%}" for name, value in found["noise"].items())
        print(words.say("benched.noise", noise=noise))
    return 0


def bench_growth(options: argparse.Namespace, words: Words) -> int:
    """Steps and lists beside more and more of what lies behind and around them.

    Raises BenchmarksMissing, ServerMissing, DiskTooSmall.
    """
    told = run_benchmark("growth", options, turns=options.turns, long=options.long)
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return 0
    for kind, parts in told.items():
        for part, sizes in parts.items():
            figures = ", ".join(
                f"{size}: {found['ms']} ms ×{found['ratio']} (±{found['noise']:.0%})" for size, found in sizes.items()
            )
            print(words.say("benched.growth", kind=kind, part=part, figures=figures))
    return 0


def bench_timers(options: argparse.Namespace, words: Words) -> int:
    """Many timers due at one instant, beside bare guarded updates.

    Raises BenchmarksMissing, ServerMissing, DiskTooSmall.
    """
    told = run_benchmark("timers", options, timers=options.timers, processes=options.processes)
    if options.json:
        print(json.dumps(told, indent=1))
        return 0
    for kind, by_processes in told.items():
        for processes, found in by_processes.items():
            print(words.say("benched.timers", kind=kind, processes=processes, **{**found, "noise": f"{found['noise']:.0%}"}))
    return 0


def bench_national(options: argparse.Namespace, words: Words) -> int:
    """The national campaign; 1 when something was lost, late or broken at the end.

    Raises BenchmarksMissing, ServerMissing, DiskTooSmall.
    """
    names = ("institutions", "experts", "experts_per_case", "listed", "cut", "workers", "http")
    told = run_benchmark("national", options, **{name: getattr(options, name) for name in names})
    lines = list(load_benchmark("national").tell_lines(told))
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        for line in lines:
            print(words.say("benched.national", **line))
    return 0 if all(line["ok"] for line in lines) else 1
