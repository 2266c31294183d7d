"""Editing one file of a draft: a diagram in the drawing tool, a form and `notice.yaml` field by field, anything as text."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from api.pages.drafts.opening import may_edit, name_file, open_draft, pages
from api.pages.errors import STATUS
from api.pages.present import process_engine, read_revision, reader, signed_in, tell_next, words
from engine.errors import Problem
from workflows.notices import drafts
from workflows.notices.drafts import Draft, DraftChanged, DraftFileUnknown


@pages.get("/drafts/<draft_id>/edit/<path:path>")
@signed_in
def edit(draft_id: str, path: str) -> str:
    """The page on which a file is edited; `raw` shows its text instead.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown.
    """
    draft, content = open_file(draft_id, path)
    if path.endswith(".bpmn") and not request.args.get("raw"):
        return show_diagram(draft, path, content)
    return show_text(draft, path, content.decode("utf-8", "replace"))


@pages.post("/drafts/<draft_id>/edit/<path:path>")
@signed_in
def save(draft_id: str, path: str) -> Any:
    """Keep the text of a file as the next version; whatever is wrong with it is told afterwards, and nothing typed is lost.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown, PageIncomplete.
    """
    draft, _content = open_file(draft_id, path)
    text = request.form.get("text", "").replace("\r\n", "\n")
    try:
        version = keep(draft, path, text.encode())
    except Problem as problem:
        if problem.kind not in ("conflict", "invalid"):
            raise
        return show_text(draft, path, text, problem), STATUS[problem.kind]
    tell_next("draft.saved", number=version)
    return redirect(url_for("drafts.edit", draft_id=draft_id, path=path, raw=1), 303)


def open_file(draft_id: str, path: str) -> tuple[Draft, bytes]:
    """The draft and one of its files.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        files = drafts.read_files(work, draft_id, draft.version)
    if path not in files:
        raise DraftFileUnknown(path=path)
    return draft, files[path]


def keep(draft: Draft, path: str, content: bytes) -> int:
    """Save a file that was sent by a form; the page's `revision` is the version that the person saw.

    With `take` (the version that a refusal named, and that the person chose to follow) that one counts as seen.
    Raises what `save_file` raises, PageIncomplete.
    """
    seen, taken = read_revision(), request.form.get("take", "")
    if taken.isascii() and taken.isdigit() and len(taken) < 10:
        seen = int(taken)
    with process_engine().begin(by=reader().id) as work:
        return drafts.save_file(work, reader(), draft.id, path, content, seen=seen)


def conflict_of(draft: Draft, problem: Problem | None) -> dict[str, Any] | None:
    """What a page says of a refusal; with the latest version and a comparison when somebody else was faster."""
    if problem is None:
        return None
    told: dict[str, Any] = {"message": words().tell(problem), "texts": [words().tell(each) for each in problem.findings]}
    if isinstance(problem, DraftChanged):
        latest = problem.values["number"]
        told["version"] = latest
        told["compare"] = url_for("drafts.compare", draft_id=draft.id, before=request.form["revision"], after=latest)
    return told


def show_text(draft: Draft, path: str, text: str, problem: Problem | None = None) -> str:
    """The file's own text, to be edited as it is."""
    return render_template(
        "draft_text.html",
        draft=draft,
        path=path,
        name=name_file(path),
        text=text,
        conflict=conflict_of(draft, problem),
        revision=request.form.get("revision", draft.version),
        line=request.args.get("line", ""),
        editable=may_edit(draft),
    )


def show_diagram(draft: Draft, path: str, content: bytes) -> str:
    """The drawing tool with the draft's diagram; it saves by itself."""
    return render_template(
        "draft_diagram.html",
        draft=draft,
        path=path,
        name=name_file(path, content),
        editable=may_edit(draft),
    )
