"""From score sheets to a ranking: exact decimals, no float, no database.

A sheet is a weighted mean on 0–100. A case's score is the mean of its sheets, or the mean without one highest and one lowest
(去掉一个最高分、一个最低分) where at least five sheets are in. No source fixes this rule: every figure here is `ours`, a
setting of the campaign. What is equal after all keys is reported as a tie: a person decides it, never an id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Literal, get_args

from engine.errors import Finding, Problem

Method = Literal["mean", "trimmed"]
METHODS: tuple[Method, ...] = get_args(Method)

TRIMMED_FROM = 5
"""The fewest sheets from which one highest and one lowest are dropped; below it the mean of all is taken, and said so."""

EXCELLENT = Decimal(90)
"""The fourth key of the ranking counts the sheets at or above this."""

PRECISION = 28
"""Significant digits of a quotient. Sums and products are exact: scores have few digits, so distinct values stay distinct."""


class ScoresInvalid(Problem):
    """A score sheet does not fit the notice's criteria; `findings` name every criterion at fault."""


class WeightsInvalid(Problem):
    """The weights of the criteria do not sum to 100, or one is below zero."""


class NoScores(Problem):
    """There is nothing to score: no sheet was handed in."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class CaseScore:
    """The score of one case.

    `value` is what the ranking uses (unrounded), `method` what was really applied, `fell_back` that trimming was wanted but too
    few sheets were in. `spread` is highest minus lowest sheet. `strongest` is the mean of the criterion with the highest weight.
    """

    value: Decimal
    method: Method
    fell_back: bool
    sheets: int
    spread: Decimal
    strongest: Decimal
    median: Decimal
    excellent: int

    @property
    def shown(self) -> Decimal:
        """Two digits, half up, for people."""
        return round_score(self.value)

    @property
    def keys(self) -> tuple[Decimal, Decimal, Decimal, int]:
        """What the ranking compares, in this order, each descending."""
        return self.value, self.strongest, self.median, self.excellent

    def disagrees(self, threshold: Decimal) -> bool:
        """Whether the experts are further apart than `threshold` points: the organiser should look."""
        return self.spread > threshold


@dataclass(frozen=True, slots=True)
class Place:
    """One line of a ranking. Cases that are equal in every key share their place (1, 2, 2, 4)."""

    place: int
    case: str
    score: CaseScore


@dataclass(frozen=True, slots=True)
class Ranking:
    """`places` best first (equal ones in the order of their ids, for show); `unscored` cases have no sheet and no place."""

    places: tuple[Place, ...]
    unscored: tuple[str, ...]

    @property
    def ties(self) -> tuple[tuple[str, ...], ...]:
        """All groups that are equal in every key."""
        return tuple(group for group in _group(self.places) if len(group) > 1)

    def leave_out(self, cases: Collection[str]) -> Ranking:
        """The same ranking without these cases; the places of the others stay."""
        return Ranking(
            tuple(line for line in self.places if line.case not in cases),
            tuple(case for case in self.unscored if case not in cases),
        )

    def find_cut(self, cut: int) -> Cut:
        """Who is in with `cut` seats, who is out, and between whom a person must decide."""
        chosen: list[str] = []
        undecided: tuple[str, ...] = ()
        rejected: list[str] = []
        for group in _group(self.places):
            if undecided or rejected or len(chosen) == cut:
                rejected += group
            elif len(chosen) + len(group) <= cut:
                chosen += group
            else:
                undecided = group
        return Cut(tuple(chosen), undecided, cut - len(chosen) if undecided else 0, (*rejected, *self.unscored))


@dataclass(frozen=True, slots=True)
class Cut:
    """`seats` of the `undecided` are to be chosen by a person; empty when the scores decide alone."""

    chosen: tuple[str, ...]
    undecided: tuple[str, ...]
    seats: int
    rejected: tuple[str, ...]


def check_weights(weights: Mapping[str, Decimal]) -> None:
    """Weights are not below zero and sum to exactly 100.

    Raises WeightsInvalid otherwise.
    """
    if not weights or any(not weight.is_finite() or weight < 0 for weight in weights.values()) or sum(weights.values()) != 100:
        raise WeightsInvalid(weights={name: str(weight) for name, weight in weights.items()})


def read_points(
    scores: Mapping[str, object], weights: Mapping[str, Decimal], *, most: Decimal = Decimal(100)
) -> dict[str, Decimal]:
    """The points of one sheet as decimals, in the order of the criteria.

    Raises ScoresInvalid when a criterion is missing, unknown, not a number, has more than two decimals or lies outside 0–`most`:
    all faults at once. "Cannot judge" is a recusal, never a zero.
    """
    findings = []
    points: dict[str, Decimal] = {}
    for name in weights:
        value = scores.get(name)
        if value is None or value == "":
            findings.append(Finding("ScoreMissing", path=name, values={"criterion": name}))
            continue
        number = _read_number(value)
        if number is None:
            findings.append(Finding("ScoreNotANumber", path=name, values={"criterion": name}))
        elif not 0 <= number <= most:
            findings.append(Finding("ScoreOutOfRange", path=name, values={"criterion": name, "most": str(most)}))
        elif number != number.quantize(Decimal("0.01")):
            findings.append(Finding("ScoreTooFine", path=name, values={"criterion": name}))
        else:
            points[name] = number
    findings += [
        Finding("CriterionUnknown", path=str(name), values={"criterion": str(name)}) for name in scores if name not in weights
    ]
    if findings:
        raise ScoresInvalid(findings=findings)
    return points


def _read_number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None  # a float is refused too: 70.1 is not 70.1
    if isinstance(value, str) and len(value) > 20:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def weigh_sheet(points: Mapping[str, Decimal], weights: Mapping[str, Decimal]) -> Decimal:
    """The weighted mean of one sheet on 0–100, exact.

    Raises WeightsInvalid, and ScoresInvalid when the criteria are not those of the weights.
    """
    check_weights(weights)
    points = read_points(points, weights)
    with localcontext(prec=60):
        return sum((points[name] * weight for name, weight in weights.items()), Decimal(0)) / 100


def score_case(sheets: Sequence[Mapping[str, Decimal]], weights: Mapping[str, Decimal], *, method: Method) -> CaseScore:
    """The score of a case from its sheets ({criterion: points}).

    Raises NoScores without a sheet, ValueError for an unknown method, WeightsInvalid and ScoresInvalid.
    """
    if method not in METHODS:
        raise ValueError(f"{method} is not one of {METHODS}")
    if not sheets:
        raise NoScores()
    totals = sorted(weigh_sheet(sheet, weights) for sheet in sheets)
    trimmed = method == "trimmed" and len(totals) >= TRIMMED_FROM
    heaviest = max(weights, key=lambda name: weights[name])  # of equal weights the notice's first
    return CaseScore(
        value=_mean(totals[1:-1] if trimmed else totals),
        method="trimmed" if trimmed else "mean",
        fell_back=method == "trimmed" and not trimmed,
        sheets=len(totals),
        spread=totals[-1] - totals[0],
        strongest=_mean([sheet[heaviest] for sheet in sheets]),
        median=_mean(totals[(len(totals) - 1) // 2 : len(totals) // 2 + 1]),
        excellent=sum(total >= EXCELLENT for total in totals),
    )


def rank_cases(scores: Mapping[str, CaseScore | None]) -> Ranking:
    """Rank cases (id → score, None without any sheet) by `CaseScore.keys`, best first.

    The keys: score, mean of the criterion of the highest weight, median, number of sheets of 90 and more.
    """
    scored = [(case, score) for case, score in scores.items() if score is not None]
    scored.sort(key=lambda item: item[0])  # only the order in which equal ones are shown
    scored.sort(key=lambda item: item[1].keys, reverse=True)
    places: list[Place] = []
    for number, (case, score) in enumerate(scored, start=1):
        shared = places and places[-1].score.keys == score.keys
        places.append(Place(places[-1].place if shared else number, case, score))
    return Ranking(tuple(places), tuple(sorted(case for case, score in scores.items() if score is None)))


def round_score(value: Decimal) -> Decimal:
    """Two digits, half up: 89.995 is shown as 90.00."""
    return value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _mean(values: Sequence[Decimal]) -> Decimal:
    with localcontext(prec=60):
        total = sum(values, Decimal(0))
    with localcontext(prec=PRECISION):
        return total / len(values)


def _group(places: Iterable[Place]) -> list[tuple[str, ...]]:
    groups: dict[int, list[str]] = {}
    for line in places:
        groups.setdefault(line.place, []).append(line.case)
    return [tuple(group) for group in groups.values()]
