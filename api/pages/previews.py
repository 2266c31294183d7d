"""Looking at an uploaded file without saving it: pictures and PDF as the browser shows them, texts as text.

The page around it is ours; the bytes come from an address of their own, with a policy under which nothing in them runs or loads.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, render_template, send_file

from api.pages.present import process_engine, reader, signed_in
from api.security import FRAMED_FILE_POLICY, FRAMED_PDF_POLICY
from workflows.cases import note_view
from workflows.files import find_place, open_attachment

pages = Blueprint("previews", __name__)
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp")
PDF = "application/pdf"
TEXTS = ("text/plain", "text/csv")
MOST_TEXT = 200_000
"""Bytes of a text that the page shows."""


@pages.get("/attachments/<attachment_id>/show")
@signed_in
def show(attachment_id: str) -> str:
    """The file in a page of ours, as a picture, PDF or text, or only to be saved; with the way back and the files beside it.

    Raises AttachmentUnknown, FileDamaged.
    """
    with process_engine().read(by=reader().id) as work:
        opened = open_attachment(work, reader(), attachment_id)
        where = find_place(work, reader(), opened)
    if opened.case_id is not None:
        note_view(process_engine(), reader(), opened.case_id, "file")
    file, text = opened.attachment, None
    if file.media_type in TEXTS:
        with opened.path.open("rb") as stream:
            text = read_text(stream.read(MOST_TEXT), cut=file.size > MOST_TEXT)
    kind = "picture" if file.media_type in PICTURES else "pdf" if file.media_type == PDF else "text" if text is not None else ""
    number, before, after = where.find_beside(file.id)
    return render_template(
        "preview.html",
        file=file,
        kind=kind,
        text=text,
        cut=file.size > MOST_TEXT,
        where=where,
        number=number,
        before=before,
        after=after,
    )


@pages.get("/attachments/<attachment_id>/content")
@signed_in
def content(attachment_id: str) -> Any:
    """The bytes of a picture or PDF, for the frame on that page; 404 for what is not shown.

    Raises AttachmentUnknown, FileDamaged.
    """
    with process_engine().read(by=reader().id) as work:
        opened = open_attachment(work, reader(), attachment_id)
    file = opened.attachment
    if file.media_type not in (*PICTURES, PDF):
        abort(404)
    response: Response = send_file(opened.path, mimetype=file.media_type, download_name=file.name, etag=file.sha256)
    response.headers["Content-Security-Policy"] = FRAMED_PDF_POLICY if file.media_type == PDF else FRAMED_FILE_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def read_text(data: bytes, *, cut: bool = False) -> str:
    """A text in one of the encodings that offices here write; what cannot be read is marked. `cut`: within a character."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as fault:
            if cut and fault.start > len(data) - 4:
                return data[: fault.start].decode(encoding)
    return data.decode("gb18030", "replace")
