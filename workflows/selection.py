"""The selection: a ranking out of the score sheets, a cut, and a person's decision where the scores leave a tie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.work import Work
from workflows.reviews.sheets import count_reviewing, read_scores
from workflows.reviews.terms import Terms, read_terms, read_terms_by_key
from workflows.scoring import METHODS, CaseScore, Method, Ranking, rank_cases
from workflows.tables import case, review_draw, selection, selection_item

RANKED = ("reviewed", "selected", "not_selected")
"""States of the cases that a ranking shows; a withdrawn case is not in it any more."""

MOST_SELECTED = 100_000
CHUNK = 500
"""Cases named in one statement."""


class ReviewsUnsettled(Problem):
    """Cases are still being counted; the selection can be made in a moment."""

    kind = "busy"


class SelectionInvalid(Problem):
    """The form of the selection has faults; `findings` by field."""


class TieUndecided(Problem):
    """Cases are equal in every key at the cut: a person must choose. `seats` of `count` cases; `findings` name them."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class RankedCase:
    """One line of the ranking, for organisers.

    `fell_back`: fewer sheets than trimming needs, so the plain mean was taken. `disagrees`: the experts are far apart.
    `tied`: equal to another case in every key. `few`: fewer sheets than planned.
    """

    place: int
    case_id: str
    number: str
    title: str
    score: CaseScore
    disagrees: bool
    tied: bool
    few: bool

    @property
    def fell_back(self) -> bool:
        """Whether the plain mean was taken although trimming was asked for."""
        return self.score.fell_back


@dataclass(frozen=True, slots=True)
class RankedList:
    """The ranking of a campaign; `unscored` are (number, title) of cases without any sheet: they have no place."""

    method: Method
    lines: tuple[RankedCase, ...]
    unscored: tuple[tuple[str, str], ...]
    ranking: Ranking


def ranking(work: Work, campaign_id: str, method: Method | None = None) -> RankedList:
    """The ranking of the reviewed cases, best first; by the campaign's own method unless told.

    Raises CampaignUnknown.
    """
    return _rank(work, read_terms(work, campaign_id), method)


def record(call: Call) -> Mapping[str, Any]:
    """`selection.record`: the organiser sets the cut; cases become `selected` or `not_selected`.

    The form: `cut`, `method`, `reason`, and `decided` (numbers of the chosen cases) when a tie lies at the cut. Returns
    `selected_count`.
    Raises ReviewsUnsettled, SelectionInvalid, TieUndecided.
    """
    work = call.work
    terms = read_terms_by_key(work, call.business_key, lock=True)
    if open_reviews := count_reviewing(work, terms.id):
        raise ReviewsUnsettled(count=open_reviews)
    cut, method, reason = _read_form(call.form, terms)
    ranked = _rank(work, terms, method)
    parts = ranked.ranking.find_cut(cut)
    decided = [str(number) for number in call.form.get("decided") or []]
    chosen = [*parts.chosen, *decide_tie(parts.undecided, parts.seats, decided, reason=reason, paths=("decided", "reason"))]
    notes = {number: "tie_decided" for number in parts.undecided}
    write_selection(work, terms, ranked, chosen, cut=cut, reason=reason, notes=notes)
    record_entry(
        work,
        call.instance_id,
        "selection_recorded",
        element_id=call.element_id,
        detail={"cut": cut, "method": method, "selected": len(chosen), "ranked": len(ranked.lines), "tied": len(parts.undecided)},
    )
    return {"selected_count": len(chosen)}


def decide_tie(undecided: Sequence[str], seats: int, decided: Sequence[str], *, reason: str, paths: tuple[str, str]) -> list[str]:
    """Whom a person chose among cases that are equal in every key; nothing where there is no tie.

    `paths` are the form's fields of the choice and of its reason.
    Raises TieUndecided without (or with a wrong number of) chosen cases, SelectionInvalid for cases that are not in the tie and
    for a choice without a reason.
    """
    findings = [Finding("CaseNotTied", path=paths[0], values={"case": number}) for number in decided if number not in undecided]
    if findings:
        raise SelectionInvalid(findings=findings)
    if len(set(decided)) != seats or len(decided) != seats:
        raise TieUndecided(
            seats=seats,
            count=len(undecided),
            findings=[Finding("CaseTied", path=paths[0], values={"case": number}) for number in undecided],
        )
    if undecided and not reason:
        raise SelectionInvalid(findings=[Finding("TieReasonMissing", path=paths[1])])
    return list(decided)


def write_selection(
    work: Work,
    terms: Terms,
    ranked: RankedList,
    chosen: Sequence[str],
    *,
    cut: int,
    reason: str,
    notes: Mapping[str, str],
) -> None:
    """Write a selection with all ranked cases, and the cases' states. `chosen` and `notes` go by the case's number."""
    selection_id = new_id()
    work.connection.execute(
        selection.insert().values(
            id=selection_id,
            campaign_id=terms.id,
            cut=cut,
            method=ranked.method,
            reason=reason or None,
            by=work.by,
            at=work.now,
        )
    )
    selected = set(chosen)
    if ranked.lines:
        work.connection.execute(
            selection_item.insert(),
            [
                {
                    "selection_id": selection_id,
                    "case_id": line.case_id,
                    "place": line.place,
                    "score": str(line.score.value),
                    "selected": line.number in selected,
                    "note": notes.get(line.number),
                }
                for line in ranked.lines
            ],
        )
    of_campaign = sa.and_(case.c.campaign_id == terms.id, case.c.state.in_(RANKED))
    work.connection.execute(case.update().where(of_campaign).values(state="not_selected"))
    ids = iter([line.case_id for line in ranked.lines if line.number in selected])
    while part := list(islice(ids, CHUNK)):
        work.connection.execute(case.update().where(case.c.id.in_(part)).values(state="selected"))


def last_selection(work: Work, campaign_id: str) -> sa.Row[Any] | None:
    """The selection that counts now; None before the first."""
    query = sa.select(selection).where(selection.c.campaign_id == campaign_id)
    return work.connection.execute(query.order_by(selection.c.at.desc(), selection.c.id.desc()).limit(1)).one_or_none()


def list_tied(work: Work, campaign_id: str) -> list[tuple[str, str]]:
    """(number, label) of all cases that share their place with another by one of the methods: the options of `decided`."""
    found: dict[str, str] = {}
    for method in METHODS:
        for line in ranking(work, campaign_id, method).lines:
            if line.tied:
                found.setdefault(line.number, f"{line.title} ({line.number})")
    return sorted(found.items())


def _read_form(form: Mapping[str, Any], terms: Terms) -> tuple[int, Method, str]:
    findings = []
    cut, method = form.get("cut"), form.get("method") or terms.score_method
    if cut is None or cut == "":
        cut = terms.find_setting("cut")
    if isinstance(cut, bool) or not str(cut).isdecimal() or not 1 <= int(str(cut)) <= MOST_SELECTED:
        findings.append(Finding("FigureRefused", path="cut", values={"least": 1, "most": MOST_SELECTED}))
    if method not in METHODS:
        findings.append(Finding("MethodUnknown", path="method", values={"methods": ", ".join(METHODS)}))
    if findings:
        raise SelectionInvalid(findings=findings)
    return int(str(cut)), method, str(form.get("reason") or "").strip()


def _rank(work: Work, terms: Terms, method: Method | None) -> RankedList:
    method = method or terms.score_method
    query = sa.select(case.c.id, case.c.number, case.c.title).where(case.c.campaign_id == terms.id, case.c.state.in_(RANKED))
    rows = {row.number: row for row in work.connection.execute(query.order_by(case.c.number))}
    scores = read_scores(work, [row.id for row in rows.values()], terms, method)
    found = rank_cases({number: scores[row.id] for number, row in rows.items()})
    tied = {number for group in found.ties for number in group}
    planned = _read_planned(work, terms)
    lines = tuple(
        RankedCase(
            place=line.place,
            case_id=rows[line.case].id,
            number=line.case,
            title=rows[line.case].title,
            score=line.score,
            disagrees=line.score.disagrees(Decimal(terms.disagreement)),
            tied=line.case in tied,
            few=line.score.sheets < planned,
        )
        for line in found.places
    )
    return RankedList(method, lines, tuple((number, rows[number].title) for number in found.unscored), found)


def _read_planned(work: Work, terms: Terms) -> int:
    query = sa.select(review_draw.c.experts_per_case).where(review_draw.c.campaign_id == terms.id)
    planned: int | None = work.connection.execute(query.order_by(review_draw.c.at.desc()).limit(1)).scalar_one_or_none()
    return planned or 0
