"""Publishing: the lists that everybody may read, and the message to every case that waits for it.

Most campaigns publish their result once (`publish`, `tell_cases`). Others publish continuously what their review accepts
(`gather`, `publish_next`, `tell_published`): the campaign looks whenever a case tells it to (`note_decided`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.messages import Outgoing, send_message, send_messages
from engine.tables import message
from engine.work import Work
from workflows.forms import clean_text
from workflows.mails import Letter, list_members, queue_letters
from workflows.reviews.terms import read_terms_by_key, set_phase
from workflows.selection import last_selection
from workflows.tables import campaign, case, organisation, publication, publication_item, review, selection_item

TITLE_LENGTH = 300
CHUNK = 500
"""Cases told at a time."""
TOLD = {"published": "result_selected", "not_selected": "result_not_selected"}
"""The letter that a case's institution gets, by the case's state; a withdrawn case gets its answer from a person."""


UNDECIDED = ("draft", "submitted", "returned", "audited", "reported", "recommended")
"""States of a case of which it is still open whether it will be published."""


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


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication of a campaign: most have one, some publish continuously."""

    id: str
    title: str
    published_at: datetime
    cases: tuple[PublishedCase, ...]


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
    _write(call, terms.id, title, cases)
    work.connection.execute(
        case.update().where(case.c.campaign_id == terms.id, case.c.state == "selected").values(state="published")
    )
    set_phase(work, terms.id, "published")
    return {"published_count": len(cases)}


def tell_cases(call: Call) -> None:
    """`publications.tell_cases`: message `result_published` {selected} to every case that was decided, a letter to its unit."""
    work = call.work
    terms = read_terms_by_key(work, call.business_key)
    decided = sa.union(sa.select(review.c.case_id), sa.select(selection_item.c.case_id))
    columns = (case.c.number, case.c.title, case.c.state, case.c.institution_id)
    query = sa.select(*columns).where(case.c.campaign_id == terms.id, case.c.id.in_(decided)).order_by(case.c.number).limit(CHUNK)
    last = ""
    while rows := work.connection.execute(query.where(case.c.number > last)).all():
        outgoing = [
            Outgoing(row.number, f"result_published:{row.number}", {"selected": row.state == "published"}) for row in rows
        ]
        send_messages(work, "result_published", outgoing, sent_by=call.instance_id)
        told = [row for row in rows if row.state in TOLD]
        letters = [(TOLD[row.state], f"result:{row.number}", row) for row in told]
        _tell_institutions(work, terms.id, letters)
        last = rows[-1].number


def _tell_institutions(work: Work, campaign_id: str, letters: Sequence[tuple[str, str, Any]]) -> None:
    """Letters (name, unique key, case) to the institutions of cases."""
    applicants = list_members(work, {f"applicant@{row.institution_id}" for _, _, row in letters})
    queue_letters(
        work,
        (
            Letter(
                name, applicants[f"applicant@{row.institution_id}"], row.number, key, {"number": row.number, "title": row.title}
            )
            for name, key, row in letters
        ),
        campaign_id=campaign_id,
    )


# ---- one publication after another -----------------------------------------------------------------------------------
def note_decided(call: Call) -> None:
    """`publications.note_decided`: tell the campaign that it should look again (message `case_decided`): a case was decided,
    or the collection is closed, or a list was published.

    One such message is enough: with the campaign's row held, whoever looks next sees this step, too.
    """
    work, campaign_id = call.work, call.variables["campaign"]
    key = work.connection.execute(sa.select(campaign.c.key).where(campaign.c.id == campaign_id).with_for_update(key_share=True))
    business_key = key.scalar_one()
    waiting = sa.select(message.c.id).where(
        message.c.name == "case_decided",
        message.c.business_key == business_key,
        message.c.state.in_(("waiting", "unmatched")),
    )
    if work.connection.execute(waiting.limit(1)).first() is None:
        send_message(work, "case_decided", business_key, sent_by=call.instance_id)


def gather(call: Call) -> Mapping[str, Any]:
    """`publications.gather`: look what can be published (`to_publish`), and whether nothing more will come (`settled`)."""
    work, campaign_id = call.work, call.variables["campaign"]
    phase = sa.select(campaign.c.phase).where(campaign.c.id == campaign_id).with_for_update(key_share=True)
    collecting = work.connection.execute(phase).scalar_one() == "collecting"
    undecided = sa.select(sa.func.count()).where(case.c.campaign_id == campaign_id, case.c.state.in_(UNDECIDED))
    to_publish = len(list_publishable(work, campaign_id))
    return {"to_publish": to_publish, "settled": not collecting and work.connection.execute(undecided).scalar_one() == 0}


def publish_next(call: Call) -> None:
    """`publications.publish_next`: publish some of the accepted cases. The form: `title`, `cases` (ids, in the list's order).

    Raises PublicationInvalid: for cases that are not accepted, or published already.
    """
    work, campaign_id = call.work, call.variables["campaign"]
    ready = {row.id for row in list_publishable(work, campaign_id)}
    title = clean_text(str(call.form.get("title") or ""))
    chosen = [str(each) for each in call.form.get("cases") or []]
    findings = []
    if not title or len(title) > TITLE_LENGTH:
        findings.append(Finding("TextTooLong" if title else "TextMissing", path="title", values={"most": TITLE_LENGTH}))
    if not chosen or not ready.issuperset(chosen):
        findings.append(Finding("CaseNotPublishable", path="cases"))
    if findings:
        raise PublicationInvalid(findings=findings)
    _write(call, campaign_id, title, chosen)
    work.connection.execute(case.update().where(case.c.id.in_(chosen)).values(state="published"))


def tell_published(call: Call) -> None:
    """`publications.tell_published`: message `case_published` to each case of the last publication, a letter to its unit; the
    campaign looks again whether more is to be published."""
    work, campaign_id = call.work, call.variables["campaign"]
    last = list_publications(work, campaign_id)[-1]
    query = sa.select(case).join(publication_item).where(publication_item.c.publication_id == last.id)
    rows = work.connection.execute(query.order_by(publication_item.c.place)).all()
    outgoing = [Outgoing(row.number, f"case_published:{row.number}") for row in rows]
    send_messages(work, "case_published", outgoing, sent_by=call.instance_id)
    _tell_institutions(work, campaign_id, [("case_published", f"case_published:{row.number}", row) for row in rows])
    note_decided(call)


def list_publishable(work: Work, campaign_id: str) -> list[sa.Row[Any]]:
    """Cases that the review accepted and that are not published yet, the earliest accepted first: id, number, title, unit."""
    query = (
        sa.select(case.c.id, case.c.number, case.c.title, organisation.c.name.label("unit"), case.c.accepted_at)
        .join(organisation, organisation.c.id == case.c.institution_id)
        .where(case.c.campaign_id == campaign_id, case.c.state == "accepted", case.c.accepted_at.is_not(None))
    )
    return list(work.connection.execute(query.order_by(case.c.accepted_at, case.c.number)))


def _write(call: Call, campaign_id: str, title: str, cases: Sequence[str]) -> None:
    """Write a publication with its cases in this order, and the history."""
    publication_id = new_id()
    call.work.connection.execute(
        publication.insert().values(id=publication_id, campaign_id=campaign_id, title=title, published_at=call.now, by=call.by)
    )
    if cases:
        call.work.connection.execute(
            publication_item.insert(),
            [
                {"publication_id": publication_id, "case_id": case_id, "place": place}
                for place, case_id in enumerate(cases, start=1)
            ],
        )
    detail = {"cases": len(cases), "title": title}
    record_entry(call.work, call.instance_id, "published", element_id=call.element_id, detail=detail)


# ---- reading ---------------------------------------------------------------------------------------------------------
def list_publications(work: Work, campaign_id: str) -> list[Publication]:
    """All publications of a campaign with their cases, in the order of their moments."""
    query = sa.select(publication).where(publication.c.campaign_id == campaign_id)
    rows = work.connection.execute(query.order_by(publication.c.published_at, publication.c.id)).all()
    cases: dict[str, list[PublishedCase]] = {row.id: [] for row in rows}
    items = (
        sa.select(publication_item.c.publication_id, publication_item.c.place, case.c.title, organisation.c.name.label("unit"))
        .join(publication, publication.c.id == publication_item.c.publication_id)
        .join(case, case.c.id == publication_item.c.case_id)
        .join(organisation, organisation.c.id == case.c.institution_id)
        .where(publication.c.campaign_id == campaign_id)
        .order_by(publication_item.c.place)
    )
    for item in work.connection.execute(items):
        cases[item.publication_id].append(PublishedCase(item.place, item.title, item.unit))
    return [Publication(row.id, row.title, row.published_at, tuple(cases[row.id])) for row in rows]
