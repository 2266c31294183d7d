"""Handlers of rounds: rolling one up, saying what was done with it, and deciding about what came after the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.work import Work
from workflows.rounds.plans import Occurrence, Plan, in_round, read_plans
from workflows.tables import case, organisation, round_, round_case, window

JOINED = "joined"
"""The field of the form that places the rest: ids of the cases that go into the last round after all."""


class RestInvalid(Problem):
    """The form that places the rest has faults; `findings` by field."""


def close(call: Call) -> None:
    """`rounds.close`: roll up a round of the cadence that the property `round` names; `period` is the loop's variable.

    In it is every case whose moment lies before the round's cut-off and not before that of the round before, whenever the
    clock gets to it: each round could be rolled up years later, or in another order, and be the same. Whoever is just handing
    something in holds a window's row, so we wait for them here; whoever comes after us gets a later moment than the cut-off.
    """
    work, plan, occurrence = call.work, *_find(call)
    campaign_id = call.variables["campaign"]
    held = sa.select(window.c.id).where(window.c.campaign_id == campaign_id).order_by(window.c.id)
    work.connection.execute(held.with_for_update()).all()
    round_id = new_id()
    work.connection.execute(
        sa.insert(round_).values(
            id=round_id,
            campaign_id=campaign_id,
            plan=plan.key,
            occurrence=occurrence.key,
            due_on=occurrence.due_on,
            cutoff_at=occurrence.cutoff_at,
            closed_at=work.now,
        )
    )
    query = sa.select(case.c.id, plan.moment.label("moment")).where(case.c.campaign_id == campaign_id, in_round(plan, occurrence))
    found = [(row.id, row.moment) for row in work.connection.execute(query.order_by(plan.moment, case.c.id))]
    _put(work, round_id, plan, found)
    detail = {"round": plan.key, "period": occurrence.key, "due_at": occurrence.cutoff_at.isoformat(), "cases": len(found)}
    record_entry(work, call.instance_id, "round_closed", element_id=call.element_id, token=call.token, detail=detail)


def publicise(call: Call) -> None:
    """`rounds.publicise`: what was done with a round in public. The form: `publicity`."""
    plan, occurrence = _find(call)
    call.work.connection.execute(
        sa.update(round_)
        .where(_is(call.variables["campaign"], plan, occurrence))
        .values(publicity=str(call.form["publicity"]), publicised_at=call.now, publicised_by=call.by)
    )


def count_rest(call: Call) -> Mapping[str, Any]:
    """`rounds.count_rest`: how many cases were accepted after the last round of the cadence that `round` names (`rest`)."""
    plan = read_plans(call.work, call.variables["campaign"])[call.properties["round"]]
    return {"rest": len(list_rest(call.work, call.variables["campaign"], plan))}


def place_rest(call: Call) -> None:
    """`rounds.place_rest`: a person decides about what no round took. The form: `joined` (ids that go into the last), `reason`.

    Raises RestInvalid.
    """
    work, campaign_id = call.work, call.variables["campaign"]
    plan = read_plans(work, campaign_id)[call.properties["round"]]
    rest = {row.id: row.moment for row in list_rest(work, campaign_id, plan)}
    joined = [str(each) for each in call.form.get(JOINED) or []]
    if strange := [each for each in joined if each not in rest]:
        raise RestInvalid(findings=[Finding("CaseNotOfRest", path=JOINED, values={"count": len(strange)})])
    last = work.connection.execute(sa.select(round_.c.id).where(_is(campaign_id, plan, plan.occurrences[-1]))).scalar_one()
    _put(work, last, plan, [(case_id, rest[case_id]) for case_id in joined], decided_by=call.by)
    detail = {
        "round": plan.key,
        "joined": len(joined),
        "left": len(rest) - len(joined),
        "reason": str(call.form.get("reason") or ""),
    }
    record_entry(work, call.instance_id, "rest_placed", element_id=call.element_id, token=call.token, detail=detail)


def list_rest(work: Work, campaign_id: str, plan: Plan) -> Sequence[sa.Row[Any]]:
    """Cases whose moment lies after the last cut-off of a cadence and that nobody placed: id, number, title, unit, moment."""
    placed = sa.select(round_case.c.case_id).where(round_case.c.plan == plan.key)
    query = (
        sa.select(case.c.id, case.c.number, case.c.title, organisation.c.name.label("unit"), plan.moment.label("moment"))
        .join(organisation, organisation.c.id == case.c.institution_id)
        .where(
            case.c.campaign_id == campaign_id,
            plan.moment >= plan.occurrences[-1].cutoff_at,
            case.c.id.not_in(placed),
        )
    )
    return work.connection.execute(query.order_by(plan.moment, case.c.number)).all()


def _find(call: Call) -> tuple[Plan, Occurrence]:
    plan = read_plans(call.work, call.variables["campaign"])[call.properties["round"]]
    period = call.variables[call.properties.get("occurrence", "period")]
    return plan, next(each for each in plan.occurrences if each.key == period["key"])


def _is(campaign_id: str, plan: Plan, occurrence: Occurrence) -> sa.ColumnElement[bool]:
    return sa.and_(round_.c.campaign_id == campaign_id, round_.c.plan == plan.key, round_.c.occurrence == occurrence.key)


def _put(work: Work, round_id: str, plan: Plan, found: Sequence[tuple[str, datetime]], *, decided_by: str | None = None) -> None:
    rows = [
        {"round_id": round_id, "plan": plan.key, "case_id": case_id, "moment": moment, "decided_by": decided_by}
        for case_id, moment in found
    ]
    if rows:
        work.connection.execute(sa.insert(round_case), rows)
