"""`/cases`: the cases that the caller may see, narrowed and masked as on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import StringConstraints

from api.pages.present import process_engine, reader
from api.rest.me import OrganisationTold
from api.rest.operations import Resource
from api.rest.shapes import Free, Id, Listed, Paging, Text, Told, write_cursor
from engine.work import Work
from workflows import cases
from workflows.case_states import STATES
from workflows.cases.views import VersionView
from workflows.rules import CaseSubject, CaseUnknown, can, case_subject

resource = Resource("cases")


class CasesAsked(Paging):
    """`q` is looked for in number, title and unit."""

    campaign: Id | None = None
    state: Annotated[str, StringConstraints(pattern=f"^({'|'.join(STATES)})$")] | None = None
    body: Id | None = None
    q: Text | None = None


class CaseLineTold(Told):
    """A case in a list. In blind review `unit`, `body`, `channel`, `rank` and `late_at` (when it came late and was taken) are
    null."""

    id: str
    number: str
    title: str
    state: str
    directions: list[str]
    campaign_id: str
    campaign_title: str
    unit: str | None
    body: str | None
    channel: str | None
    received_at: datetime | None
    rank: int | None
    score: Decimal | None
    late_at: datetime | None


class CasesTold(Listed):
    """A page of cases, by number."""

    items: list[CaseLineTold]


class FileTold(Told):
    """A file; its bytes are at `/files/{id}`."""

    id: str
    name: str
    field: str
    size: int
    media_type: str
    sha256: str
    uploaded_at: datetime | None


class VersionTold(Told):
    """One version of the application, its values as the caller may see them."""

    version: int
    form: str
    values: Free
    sha256: str
    received_at: datetime
    received_by: str
    submitted_by: str | None


class ReceiptTold(Told):
    """What reached us when, against which cut-off; `lateness` tells how it was taken after it (`grace`, `accept_late`)."""

    id: str
    kind: str
    accepted: bool
    received_at: datetime
    cutoff_at: datetime | None
    sha256: str
    lateness: str | None
    late_reason: str | None


class AuditTold(Told):
    """A result of an audit or acceptance."""

    kind: str
    result: str
    opinion: str
    version: int
    organisation: str
    by: str | None
    at: datetime


class ReviewTold(Told):
    """A score sheet: experts see their own, organisers all."""

    id: str
    expert: str | None
    state: str
    scores: Free
    total: Decimal | None
    comment: str | None
    submitted_at: datetime | None


class ActorTold(Told):
    """Who did it, as far as the caller may know."""

    kind: str
    name: str | None


class HistoryTold(Told):
    """One row of the chain."""

    seq: int
    at: datetime
    kind: str
    element_id: str | None
    element_name: str | None
    who: ActorTold
    detail: Free
    hash: str


class CaseTold(Told):
    """One case. In blind review what points to its origin is null or empty."""

    id: str
    number: str
    title: str
    state: str
    directions: list[str]
    campaign_id: str
    campaign_title: str
    blind: bool
    channel: str | None
    institution: OrganisationTold | None
    body: OrganisationTold | None
    created_at: datetime | None
    received_at: datetime | None
    late_at: datetime | None
    rank: int | None
    score: Decimal | None
    versions: list[VersionTold]
    receipts: list[ReceiptTold]
    audits: list[AuditTold]
    reviews: list[ReviewTold]
    history: list[HistoryTold]
    files: list[FileTold]


@resource.get("/cases", CasesTold, query=CasesAsked)
def list_all(query: CasesAsked) -> CasesTold:
    """The cases that the caller may see.

    Raises PageUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        page = cases.list_cases(
            work,
            reader(),
            campaign_id=query.campaign,
            state=query.state,
            body_id=query.body,
            text=(query.q or "").strip() or None,
            limit=query.limit,
            after=query.after,
        )
    return CasesTold(items=[CaseLineTold.model_validate(line) for line in page.lines], next=write_cursor(page.after))


@resource.get("/cases/<case_id>", CaseTold, tagged=True)
def show(case_id: str) -> CaseTold:
    """One case.

    Raises CaseUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        told = tell_case(cases.get_case(work, reader(), case_id))
    cases.note_view(process_engine(), reader(), case_id, "page")
    return told


def see_case(work: Work, case_id: str) -> CaseSubject:
    """The facts of a case that the caller may see.

    Raises CaseUnknown for all others.
    """
    subject = case_subject(work, case_id)
    if not can(reader(), "case.read", subject):
        raise CaseUnknown()
    return subject


def tell_case(view: cases.CaseView) -> CaseTold:
    """A case as its reader sees it."""
    plain = {name: getattr(view, name) for name in CaseTold.model_fields if hasattr(view, name)}
    lists: Mapping[str, Any] = {
        "versions": [tell_version(each) for each in view.versions],
        "files": view.attachments,
        "campaign_id": view.campaign.id,
        "campaign_title": view.campaign.title,
    }
    return CaseTold.model_validate({**plain, **lists})


def tell_version(view: VersionView) -> VersionTold:
    """One version, its form by its id."""
    plain = {name: getattr(view, name) for name in VersionTold.model_fields if name != "form"}
    return VersionTold(**plain, form=view.form.id)
