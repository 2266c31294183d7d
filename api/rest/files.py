"""`/files`: uploads to a field of a task's form, and downloads."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import FileStorage

from api.pages.files import send_attachment
from api.pages.present import process_engine, reader
from api.rest.cases import FileTold
from api.rest.operations import Resource, act
from engine.errors import TaskAlreadyClaimed, TaskAlreadyCompleted
from engine.work import Work
from workflows.files import attach_once, receive_file
from workflows.inbox.acting import require_doable, see_task

resource = Resource("files")


@resource.post(
    "/tasks/<task_id>/fields/<name>/files", FileTold, file=True, status=201, raises=(TaskAlreadyCompleted, TaskAlreadyClaimed)
)
def upload(task_id: str, name: str, upload: FileStorage, key: str) -> Any:
    """Keep a file for a field of an open task; it counts once the task is completed with its id.

    Raises TaskUnknown, TaskAlreadyCompleted, TaskAlreadyClaimed, NotPermitted, and what `receive_file` and `attach_file` raise.
    """
    with process_engine().read(by=reader().id) as work:  # before a byte is kept
        require_doable(reader(), "task.draft", see_task(work, reader(), task_id))
    received = receive_file(process_engine(), upload.stream, name=upload.filename or "")

    def attach(work: Work) -> FileTold:
        return FileTold.model_validate(attach_once(work, reader(), received, task_id=task_id, field=name))

    asked = {"task": task_id, "field": name, "sha256": received.sha256, "name": received.name}
    return act(key, "file.attach", asked, attach)


@resource.get("/files/<attachment_id>", "application/octet-stream")
def download(attachment_id: str) -> Any:
    """The bytes of a file, verified; always a download.

    Raises AttachmentUnknown, FileDamaged.
    """
    return send_attachment(attachment_id)
