"""Which expert reviews which case: a random draw that anybody can repeat. Pure: no database, no clock.

The draw is decided by the seed and the ids alone (SHA-256, so also by another version of Python), never by the order in which
cases and experts come in. Conflicts are absolute. Among all permitted assignments it takes one with the most even loads (no
expert can hand work to one who has two fewer, directly or along a chain), and among those one with the fewest cases judged
outside an expert's fields.
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from engine.errors import Finding, Problem
from workflows.assignment.seats import SeatTable


@dataclass(frozen=True, slots=True)
class Candidacy:
    """A case to be reviewed: `id` (shown and hashed), the units behind it, their regions, and what it is about."""

    id: str
    units: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expert:
    """Somebody who may review: `id`, the units and regions the person belongs to, and the fields the person knows."""

    id: str
    units: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Assignment:
    """The result. `pairs` are sorted (case id, expert id); `loads` names every expert, also those without work.

    `mismatches` counts the pairs whose case lies outside all fields that the expert named.
    """

    pairs: tuple[tuple[str, str], ...]
    loads: Mapping[str, int]
    mismatches: int

    def experts_of(self) -> dict[str, list[str]]:
        """Case id → its experts, sorted."""
        found: dict[str, list[str]] = {}
        for case, expert in self.pairs:
            found.setdefault(case, []).append(expert)
        return found


class ExpertsInsufficient(Problem):
    """Some cases cannot get their number of experts; `findings` (`CaseLacksExperts`) name each and how many it lacks."""

    kind = "conflict"


Item = TypeVar("Item", Candidacy, Expert)


def match_fields(case: Candidacy, expert: Expert) -> bool:
    """Whether the expert knows a field of the case. Nothing said on either side counts as a match: there is nothing to miss."""
    return not case.fields or not expert.fields or not case.fields.isdisjoint(expert.fields)


def find_recusal(
    case: Candidacy, expert: Expert, conflicts: Collection[tuple[str, str]] = (), *, recuse_region: bool = True
) -> str | None:
    """Why this expert may not review this case: `same_unit`, `declared` or `same_province`; None when nothing is against it.

    Recusal (回避) of one's own unit and province is `ours`: the notice of 2022 only asks for review that is 公开、公平、公正.
    """
    if not case.units.isdisjoint(expert.units):
        return "same_unit"
    if (case.id, expert.id) in conflicts:
        return "declared"
    if recuse_region and not case.regions.isdisjoint(expert.regions):
        return "same_province"
    return None


def list_recusals(
    cases: Collection[Candidacy],
    experts: Collection[Expert],
    conflicts: Collection[tuple[str, str]] = (),
    *,
    recuse_region: bool = True,
) -> dict[tuple[str, str], str]:
    """What `find_recusal` says of every pair (case id, expert id) that it forbids; takes time only for those."""
    by_unit: dict[str, list[str]] = {}
    by_region: dict[str, list[str]] = {}
    for case in cases:
        for unit in case.units:
            by_unit.setdefault(unit, []).append(case.id)
        for region in case.regions if recuse_region else ():
            by_region.setdefault(region, []).append(case.id)
    found: dict[tuple[str, str], str] = {}
    known_cases, known_experts = {case.id for case in cases}, {expert.id for expert in experts}
    for expert in experts:
        found |= {(case, expert.id): "same_province" for region in expert.regions for case in by_region.get(region, ())}
    found |= {pair: "declared" for pair in conflicts if pair[0] in known_cases and pair[1] in known_experts}
    for expert in experts:
        found |= {(case, expert.id): "same_unit" for unit in expert.units for case in by_unit.get(unit, ())}
    return found


def order_randomly(ids: Iterable[str], seed: str, purpose: str) -> list[str]:
    """The ids in an order that only the seed and the purpose decide, the same on every machine."""
    return sorted(ids, key=lambda item: (hashlib.sha256(f"{seed}\x00{purpose}\x00{item}".encode()).digest(), item))


def shuffle_numbers(count: int, seed: str, purpose: str) -> list[int]:
    """The numbers below `count` in an order that only the seed and the purpose decide: sorted by 32-bit words of SHA-256."""
    words: list[int] = []
    for block in range(-(-count // 8)):
        words += struct.unpack(">8I", hashlib.sha256(f"{seed}\x00{purpose}\x00{block}".encode()).digest())
    return sorted(range(count), key=words.__getitem__)


def draw_panel(pool: Iterable[str], *, size: int | None, seed: str) -> tuple[list[str], list[str]]:
    """Draw `size` experts of the pool (all when None or too large); the others are the reserve, in the order to call them."""
    drawn = order_randomly(pool, seed, "panel")
    return (drawn, []) if size is None else (drawn[:size], drawn[size:])


def assign_experts(
    cases: Iterable[Candidacy],
    experts: Iterable[Expert],
    *,
    per_case: int,
    seed: str,
    conflicts: Collection[tuple[str, str]] = (),
    load_limit: int | None = None,
    recuse_region: bool = True,
    optimise: bool = True,
) -> Assignment:
    """Give every case `per_case` different experts without conflict.

    `conflicts` are (case id, expert id); `load_limit` is the most cases that one expert takes. Without `optimise` it is only
    found out whether it is possible: loads are then not even.
    Raises ValueError when an id stands twice or `per_case` is below one.
    Raises ExpertsInsufficient when the conflicts or the limit make it impossible, naming which cases lack how many.
    """
    case_of = _index_once(cases)
    expert_of = _index_once(experts)
    if per_case < 1:
        raise ValueError(f"{per_case} experts per case")
    case_order = [case_of[name] for name in order_randomly(case_of, seed, "case")]
    expert_order = [expert_of[name] for name in order_randomly(expert_of, seed, "expert")]
    case_place = {case.id: place for place, case in enumerate(case_order)}
    expert_place = {expert.id: number for number, expert in enumerate(expert_order)}

    everything = (1 << len(case_order)) - 1
    allowed = [everything] * len(expert_order)
    for name, expert_name in list_recusals(case_order, expert_order, conflicts, recuse_region=recuse_region):
        allowed[expert_place[expert_name]] &= ~(1 << case_place[name])
    table = SeatTable(allowed, _match_all(case_order, expert_order), load_limit)
    lots = [shuffle_numbers(len(expert_order), seed, case.id) for case in case_order]
    lacking = table.fill(lots, per_case)
    if lacking:
        raise ExpertsInsufficient(
            cases=len(lacking),
            seats=sum(lacking.values()),
            per_case=per_case,
            findings=[
                Finding(
                    "CaseLacksExperts",
                    path=case_order[place].id,
                    values={"case": case_order[place].id, "lacking": short, "possible": table.count_allowed(place)},
                )
                for place, short in sorted(lacking.items(), key=lambda item: case_order[item[0]].id)
            ],
        )
    if optimise:
        table.improve()
    pairs = sorted(
        (case.id, expert.id)
        for number, expert in enumerate(expert_order)
        for place, case in enumerate(case_order)
        if table.taken[number] >> place & 1
    )
    loads = Counter(expert for _, expert in pairs)
    return Assignment(tuple(pairs), {name: loads[name] for name in sorted(expert_of)}, table.count_mismatches())


def choose_replacement(
    case: Candidacy,
    experts: Iterable[Expert],
    *,
    taken: Collection[str],
    loads: Mapping[str, int],
    seed: str,
    conflicts: Collection[tuple[str, str]] = (),
    load_limit: int | None = None,
    recuse_region: bool = True,
) -> Expert | None:
    """The expert who takes over one review: without conflict, not in `taken`, least loaded, then knowing the field.

    Equal ones are drawn by the seed. None when nobody may.
    """
    possible = {
        expert.id: expert
        for expert in experts
        if expert.id not in taken
        and (load_limit is None or loads.get(expert.id, 0) < load_limit)
        and find_recusal(case, expert, conflicts, recuse_region=recuse_region) is None
    }
    drawn = order_randomly(possible, seed, f"replacement\x00{case.id}")
    return min(
        (possible[name] for name in drawn),
        key=lambda expert: (loads.get(expert.id, 0), not match_fields(case, expert)),
        default=None,
    )


def _match_all(cases: Sequence[Candidacy], experts: Sequence[Expert]) -> list[int]:
    """`match_fields` for all pairs: for each expert the cases as bits."""
    of_field: dict[str, int] = {}
    unsaid = 0
    for place, case in enumerate(cases):
        if not case.fields:
            unsaid |= 1 << place
        for name in case.fields:
            of_field[name] = of_field.get(name, 0) | 1 << place
    everything = (1 << len(cases)) - 1
    found = []
    for expert in experts:
        known = unsaid if expert.fields else everything
        for name in expert.fields:
            known |= of_field.get(name, 0)
        found.append(known)
    return found


def _index_once(items: Iterable[Item]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in items:
        if item.id in found:
            raise ValueError(f"{item.id} stands twice")
        found[item.id] = item
    return found
