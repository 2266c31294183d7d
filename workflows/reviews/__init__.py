"""Expert review: the panel is drawn, cases are assigned, sheets come in, experts are replaced, scores are counted."""

from workflows.reviews.blind import Criterion, review_context
from workflows.reviews.opening import assign, organise
from workflows.reviews.panel import list_pool
from workflows.reviews.problems import (
    ExpertNotOnPanel,
    PoolInvalid,
    ReasonMissing,
    ReviewAlreadySubmitted,
    ReviewCommentTooShort,
    ReviewDropped,
    ReviewNotReady,
    ReviewNotStarted,
    ReviewNotYours,
    ReviewsClosed,
    ReviewTooLate,
)
from workflows.reviews.replacement import Replaced, add_experts, declare_conflict, drop_expert
from workflows.reviews.sheets import close, list_progress, record, summarise

__all__ = [
    "Criterion",
    "ExpertNotOnPanel",
    "PoolInvalid",
    "ReasonMissing",
    "Replaced",
    "ReviewAlreadySubmitted",
    "ReviewCommentTooShort",
    "ReviewDropped",
    "ReviewNotReady",
    "ReviewNotStarted",
    "ReviewNotYours",
    "ReviewTooLate",
    "ReviewsClosed",
    "add_experts",
    "assign",
    "close",
    "declare_conflict",
    "drop_expert",
    "list_pool",
    "list_progress",
    "organise",
    "record",
    "review_context",
    "summarise",
]
