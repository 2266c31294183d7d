"""Attachments: who uploaded which file for which field, and who may open it. Visible only with the case or task it belongs to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from engine.errors import Problem, TaskAlreadyCompleted, TaskUnknown
from engine.ids import new_id
from engine.tables import user_task
from engine.work import Work
from workflows.campaigns.forms import campaign_form, file_fields
from workflows.campaigns.reading import find_campaign
from workflows.files.names import extension_of
from workflows.files.store import Received, receive_file, refuse_large, verify_file
from workflows.forms import Field, Form
from workflows.people import Person
from workflows.rules import AttachmentSubject, CaseSubject, can, case_subject, require, task_subject
from workflows.tables import application_version, attachment, case, stored_file


class AttachmentUnknown(Problem):
    """There is no such attachment, or the person may not see it."""

    kind = "missing"


class AttachmentFieldUnknown(Problem):
    """The task's form has no such field that takes files."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as its reader sees it; in blind review `name` is replaced and `uploaded_at` withheld."""

    id: str
    name: str
    field: str
    size: int
    media_type: str
    sha256: str
    uploaded_at: datetime | None
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedAttachment:
    """An attachment and where its verified bytes lie: to be sent as a download, never inline."""

    attachment: Attachment
    path: Path
    case_id: str | None = None


def store_upload(work: Work, person: Person, stream: IO[bytes], *, name: str, task_id: str, field: str) -> Attachment:
    """Check and keep a file for a field of the person's open task. `receive_file` and `attach_file` do the same in two steps,
    so that nothing is locked while the bytes are read.

    Raises what these two raise.
    """
    return attach_file(work, person, receive_file(work.engine, stream, name=name), task_id=task_id, field=field)


def attach_file(work: Work, person: Person, received: Received, *, task_id: str, field: str) -> Attachment:
    """Attach a received file to a field of the person's open task. It counts once the task is completed with it.

    Raises FileTooLarge for what is larger than the field takes, and what `require_field` raises.
    """
    place, wanted = _find_field(work, person, task_id, field)
    refuse_large(received.size, received.name, wanted.max_bytes or received.size)
    _note_file(work, received)
    attachment_id = new_id()
    values = {
        "id": attachment_id,
        "sha256": received.sha256,
        "name": received.name,
        "case_id": place.case_id,
        "task_id": task_id,
        "field": field,
        "uploaded_by": person.id,
        "uploaded_at": work.now,
    }
    work.connection.execute(_ATTACH, values)
    return Attachment(attachment_id, received.name, field, received.size, received.media_type, received.sha256, work.now, task_id)


def attach_once(work: Work, person: Person, received: Received, *, task_id: str, field: str) -> Attachment:
    """As `attach_file`; the same file of the same person that the field has already is not attached again, also when it comes
    twice at once.

    Raises what `attach_file` raises.
    """
    work.connection.execute(sa.select(user_task.c.id).where(user_task.c.id == task_id).with_for_update(key_share=True))
    query = _select().where(
        attachment.c.task_id == task_id,
        attachment.c.field == field,
        attachment.c.sha256 == received.sha256,
        attachment.c.name == received.name,
        attachment.c.uploaded_by == person.id,
    )
    known = work.connection.execute(query.limit(1)).one_or_none()
    return attach_file(work, person, received, task_id=task_id, field=field) if known is None else _read(known)


def require_field(work: Work, person: Person, task_id: str, key: str) -> Field:
    """A field that takes files, of a task that is open and that the person may fill in.

    Raises TaskUnknown, TaskAlreadyCompleted, NotPermitted, AttachmentFieldUnknown.
    """
    return _find_field(work, person, task_id, key)[1]


def _find_field(work: Work, person: Person, task_id: str, key: str) -> tuple[sa.Row[Any, Any, Any, Any, Any], Field]:
    """The same, with what the task belongs to."""
    subject = task_subject(work, task_id)
    if not can(person, "task.read", subject):
        raise TaskUnknown()
    if subject.state != "open":
        raise TaskAlreadyCompleted()
    require(person, "task.draft", subject)
    place = work.connection.execute(_PLACE, {"task": task_id}).one()
    owner = place.stage_id or place.campaign_id or find_campaign(work, place.business_key)
    form = None if place.form_key is None else campaign_form(work, owner, place.form_key)
    if form is None or key not in file_fields(form):
        raise AttachmentFieldUnknown(field=key)
    return place, form.by_key[key]


def remove_attachment(work: Work, person: Person, attachment_id: str) -> None:
    """Take away a file that was not handed in yet.

    Raises AttachmentUnknown, TaskAlreadyCompleted when it was handed in, NotPermitted.
    """
    row, subject = _find(work, person, attachment_id)
    if subject.handed_in or subject.task is None or subject.task.state != "open":
        raise TaskAlreadyCompleted()
    require(person, "task.draft", subject.task)
    work.connection.execute(sa.delete(attachment).where(attachment.c.id == row.id))


def open_attachment(work: Work, person: Person, attachment_id: str) -> OpenedAttachment:
    """An attachment that the person may see, its bytes verified against their SHA-256.

    Raises AttachmentUnknown, FileDamaged.
    """
    row, subject = _find(work, person, attachment_id)
    shown = _read(row)
    if subject.case is not None and person.id in subject.case.experts:
        shown = next(each for each in list_attachments(work, person, subject.case.id) if each.id == attachment_id)
    return OpenedAttachment(shown, verify_file(work.engine, row.sha256), row.case_id)


def get_attachment(work: Work, person: Person, attachment_id: str) -> Attachment:
    """An attachment that the person may see and does not see blind: one's own upload, say.

    Raises AttachmentUnknown.
    """
    row, _subject = _find(work, person, attachment_id)
    return _read(row)


def list_attachments(work: Work, person: Person, case_id: str) -> list[Attachment]:
    """The attachments of a case that the person may see, oldest first. Experts see numbers instead of names."""
    of_case = case_subject(work, case_id)
    expert = person.id in of_case.experts
    blind = _shown_blind(work, of_case) if expert else ()  # asked of experts alone
    found: list[Attachment] = []
    for row in work.connection.execute(_OF_CASE, {"case": case_id}).all():
        shown = (row.form_key, row.field) in blind
        subject = AttachmentSubject(row.id, row.uploaded_by, of_case, None, row.state == "completed", shown)
        if can(person, "attachment.read", subject):
            found.append(_read(row, blind_number=len(found) + 1 if expert else None))
    return found


def files_of_task(work: Work, task_id: str, *, earlier: Collection[str] = ()) -> list[Attachment]:
    """What a form of this task may refer to: files uploaded for it, and `earlier` ones (ids) that its case was handed in with."""
    of_task = sa.select(user_task.c.business_key).where(user_task.c.id == task_id).scalar_subquery()
    of_case = sa.select(case.c.id).where(case.c.number == of_task).scalar_subquery()
    before = sa.and_(attachment.c.id.in_(sorted(earlier)), attachment.c.case_id == of_case, user_task.c.state == "completed")
    if not earlier:
        return [_read(found) for found in work.connection.execute(_OF_TASK, {"task": task_id}).all()]
    query = _select().where(sa.or_(attachment.c.task_id == task_id, before))
    return [_read(found) for found in work.connection.execute(query.order_by(attachment.c.uploaded_at, attachment.c.id)).all()]


def drop_unused(work: Work, task_id: str, used: Collection[str]) -> None:
    """Forget what was uploaded for a task and is not in the form that it was completed with; the bytes stay in the store."""
    work.connection.execute(_DROP_UNUSED, {"task": task_id, "used": sorted(used)})


def named_ids(form: Form, values: Mapping[str, Any]) -> set[str]:
    """The ids of the attachments in a form's stored values."""
    files = [values.get(key) for key in file_fields(form)]
    return {
        file["id"] for value in files if isinstance(value, list) for file in value if isinstance(file, Mapping) and "id" in file
    }


def _note_file(work: Work, received: Received) -> None:
    known = sa.select(stored_file.c.sha256).where(stored_file.c.sha256 == received.sha256)
    if work.connection.execute(known).scalar() is not None:
        return
    with suppress(sa.exc.IntegrityError), work.connection.begin_nested():  # the same bytes came twice at this moment
        work.connection.execute(
            sa.insert(stored_file).values(
                sha256=received.sha256, size=received.size, media_type=received.media_type, stored_at=work.now
            )
        )


def _shown_blind(work: Work, of_case: CaseSubject) -> frozenset[tuple[str, str]]:
    """(form key, field) of the files of an application that its experts may see."""
    forms = {
        key: campaign_form(work, of_case.forms_of, key).visible_for("expert")
        for key in work.connection.execute(_FORM_KEYS, {"case": of_case.id}).scalars().all()
    }
    return frozenset((key, field) for key, form in forms.items() for field in file_fields(form))


def _find(work: Work, person: Person, attachment_id: str) -> tuple[sa.Row[Any], AttachmentSubject]:
    row = work.connection.execute(_select().where(attachment.c.id == attachment_id)).one_or_none()
    if row is None:
        raise AttachmentUnknown()
    of_case = None if row.case_id is None else case_subject(work, row.case_id)
    subject = AttachmentSubject(
        id=row.id,
        uploaded_by=row.uploaded_by,
        case=of_case,
        task=None if row.task_id is None else task_subject(work, row.task_id),
        handed_in=row.state == "completed",
        blind=of_case is not None and (row.form_key, row.field) in _shown_blind(work, of_case),
    )
    if not can(person, "attachment.read", subject):
        raise AttachmentUnknown()
    return row, subject


def _select() -> sa.Select[Any]:
    return (
        sa.select(attachment, stored_file.c.size, stored_file.c.media_type, user_task.c.state, user_task.c.form_key)
        .join(stored_file, stored_file.c.sha256 == attachment.c.sha256)
        .outerjoin(user_task, user_task.c.id == attachment.c.task_id)
    )


_OF_TASK = _select().where(attachment.c.task_id == sa.bindparam("task")).order_by(attachment.c.uploaded_at, attachment.c.id)
_OF_CASE = _select().where(attachment.c.case_id == sa.bindparam("case")).order_by(attachment.c.uploaded_at, attachment.c.id)
_PLACE = (
    sa.select(user_task.c.business_key, user_task.c.form_key, case.c.id.label("case_id"), case.c.campaign_id, case.c.stage_id)
    .outerjoin(case, case.c.number == user_task.c.business_key)
    .where(user_task.c.id == sa.bindparam("task"))
)
_ATTACH = sa.insert(attachment)
_FORM_KEYS = sa.select(application_version.c.form_key).where(application_version.c.case_id == sa.bindparam("case")).distinct()
_DROP_UNUSED = sa.delete(attachment).where(
    attachment.c.task_id == sa.bindparam("task"), attachment.c.id.not_in(sa.bindparam("used", expanding=True))
)


def _read(row: Any, *, blind_number: int | None = None) -> Attachment:
    if blind_number is None:
        return Attachment(row.id, row.name, row.field, row.size, row.media_type, row.sha256, row.uploaded_at, row.task_id)
    name = f"{blind_number}.{extension_of(row.name)}"
    return Attachment(row.id, name, row.field, row.size, row.media_type, row.sha256, None)
