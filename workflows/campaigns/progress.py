"""How far cases have come, as SQL over `case`: one definition, so that all boards count the same.

The state says it while a case goes on. Of one that is over before its time (rejected, lapsed, withdrawn) what was decided about
it tells how far it had come: a case that passed its audit has passed it, also where its body never sent a list.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from workflows.tables import audit, case, selection, selection_item

STEPS: Mapping[str, frozenset[str]] = {
    "opened": frozenset(),
    "submitted": frozenset(),
    "audited": frozenset({"audits.record", "audits.report"}),
    "recommended": frozenset({"recommendations.submit"}),
    "accepted": frozenset({"audits.assess", "audits.accept"}),
    "reviewed": frozenset({"reviews.record"}),
    "selected": frozenset({"selection.record", "selection.choose"}),
    "published": frozenset({"publications.publish", "publications.publish_next"}),
}
"""The steps in their order, with the handlers of which one must be drawn where a campaign's cases come so far."""

_OVER = ("rejected", "lapsed", "withdrawn")
_REVIEWED = ("reviewed", "selected", "not_selected", "published")
_ADMITTED = ("accepted", "recommended", "reviewing", *_REVIEWED)
_AUDITED = ("audited", "reported", "not_recommended", *_ADMITTED)


def list_steps(drawn: frozenset[str], *, tell_selected: bool) -> list[str]:
    """The steps of cases whose diagrams name these handlers; without `tell_selected` not who is selected.

    Where bodies send lists, what the organiser accepts by itself (a direct case) stands with what they recommend.
    """
    steps = [step for step, needs in STEPS.items() if not needs or needs & drawn]
    left_out = {"accepted" if "recommended" in steps else None, None if tell_selected else "selected"}
    return [step for step in steps if step not in left_out]


def has_come_to(step: str) -> sa.ColumnElement[bool]:
    """The rows of `case` that have come to this step of `STEPS`."""
    return _WHICH[step]


def _passed(*kinds: str) -> sa.ColumnElement[bool]:
    """Rows of `case` that are over, and of which the last decision of one of these kinds was to let them pass."""
    decided = sa.select(audit.c.result).where(audit.c.case_id == case.c.id, audit.c.kind.in_(kinds))
    last = decided.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(1).scalar_subquery()
    return sa.and_(case.c.state.in_(_OVER), last == "pass")


def _ranked() -> sa.ColumnElement[bool]:
    """Rows of `case` about which a selection of their campaign decided."""
    own = sa.select(selection.c.id).where(selection.c.campaign_id == case.c.campaign_id)
    return sa.exists().where(selection_item.c.selection_id.in_(own), selection_item.c.case_id == case.c.id)


_WHICH: Mapping[str, sa.ColumnElement[bool]] = {
    "opened": sa.true(),
    "submitted": case.c.received_at.is_not(None),
    "audited": sa.or_(case.c.state.in_(_AUDITED), _passed("audit", "acceptance")),
    "recommended": sa.or_(
        case.c.state.in_(_ADMITTED), case.c.rank.is_not(None), sa.and_(case.c.channel == "direct", _passed("acceptance"))
    ),
    "accepted": sa.or_(case.c.state.in_(_ADMITTED), _passed("acceptance", "assessment")),
    "reviewed": sa.or_(
        case.c.state.in_(_REVIEWED),
        sa.and_(case.c.state == "withdrawn", _ranked()),
    ),
    "selected": case.c.state.in_(("selected", "published")),
    "published": case.c.state == "published",
}
