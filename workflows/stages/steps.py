"""What a stage's diagram does itself: rank, settle what came in while the list was public, seal, end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.handlers import Call
from engine.history import record_entry
from workflows import consultations
from workflows.ranked_lists import RankedList, digest_list, list_ranked, read_list
from workflows.recommendations import RANKING, ListRefused, check_ranking, get_body, list_audited
from workflows.reviews.terms import set_phase
from workflows.tables import campaign, comment, ranked_list


class ListSealed(Problem):
    """The list is sealed: neither its order nor its cases change any more."""

    kind = "conflict"


class ListUnready(Problem):
    """The list cannot be sealed yet: it is not ranked, or `open` comments about it are not decided."""

    kind = "conflict"


def rank(call: Call) -> Mapping[str, Any]:
    """`stages.rank`: the body puts its audited cases in order; others are not recommended. Returns `ranked_count`.

    Its cases must be this body's, audited and waiting for the list, and no more than the campaign asks the body for.
    Raises ListRefused and ListSealed.
    """
    work, stage = call.work, _find_stage(call)
    known = read_list(work, stage.id, lock=True)
    if known is not None and known.sealed:
        raise ListSealed()
    ranking = [str(entry) for entry in call.form.get(RANKING) or []]
    body = get_body(work, stage.parent_id, stage.organiser_id)
    waiting = {row.id for row in list_audited(work, stage.parent_id, stage.organiser_id)}
    findings = check_ranking(ranking, waiting, body)
    if findings:
        raise ListRefused(findings=findings)
    values = {
        "cases": ranking,
        "dropped": [],
        "remark": str(call.form.get("remark") or ""),
        "ranked_by": call.by,
        "ranked_at": call.now,
    }
    if known is None:
        work.connection.execute(sa.insert(ranked_list).values(stage_id=stage.id, **values))
    else:
        work.connection.execute(sa.update(ranked_list).where(ranked_list.c.stage_id == stage.id).values(**values))
    set_phase(work, stage.id, "selecting")
    return {"ranked_count": len(ranking)}


def settle(call: Call) -> Mapping[str, Any]:
    """`stages.settle`: a decision with an answer for each comment; a case with an upheld objection leaves the list.

    Those after it move up. Returns `dropped_count`.
    Raises SettlementInvalid, ListSealed, ListUnready.
    """
    work, stage = call.work, _find_stage(call)
    known = _require_open(call, stage.id)
    decided = consultations.decide_comments(call, stage.id)
    dropped = [case_id for case_id in known.cases if case_id in decided.upheld]
    kept = [case_id for case_id in known.cases if case_id not in decided.upheld]
    work.connection.execute(
        sa.update(ranked_list).where(ranked_list.c.stage_id == stage.id).values(cases=kept, dropped=[*known.dropped, *dropped])
    )
    set_phase(work, stage.id, "publishing")
    numbers = [row.number for row in list_ranked(work, dropped)]
    consultations.record_settlement(call, decided, withdrawn=numbers)
    return {"dropped_count": len(dropped)}


def seal(call: Call) -> Mapping[str, Any]:
    """`stages.seal`: the list is sealed as it stands, with the scan of the sealed paper; returns `list_sha256`.

    Raises ListSealed, and ListUnready before it is ranked or while a comment about it is not decided.
    """
    work, stage = call.work, _find_stage(call)
    known = _require_open(call, stage.id)
    undecided = sa.select(sa.func.count()).where(comment.c.campaign_id == stage.id, comment.c.state == "open")
    waiting = work.connection.execute(undecided).scalar_one()
    if waiting:
        raise ListUnready(open=waiting)
    sha256 = digest_list(work, known.cases)
    work.connection.execute(
        sa.update(ranked_list)
        .where(ranked_list.c.stage_id == stage.id)
        .values(sha256=sha256, sealed_by=call.by, sealed_at=call.now)
    )
    set_phase(work, stage.id, "publishing")
    numbers = [row.number for row in list_ranked(work, known.cases)]
    detail = {"cases": numbers, "sha256": sha256}
    record_entry(work, call.instance_id, "list_sealed", element_id=call.element_id, detail=detail)
    return {"list_sha256": sha256}


def end(call: Call) -> None:
    """`stages.end`: the list has arrived, or the campaign around the stage collects no more."""
    set_phase(call.work, _find_stage(call).id, "ended")


def _find_stage(call: Call) -> sa.Row[Any]:
    return call.work.connection.execute(sa.select(campaign).where(campaign.c.key == call.business_key)).one()


def _require_open(call: Call, stage_id: str) -> RankedList:
    """The list under its lock: who seals and who settles an objection do not miss each other."""
    known = read_list(call.work, stage_id, lock=True)
    if known is None:
        raise ListUnready(open=0)
    if known.sealed:
        raise ListSealed()
    return known
