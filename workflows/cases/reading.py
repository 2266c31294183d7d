"""One case with all that belongs to it, narrowed to its reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.archive import find_moment
from engine.history import list_entries
from engine.work import Work
from workflows.campaigns.forms import campaign_form, file_fields
from workflows.campaigns.reading import get_campaign
from workflows.campaigns.windows import stage_window
from workflows.case_states import state_for
from workflows.cases.history import read_history, read_marks
from workflows.cases.rows import find_row
from workflows.cases.scrubbing import find_names, hide_names
from workflows.cases.views import AuditView, CaseView, ReceiptView, ReviewView, VersionView
from workflows.files import Attachment, list_attachments
from workflows.forms import Form
from workflows.organisations import get_organisation
from workflows.people import Person
from workflows.rules import CaseSubject, CaseUnknown, can, case_subject
from workflows.tables import application_version, audit, organisation, person, receipt, review


def get_case(work: Work, reader: Person, case_id: str) -> CaseView:
    """The case as `reader` may see it.

    Raises CaseUnknown, also when the person may not see it.
    """
    subject = case_subject(work, case_id)
    if not can(reader, "case.read", subject):
        raise CaseUnknown()
    knows = can(reader, "case.identity", subject)
    row = find_row(work, subject.number)
    assert row is not None
    came = row.received_at is not None  # before that there is no version, and nobody has judged anything
    campaign = get_campaign(work, row.campaign_id)
    scores = can(reader, "case.scores", subject)
    attachments = list_attachments(work, reader, subject.id)
    names = () if knows else find_names(work, subject.id)
    told = row.instance_id is not None and can(reader, "case.history", subject)
    entries = list_entries(work, row.instance_id) if told else []
    return CaseView(
        id=row.id,
        number=row.number,
        title=hide_names(row.title, names),
        state=state_for(row.state, campaign.phase, organiser=scores),
        directions=tuple(row.directions),
        campaign=campaign,
        blind=not knows,
        channel=row.channel if knows else None,
        institution=get_organisation(work, row.institution_id) if knows else None,
        body=get_organisation(work, row.body_id) if knows and row.body_id else None,
        created_at=row.created_at if knows else None,
        received_at=row.received_at if knows else None,
        rank=row.rank if knows else None,
        score=Decimal(row.score) if scores and row.score is not None else None,
        versions=_versions(work, subject, attachments, names, knows=knows, plain=can(reader, "case.personal", subject))
        if came
        else (),
        stage=get_campaign(work, row.stage_id) if knows and row.stage_id else None,
        prefecture=get_organisation(work, row.prefecture_id) if knows and row.prefecture_id else None,
        checked_at=row.checked_at if knows else None,
        stage_cutoff_at=_stage_cutoff(work, row) if knows else None,
        receipts=_receipts(work, subject) if knows else (),
        audits=_audits(work, reader, subject) if came and can(reader, "case.audits", subject) else (),
        reviews=_reviews(work, reader, subject, all_of_them=scores) if scores or reader.id in subject.experts else (),
        history=tuple(read_history(work, reader, subject, row.instance_id, entries)) if told else (),
        marks=read_marks(work, row.instance_id, entries) if told else None,
        attachments=tuple(attachments),
        late_at=row.late_at if knows else None,
        archived_at=find_moment(work, row.instance_id) if told else None,
    )


def _stage_cutoff(work: Work, row: sa.Row[Any]) -> datetime | None:
    where = None if row.stage_id is None else stage_window(work, row.stage_id, row.prefecture_id)
    return None if where is None else where.cutoff_at


def _versions(
    work: Work, subject: CaseSubject, attachments: list[Attachment], hidden: Sequence[str], *, knows: bool, plain: bool
) -> tuple[VersionView, ...]:
    """All versions; in blind review only the latest, without what points to its origin and without the names `hidden`."""
    names = {attachment.id: attachment.name for attachment in attachments}
    found = []
    for row in work.connection.execute(_VERSIONS, {"case": subject.id}).all():
        form = campaign_form(work, subject.forms_of, row.form_key).visible_for(
            "applicant" if plain else "expert", blind=not knows
        )
        found.append(
            VersionView(
                version=row.version,
                form=form,
                values=hide_names(_rename_files(form, form.show(row.data), names), hidden),
                sha256=row.sha256,
                received_at=row.received_at,
                received_by=row.received_by,
                submitted_by=row.name if knows else None,
            )
        )
    return tuple(found if knows else found[-1:])


def _rename_files(form: Form, values: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The values with the files' names as this reader may see them; a file that the reader may not see is gone."""
    for key in file_fields(form):
        files = values.get(key)
        if isinstance(files, list):
            values[key] = [{**file, "name": names[file["id"]]} for file in files if file.get("id") in names]
    return values


def _receipts(work: Work, subject: CaseSubject) -> tuple[ReceiptView, ...]:
    return tuple(
        ReceiptView(row.id, row.kind, row.accepted, row.received_at, row.cutoff_at, row.sha256, row.lateness, row.late_reason)
        for row in work.connection.execute(_RECEIPTS, {"case": subject.id})
    )


def _audits(work: Work, reader: Person, subject: CaseSubject) -> tuple[AuditView, ...]:
    """Names of officials are shown within their own organisation and to the organiser."""
    own = reader.offices
    named = can(reader, "case.scores", subject)
    return tuple(
        AuditView(
            kind=row.kind,
            result=row.result,
            opinion=row.opinion,
            version=row.application_version,
            organisation=row.short_name,
            by=row.name if named or row.office in own else None,
            at=row.at,
        )
        for row in work.connection.execute(_AUDITS, {"case": subject.id})
    )


def _reviews(work: Work, reader: Person, subject: CaseSubject, *, all_of_them: bool) -> tuple[ReviewView, ...]:
    query = _REVIEWS if all_of_them else _OWN_REVIEWS
    return tuple(
        ReviewView(
            id=row.id,
            expert=row.name,
            state=row.state,
            scores=row.scores,
            total=None if row.total is None else Decimal(row.total),
            comment=row.comment,
            submitted_at=row.submitted_at,
        )
        for row in work.connection.execute(query, {"case": subject.id, "expert": reader.id})
    )


_RECEIPTS = sa.select(receipt).where(receipt.c.case_id == sa.bindparam("case")).order_by(receipt.c.received_at, receipt.c.id)
_VERSIONS = (
    sa.select(application_version, person.c.name)
    .outerjoin(person, person.c.id == application_version.c.submitted_by)
    .where(application_version.c.case_id == sa.bindparam("case"))
    .order_by(application_version.c.version)
)
_AUDITS = (
    sa.select(audit, organisation.c.short_name, person.c.name, person.c.organisation_id.label("office"))
    .join(organisation, organisation.c.id == audit.c.organisation_id)
    .outerjoin(person, person.c.id == audit.c.by)
    .where(audit.c.case_id == sa.bindparam("case"))
    .order_by(audit.c.at, audit.c.id)
)
_REVIEWS = (
    sa.select(review, person.c.name)
    .join(person, person.c.id == review.c.expert_id)
    .where(review.c.case_id == sa.bindparam("case"))
    .order_by(review.c.assigned_at, person.c.login)
)
_OWN_REVIEWS = _REVIEWS.where(review.c.expert_id == sa.bindparam("expert"), review.c.state != "dropped")
