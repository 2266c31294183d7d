"""Publishing the result: the list that everybody may read, and the message to every case that waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.messages import send_message
from engine.work import Work
from workflows.forms import clean_text
from workflows.mails import find_members, queue_letter
from workflows.reviews.terms import read_terms_by_key, set_phase
from workflows.selection import last_selection
from workflows.tables import case, organisation, publication, publication_item, review, selection_item

TITLE_LENGTH = 300
TOLD = {"published": "result_selected", "not_selected": "result_not_selected"}
"""The letter that a case's institution gets, by the case's state; a withdrawn case gets its answer from a person."""


class NothingSelected(Problem):
    """There is no selection to publish."""

    kind = "conflict"


class PublicationInvalid(Problem):
    """The form of the publication has faults; `findings` by field."""


@dataclass(frozen=True, slots=True)
class PublishedCase:
    """One line of the published list: unit and title, nothing personal (PIPL, article 6: no more than the purpose needs)."""

    place: int
    title: str
    unit: str


def publish(call: Call) -> Mapping[str, Any]:
    """`publications.publish`: write the list of the selected cases; they and the campaign are `published`.

    The form: `title`. Returns `published_count`. Raises NothingSelected and PublicationInvalid.
    """
    work = call.work
    terms = read_terms_by_key(work, call.business_key, lock=True)
    title = clean_text(str(call.form.get("title") or ""))
    if not title or len(title) > TITLE_LENGTH:
        code = "TextTooLong" if title else "TextMissing"
        raise PublicationInvalid(findings=[Finding(code, path="title", values={"most": TITLE_LENGTH})])
    decided = last_selection(work, terms.id)
    if decided is None:
        raise NothingSelected()
    query = (
        sa.select(case.c.id)
        .join(selection_item, selection_item.c.case_id == case.c.id)
        .where(selection_item.c.selection_id == decided.id, case.c.state == "selected")
        .order_by(selection_item.c.place, case.c.number)
    )
    cases = work.connection.execute(query).scalars().all()
    publication_id = new_id()
    work.connection.execute(
        publication.insert().values(id=publication_id, campaign_id=terms.id, title=title, published_at=work.now, by=call.by)
    )
    if cases:
        work.connection.execute(
            publication_item.insert(),
            [
                {"publication_id": publication_id, "case_id": case_id, "place": place}
                for place, case_id in enumerate(cases, start=1)
            ],
        )
    work.connection.execute(
        case.update().where(case.c.campaign_id == terms.id, case.c.state == "selected").values(state="published")
    )
    set_phase(work, terms.id, "published")
    record_entry(work, call.instance_id, "published", element_id=call.element_id, detail={"cases": len(cases), "title": title})
    return {"published_count": len(cases)}


def tell_cases(call: Call) -> None:
    """`publications.tell_cases`: message `result_published` {selected} to every case that was reviewed, a letter to its unit."""
    work = call.work
    terms = read_terms_by_key(work, call.business_key)
    reviewed = sa.select(review.c.case_id)
    query = sa.select(case).where(case.c.campaign_id == terms.id, case.c.id.in_(reviewed)).order_by(case.c.number)
    for row in work.connection.execute(query).all():
        send_message(
            work,
            "result_published",
            row.number,
            {"selected": row.state == "published"},
            unique_key=f"result_published:{row.number}",
            sent_by=call.instance_id,
        )
        if row.state in TOLD:
            queue_letter(
                work,
                TOLD[row.state],
                find_members(work, [f"applicant@{row.institution_id}"]),
                campaign_id=terms.id,
                about=row.number,
                unique_key=f"result:{row.number}",
                values={"number": row.number, "title": row.title},
            )


def published_cases(work: Work, campaign_id: str) -> list[PublishedCase]:
    """The published list of a campaign, in its order; empty before it is published."""
    query = (
        sa.select(publication_item.c.place, case.c.title, organisation.c.name.label("unit"))
        .join(publication, publication.c.id == publication_item.c.publication_id)
        .join(case, case.c.id == publication_item.c.case_id)
        .join(organisation, organisation.c.id == case.c.institution_id)
        .where(publication.c.campaign_id == campaign_id)
        .order_by(publication_item.c.place)
    )
    return [PublishedCase(row.place, row.title, row.unit) for row in work.connection.execute(query)]


def get_publication(work: Work, campaign_id: str) -> sa.Row[Any] | None:
    """The publication of a campaign (title, moment); None before it is published."""
    return work.connection.execute(sa.select(publication).where(publication.c.campaign_id == campaign_id)).one_or_none()
