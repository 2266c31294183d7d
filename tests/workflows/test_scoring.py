"""Scores are exact, ties are told, and the rounding is for show only."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.scoring import (
    CaseScore,
    Cut,
    NoScores,
    ScoresInvalid,
    WeightsInvalid,
    check_weights,
    rank_cases,
    read_points,
    round_score,
    score_case,
    weigh_sheet,
)

WEIGHTS = {"difference": Decimal(30), "effect": Decimal(30), "typical": Decimal(20), "truth": Decimal(20)}
POINT = st.decimals(min_value=0, max_value=100, places=2)
SHEET = st.fixed_dictionaries({name: POINT for name in WEIGHTS})


def sheet(*points: int | str) -> dict[str, Decimal]:
    return {name: Decimal(value) for name, value in zip(WEIGHTS, points, strict=True)}


def flat(points: int | str) -> dict[str, Decimal]:
    return sheet(*[points] * 4)


@given(st.lists(SHEET, min_size=1, max_size=9), st.sampled_from(["mean", "trimmed"]))
def test_scores_agree_with_exact_fractions(sheets: list[dict[str, Decimal]], method: str) -> None:
    found = score_case(sheets, WEIGHTS, method=method)  # type: ignore[arg-type]
    totals = sorted(sum((Fraction(s[n]) * Fraction(w) for n, w in WEIGHTS.items()), Fraction(0)) / 100 for s in sheets)
    kept = totals[1:-1] if method == "trimmed" and len(totals) >= 5 else totals
    exact = sum(kept, Fraction(0)) / len(kept)
    assert abs(Fraction(found.value) - exact) < Fraction(1, 10**24)
    assert Fraction(found.spread) == totals[-1] - totals[0]
    assert found.shown == Decimal(int(exact * 100 + Fraction(1, 2))) / 100
    assert found.fell_back == (method == "trimmed" and len(sheets) < 5)
    assert 0 <= found.value <= 100


@given(st.lists(SHEET, min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_the_order_of_the_sheets_changes_nothing(sheets: list[dict[str, Decimal]], chance: object) -> None:
    mixed = list(sheets)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert score_case(sheets, WEIGHTS, method="trimmed") == score_case(mixed, WEIGHTS, method="trimmed")


def test_trimming_drops_exactly_one_of_each_end_and_only_from_five_sheets() -> None:
    four = [flat(0), flat(80), flat(80), flat(100)]
    found = score_case(four, WEIGHTS, method="trimmed")
    assert found.value == 65 and found.method == "mean" and found.fell_back
    found = score_case([*four, flat(100)], WEIGHTS, method="trimmed")
    assert (found.shown, found.method, found.fell_back) == (Decimal("86.67"), "trimmed", False)  # one of the two hundreds stays
    assert score_case([*four, flat(100)], WEIGHTS, method="mean").value == 72


def test_half_up_for_show_but_ranked_unrounded() -> None:
    assert round_score(Decimal("89.995")) == Decimal("90.00")
    assert round_score(Decimal("0.005")) == Decimal("0.01")
    lower, higher = [flat("80.00"), flat("80.00"), flat("80.01")], [flat("80.00"), flat("80.00"), flat("80.00")]
    scores = {"a": score_case(higher, WEIGHTS, method="mean"), "b": score_case(lower, WEIGHTS, method="mean")}
    assert scores["a"].shown == scores["b"].shown == Decimal("80.00")
    assert [line.case for line in rank_cases(scores).places] == ["b", "a"]
    assert rank_cases(scores).ties == ()


def make_score(value: str, strongest: str = "0", median: str = "0", excellent: int = 0) -> CaseScore:
    return CaseScore(Decimal(value), "mean", False, 3, Decimal(0), Decimal(strongest), Decimal(median), excellent)


def test_each_key_decides_only_where_all_before_it_are_equal() -> None:
    scores = {
        "excellent": make_score("80", "70", "60", 2),
        "median": make_score("80", "70", "61", 0),
        "strongest": make_score("80", "71", "0", 0),
        "score": make_score("80.0001"),
        "last": make_score("80", "70", "60", 1),
    }
    assert [line.case for line in rank_cases(scores).places] == ["score", "strongest", "median", "excellent", "last"]


def test_a_tie_at_the_cut_is_told_and_never_decided_by_id() -> None:
    scores = {"d": make_score("90"), "a": make_score("80"), "b": make_score("80"), "c": make_score("80"), "e": make_score("70")}
    ranking = rank_cases(scores)
    assert [(line.place, line.case) for line in ranking.places] == [(1, "d"), (2, "a"), (2, "b"), (2, "c"), (5, "e")]
    assert ranking.ties == (("a", "b", "c"),)
    assert ranking.find_cut(3) == Cut(("d",), ("a", "b", "c"), 2, ("e",))
    assert ranking.find_cut(4) == Cut(("d", "a", "b", "c"), (), 0, ("e",))
    assert ranking.find_cut(1) == Cut(("d",), (), 0, ("a", "b", "c", "e"))
    assert ranking.find_cut(9) == Cut(("d", "a", "b", "c", "e"), (), 0, ())


def test_a_case_without_sheets_has_no_place_and_is_never_chosen() -> None:
    ranking = rank_cases({"a": make_score("10"), "z": None})
    assert ranking.unscored == ("z",)
    assert ranking.find_cut(2) == Cut(("a",), (), 0, ("z",))


@given(
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=2), st.none() | st.builds(make_score, st.sampled_from(["1", "2"])), max_size=8
    ),
    st.integers(0, 9),
)
def test_every_case_is_in_exactly_one_part_of_the_cut(scores: dict[str, CaseScore | None], cut: int) -> None:
    parts = rank_cases(scores).find_cut(cut)
    together = [*parts.chosen, *parts.undecided, *parts.rejected]
    assert sorted(together) == sorted(scores)
    assert len(parts.chosen) + parts.seats <= cut and (not parts.undecided or 0 < parts.seats < len(parts.undecided))


def test_disagreement_is_more_than_the_threshold() -> None:
    found = score_case([flat(60), flat(80)], WEIGHTS, method="mean")
    assert found.spread == 20
    assert not found.disagrees(Decimal(20)) and found.disagrees(Decimal("19.99"))


def test_all_faults_of_a_sheet_at_once() -> None:
    with pytest.raises(ScoresInvalid) as caught:
        read_points({"difference": "", "effect": "a", "typical": "100.01", "truth": "1.005", "extra": 1}, WEIGHTS)
    assert [(f.code, f.path) for f in caught.value.findings] == [
        ("ScoreMissing", "difference"),
        ("ScoreNotANumber", "effect"),
        ("ScoreOutOfRange", "typical"),
        ("ScoreTooFine", "truth"),
        ("CriterionUnknown", "extra"),
    ]


@pytest.mark.parametrize("value", [True, 70.1, "NaN", "Infinity", "-Infinity", [], "1" * 21, "七十", "1e999999"])
def test_what_is_not_a_plain_number_is_refused(value: object) -> None:
    with pytest.raises(ScoresInvalid):
        read_points({**flat(50), "effect": value}, WEIGHTS)


def test_points_are_read_as_decimals() -> None:
    assert read_points({"difference": "70.10", "effect": 80, "typical": Decimal("0"), "truth": "100"}, WEIGHTS) == sheet(
        "70.1", 80, 0, 100
    )


@pytest.mark.parametrize("weights", [{}, {"a": Decimal(99)}, {"a": Decimal(110), "b": Decimal(-10)}, {"a": Decimal("NaN")}])
def test_weights_must_sum_to_one_hundred(weights: dict[str, Decimal]) -> None:
    with pytest.raises(WeightsInvalid):
        check_weights(weights)
    with pytest.raises(WeightsInvalid):
        weigh_sheet({name: Decimal(1) for name in weights}, weights)


def test_nothing_in_means_no_score() -> None:
    with pytest.raises(NoScores):
        score_case([], WEIGHTS, method="mean")
    with pytest.raises(ValueError, match="magic"):
        score_case([flat(1)], WEIGHTS, method="magic")  # type: ignore[arg-type]
