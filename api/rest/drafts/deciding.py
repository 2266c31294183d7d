"""What is decided about a draft: handed over, taken back, sent back, released, put away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.pages.drafts.opening import check
from api.pages.present import reader
from api.rest.drafts.reading import resource
from api.rest.drafts.shapes import DecidedTold, RemarkAsked
from api.rest.drafts.writing import CHANGED
from api.rest.operations import act
from engine.work import Work
from workflows.notices import drafts


@resource.post("/drafts/<draft_id>/submit", DecidedTold, takes=RemarkAsked, raises=CHANGED)
def submit(draft_id: str, body: RemarkAsked, key: str, revision: int) -> Any:
    """Hand the draft over for release.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """

    def hand_over(work: Work) -> None:
        drafts.submit_draft(work, reader(), draft_id, seen=revision, reason=body.reason)

    return decide("submit", draft_id, key, revision, hand_over, reason=body.reason)


@resource.post("/drafts/<draft_id>/withdraw", DecidedTold, raises=CHANGED)
def withdraw(draft_id: str, key: str, revision: int) -> Any:
    """Take a draft back that was handed over.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """
    return decide(
        "withdraw", draft_id, key, revision, lambda work: drafts.withdraw_draft(work, reader(), draft_id, seen=revision)
    )


@resource.post("/drafts/<draft_id>/discard", DecidedTold, raises=CHANGED)
def discard(draft_id: str, key: str, revision: int) -> Any:
    """Put a draft away.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged.
    """
    return decide("discard", draft_id, key, revision, lambda work: drafts.discard_draft(work, reader(), draft_id, seen=revision))


@resource.post("/drafts/<draft_id>/return", DecidedTold, takes=RemarkAsked, raises=CHANGED)
def send_back(draft_id: str, body: RemarkAsked, key: str, revision: int) -> Any:
    """Give a draft back to its writers, with a reason.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged, DraftReasonMissing.
    """

    def give_back(work: Work) -> None:
        drafts.send_back(work, reader(), draft_id, seen=revision, reason=body.reason)

    return decide("return", draft_id, key, revision, give_back, reason=body.reason)


@resource.post("/drafts/<draft_id>/release", DecidedTold, takes=RemarkAsked, raises=CHANGED)
def release(draft_id: str, body: RemarkAsked, key: str, revision: int) -> Any:
    """Deploy the draft as the next version of its notice; somebody who wrote none of it.

    Raises NotPermitted, DraftUnknown, DraftClosed, DraftChanged, DraftUnchanged, NoticeInvalid, DiagramRefused.
    """
    check(draft_id)  # before the transaction, which then finds the walks done

    def deploy(work: Work) -> None:
        drafts.release_draft(work, reader(), draft_id, seen=revision, reason=body.reason)

    return decide("release", draft_id, key, revision, deploy, reason=body.reason)


def decide(operation: str, draft_id: str, key: str, revision: int, function: Callable[[Work], object], **asked: str) -> Any:
    """Decide once about a draft, and tell how it stands.

    Raises what `function` raises.
    """

    def run(work: Work) -> DecidedTold:
        function(work)
        return DecidedTold.model_validate(drafts.get_draft(work, draft_id))

    return act(key, f"draft.{operation}", {"draft": draft_id, "seen": revision, **asked}, run)
