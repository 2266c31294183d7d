"""States of cases as they may be told: who is selected is told to others than the organiser only when it is published."""

from __future__ import annotations

import sqlalchemy as sa

from workflows.tables import campaign, case

STATES = (
    "draft",
    "submitted",
    "returned",
    "audited",
    "rejected",
    "recommended",
    "not_recommended",
    "lapsed",
    "reported",
    "accepted",
    "reviewing",
    "reviewed",
    "selected",
    "not_selected",
    "published",
    "withdrawn",
)  # fmt: skip
DECIDED = ("selected", "not_selected")
PUBLIC = ("published", "ended")
"""Phases of a campaign in which the selection is public."""


def state_for(state: str, phase: str, *, organiser: bool) -> str:
    """The state to show to an organiser of the campaign, or to anybody else."""
    return "reviewed" if state in DECIDED and phase not in PUBLIC and not organiser else state


def shown_state(organised: sa.ColumnElement[bool]) -> sa.ColumnElement[str]:
    """The same in SQL, over `case` joined with `campaign`; `organised` tells where the reader is an organiser."""
    hidden = sa.and_(case.c.state.in_(DECIDED), campaign.c.phase.not_in(PUBLIC), sa.not_(organised))
    return sa.case((hidden, "reviewed"), else_=case.c.state)


def is_shown_as(state: str, organised: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether a case is shown in this state: the same, so that a database can tell how many are."""
    public = sa.or_(campaign.c.phase.in_(PUBLIC), organised)
    if state == "reviewed":
        return sa.or_(case.c.state == state, sa.and_(case.c.state.in_(DECIDED), sa.not_(public)))
    return sa.and_(case.c.state == state, public) if state in DECIDED else case.c.state == state
