"""Opening the review: the organiser's decision is checked (`reviews.organise`), then the draw is made (`reviews.assign`)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.messages import Outgoing, send_messages
from engine.moments import parse_instant
from engine.tables import instance
from engine.work import Work
from workflows.mails import Letter, find_persons, queue_letters
from workflows.reviews.panel import REVIEWABLE, Draw, Field, Plan, draw_experts, list_pool, read_field
from workflows.reviews.problems import PoolInvalid, ReviewNotReady
from workflows.reviews.terms import Terms, read_terms_by_key, set_phase
from workflows.tables import case, membership, panel_member, review, review_draw, window

WINDOW = "review"
"""The window that decides whether a sheet is in time; its cut-off is the campaign's date `review_until`."""

UNSETTLED = ("draft", "submitted", "returned", "audited")
"""States of a case from which it may still come to review."""

MOST_PER_CASE = 99
CHUNK = 1_000
"""Reviews written in one statement."""


def organise(call: Call) -> Mapping[str, Any]:
    """`reviews.organise`: take the organiser's plan, after a look whether the draw can be made at all.

    The form: `experts_per_case`, `pool` (ids of persons), `seed` (drawn by us when empty), and optionally `panel_size` and
    `load_limit`. Returns `review_plan`, which the draw reads.
    Raises ReviewNotReady while cases are on their way (direct submissions await acceptance), PoolInvalid, ExpertsInsufficient.
    """
    work = call.work
    terms = read_terms_by_key(work, call.business_key, lock=True)
    _refuse_unsettled(work, terms)
    plan = _read_plan(call.form, terms)
    pool = check_pool(work, terms, call.form.get("pool") or [])
    work.connection.execute(panel_member.delete().where(panel_member.c.campaign_id == terms.id, panel_member.c.state == "pool"))
    known = set(
        work.connection.execute(sa.select(panel_member.c.person_id).where(panel_member.c.campaign_id == terms.id)).scalars()
    )
    rows = [
        {"campaign_id": terms.id, "person_id": person_id, "state": "pool", "fields": [], "changed_at": work.now}
        for person_id in pool
        if person_id not in known
    ]
    if rows:
        work.connection.execute(panel_member.insert(), rows)
    draw_experts(read_field(work, terms, pool), plan, recuse_region=terms.recuse_region, optimise=False)
    return {
        "review_plan": {
            "experts_per_case": plan.experts_per_case,
            "seed": plan.seed,
            "panel_size": plan.panel_size,
            "load_limit": plan.load_limit,
        }
    }


def assign(call: Call) -> Mapping[str, Any]:
    """`reviews.assign`: draw the panel, give every case its experts, open the review of each case by message `review_opened`.

    Returns `cases_in_review`. Raises ExpertsInsufficient when a case changed its mind between the plan and the draw.
    """
    work = call.work
    terms = read_terms_by_key(work, call.business_key, lock=True)
    plan = Plan(**call.variables["review_plan"])
    members = sa.select(panel_member.c.person_id).where(panel_member.c.campaign_id == terms.id, panel_member.c.state == "pool")
    field = read_field(work, terms, work.connection.execute(members).scalars())
    if not field.cases:
        set_phase(work, terms.id, "ended")
        return {"cases_in_review": 0}
    draw = draw_experts(field, plan, recuse_region=terms.recuse_region)
    until = parse_instant(call.variables["dates"]["review_until"])
    _write_draw(call, terms, plan, field, draw)
    _write_window(work, terms, until)
    _write_reviews(call, terms.id, field, draw)
    set_phase(work, terms.id, "reviewing")
    loads = {field.expert_ids[login]: load for login, load in draw.assignment.loads.items() if load}
    letters = (
        Letter("review_assigned", [expert], terms.key, f"review_assigned:{terms.id}", {"count": loads[expert.id], "until": until})
        for expert in find_persons(work, loads)
    )
    queue_letters(work, letters, campaign_id=terms.id)
    return {"cases_in_review": len(field.cases)}


def _refuse_unsettled(work: Work, terms: Terms) -> None:
    resting = sa.and_(case.c.state.in_(REVIEWABLE), instance.c.state == "suspended")
    rows = work.connection.execute(
        sa.select(case.c.number, case.c.channel, case.c.state)
        .outerjoin(instance, instance.c.id == case.c.instance_id)
        .where(case.c.campaign_id == terms.id, sa.or_(case.c.state.in_(UNSETTLED), resting))
        .order_by(case.c.number)
    ).all()
    if rows:
        raise ReviewNotReady(
            count=len(rows),
            findings=[Finding(_name_wait(row.state, row.channel), path=row.number, values={"case": row.number}) for row in rows],
        )


def _name_wait(state: str, channel: str) -> str:
    if state in REVIEWABLE:
        return "CaseRests"
    return "DirectSubmissionWaits" if channel == "direct" else "CaseUnsettled"


def _read_plan(form: Mapping[str, Any], terms: Terms) -> Plan:
    findings: list[Finding] = []

    def read_number(name: str, default: int | None, most: int) -> int | None:
        value = form.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, bool) or not str(value).isdecimal() or not 1 <= int(str(value)) <= most:
            findings.append(Finding("FigureRefused", path=name, values={"least": 1, "most": most}))
            return default
        return int(str(value))

    per_case = read_number("experts_per_case", int(terms.find_setting("experts_per_case", 5)), MOST_PER_CASE)
    plan = Plan(
        experts_per_case=per_case or 1,
        seed=str(form.get("seed") or "").strip() or secrets.token_hex(8),
        panel_size=read_number("panel_size", None, 10_000),
        load_limit=read_number("load_limit", None, 10_000),
    )
    if len(plan.seed) > 64:
        findings.append(Finding("SeedTooLong", path="seed", values={"most": 64}))
    if findings:
        raise PoolInvalid(findings=findings)
    return plan


def check_pool(work: Work, terms: Terms, entries: Sequence[Any]) -> list[str]:
    """The persons named, each once: experts all of them, and none who runs this campaign (who organises does not judge: ours).

    Raises PoolInvalid with all faults.
    """
    pool = list(dict.fromkeys(str(entry) for entry in entries))
    experts = {row.id: row.name for row in list_pool(work)}
    organisers = set(
        work.connection.execute(
            sa.select(membership.c.person_id).where(
                membership.c.role == "organiser", membership.c.organisation_id == terms.organiser_id
            )
        ).scalars()
    )
    findings = [
        Finding("ExpertUnknown", path="pool", values={"place": place})
        for place, person_id in enumerate(pool, start=1)
        if person_id not in experts
    ]
    findings += [
        Finding("ExpertIsOrganiser", path="pool", values={"name": experts[person_id]})
        for person_id in pool
        if person_id in organisers and person_id in experts
    ]
    if not pool:
        findings.append(Finding("PoolEmpty", path="pool"))
    if findings:
        raise PoolInvalid(findings=findings)
    return pool


def _write_draw(call: Call, terms: Terms, plan: Plan, field: Field, draw: Draw) -> None:
    work, draw_id = call.work, new_id()
    work.connection.execute(
        review_draw.insert().values(
            id=draw_id,
            campaign_id=terms.id,
            seed=plan.seed,
            input_hash=draw.input_hash,
            experts_per_case=plan.experts_per_case,
            by=call.by,
            at=work.now,
        )
    )
    for state, logins in (("drawn", draw.drawn), ("reserve", draw.reserve)):
        if logins:
            work.connection.execute(
                panel_member.update()
                .where(
                    panel_member.c.campaign_id == terms.id,
                    panel_member.c.person_id.in_([field.expert_ids[login] for login in logins]),
                )
                .values(state=state, changed_at=work.now)
            )
    loads = draw.assignment.loads.values()
    record_entry(
        work,
        call.instance_id,
        "experts_drawn",
        element_id=call.element_id,
        detail={
            "draw": draw_id,
            "seed": plan.seed,
            "input": draw.input_hash,
            "cases": len(field.cases),
            "experts": len(draw.drawn),
            "reserve": len(draw.reserve),
            "experts_per_case": plan.experts_per_case,
            "loads": [min(loads), max(loads)],
            "outside_fields": draw.assignment.mismatches,
        },
    )


def _write_window(work: Work, terms: Terms, until: datetime) -> None:
    work.connection.execute(
        window.insert().values(id=new_id(), campaign_id=terms.id, name=WINDOW, opens_at=work.now, cutoff_at=until, state="open")
    )


def _write_reviews(call: Call, campaign_id: str, field: Field, draw: Draw) -> None:
    work = call.work
    pairs = iter(draw.assignment.pairs)
    while part := list(islice(pairs, CHUNK)):
        rows = [
            {
                "id": new_id(),
                "case_id": field.case_ids[number],
                "expert_id": field.expert_ids[login],
                "state": "assigned",
                "scores": {},
                "assigned_at": work.now,
            }
            for number, login in part
        ]
        work.connection.execute(review.insert(), rows)
    in_review = sa.and_(case.c.campaign_id == campaign_id, case.c.state.in_(REVIEWABLE))
    work.connection.execute(case.update().where(in_review).values(state="reviewing"))
    outgoing = (
        Outgoing(number, f"review_opened:{number}", {"experts": [field.expert_ids[login] for login in logins]})
        for number, logins in draw.assignment.experts_of().items()
    )
    send_messages(work, "review_opened", outgoing, sent_by=call.instance_id)
