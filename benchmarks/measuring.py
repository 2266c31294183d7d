"""Measuring side by side: variants take turns within one run, so that the machine's noise meets all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Prepare = Callable[[], Callable[[], object]]
"""Gets one step ready and gives what is to be measured of it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one variant took, in ms: the median of all steps, that of this process's own time, and the median of each turn."""

    ms: float
    cpu_ms: float
    turns: tuple[float, ...]

    @property
    def noise(self) -> float:
        """How far the middle half of the turns lies apart, as a part of the median: 0 on a quiet machine."""
        if len(self.turns) < 4:
            return (max(self.turns) - min(self.turns)) / self.ms
        low, _, high = statistics.quantiles(self.turns, n=4)
        return (high - low) / self.ms


def take_turns(variants: Mapping[str, Prepare], *, turns: int, steps: int, warm_up: int = 20) -> dict[str, Figure]:
    """Each variant does `steps` steps in each of the turns, in an order that rotates; the first steps of all are not counted."""
    for prepare in variants.values():
        for _ in range(warm_up):
            prepare()()
    names = list(variants)
    taken: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in names}
    for turn in range(turns):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            taken[name].append([measure(variants[name]()) for _ in range(steps)])
    return {name: _figure(turns_of) for name, turns_of in taken.items()}


def measure(step: Callable[[], object]) -> tuple[float, float]:
    """How long it takes: (wall time, this process's time), in ms."""
    began, used = time.perf_counter(), time.process_time()
    step()
    return (time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000


def ratio_of(one: Figure, other: Figure) -> float:
    """How many times as long as the other the one takes: the median over the turns, which stand beside each other in time."""
    return statistics.median(mine / its for mine, its in zip(one.turns, other.turns, strict=True))


def _figure(turns: list[list[tuple[float, float]]]) -> Figure:
    every = [each for turn in turns for each in turn]
    return Figure(
        statistics.median(wall for wall, _ in every),
        statistics.median(used for _, used in every),
        tuple(statistics.median(wall for wall, _ in turn) for turn in turns),
    )
