"""Uploaded files, sent as downloads: nothing in them is shown or run by our pages."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, send_file

from api.pages.present import process_engine, reader, signed_in
from api.security import FILE_POLICY
from workflows.cases import note_view
from workflows.files import open_attachment

pages = Blueprint("files", __name__)


@pages.get("/attachments/<attachment_id>")
@signed_in
def download(attachment_id: str) -> Any:
    """A file that the person may see, its bytes verified.

    Raises AttachmentUnknown, FileDamaged.
    """
    return send_attachment(attachment_id)


def send_attachment(attachment_id: str) -> Response:
    """The answer that carries the file, to whoever asks for it by a page or a program.

    Raises AttachmentUnknown, FileDamaged.
    """
    with process_engine().read(by=reader().id) as work:
        opened = open_attachment(work, reader(), attachment_id)
    attachment = opened.attachment
    if opened.case_id is not None:
        note_view(process_engine(), reader(), opened.case_id, "file")
    response = send_file(
        opened.path, mimetype=attachment.media_type, as_attachment=True, download_name=attachment.name, etag=attachment.sha256
    )
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response
