"""Files that come with a task's form: kept before the form is looked at, so that a fault elsewhere does not lose them."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from flask import request
from werkzeug.datastructures import FileStorage

from api.pages.present import process_engine, reader
from engine.errors import Finding, Problem
from engine.tables import user_task
from engine.work import Work
from workflows.files import Received, attach_file, receive_file
from workflows.forms import Form, Kind
from workflows.tables import attachment

NEW = ".new"


def take_uploads(form: Form, task_id: str) -> tuple[dict[str, list[str]], list[Finding]]:
    """Keep every file of the request for the task; ids by field, and what was refused, each at its field.

    The same file for the same field a second time (a double click, a repeated request) is the same attachment.
    Raises TaskUnknown, TaskAlreadyCompleted, NotPermitted.
    """
    kept: dict[str, list[str]] = {}
    findings: list[Finding] = []
    for field, upload in list_uploads(form):
        try:
            received = receive_file(process_engine(), upload.stream, name=upload.filename or "")
        except Problem as refused:
            findings.append(Finding(refused.code, path=field, values=refused.values))
            continue
        with process_engine().begin(by=reader().id) as work:
            kept.setdefault(field, []).append(attach_once(work, received, task_id, field))
    return kept, findings


def list_uploads(form: Form) -> Iterator[tuple[str, FileStorage]]:
    """The files that were really chosen, with the keys of their fields."""
    for field in form.fields:
        if field.kind is Kind.FILE:
            for upload in request.files.getlist(field.key + NEW):
                if upload.filename:
                    yield field.key, upload


def attach_once(work: Work, received: Received, task_id: str, field: str) -> str:
    """The id of the attachment of this file; made if the task does not have it yet, also when it comes twice at once."""
    work.connection.execute(sa.select(user_task.c.id).where(user_task.c.id == task_id).with_for_update(key_share=True))
    known: str | None = work.connection.execute(
        sa.select(attachment.c.id).where(
            attachment.c.task_id == task_id,
            attachment.c.field == field,
            attachment.c.sha256 == received.sha256,
            attachment.c.name == received.name,
            attachment.c.uploaded_by == reader().id,
        )
    ).scalar()
    return known or attach_file(work, reader(), received, task_id=task_id, field=field).id
