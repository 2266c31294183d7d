"""What an expert sees of a case: the content, and nothing that says whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.cases.reading import get_case
from workflows.people import Person
from workflows.reviews.problems import ReviewDropped, ReviewNotYours
from workflows.reviews.terms import find_case, read_terms
from workflows.tables import review


@dataclass(frozen=True, slots=True)
class Criterion:
    """A demand of the notice, as a line of the score sheet."""

    key: str
    zh: str
    en: str
    words: str | None
    weight: Decimal


def review_context(work: Work, person: Person, task: sa.Row[Any]) -> Mapping[str, Any]:
    """What stands beside the score sheet of a review task.

    `case`: the case in blind review (`workflows.cases.CaseView`): without unit, body, contacts, history; attachments under
    numbers; names of the unit and contacts replaced in all texts. `criteria`: the demands with their weights. `until`: due.
    Raises ReviewNotYours when the person does not review this case, ReviewDropped after a recusal.
    """
    row = find_case(work, task.business_key)
    mine = sa.select(review.c.state).where(review.c.case_id == row.id, review.c.expert_id == person.id)
    state = work.connection.execute(mine).scalar_one_or_none()
    if state is None:
        raise ReviewNotYours()
    if state == "dropped":
        raise ReviewDropped()
    terms = read_terms(work, row.campaign_id)
    view = get_case(work, person, row.id)
    assert view.blind
    return {
        "case": view,
        "criteria": [
            Criterion(demand["key"], demand["zh"], demand["en"], demand.get("words"), terms.weights[demand["key"]])
            for demand in terms.content["demands"]
        ],
        "until": task.due_at,
    }
