"""Values for the variables of a walk: those at which conditions change their mind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from engine.opinion.uses import Use, Uses

OFFSETS = (timedelta(hours=-1), timedelta(hours=1), timedelta(hours=2), timedelta(days=1), timedelta(days=30))
DURATIONS = ("PT5M", "PT1H", "P1D", "P1M")
CYCLES = ("R2/PT1H", "R3/P1D", "R1/PT5M")
NUMBERS = (0, 1, 2, 3, 60, 80.5)
TEXTS = ("a", "b", "c")


class Values:
    """Chooses values; the same random state chooses the same."""

    def __init__(self, uses: Uses, random: Random) -> None:
        self.uses, self.random = uses, random

    def all(self, now: datetime) -> dict[str, Any]:
        """A value for every variable that the process asks for."""
        return {name: self.value(use, now) for name, use in sorted(self.uses.variables.fields.items())}

    def some(self, now: datetime) -> dict[str, Any]:
        """Values for about half of the variables, of results of instances, and sometimes of a name that nobody knows."""
        chosen = {
            name: self.value(use, now) for name, use in sorted(self.uses.variables.fields.items()) if self.random.random() < 0.6
        }
        for name in self.uses.results:
            chosen[name] = self.random.choice(NUMBERS)
        if self.random.random() < 0.3:
            chosen["walked"] = self.random.randint(1, 1000)
        return chosen

    def value(self, use: Use, now: datetime) -> Any:
        """A value for one variable."""
        if use.fields:
            return {name: self.value(each, now) for name, each in sorted(use.fields.items())}
        makers: list[Callable[[], Any]] = []
        if use.literals:
            makers += [lambda: self.near(use.literals)] * 3
        if use.members or use.items is not None or use.kinds & {"list", "numbers"}:
            makers.append(lambda: self.some_items(use, now))
        else:
            makers += [maker for kind, maker in self.simple(now).items() if kind in use.kinds]
        return self.random.choice(makers)() if makers else self.random.choice((True, False, 0, 1, "a"))

    def simple(self, now: datetime) -> dict[str, Callable[[], Any]]:
        """How a value is made for each kind of use that has no parts."""
        choice = self.random.choice
        return {
            "truth": lambda: choice((True, False)),
            "number": lambda: choice(NUMBERS),
            "count": lambda: choice((0, 1, 2, 3)),
            "text": lambda: choice(TEXTS),
            "timeDate": lambda: (now + choice(OFFSETS)).isoformat(),
            "timeDuration": lambda: choice(DURATIONS),
            "timeCycle": lambda: choice(CYCLES),
        }

    def near(self, literals: list[Any]) -> Any:
        """A literal, or something beside it."""
        literal = self.random.choice(literals)
        if isinstance(literal, bool):
            return self.random.choice((True, False))
        if isinstance(literal, int | float):
            return literal + self.random.choice((-1, 0, 0, 1))
        return literal if self.random.random() < 0.8 else "something else"

    def some_items(self, use: Use, now: datetime) -> list[Any]:
        """Up to three items, different from each other where they can be."""
        count = self.random.choice((0, 1, 2, 2, 3))
        if use.items is not None and use.items.fields:
            return [{**self.value(use.items, now), "place": place} for place in range(count)]
        if "numbers" in use.kinds:
            return [self.random.choice(NUMBERS) for _ in range(max(count, 1))]
        return self.random.sample(use.members, min(count, len(use.members))) + list(TEXTS[: max(0, count - 1)])
