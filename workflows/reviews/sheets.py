"""Score sheets: handed in by experts (`reviews.record`), counted (`reviews.summarise`), and the end of it (`reviews.close`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

import orjson
import sqlalchemy as sa

from engine.handlers import Call
from engine.history import record_entry
from engine.messages import Outgoing, send_message, send_messages
from engine.work import Work
from workflows.deadlines import say_cutoff
from workflows.forms import clean_text, count_words
from workflows.reviews.opening import WINDOW
from workflows.reviews.problems import (
    ReviewCommentTooShort,
    ReviewDropped,
    ReviewNotYours,
    ReviewsClosed,
    ReviewTooLate,
)
from workflows.reviews.terms import Terms, find_case, read_terms, read_terms_by_key, set_phase
from workflows.scoring import CaseScore, Method, read_points, score_case, weigh_sheet
from workflows.tables import case, review, window


def record(call: Call) -> None:
    """`reviews.record`: the expert's sheet is with us, if it came in time.

    The form holds points for every criterion of the notice and `comment`. What is scored stays: a sheet is never changed.
    Raises ReviewNotYours, ReviewDropped, ReviewsClosed, ReviewTooLate, ScoresInvalid, ReviewCommentTooShort.
    """
    work = call.work
    item = find_case(work, call.business_key)
    _decide_in_time(work, item.campaign_id)
    terms = read_terms(work, item.campaign_id)
    mine = {"of_case": item.id, "of_expert": call.by}
    row = work.connection.execute(_MINE, mine).one_or_none()
    if row is None:
        raise ReviewNotYours()
    if row.state == "dropped":
        raise ReviewDropped()
    points = read_points({name: call.form.get(name) for name in terms.weights}, terms.weights)
    comment = clean_text(str(call.form.get("comment") or ""), lines=True)
    least = int(terms.find_setting("comment_minimum", 0))
    if (length := count_words(comment)) < least:
        raise ReviewCommentTooShort(least=least, length=length)
    scores = {name: str(value) for name, value in points.items()}
    total = str(weigh_sheet(points, terms.weights))
    sheet = {"state": "submitted", "scores": scores, "total": total, "comment": comment, "submitted_at": work.now}
    done = work.connection.execute(_HAND_IN, {**mine, **sheet})
    if done.rowcount != 1:
        raise ReviewsClosed()
    record_entry(
        work,
        call.instance_id,
        "review_recorded",
        element_id=call.element_id,
        token=call.token,
        detail={"review": row.id, "sha256": _hash_sheet(scores, comment)},
    )


def summarise(call: Call) -> None:
    """`reviews.summarise`: the case's score out of its sheets; the campaign's last case sends it the message `reviews_done`.

    Right whatever happens at the same time: the campaign's row is locked before the open cases are counted.
    """
    work = call.work
    item = find_case(work, call.business_key)
    terms = read_terms(work, item.campaign_id, lock=True)
    work.connection.execute(_CLOSE, {"of_case": item.id, "state": "closed"})
    score = read_score(work, item.id, terms, terms.score_method)
    counted = {"this": item.id, "state": "reviewed", "score": None if score is None else str(score.value)}
    work.connection.execute(_COUNTED, counted)
    if terms.phase == "reviewing" and not is_reviewing(work, terms.id):
        send_message(work, "reviews_done", terms.key, unique_key=f"reviews_done:{terms.id}", sent_by=call.instance_id)


_MINE = sa.select(review.c.id, review.c.state).where(
    review.c.case_id == sa.bindparam("of_case"), review.c.expert_id == sa.bindparam("of_expert")
)
_HAND_IN = sa.update(review).where(
    review.c.case_id == sa.bindparam("of_case"), review.c.expert_id == sa.bindparam("of_expert"), review.c.state == "assigned"
)
_CLOSE = sa.update(review).where(review.c.case_id == sa.bindparam("of_case"), review.c.state == "assigned")
_COUNTED = sa.update(case).where(case.c.id == sa.bindparam("this"))


def close(call: Call) -> None:
    """`reviews.close`: nothing more is taken; cases with open reviews are told `reviews_closed` and count what they have."""
    work = call.work
    terms = read_terms_by_key(work, call.business_key)
    work.connection.execute(
        window.update().where(window.c.campaign_id == terms.id, window.c.name == WINDOW).values(state="closed")
    )
    terms = read_terms(work, terms.id, lock=True)
    set_phase(work, terms.id, "selecting")
    numbers = sa.select(case.c.number).where(case.c.campaign_id == terms.id, case.c.state == "reviewing")
    found = work.connection.execute(numbers.order_by(case.c.number)).scalars().all()
    outgoing = (Outgoing(number, f"reviews_closed:{number}") for number in found)
    send_messages(work, "reviews_closed", outgoing, sent_by=call.instance_id)


def read_score(work: Work, case_id: str, terms: Terms, method: Method) -> CaseScore | None:
    """The score of a case from the sheets that were handed in; None without any."""
    return read_scores(work, [case_id], terms, method)[case_id]


def read_scores(work: Work, case_ids: Sequence[str], terms: Terms, method: Method) -> dict[str, CaseScore | None]:
    """The scores of several cases of one campaign, by the case's id."""
    one = case_ids[0] if len(case_ids) == 1 else None
    scores: dict[str, CaseScore | None] = dict.fromkeys(case_ids)
    rows = work.connection.execute(_SHEETS if one is None else _SHEETS_OF, {"campaign": terms.id, "of_case": one})
    for case_id, found in groupby(rows, key=lambda row: row.case_id):  # nobody holds the sheets of all
        if case_id in scores:
            sheets = [{name: Decimal(value) for name, value in row.scores.items()} for row in found]
            scores[case_id] = score_case(sheets, terms.weights, method=method)
    return scores


def count_reviewing(work: Work, campaign_id: str) -> int:
    """How many cases of the campaign are still under review."""
    query = sa.select(sa.func.count()).where(case.c.campaign_id == campaign_id, case.c.state == "reviewing")
    found: int = work.connection.execute(query).scalar_one()
    return found


def is_reviewing(work: Work, campaign_id: str) -> bool:
    """Whether a case of the campaign is still under review."""
    return work.connection.execute(_REVIEWING, {"campaign": campaign_id}).first() is not None


_SHEETS = (
    sa.select(review.c.case_id, review.c.scores)
    .join(case, case.c.id == review.c.case_id)
    .where(case.c.campaign_id == sa.bindparam("campaign"), review.c.state == "submitted")
    .order_by(review.c.case_id, review.c.id)
)
_SHEETS_OF = _SHEETS.where(review.c.case_id == sa.bindparam("of_case"))
_REVIEWING = sa.select(case.c.id).where(case.c.campaign_id == sa.bindparam("campaign"), case.c.state == "reviewing").limit(1)
_WINDOW = (
    sa.select(window.c.state, window.c.cutoff_at)
    .where(window.c.campaign_id == sa.bindparam("campaign"), window.c.name == WINDOW)
    .with_for_update(read=True)  # experts do not wait for each other
)


def list_progress(work: Work, campaign_id: str) -> list[sa.Row[Any]]:
    """How far each expert is: expert_id, assigned, submitted, dropped, closed; the most behind first."""

    def count(state: str) -> sa.Label[int]:
        return sa.func.count(sa.case((review.c.state == state, 1))).label(state)

    query = (
        sa.select(review.c.expert_id, *map(count, ("assigned", "submitted", "dropped", "closed")))
        .join(case, case.c.id == review.c.case_id)
        .where(case.c.campaign_id == campaign_id)
        .group_by(review.c.expert_id)
        .order_by(count("assigned").desc(), review.c.expert_id)
    )
    return [*work.connection.execute(query)]


def _decide_in_time(work: Work, campaign_id: str) -> None:
    """In time is what the window's row says, read under a lock that the end of the review cannot pass."""
    row = work.connection.execute(_WINDOW, {"campaign": campaign_id}).one_or_none()
    if row is None or row.state == "closed":
        raise ReviewsClosed()
    if work.decide() >= row.cutoff_at:
        raise ReviewTooLate(cutoff=say_cutoff(row.cutoff_at, "zh"), cutoff_en=say_cutoff(row.cutoff_at, "en"))


def _hash_sheet(scores: Mapping[str, str], comment: str) -> str:
    """SHA-256 of a sheet: the history tells whether it was changed afterwards, and not what it says."""
    return hashlib.sha256(orjson.dumps([dict(scores), comment], option=orjson.OPT_SORT_KEYS)).hexdigest()
