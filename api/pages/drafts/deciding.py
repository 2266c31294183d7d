"""What is decided about a draft: handed over, taken back, sent back, released, put away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import redirect, request, url_for

from api.pages.drafts.opening import check, pages, refuse
from api.pages.present import process_engine, read_key, read_revision, reader, signed_in, tell_next
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows.notices import drafts


@pages.post("/drafts/<draft_id>/submit")
@signed_in
def submit(draft_id: str) -> Any:
    """Hand the draft over for release, with a remark."""
    reason, seen = request.form.get("reason", ""), read_revision()

    def hand_over(work: Work) -> None:
        drafts.submit_draft(work, reader(), draft_id, seen=seen, reason=reason)

    return act(draft_id, "submit", {"reason": reason, "seen": seen}, hand_over, done="draft.done.submitted")


@pages.post("/drafts/<draft_id>/withdraw")
@signed_in
def withdraw(draft_id: str) -> Any:
    """Take a draft back that was handed over."""
    seen = read_revision()
    return act(
        draft_id,
        "withdraw",
        {"seen": seen},
        lambda work: drafts.withdraw_draft(work, reader(), draft_id, seen=seen),
        done="draft.done.withdrawn",
    )


@pages.post("/drafts/<draft_id>/discard")
@signed_in
def discard(draft_id: str) -> Any:
    """Put a draft away."""
    seen = read_revision()
    return act(
        draft_id,
        "discard",
        {"seen": seen},
        lambda work: drafts.discard_draft(work, reader(), draft_id, seen=seen),
        done="draft.done.discarded",
    )


@pages.post("/drafts/<draft_id>/return")
@signed_in
def send_back(draft_id: str) -> Any:
    """Give a draft back to its writers, with a reason."""
    reason, seen = request.form.get("reason", ""), read_revision()

    def give_back(work: Work) -> None:
        drafts.send_back(work, reader(), draft_id, seen=seen, reason=reason)

    return act(draft_id, "return", {"reason": reason, "seen": seen}, give_back, done="draft.done.sent_back")


@pages.post("/drafts/<draft_id>/release")
@signed_in
def release(draft_id: str) -> Any:
    """Deploy the draft as the next version of its notice. The check runs before the transaction, which then finds it done."""
    reason, seen = request.form.get("reason", ""), read_revision()
    check(draft_id)

    def deploy(work: Work) -> None:
        drafts.release_draft(work, reader(), draft_id, seen=seen, reason=reason)

    return act(draft_id, "release", {"reason": reason, "seen": seen}, deploy, done="draft.done.released")


def act(draft_id: str, operation: str, asked: dict[str, Any], function: Callable[[Work], None], *, done: str) -> Any:
    """Do one thing once and show the draft again; a refusal is told on a page that leads back to it.

    Raises NotPermitted, DraftUnknown.
    """

    def run(work: Work) -> dict[str, Any]:
        function(work)
        return {}

    try:
        with process_engine().begin(by=reader().id) as work:
            once(work, read_key(), f"draft.{operation}", {"draft": draft_id, **asked}, lambda: run(work))
    except Problem as problem:
        if problem.kind not in ("conflict", "invalid"):
            raise
        return refuse(problem, draft_id)
    tell_next(done)
    return redirect(url_for("drafts.show", draft_id=draft_id), 303)
