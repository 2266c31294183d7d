"""What stops a review, as facts; the words are in `texts_reviews.yaml`."""

from __future__ import annotations

from engine.errors import Problem


class ReviewNotReady(Problem):
    """The review cannot be organised now: `findings` name the cases that are still on their way to it."""

    kind = "conflict"


class PoolInvalid(Problem):
    """The form names experts who are none, or figures that cannot be; `findings` by field."""


class ReviewNotYours(Problem):
    """The person has no review of this case to hand in."""

    kind = "forbidden"


class ReviewDropped(Problem):
    """The expert was recused or left: somebody else reviews the case."""

    kind = "conflict"


class ReviewsClosed(Problem):
    """The review of this campaign is over."""

    kind = "conflict"


class ReviewTooLate(Problem):
    """The sheet reached us at or after the review's cut-off."""

    kind = "conflict"


class ReviewAlreadySubmitted(Problem):
    """The sheet is handed in; a conflict found afterwards is the organiser's to decide."""

    kind = "conflict"


class ReviewNotStarted(Problem):
    """The tasks of this review are being made at this moment; try again."""

    kind = "busy"


class ReviewCommentTooShort(Problem):
    """The expert's comment is shorter than the campaign asks for."""


class ReasonMissing(Problem):
    """This is recorded and needs a reason."""


class ExpertNotOnPanel(Problem):
    """This person is not on the campaign's panel, or was dropped before."""

    kind = "conflict"
