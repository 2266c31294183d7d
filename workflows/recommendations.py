"""Recommendations: a body's ranked list reaches the organiser, and each of its audited cases is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.messages import Outgoing, send_message, send_messages
from engine.work import Work
from workflows.applications import hash_data, write_receipt
from workflows.campaigns import windows
from workflows.mails import find_members, queue_letter
from workflows.ranked_lists import RankedList, read_list
from workflows.tables import campaign, case, recommending_body

RANKING = "ranking"
"""The field of the form `recommendation`: ids of cases, the first is the first recommended."""


class ListNotSealed(Problem):
    """The body runs a stage of its own, and its list is not sealed yet."""

    kind = "conflict"


class ListRefused(Problem):
    """The list holds what it must not hold; each finding names the entry."""


def submit(call: Call) -> None:
    """`recommendations.submit`: the body's list reaches the organiser's window in time.

    Its cases must be this body's, audited and waiting for the list. Fewer than the quota's minimum is recorded as a warning (or
    refused, where the setting `quota.below_minimum` says so), more than its maximum is refused. Each audited case of the body
    is told whether it is recommended, and at which rank. A body that runs a stage of its own sends the list that it sealed.
    Raises TooLate, ListNotSealed, ListRefused, and FormInvalid where it is late without a reason.
    """
    work, campaign_id, body_id = call.work, call.variables["campaign"], call.variables["body"]
    where = windows.deciding_window(work, "recommendations.submit", call.variables, lock=True)
    received = windows.Reception(work.decide()) if where is None else windows.receive(work, where, call.form)
    received_at = received.received_at
    body = get_body(work, campaign_id, body_id, lock=True)
    sealed = None if body.stage_id is None else _require_sealed(work, body.stage_id)
    waiting = list_audited(work, campaign_id, body_id)
    ranking = [str(entry) for entry in call.form.get(RANKING) or []]
    strict = call.variables["settings"].get("quota.below_minimum") == "refuse"
    findings = check_ranking(ranking, {row.id for row in waiting}, body, strict=strict)
    if sealed is not None and ranking != list(sealed.cases):
        findings.append(Finding("ListDiffersFromSealed", path=RANKING, values={"sealed": len(sealed.cases)}))
    if findings:
        raise ListRefused(findings=findings)
    _note_shortfall(call, body, len(ranking))
    work.connection.execute(
        sa.update(recommending_body)
        .where(recommending_body.c.campaign_id == campaign_id, recommending_body.c.organisation_id == body_id)
        .values(recommended_at=received_at, recommended_by=call.by, remark=str(call.form.get("remark") or "") or None)
    )
    write_receipt(
        work,
        campaign_id=campaign_id,
        case_id=None,
        organisation_id=body_id,
        kind="recommendation",
        where=where,
        accepted=True,
        received_at=received_at,
        sha256=hash_data(call.form),
        lateness=received.lateness,
        late_reason=received.reason,
    )
    queue_letter(
        work,
        "list_received",
        find_members(work, [f"auditor@{body_id}"]),
        campaign_id=campaign_id,
        about=call.business_key,
        unique_key=f"list_received:{call.business_key}:{body_id}",
        values={"count": len(ranking), "received": received_at},
    )
    if body.stage_id is not None:
        key = work.connection.execute(sa.select(campaign.c.key).where(campaign.c.id == body.stage_id)).scalar_one()
        send_message(work, "list_received", key, unique_key=f"list_received:{key}", sent_by=call.instance_id or None)
    ranks = {case_id: rank for rank, case_id in enumerate(ranking, start=1)}
    outgoing = (
        Outgoing(row.number, list_message_key(row.number), {"recommended": row.id in ranks, "rank": ranks.get(row.id)})
        for row in waiting
    )
    send_messages(work, "list_decided", outgoing, sent_by=call.instance_id or None)


def apply(call: Call) -> Mapping[str, Any]:
    """`recommendations.apply`: the case takes note of its body's list; returns `outcome`."""
    recommended = bool(call.variables["recommended"])
    outcome = "recommended" if recommended else "not_recommended"
    values = {"state": outcome, "rank": call.variables.get("rank") if recommended else None}
    call.work.connection.execute(_UPDATE_CASE, {"this": call.variables["case"], **values})
    return {"outcome": outcome}


_UPDATE_CASE = sa.update(case).where(case.c.id == sa.bindparam("this"))


def list_audited(work: Work, campaign_id: str, body_id: str) -> Sequence[sa.Row[Any]]:
    """The body's cases that passed its audit and wait for its list, by number."""
    query = sa.select(case).where(case.c.campaign_id == campaign_id, case.c.body_id == body_id, case.c.state == "audited")
    return work.connection.execute(query.order_by(case.c.number)).all()


def get_body(work: Work, campaign_id: str, body_id: str, *, lock: bool = False) -> sa.Row[Any]:
    """The body's row; with `lock` an audit that passes and the list that is sent do not miss each other."""
    return work.connection.execute(_LOCK_BODY if lock else _BODY, {"campaign": campaign_id, "body": body_id}).one()


_BODY = sa.select(recommending_body).where(
    recommending_body.c.campaign_id == sa.bindparam("campaign"), recommending_body.c.organisation_id == sa.bindparam("body")
)
_LOCK_BODY = _BODY.with_for_update()


def tell_list(call: Call, number: str, *, recommended: bool, rank: int | None) -> None:
    """Send `list_decided` to a case, once in its life."""
    send_message(
        call.work,
        "list_decided",
        number,
        {"recommended": recommended, "rank": rank},
        unique_key=list_message_key(number),
        sent_by=call.instance_id or None,
    )


def list_message_key(number: str) -> str:
    """The unique key of the message that tells a case about its body's list."""
    return f"list_decided:{number}"


def check_ranking(ranking: Sequence[str], waiting: Collection[str], body: sa.Row[Any], *, strict: bool = False) -> list[Finding]:
    """What is wrong with a list: cases that do not wait for it or stand in it twice; too many, where `strict` too few."""
    findings = [
        Finding("CaseNotListable", path=RANKING, values={"place": place})
        for place, case_id in enumerate(ranking, start=1)
        if case_id not in waiting
    ]
    first = {case_id: place for place, case_id in reversed([*enumerate(ranking, start=1)])}
    twice = [place for place, case_id in enumerate(ranking, start=1) if first[case_id] != place]
    findings += [Finding("CaseListedTwice", path=RANKING, values={"place": place}) for place in twice]
    if body.quota_max is not None and len(ranking) > body.quota_max:
        findings.append(Finding("QuotaExceeded", path=RANKING, values={"count": len(ranking), "quota": body.quota_max}))
    if strict and body.quota_min is not None and len(ranking) < body.quota_min:
        findings.append(Finding("BelowQuota", path=RANKING, values={"count": len(ranking), "quota": body.quota_min}))
    return findings


def _require_sealed(work: Work, stage_id: str) -> RankedList:
    found = read_list(work, stage_id, lock=True)
    if found is None or not found.sealed:
        raise ListNotSealed()
    return found


def _note_shortfall(call: Call, body: sa.Row[Any], count: int) -> None:
    """Too few cases stop nobody (the notice asks for a number and names no consequence): a warning in the history."""
    if body.quota_min is not None and count < body.quota_min:
        values = {"count": count, "quota": body.quota_min, "body": body.organisation_id}
        warning = {"code": "BelowQuota", "severity": "warning", "values": values}
        record_entry(call.work, call.instance_id, "warning", element_id=call.element_id, token=call.token, detail=warning)
