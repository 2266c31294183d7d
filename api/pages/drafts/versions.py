"""The versions of a draft: listed, looked at, compared, brought back, taken home as a folder."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from flask import Response, redirect, render_template, request, url_for

from api.pages.drafts.opening import may_edit, name_file, open_draft, pages, refuse
from api.pages.present import process_engine, read_key, read_revision, reader, signed_in, tell_next
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows.notices import drafts
from workflows.notices.drafts import Draft, DraftUnknown

BASE = "base"
"""In the address of a comparison: the version that the draft is based on."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The same folder makes the same archive: its files bear no moment."""


@pages.get("/drafts/<draft_id>/versions")
@signed_in
def list_versions(draft_id: str) -> str:
    """All versions: when, by whom, what changed; those of one file (`path`); each autosave by itself (`all`).

    Raises NotPermitted, DraftUnknown.
    """
    path, whole = request.args.get("path") or None, bool(request.args.get("all"))
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        versions = drafts.list_versions(work, draft_id)
    found = [each for each in versions if path is None or path in each.changed or each.number == 1]
    spans = [drafts.Span(each, each.number) for each in found] if whole else drafts.fold_versions(found)
    return render_template(
        "draft_versions.html",
        draft=draft,
        spans=spans,
        folded=len(spans) < len(found),
        path=path,
        whole=whole,
        name=None if path is None else name_file(path),
        editable=may_edit(draft),
    )


@pages.get("/drafts/<draft_id>/compare")
@signed_in
def compare(draft_id: str) -> str:
    """What differs between `before` (a version's number, or `base`) and `after` (the latest, if not said).

    Raises NotPermitted, DraftUnknown.
    """
    before, after = request.args.get("before", BASE), request.args.get("after", "")
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        versions = drafts.list_versions(work, draft_id)
        old = drafts.base_files(work, draft) if before == BASE else drafts.read_files(work, draft_id, read_number(before))
        number = read_number(after) if after else draft.version
        new = drafts.read_files(work, draft_id, number)
    changes = drafts.compare_folders(old, new)
    names = {each.path: name_file(each.path, new.get(each.path) or old.get(each.path)) for each in changes}
    return render_template(
        "draft_compare.html", draft=draft, versions=versions, changes=changes, names=names, before=before, after=number
    )


@pages.post("/drafts/<draft_id>/versions/<int:number>/restore")
@signed_in
def restore(draft_id: str, number: int) -> Any:
    """Make an older version the next one, or only its file at `path`.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown.
    """
    seen, path = read_revision(), request.form.get("path") or None
    asked = {"draft": draft_id, "number": number, "seen": seen, "path": path}

    def bring_back(work: Work) -> dict[str, int]:
        return {"number": drafts.restore_version(work, reader(), draft_id, number, seen=seen, path=path)}

    try:
        with process_engine().begin(by=reader().id) as work:
            made = once(work, read_key(), "draft.restore", asked, lambda: bring_back(work))
    except Problem as problem:
        if problem.kind != "conflict":
            raise
        return refuse(problem, draft_id)
    tell_next("draft.restored", number=number, version=made["number"])
    if path is not None:
        return redirect(url_for("drafts.edit", draft_id=draft_id, path=path), 303)
    return redirect(url_for("drafts.show", draft_id=draft_id), 303)


@pages.get("/drafts/<draft_id>/folder.zip")
@signed_in
def export(draft_id: str) -> Response:
    """A version (`version`, the latest if not said) as a folder in an archive.

    Raises NotPermitted, DraftUnknown.
    """
    asked = request.args.get("version", "")
    return answer_archive(draft_id, read_number(asked) if asked else None)


def answer_archive(draft_id: str, wanted: int | None) -> Response:
    """A version (the latest when None) as an archive to keep.

    Raises NotPermitted, DraftUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        number = draft.version if wanted is None else wanted
        files = drafts.read_files(work, draft_id, number)
    headers = {"Content-Disposition": f'attachment; filename="{draft.key}_{number}.zip"'}
    return Response(pack(draft, files), mimetype="application/zip", headers=headers)


def pack(draft: Draft, files: dict[str, bytes]) -> bytes:
    """The archive of a folder named as the notice."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(f"{draft.key}/{path}", EARLIEST), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def read_number(text: str) -> int:
    """A version's number from an address.

    Raises DraftUnknown.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise DraftUnknown()
    return int(text)
