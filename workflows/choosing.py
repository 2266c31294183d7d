"""Selection without experts: the organiser chooses among the accepted cases, in order, where a notice asks for no review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.work import Work
from workflows.selection import SelectionInvalid
from workflows.tables import campaign, case, selection, selection_item

CHOICE = "choice"
"""The method of such a selection, beside those of scores."""


def list_choosable(work: Work, campaign_id: str) -> Sequence[sa.Row[Any]]:
    """The accepted cases, by number."""
    query = sa.select(case).where(case.c.campaign_id == campaign_id, case.c.state == "accepted")
    return work.connection.execute(query.order_by(case.c.number)).all()


def choose(call: Call) -> Mapping[str, Any]:
    """`selection.choose`: accepted cases become `selected`, in the order chosen, or `not_selected`; returns `selected_count`.

    The form: `chosen` (ids of cases, the first is the best), `reason`. None may be chosen. Raises SelectionInvalid.
    """
    work, campaign_id = call.work, call.variables["campaign"]
    work.connection.execute(sa.select(campaign.c.id).where(campaign.c.id == campaign_id).with_for_update(key_share=True))
    accepted = [row.id for row in list_choosable(work, campaign_id)]
    chosen = [str(each) for each in call.form.get("chosen") or []]
    findings = [
        Finding("CaseNotListable", path="chosen", values={"place": place})
        for place, case_id in enumerate(chosen, start=1)
        if case_id not in accepted or case_id in chosen[: place - 1]
    ]
    if findings:
        raise SelectionInvalid(findings=findings)
    selection_id = new_id()
    reason = str(call.form.get("reason") or "").strip() or None
    values = {"cut": len(chosen), "method": CHOICE, "reason": reason, "by": work.by, "at": work.now}
    work.connection.execute(selection.insert().values(id=selection_id, campaign_id=campaign_id, **values))
    order = [*chosen, *(case_id for case_id in accepted if case_id not in chosen)]
    items = [
        {
            "selection_id": selection_id,
            "case_id": case_id,
            "place": place,
            "score": None,
            "selected": case_id in chosen,
            "note": None,
        }
        for place, case_id in enumerate(order, start=1)
    ]
    if items:
        work.connection.execute(selection_item.insert(), items)
    for state, ids in (("selected", chosen), ("not_selected", order[len(chosen) :])):
        work.connection.execute(sa.update(case).where(case.c.id.in_(ids)).values(state=state))
    detail = {"selected": len(chosen), "ranked": len(order)}
    record_entry(work, call.instance_id, "selection_recorded", element_id=call.element_id, detail=detail)
    return {"selected_count": len(chosen)}
