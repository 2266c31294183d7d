"""Files that come with a task's form, kept before the form is looked at, so that a fault elsewhere does not lose them; and files
that the page's script sends ahead of it in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import ClientDisconnected

from api.pages.errors import STATUS
from api.pages.present import process_engine, reader, signed_in, words
from engine.errors import Finding, Problem
from workflows.files import (
    LARGEST_PIECE,
    PIECE,
    FileTooLarge,
    Part,
    PartOffsetWrong,
    append_part,
    attach_once,
    begin_part,
    drop_part,
    find_part,
    receive_file,
)
from workflows.forms import Form, Kind

NEW = ".new"
READ = 64 * 1024

pages = Blueprint("uploads", __name__)


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
            try:
                attached = attach_once(work, reader(), received, task_id=task_id, field=field)
            except FileTooLarge as refused:
                findings.append(Finding(refused.code, path=field, values=refused.values))
                continue
        kept.setdefault(field, []).append(attached.id)
    return kept, findings


def list_uploads(form: Form) -> Iterator[tuple[str, FileStorage]]:
    """The files that were really chosen, with the keys of their fields."""
    for field in form.fields:
        if field.kind is Kind.FILE:
            for upload in request.files.getlist(field.key + NEW):
                if upload.filename:
                    yield field.key, upload


# ---- in pieces -------------------------------------------------------------------------------------------------------
@pages.post("/tasks/<task_id>/uploads")
@signed_in
def begin(task_id: str) -> Any:
    """Begin a file or go on with it: its address, and from which byte.

    Raises what `begin_part` raises.
    """
    sent = {name: request.form.get(name, "") for name in ("field", "name", "size", "sha256", "mark")}
    size = int(sent["size"]) if sent["size"].isascii() and sent["size"].isdigit() and len(sent["size"]) < 16 else 0
    part = begin_part(
        process_engine(),
        reader(),
        task_id,
        sent["field"],
        name=sent["name"],
        size=size,
        sha256=sent["sha256"],
        mark=sent["mark"],
    )
    return tell_part(part)


@pages.get("/tasks/<task_id>/uploads/<part_id>")
@signed_in
def show(task_id: str, part_id: str) -> Any:
    """How far a file has come.

    Raises what `find_part` raises.
    """
    return tell_part(find_part(process_engine(), reader(), task_id, part_id))


@pages.patch("/tasks/<task_id>/uploads/<part_id>")
@signed_in
def append(task_id: str, part_id: str) -> Any:
    """Take the piece that begins at `Upload-Offset`; of one that broke off, what came. After the last one the answer has the
    file as the form shows it.

    Raises what `append_part` raises; PartOffsetWrong is answered with the offset.
    """
    try:
        part, kept = append_part(process_engine(), reader(), task_id, part_id, offset=read_offset(), content=read_piece())
    except PartOffsetWrong as wrong:
        told = {"message": words().tell(wrong), "code": wrong.code, "offset": wrong.values["offset"]}
        return jsonify(told), STATUS[wrong.kind]
    if kept is None:
        return tell_part(part)
    return jsonify(offset=part.offset, file=kept.id, html=render_template("upload_row.html", file=kept, name=part.field))


@pages.delete("/tasks/<task_id>/uploads/<part_id>")
@signed_in
def drop(task_id: str, part_id: str) -> Any:
    """Forget a file that is on its way."""
    drop_part(process_engine(), reader(), task_id, part_id)
    return "", 204


def tell_part(part: Part) -> Any:
    """How far it has come, where to send more, and how much at a time."""
    address = url_for("uploads.append", task_id=part.task_id, part_id=part.id)
    return jsonify(id=part.id, offset=part.offset, size=part.size, address=address, piece=PIECE)


def read_offset() -> int:
    """Where the piece begins, as `Upload-Offset` says; -1 where it says no number: no file stands there."""
    stated = request.headers.get("Upload-Offset", "")
    return int(stated) if stated.isascii() and stated.isdigit() and len(stated) < 16 else -1


def read_piece() -> bytes:
    """The request's bytes, one more than a piece may have at most; when the connection breaks, those that came."""
    piece = bytearray()
    with suppress(ClientDisconnected):
        while len(piece) <= LARGEST_PIECE and (read := request.stream.read(READ)):
            piece += read
    return bytes(piece)
