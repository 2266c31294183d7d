"""Where a file lies: its case or its task, and the files beside it that the same person may see."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from engine.tables import user_task
from engine.work import Work
from workflows.files.attachments import Attachment, OpenedAttachment, files_of_task, list_attachments
from workflows.people import Person
from workflows.rules import can, case_subject, task_subject


@dataclass(frozen=True, slots=True)
class FilePlace:
    """`case_id` and `number` of the case, `task_id` and `step` of the open task that it was uploaded for, where the person may go
    there. `files` are those of the case, else those of the task, in their order."""

    case_id: str | None
    number: str | None
    task_id: str | None
    step: str | None
    files: tuple[Attachment, ...]

    def find_beside(self, attachment_id: str) -> tuple[int, Attachment | None, Attachment | None]:
        """The place of a file (from 1; 0 when it is not among them), the file before it and the one after it."""
        place = next((place for place, each in enumerate(self.files) if each.id == attachment_id), None)
        if place is None:
            return 0, None, None
        after = self.files[place + 1] if place + 1 < len(self.files) else None
        return place + 1, self.files[place - 1] if place else None, after


def find_place(work: Work, person: Person, opened: OpenedAttachment) -> FilePlace:
    """Where a file lies that the person has opened."""
    step = _find_task(work, person, opened.attachment.task_id)
    task_id = opened.attachment.task_id if step is not None else None
    if opened.case_id is None:
        files = files_of_task(work, task_id) if task_id is not None else [opened.attachment]
        return FilePlace(None, None, task_id, step, tuple(files))
    subject = case_subject(work, opened.case_id)
    if not can(person, "case.read", subject):  # one's own upload, of a case that went to others
        return FilePlace(None, None, task_id, step, (opened.attachment,))
    return FilePlace(subject.id, subject.number, task_id, step, tuple(list_attachments(work, person, subject.id)))


def _find_task(work: Work, person: Person, task_id: str | None) -> str | None:
    """The name of an open task that the person may read."""
    if task_id is None:
        return None
    subject = task_subject(work, task_id)
    if subject.state != "open" or not can(person, "task.read", subject):
        return None
    name: str = work.connection.execute(sa.select(user_task.c.name).where(user_task.c.id == task_id)).scalar_one()
    return name
