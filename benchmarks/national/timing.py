"""How long single operations took: counted in buckets, so that a million of them take no more memory than ten."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

STEP = math.log(1.02)
"""Buckets are two percent wide: a quantile is as exact."""


@dataclass
class Timing:
    """The durations of one operation."""

    count: int = 0
    total_ms: float = 0.0
    longest_ms: float = 0.0
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, ms: float) -> None:
        """Count one."""
        self.count += 1
        self.total_ms += ms
        self.longest_ms = max(self.longest_ms, ms)
        self.buckets[int(math.log(max(ms, 0.001)) / STEP)] += 1

    def merge(self, other: Timing) -> None:
        """Count those of another process, too."""
        self.count += other.count
        self.total_ms += other.total_ms
        self.longest_ms = max(self.longest_ms, other.longest_ms)
        self.buckets.update(other.buckets)

    def find_quantile(self, part: float) -> float:
        """So many ms or less took this part of them."""
        left = part * self.count
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return math.exp((bucket + 1) * STEP)
        return self.longest_ms

    def as_json(self) -> dict[str, Any]:
        """Count, mean, p50, p99 and the longest, in ms."""
        if not self.count:
            return {"count": 0}
        figures = {
            "mean_ms": self.total_ms / self.count,
            "p50_ms": self.find_quantile(0.5),
            "p99_ms": self.find_quantile(0.99),
            "max_ms": self.longest_ms,
        }
        return {"count": self.count, **{name: round(value, 2) for name, value in figures.items()}}


@dataclass
class Tally:
    """What a worker did in one phase: its operations, and what was refused, by the refusal's code."""

    operations: dict[str, Timing] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    cpu_s: float = 0.0
    peak_mb: float = 0.0

    @contextmanager
    def time(self, name: str, *, things: int = 1) -> Iterator[None]:
        """One operation on so many things, each of which takes its share; counted when it ends well."""
        began = time.perf_counter()
        yield
        each = (time.perf_counter() - began) * 1000 / things
        for _ in range(things):
            self.operations.setdefault(name, Timing()).add(each)

    def merge(self, other: Tally) -> None:
        """What another worker did beside it."""
        for name, timing in other.operations.items():
            self.operations.setdefault(name, Timing()).merge(timing)
        self.refused.update(other.refused)
        self.cpu_s += other.cpu_s
        self.peak_mb = max(self.peak_mb, other.peak_mb)
