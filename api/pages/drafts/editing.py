"""Editing one file of a draft: a diagram in the drawing tool, a form and `notice.yaml` field by field, anything as text."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for

from api.pages.drafts.facts import save_facts, show_facts
from api.pages.drafts.forms import save_editor, show_editor
from api.pages.drafts.keeping import Refusal, describe, keep, keeps_itself, may_keep, show_revision, tell_kept, tell_refused
from api.pages.drafts.opening import may_edit, name_file, open_file, pages
from api.pages.errors import STATUS
from api.pages.present import signed_in, tell_next
from engine.errors import Problem
from workflows.notices.drafts import Draft
from workflows.notices.source import NOTICE


@pages.get("/drafts/<draft_id>/edit/<path:path>")
@signed_in
def edit(draft_id: str, path: str) -> str:
    """The page on which a file is edited; `raw` shows its text instead.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown.
    """
    draft, content = open_file(draft_id, path)
    page: str | None = None
    if not request.args.get("raw") and not path.endswith(".dmn"):
        if path.endswith(".bpmn"):
            page = show_diagram(draft, path, content)
        else:
            page = show_facts(draft, content) if path == NOTICE else show_editor(draft, path, content)
    return page or show_text(draft, path, content.decode("utf-8", "replace"))


@pages.post("/drafts/<draft_id>/edit/<path:path>")
@signed_in
def save(draft_id: str, path: str) -> Any:
    """Keep a file as the next version: its text (`raw`), or its fields. What is wrong is told afterwards, nothing typed is lost.

    A page that sends its form by itself while somebody types reads JSON.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown, PageIncomplete.
    """
    draft, content = open_file(draft_id, path)
    if not request.args.get("raw"):
        return save_facts(draft, content) if path == NOTICE else save_editor(draft, path, content)
    text = request.form.get("text", "").replace("\r\n", "\n")
    try:
        version = keep(draft, path, text.encode())
    except Problem as problem:
        if not may_keep(problem):
            raise
        refusal = describe(draft, path, problem, text.encode())
        if keeps_itself() and refusal is not None:
            return tell_refused(refusal, problem, "text_form")
        return show_text(draft, path, text, refusal), STATUS[problem.kind]
    if keeps_itself():
        return tell_kept(version)
    tell_next("draft.kept", number=version)
    return redirect(url_for("drafts.edit", draft_id=draft_id, path=path, raw=1), 303)


def show_text(draft: Draft, path: str, text: str, refusal: Refusal | None = None) -> str:
    """The file's own text, to be edited as it is."""
    return render_template(
        "draft_text.html",
        draft=draft,
        path=path,
        name=name_file(path),
        text=text,
        conflict=refusal,
        revision=show_revision(draft),
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
