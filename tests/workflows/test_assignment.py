"""The draw of the experts: exact against brute force on small sizes, replayable, and never against a conflict."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.assignment import (
    Assignment,
    Candidacy,
    Expert,
    ExpertsInsufficient,
    assign_experts,
    choose_replacement,
    draw_panel,
    find_recusal,
    list_recusals,
    match_fields,
    order_randomly,
    shuffle_numbers,
)

SMALL = st.frozensets(st.sampled_from("AB"), max_size=2)
REGION = st.frozensets(st.sampled_from("123"), max_size=1)


@st.composite
def draws(draw: st.DrawFn) -> tuple[list[Candidacy], list[Expert], int, frozenset[tuple[str, str]], int | None, str]:
    cases = [Candidacy(f"c{n}", regions=draw(REGION), fields=draw(SMALL)) for n in range(draw(st.integers(0, 4)))]
    experts = [Expert(f"e{n}", regions=draw(REGION), fields=draw(SMALL)) for n in range(draw(st.integers(1, 4)))]
    pairs = [(case.id, expert.id) for case in cases for expert in experts]
    conflicts = draw(st.frozensets(st.sampled_from(pairs), max_size=4)) if pairs else frozenset()
    limit = draw(st.none() | st.integers(1, 4))
    return cases, experts, draw(st.integers(1, 3)), conflicts, limit, draw(st.sampled_from(["s", "t"]))


def try_everything(
    cases: list[Candidacy], experts: list[Expert], per_case: int, conflicts: frozenset[tuple[str, str]], limit: int | None
) -> tuple[int, int] | None:
    """(sum of squared loads, mismatches) of the best assignment there is; None when there is none."""
    panels = [
        list(itertools.combinations([e for e in experts if find_recusal(case, e, conflicts) is None], per_case)) for case in cases
    ]
    best: tuple[int, int] | None = None
    for choice in itertools.product(*panels):
        loads = Counter(expert.id for panel in choice for expert in panel)
        if limit is not None and any(load > limit for load in loads.values()):
            continue
        wrong = sum(not match_fields(case, expert) for case, panel in zip(cases, choice, strict=True) for expert in panel)
        value = (sum(load**2 for load in loads.values()), wrong)
        best = value if best is None else min(best, value)
    return best


def most_seats(
    cases: list[Candidacy], experts: list[Expert], per_case: int, conflicts: frozenset[tuple[str, str]], limit: int | None
) -> int:
    """The greatest number of seats that can be filled, by trying every smaller panel too."""
    panels = []
    for case in cases:
        possible = [e.id for e in experts if find_recusal(case, e, conflicts) is None]
        panels.append([p for size in range(per_case + 1) for p in itertools.combinations(possible, size)])
    best = 0
    for choice in itertools.product(*panels):
        loads = Counter(expert for panel in choice for expert in panel)
        if limit is None or all(load <= limit for load in loads.values()):
            best = max(best, sum(loads.values()))
    return best


@settings(max_examples=250, deadline=None)
@given(draws())
def test_as_good_as_the_best_of_all_assignments(
    given_: tuple[list[Candidacy], list[Expert], int, frozenset[tuple[str, str]], int | None, str],
) -> None:
    cases, experts, per_case, conflicts, limit, seed = given_
    best = try_everything(cases, experts, per_case, conflicts, limit)
    try:
        found = assign_experts(cases, experts, per_case=per_case, seed=seed, conflicts=conflicts, load_limit=limit)
    except ExpertsInsufficient as problem:
        assert best is None
        lacking = {finding.values["case"]: finding.values["lacking"] for finding in problem.findings}
        seats = most_seats(cases, experts, per_case, conflicts, limit)
        assert sum(lacking.values()) == problem.values["seats"] == len(cases) * per_case - seats
        assert set(lacking) <= {case.id for case in cases} and all(0 < lack <= per_case for lack in lacking.values())
        return
    assert best == (sum(load**2 for load in found.loads.values()), found.mismatches)
    check_whole(found, cases, experts, per_case, conflicts, limit)


def check_whole(
    found: Assignment,
    cases: list[Candidacy],
    experts: list[Expert],
    per_case: int,
    conflicts: frozenset[tuple[str, str]],
    limit: int | None,
) -> None:
    case_of, expert_of = {case.id: case for case in cases}, {expert.id: expert for expert in experts}
    assert Counter(case for case, _ in found.pairs) == {case.id: per_case for case in cases}
    assert len(set(found.pairs)) == len(found.pairs)
    assert all(find_recusal(case_of[case], expert_of[expert], conflicts) is None for case, expert in found.pairs)
    assert found.loads == {expert.id: sum(e == expert.id for _, e in found.pairs) for expert in experts}
    assert limit is None or max(found.loads.values()) <= limit


@settings(max_examples=60, deadline=None)
@given(draws(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(
    given_: tuple[list[Candidacy], list[Expert], int, frozenset[tuple[str, str]], int | None, str], chance: object
) -> None:
    cases, experts, per_case, conflicts, limit, seed = given_
    mixed_cases, mixed_experts = list(cases), list(experts)
    chance.shuffle(mixed_cases)  # type: ignore[attr-defined]
    chance.shuffle(mixed_experts)  # type: ignore[attr-defined]

    def run(c: list[Candidacy], e: list[Expert]) -> object:
        try:
            return assign_experts(c, e, per_case=per_case, seed=seed, conflicts=conflicts, load_limit=limit)
        except ExpertsInsufficient as problem:
            return problem.findings

    assert run(cases, experts) == run(mixed_cases, mixed_experts)


@given(draws(), st.booleans())
def test_the_list_of_recusals_is_what_each_pair_is_told(
    given_: tuple[list[Candidacy], list[Expert], int, frozenset[tuple[str, str]], int | None, str], recuse_region: bool
) -> None:
    cases, experts, _, conflicts, *_ = given_
    experts = [Expert(item.id, frozenset({item.id.replace("e", "c")}) & {"c1"}, item.regions, item.fields) for item in experts]
    cases = [Candidacy(item.id, frozenset({item.id}), item.regions, item.fields) for item in cases]
    one_by_one = {
        (case.id, expert.id): find_recusal(case, expert, conflicts, recuse_region=recuse_region)
        for case in cases
        for expert in experts
    }
    found = list_recusals(cases, experts, conflicts, recuse_region=recuse_region)
    assert found == {pair: why for pair, why in one_by_one.items() if why is not None}


def make_national(cases: int, experts: int) -> tuple[list[Candidacy], list[Expert]]:
    fields = "abcdef"
    return (
        [
            Candidacy(f"case-{n:04}", frozenset({f"unit{n}"}), frozenset({str(n % 31)}), frozenset({fields[n % 6]}))
            for n in range(cases)
        ],
        [
            Expert(f"expert{n:03}", frozenset({f"lab{n}"}), frozenset({str(n % 31)}), frozenset({fields[n % 6], fields[n % 5]}))
            for n in range(experts)
        ],
    )


def test_a_national_panel_is_even_and_repeatable_and_the_seed_matters() -> None:
    cases, experts = make_national(110, 21)
    first = assign_experts(cases, experts, per_case=5, seed="2022-08-15")
    again = assign_experts(reversed(cases), reversed(experts), per_case=5, seed="2022-08-15")
    other = assign_experts(cases, experts, per_case=5, seed="2022-08-16")
    assert first == again
    assert first.pairs != other.pairs
    for found in (first, other):
        assert set(found.loads.values()) == {26, 27}  # 550 seats, 21 experts
    check_whole(first, cases, experts, 5, frozenset(), None)


def test_panels_mix_where_nothing_forces_them_together() -> None:
    found = assign_experts([Candidacy(f"c{n}") for n in range(60)], [Expert(f"e{n}") for n in range(12)], per_case=3, seed="mix")
    assert len(set(map(tuple, found.experts_of().values()))) > 40  # of 220 possible panels


def test_the_draw_of_this_seed_never_changes() -> None:
    """Supervision repeats a draw years later: with these inputs this must stay the answer."""
    cases, experts = make_national(4, 5)
    found = assign_experts(cases, experts, per_case=2, seed="frozen", recuse_region=False)
    assert found.experts_of() == {
        "case-0000": ["expert000", "expert003"],
        "case-0001": ["expert001", "expert002"],
        "case-0002": ["expert000", "expert002"],
        "case-0003": ["expert003", "expert004"],
    }
    assert order_randomly(["a", "b", "c", "d"], "frozen", "panel") == ["b", "a", "c", "d"]
    assert shuffle_numbers(10, "frozen", "case-0000") == [9, 0, 1, 4, 2, 8, 7, 3, 5, 6]


def test_a_chain_of_hand_overs_makes_room_under_a_limit() -> None:
    """c1 may only go to e1; if c0 sits there, it has to move on."""
    cases = [Candidacy("c0"), Candidacy("c1")]
    experts = [Expert("e0"), Expert("e1")]
    for seed in "abcdefgh":
        found = assign_experts(cases, experts, per_case=1, seed=seed, conflicts={("c1", "e0")}, load_limit=1)
        assert found.pairs == (("c0", "e0"), ("c1", "e1"))


def test_insufficient_experts_name_each_case_and_what_it_lacks() -> None:
    cases = [
        Candidacy("c0", regions=frozenset({"110000"})),
        Candidacy("c1", units=frozenset({"lab"})),
        Candidacy("c2"),
    ]
    experts = [Expert("e0", regions=frozenset({"110000"})), Expert("e1", units=frozenset({"lab"})), Expert("e2")]
    with pytest.raises(ExpertsInsufficient) as caught:
        assign_experts(cases, experts, per_case=3, seed="s", conflicts={("c0", "e1")})
    assert [(f.code, f.path, dict(f.values)) for f in caught.value.findings] == [
        ("CaseLacksExperts", "c0", {"case": "c0", "lacking": 2, "possible": 1}),
        ("CaseLacksExperts", "c1", {"case": "c1", "lacking": 1, "possible": 2}),
    ]
    assert caught.value.values == {"cases": 2, "seats": 3, "per_case": 3}


def test_recusal_has_a_reason_and_the_province_may_be_let_in() -> None:
    case = Candidacy("c", frozenset({"lab"}), frozenset({"360000"}))
    assert find_recusal(case, Expert("e", frozenset({"lab"}))) == "same_unit"
    assert find_recusal(case, Expert("e"), {("c", "e")}) == "declared"
    assert find_recusal(case, Expert("e", regions=frozenset({"360000"}))) == "same_province"
    assert find_recusal(case, Expert("e", regions=frozenset({"360000"})), recuse_region=False) is None
    assert find_recusal(case, Expert("e", regions=frozenset({"110000"}))) is None


def test_a_replacement_is_the_least_loaded_without_conflict() -> None:
    case = Candidacy("c", regions=frozenset({"360000"}), fields=frozenset({"food"}))
    experts = [
        Expert("busy", fields=frozenset({"food"})),
        Expert("local", regions=frozenset({"360000"})),
        Expert("taken"),
        Expert("other", fields=frozenset({"water"})),
        Expert("fit", fields=frozenset({"food"})),
    ]
    loads = {"busy": 9, "local": 0, "taken": 0, "other": 2, "fit": 2}

    def choose(**options: object) -> str | None:
        found = choose_replacement(case, experts, **{"taken": {"taken"}, "loads": loads, "seed": "s", **options})  # type: ignore[arg-type]
        return found.id if found else None

    assert choose() == "fit"
    assert choose(conflicts={("c", "fit")}) == "other"
    assert choose(conflicts={("c", "fit"), ("c", "other")}) == "busy"
    assert choose(load_limit=2) is None
    assert choose(recuse_region=False) == "local"


def test_the_panel_is_drawn_first_and_the_rest_is_the_reserve_in_order() -> None:
    pool = [f"p{n}" for n in range(10)]
    drawn, reserve = draw_panel(pool, size=6, seed="x")
    assert (len(drawn), len(reserve)) == (6, 4) and sorted(drawn + reserve) == pool
    assert draw_panel(reversed(pool), size=6, seed="x") == (drawn, reserve)
    assert draw_panel(pool, size=6, seed="y") != (drawn, reserve)
    assert draw_panel(pool, size=None, seed="x") == (drawn + reserve, [])


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        assign_experts([Candidacy("c"), Candidacy("c")], [Expert("e")], per_case=1, seed="s")
    with pytest.raises(ValueError, match="0 experts"):
        assign_experts([Candidacy("c")], [Expert("e")], per_case=0, seed="s")
    with pytest.raises(ExpertsInsufficient):
        assign_experts([Candidacy("c")], [], per_case=1, seed="s")
