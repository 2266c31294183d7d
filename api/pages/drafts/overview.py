"""All drafts, how one is begun, and the page of one: its files, its findings, what can be done with it."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from flask import jsonify, redirect, render_template, request, url_for

from api.pages.drafts.opening import (
    check,
    list_uses,
    may_edit,
    may_release,
    name_file,
    open_draft,
    pages,
    summarise,
    tell_findings,
)
from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows import notices
from workflows.notices import drafts
from workflows.notices.source import LARGEST_FILE, MOST_FILES
from workflows.rules import can, require


class ArchiveRefused(Problem):
    """What was uploaded is no archive, or not one that can be unpacked safely."""


class YearsRefused(Problem):
    """The number of years is not a whole number between -50 and 50."""


@pages.get("/drafts")
@signed_in
def list_all() -> str:
    """Drafts that are worked on or wait for release, then those that are done."""
    require(reader(), "notice.review")
    with process_engine().read(by=reader().id) as work:
        current = drafts.list_drafts(work)
        past = drafts.list_drafts(work, states=("released", "discarded"))
    return render_template("drafts.html", current=current, past=past, editor=can(reader(), "notice.edit"))


@pages.get("/drafts/new")
@signed_in
def new() -> str:
    """Where a draft is begun: from a version (`notice` chooses it), as another notice, or from a folder."""
    require(reader(), "notice.edit")
    return show_new({"notice": request.args.get("notice", "")})


@pages.post("/drafts")
@signed_in
def start() -> Any:
    """Begin a draft: `kind` is `next` or `clone` (of the version `notice`), or `upload`.

    Raises NotPermitted, NoticeUnknown, PageIncomplete.
    """
    require(reader(), "notice.edit")
    kind, notice_id = request.form.get("kind", ""), request.form.get("notice", "")
    key, number = request.form.get("new_key", "").strip(), request.form.get("number", "").strip()

    def make(work: Work) -> str:
        if kind == "upload":
            return drafts.upload_draft(work, reader(), files)
        if kind == "clone":
            return drafts.clone_notice(work, reader(), notice_id, key=key, number=number or None, years=years)
        return drafts.start_draft(work, reader(), notice_id)

    try:
        upload = request.files.get("folder")
        files = unpack(upload.stream.read() if upload else b"") if kind == "upload" else {}
        years = read_years() if kind == "clone" else 0
        asked = {"kind": kind, "notice": notice_id, "key": key, "number": number, "years": years}
        with process_engine().begin(by=reader().id) as work:
            made = once(work, read_key(), "draft.start", asked, lambda: {"id": make(work)})
    except Problem as problem:
        if problem.kind not in ("invalid", "conflict"):
            raise
        texts = [words().tell(problem), *(words().tell(found) for found in problem.findings)]
        return show_new(request.form.to_dict(), texts), STATUS[problem.kind]
    tell_next("draft.started")
    return redirect(url_for("drafts.show", draft_id=made["id"]), 303)


@pages.get("/drafts/<draft_id>")
@signed_in
def show(draft_id: str) -> str:
    """One draft.

    Raises NotPermitted, DraftUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        files = drafts.read_files(work, draft_id, draft.version)
        changes = drafts.compare_folders(drafts.base_files(work, draft), files)
        steps = drafts.list_steps(work, draft_id)
        versions = drafts.list_versions(work, draft_id)
    shown = [(path, name_file(path, files.get(path)), files.get(path)) for path in files]
    return render_template(
        "draft.html",
        draft=draft,
        files=sorted(shown, key=lambda file: (file[0] != "notice.yaml", not file[0].endswith(".bpmn"), file[0])),
        uses=list_uses(files),
        changes=changes,
        changed={each.path: each.what for each in changes},
        steps=steps,
        last=versions[0],
        editable=may_edit(draft),
        editor=can(reader(), "notice.edit"),
        releaser=can(reader(), "notice.return"),
        may_release=may_release(draft),
    )


@pages.get("/drafts/<draft_id>/check")
@signed_in
def check_all(draft_id: str) -> Any:
    """The check of the whole draft: a page; for htmx its part; as JSON for the drawing tool.

    Raises NotPermitted, DraftUnknown.
    """
    draft, found = check(draft_id)
    findings, (message, standing) = tell_findings(draft, found), summarise(found)
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return jsonify(message=message, refused=standing == "bad", findings=findings)
    template = "draft_findings.html" if request.headers.get("HX-Request") else "draft_check.html"
    return render_template(template, draft=draft, findings=findings, message=message, standing=standing)


def show_new(typed: dict[str, str], faults: list[str] | None = None) -> str:
    """The page on which a draft is begun, with what was typed."""
    with process_engine().read(by=reader().id) as work:
        versions = notices.list_notices(work)
    return render_template("draft_new.html", versions=versions, typed=typed, faults=faults or [])


def read_years() -> int:
    """By how many years dates move.

    Raises YearsRefused.
    """
    text = request.form.get("years", "1").strip()
    if not text.removeprefix("-").isdecimal() or not text.isascii() or abs(int(text[:5])) > 50:
        raise YearsRefused()
    return int(text)


def unpack(content: bytes) -> dict[str, bytes]:
    """The files of an archive; one folder around all of them is taken away.

    Raises ArchiveRefused.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES or any(entry.file_size > LARGEST_FILE for entry in entries):
                raise ArchiveRefused()
            files = {entry.filename: archive.open(entry).read(LARGEST_FILE + 1) for entry in entries}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, OSError, EOFError):
        raise ArchiveRefused() from None
    heads = {path.partition("/")[0] for path in files}
    if len(heads) == 1 and all("/" in path for path in files):
        files = {path.partition("/")[2]: data for path, data in files.items()}
    return files
