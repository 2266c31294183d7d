"""Keeping what is typed into a file of a draft: by a button, or by the page itself while one types; and what is in the way."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, render_template, request, url_for

from api.pages.errors import STATUS
from api.pages.present import process_engine, read_revision, reader, words
from engine.errors import Problem
from workflows.notices import drafts
from workflows.notices.drafts import Draft, DraftChanged, FileChange

MOST_LINES = 5_000
"""Longer texts are compared on the page of versions only."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was kept. When somebody else was faster: `version` is the latest now, `compare` where to see what it changed,
    `change` (or `lines`, each with its mark `-`, `+` or ` `) what lies between it and what was typed here."""

    message: str
    texts: list[str]
    version: int | None = None
    compare: str | None = None
    change: FileChange | None = None
    lines: tuple[tuple[str, str], ...] = ()


def keeps_itself() -> bool:
    """Whether the page itself sent the form while somebody types, and reads JSON."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def keep(draft: Draft, path: str, content: bytes, *, seen: int | None = None) -> int:
    """Save a file that was sent by a form; `seen` is the version that the person saw, by default the page's `revision`.

    With `take` (the version that a refusal named, and that the person chose to follow) that one counts as seen.
    Raises what `save_file` raises, PageIncomplete.
    """
    taken = request.form.get("take", "")
    if taken.isascii() and taken.isdigit() and len(taken) < 10:
        seen = int(taken)
    with process_engine().begin(by=reader().id) as work:
        return drafts.save_file(
            work,
            reader(),
            draft.id,
            path,
            content,
            seen=read_revision() if seen is None else seen,
            kind="autosaved" if keeps_itself() else "saved",
        )


def read_seen(draft: Draft, path: str) -> bytes:
    """The file as it stood in the version that the page showed (empty when it was not there).

    Raises DraftUnknown, PageIncomplete.
    """
    with process_engine().read(by=reader().id) as work:
        return drafts.read_files(work, draft.id, read_revision()).get(path, b"")


def tell_kept(number: int, *, faults: int = 0) -> Response:
    """What a page that saves by itself is told: in which version its text is, and how many faults the page shows when loaded."""
    with process_engine().read() as work:
        at = work.now
    message = words().say("draft.saved_at", number=number, at=words().exact(at))
    if faults:
        message += " " + words().say("draft.faults_left", count=faults)
    return jsonify(version=number, message=message)


def tell_refused(refusal: Refusal, problem: Problem, form: str) -> tuple[Response, int]:
    """The same when nothing was kept, with what the page puts on top: both texts, and a button that sends `form` after all."""
    box = render_template("draft_conflict.html", conflict=refusal, form=form)
    return jsonify(message=refusal.message, code=problem.code, html=box), STATUS[problem.kind]


def describe(draft: Draft, path: str, problem: Problem | None, mine: bytes) -> Refusal | None:
    """What a page says of a refusal; None of none."""
    if problem is None:
        return None
    message, texts = words().tell(problem), [words().tell(each) for each in problem.findings]
    if not isinstance(problem, DraftChanged):
        return Refusal(message, texts)
    latest = problem.values["number"]
    with process_engine().read(by=reader().id) as work:
        theirs = drafts.read_files(work, draft.id, latest).get(path, b"")
    change = next(iter(drafts.compare_folders({path: theirs}, {path: mine})), None)
    told = change is not None and bool(change.values or change.elements)
    return Refusal(
        message,
        texts,
        latest,
        url_for("drafts.compare", draft_id=draft.id, before=request.form["revision"], after=latest),
        change if told else None,
        () if told else compare_lines(theirs, mine),
    )


def compare_lines(theirs: bytes, mine: bytes) -> tuple[tuple[str, str], ...]:
    """The lines that differ, with two around them; none for texts that are too long to compare here."""
    old, new = theirs.decode("utf-8", "replace").splitlines(), mine.decode("utf-8", "replace").splitlines()
    if len(old) + len(new) > MOST_LINES:
        return ()
    found = list(difflib.unified_diff(old, new, n=2, lineterm=""))[2:]
    return tuple((line[:1], line[1:]) if not line.startswith("@@") else ("", "…") for line in found)


def may_keep(problem: Problem) -> bool:
    """Whether a problem is told on the page of the file; others have pages of their own."""
    return problem.kind in ("conflict", "invalid")


def show_revision(draft: Draft) -> Any:
    """The version that the page's form stands on: what was sent, after a refusal."""
    return request.form.get("revision", draft.version)
