"""Drafts begun and written, file by file or as a folder."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import FileStorage

from api.pages.drafts.overview import unpack
from api.pages.present import process_engine, reader
from api.rest.drafts.reading import resource
from api.rest.drafts.shapes import BegunTold, DraftAsked, FileAsked, RestoreAsked, SavedTold
from api.rest.operations import act
from engine.work import Work
from workflows.notices import drafts
from workflows.notices.drafts import DraftChanged, DraftClosed
from workflows.rules import require
from workflows.rules.subjects import NoticeUnknown

CHANGED = (DraftChanged, DraftClosed)


@resource.post("/drafts", BegunTold, takes=DraftAsked, status=201, raises=(NoticeUnknown,))
def begin(body: DraftAsked, key: str) -> Any:
    """Begin a draft from a version of a notice.

    Raises NotPermitted, NoticeUnknown, DraftKeyRefused.
    """

    def start(work: Work) -> BegunTold:
        if body.kind == "next":
            return BegunTold(draft=drafts.start_draft(work, reader(), body.notice))
        made = drafts.clone_notice(work, reader(), body.notice, key=body.key or "", number=body.number, years=body.years)
        return BegunTold(draft=made)

    require(reader(), "notice.edit")
    return act(key, "draft.start", body.model_dump(), start)


@resource.post("/drafts/archives", BegunTold, file=True, status=201)
def upload(upload: FileStorage, key: str) -> Any:
    """Begin a draft with the files of a folder in a zip archive; faults in them are told by the check.

    Raises NotPermitted, ArchiveRefused, DraftFileRefused, DraftKeyRefused.
    """
    require(reader(), "notice.edit")
    files = unpack(upload.stream.read())
    asked = {"files": {path: drafts.hash_content(content) for path, content in files.items()}}
    return act(key, "draft.upload", asked, lambda work: BegunTold(draft=drafts.upload_draft(work, reader(), files)))


@resource.put("/drafts/<draft_id>/files/<path:path>", SavedTold, takes=FileAsked, tagged=True, raises=CHANGED)
def write_file(draft_id: str, path: str, body: FileAsked, revision: int) -> SavedTold:
    """Keep a file, new or changed, as the next version. `If-Match` names the version that was read: only a change of this same
    file since then is in the way.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged, DraftFileRefused.
    """
    with process_engine().begin(by=reader().id) as work:
        number = drafts.save_file(work, reader(), draft_id, path, body.text.encode(), seen=revision)
    return SavedTold(draft=draft_id, revision=number)


@resource.delete("/drafts/<draft_id>/files/<path:path>", SavedTold, tagged=True, raises=CHANGED)
def remove_file(draft_id: str, path: str, revision: int) -> SavedTold:
    """Take a file out of the draft.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown, DraftClosed, DraftChanged, DraftFileRefused.
    """
    with process_engine().begin(by=reader().id) as work:
        number = drafts.remove_file(work, reader(), draft_id, path, seen=revision)
    return SavedTold(draft=draft_id, revision=number)


@resource.post("/drafts/<draft_id>/restore", SavedTold, takes=RestoreAsked, tagged=True, raises=CHANGED)
def restore(draft_id: str, body: RestoreAsked, key: str, revision: int) -> Any:
    """Make an older version the next one.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """

    def bring_back(work: Work) -> SavedTold:
        made = drafts.restore_version(work, reader(), draft_id, body.version, seen=revision)
        return SavedTold(draft=draft_id, revision=made)

    return act(key, "draft.restore", {"draft": draft_id, "number": body.version, "seen": revision}, bring_back)
