"""The optimisation behind the draw: seats of cases, given to experts, as a flow without negative cycles.

Experts are few, so the flow network is folded into a graph of the experts alone. An edge from a to b means "one case moves from
a to b"; a closed walk of negative cost is an improvement, and without one the assignment is optimal (Klein 1967). Cases are bits
of integers, so an edge is a few machine instructions per sixty-four cases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest


@dataclass(slots=True)
class SeatTable:
    """Who has which cases, as bit masks over the cases; experts and cases are numbers in the drawn order."""

    allowed: list[int]
    fitting: list[int]
    limit: int | None
    taken: list[int] = field(default_factory=list)
    loads: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.taken = [0] * len(self.allowed)
        self.loads = [0] * len(self.allowed)

    def count_allowed(self, place: int) -> int:
        """How many experts may review the case at all."""
        return sum(mask >> place & 1 for mask in self.allowed)

    def count_mismatches(self) -> int:
        """How many seats are outside the expert's fields."""
        return sum((have & ~fit).bit_count() for have, fit in zip(self.taken, self.fitting, strict=True))

    def fill(self, lots: Sequence[Sequence[int]], per_case: int) -> dict[int, int]:
        """Seat everybody, cheaply first; what remains empty is impossible under the limit. Returns {case: seats empty}.

        `lots` gives each case its own random order of the experts: the first among equals is taken, so panels mix.
        """
        even = -(-len(lots) * per_case // max(1, len(self.allowed)))

        def price(number: int) -> tuple[bool, bool, int]:
            return self.loads[number] >= even, not self.fitting[number] & bit, self.loads[number]

        lacking: dict[int, int] = {}
        for place, lot in enumerate(lots):
            bit = 1 << place
            possible = [number for number in lot if self.allowed[number] & bit]
            below = possible if self.limit is None else [number for number in possible if self.loads[number] < self.limit]
            for number in (chosen := nsmallest(per_case, below, key=price)):
                self._seat(number, bit)
            for _ in range(per_case - len(chosen)):
                free = [number for number in possible if not self.taken[number] & bit]
                if not self._make_room(free, bit):
                    lacking[place] = lacking.get(place, 0) + 1
        return lacking

    def _seat(self, number: int, bit: int) -> None:
        self.taken[number] |= bit
        self.loads[number] += 1

    def _make_room(self, free: Sequence[int], bit: int) -> bool:
        """All who may take the case are full: look for a chain of hand-overs that ends at one who is not."""
        came_from: dict[int, int | None] = dict.fromkeys(free)
        queue = list(free)
        for giver in queue:
            for taker in range(len(self.allowed)):
                if taker in came_from or not self._movable(giver, taker):
                    continue
                came_from[taker] = giver
                queue.append(taker)
                if self.limit is None or self.loads[taker] < self.limit:
                    self.loads[taker] += 1
                    last: int = taker
                    while (previous := came_from[last]) is not None:
                        self._move(previous, last, self._movable(previous, last))
                        last = previous
                    self.taken[last] |= bit
                    return True
        return False

    def _movable(self, giver: int, taker: int) -> int:
        return self.taken[giver] & self.allowed[taker] & ~self.taken[taker]

    def _move(self, giver: int, taker: int, cases: int) -> None:
        bit = cases & -cases
        self.taken[giver] ^= bit
        self.taken[taker] |= bit

    def _cheapest(self, giver: int, taker: int) -> tuple[int, int]:
        """(change of mismatches, cases) for moving one case from `giver` to `taker`; no cases when none may move."""
        movable = self._movable(giver, taker)
        if not movable:
            return 0, 0
        fits_giver, fits_taker = self.fitting[giver], self.fitting[taker]
        for change, cases in (
            (-1, movable & ~fits_giver & fits_taker),
            (0, movable & ~(fits_giver ^ fits_taker)),
        ):
            if cases:
                return change, cases
        return 1, movable

    def improve(self) -> None:
        """Cancel negative cycles until there is none: loads first (they weigh more than any sum of mismatches), then fields."""
        count = len(self.allowed)
        pool, weight = count, count + 2
        costs: list[dict[int, int]] = [{} for _ in range(count + 1)]

        def price(number: int) -> None:
            for other in range(count):
                for giver, taker in ((number, other), (other, number)):
                    if giver == taker:
                        continue
                    change, cases = self._cheapest(giver, taker)
                    if cases:
                        costs[giver][taker] = change
                    else:
                        costs[giver].pop(taker, None)
            load = self.loads[number]
            if self.limit is None or load < self.limit:
                costs[number][pool] = weight * load  # one case more costs what is there already
            else:
                costs[number].pop(pool, None)
            if load:
                costs[pool][number] = -weight * (load - 1)
            else:
                costs[pool].pop(number, None)

        for number in range(count):
            price(number)
        while cycles := _find_negative_cycles(costs):
            for cycle in cycles:
                for giver, taker in cycle:
                    if taker == pool:
                        self.loads[giver] += 1
                    elif giver == pool:
                        self.loads[taker] -= 1
                    else:
                        self._move(giver, taker, self._cheapest(giver, taker)[1])
            for number in sorted({end for cycle in cycles for step in cycle for end in step} - {pool}):
                price(number)


def _find_negative_cycles(costs: Sequence[Mapping[int, int]]) -> list[list[tuple[int, int]]]:
    """Negative cycles without a common node, as lists of edges; empty when there is none (Bellman-Ford from all nodes)."""
    distance = [0] * len(costs)
    parent: list[int | None] = [None] * len(costs)
    while True:
        changed = False
        for node, edges in enumerate(costs):
            here = distance[node]
            for target, cost in edges.items():
                if here + cost < distance[target]:
                    distance[target] = here + cost
                    parent[target] = node
                    changed = True
        if not changed:
            return []
        if cycles := _follow_parents(parent):
            return cycles


def _follow_parents(parent: Sequence[int | None]) -> list[list[tuple[int, int]]]:
    """The cycles of the parent graph: each is negative, since only strict improvements are recorded."""
    seen: dict[int, int] = {}
    cycles = []
    for start in range(len(parent)):
        node: int | None = start
        while node is not None and node not in seen:
            seen[node] = start
            node = parent[node]
        if node is None or seen[node] != start:
            continue
        cycle, here = [], node
        while True:
            before = parent[here]
            assert before is not None
            cycle.append((before, here))
            here = before
            if here == node:
                break
        cycles.append(cycle)
    return cycles
