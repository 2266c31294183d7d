"""Asking for comments (征求意见): a window, comments and objections that come in time, and the decision about each.

The notice names no length and no rules; they are `ours`: work days from the settings, the day of opening not counted, the last
day up to 24:00. Objections need a name and a contact; late ones are not accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.moments import SHANGHAI
from engine.work import Work
from workflows.deadlines import say_cutoff, start_of_day
from workflows.forms import clean_text
from workflows.mails import find_members, queue_letter
from workflows.ranked_lists import read_list
from workflows.reviews.terms import Terms, read_terms_by_key, set_phase
from workflows.rules import CampaignUnknown
from workflows.selection import decide_tie, last_selection, ranking, write_selection
from workflows.tables import campaign, case, comment, organisation, recommending_body, selection_item, window
from workflows.workdays import WorkCalendar, read_calendar

WINDOW = "comments"
KINDS = ("comment", "objection")
DECISIONS = ("adopted", "not_adopted")

NAME_LENGTH = 100
CONTACT_LENGTH = 200
TEXT_LENGTH = 5000
ANSWER_LENGTH = 2000
"""Characters at most; far below what the columns and the page can hold."""

ZONE = ZoneInfo(SHANGHAI.key)


class ConsultationNotOpen(Problem):
    """No comments are asked for in this campaign now, or not yet."""

    kind = "conflict"


class CommentTooLate(Problem):
    """The comment reached us at or after the end of the consultation; `cutoff` tells it."""

    kind = "conflict"


class CommentInvalid(Problem):
    """What was sent is not complete; `findings` by field."""


class SettlementInvalid(Problem):
    """The decisions about the comments are not complete; `findings` name each."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a settlement came to; `upheld` are the ids of the cases with an upheld objection."""

    comments: int
    adopted: int
    upheld: frozenset[str]


def open(call: Call) -> Mapping[str, Any]:  # noqa: A001 - the handler's name is `consultations.open`
    """`consultations.open`: open the window for comments; returns `consultation_until`, an ISO instant in Beijing time.

    The recommending bodies are told by letter.
    """
    work = call.work
    terms = read_terms_by_key(work, call.business_key, lock=True)
    days = int(terms.find_setting("consultation_work_days", 5))
    until, provisional = find_end(read_calendar(work), work.now, days)
    work.connection.execute(
        window.insert().values(id=new_id(), campaign_id=terms.id, name=WINDOW, opens_at=work.now, cutoff_at=until, state="open")
    )
    set_phase(work, terms.id, "consulting")
    bodies = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == terms.id)
    groups = [f"auditor@{body}" for body in work.connection.execute(bodies).scalars()]
    queue_letter(
        work,
        "consultation_opened",
        find_members(work, groups),
        campaign_id=terms.id,
        about=terms.key,
        unique_key=f"consultation_opened:{terms.id}",
        values={"until": until},
    )
    record_entry(
        work,
        call.instance_id,
        "consultation_opened",
        element_id=call.element_id,
        detail={"until": until.isoformat(), "work_days": days, "provisional": provisional},
    )
    return {"consultation_until": until.astimezone(ZONE).isoformat()}


def find_end(calendar: WorkCalendar, opened_at: datetime, days: int) -> tuple[datetime, bool]:
    """When a consultation of so many work days ends: with the last one; and whether that is provisional."""
    last = calendar.add_workdays(opened_at.astimezone(ZONE).date(), days)
    return start_of_day(last.day + timedelta(days=1), SHANGHAI.key), last.provisional


def close(call: Call) -> Mapping[str, Any]:
    """`consultations.close`: housekeeping at the end; what is in time was decided when it came.

    Returns `comments_received`.
    """
    work = call.work
    terms = read_terms_by_key(work, call.business_key)
    work.connection.execute(
        window.update().where(window.c.campaign_id == terms.id, window.c.name == WINDOW).values(state="closed")
    )
    query = sa.select(sa.func.count()).where(comment.c.campaign_id == terms.id)
    return {"comments_received": work.connection.execute(query).scalar_one()}


def receive_comment(
    work: Work,
    campaign_id: str,
    *,
    kind: str,
    from_name: str,
    from_contact: str | None = None,
    text: str,
    case_number: str | None = None,
    organisation_id: str | None = None,
) -> str:
    """Take a comment or an objection from anybody; its id. Plain text only; whether it is in time is decided here, once.

    An objection needs a name and a contact. `case_number` must be one of the cases that are to be selected.
    Raises CampaignUnknown, ConsultationNotOpen, CommentTooLate, CommentInvalid (all faults at once).
    """
    if work.connection.execute(sa.select(campaign.c.id).where(campaign.c.id == campaign_id)).one_or_none() is None:
        raise CampaignUnknown()
    row = work.connection.execute(
        sa.select(window)
        .where(window.c.campaign_id == campaign_id, window.c.name == WINDOW)
        .with_for_update(read=True)  # the end waits for those who are in; they do not wait for each other
    ).one_or_none()
    received_at = work.decide()
    if row is None or (row.opens_at is not None and received_at < row.opens_at):
        raise ConsultationNotOpen()
    if received_at >= row.cutoff_at:
        raise CommentTooLate(cutoff=say_cutoff(row.cutoff_at, "zh"), cutoff_en=say_cutoff(row.cutoff_at, "en"))
    findings: list[Finding] = []
    objection = kind == "objection"
    if kind not in KINDS:
        findings.append(Finding("CommentKindUnknown", path="kind", values={"kinds": ", ".join(KINDS)}))
    name = _read_text(from_name, "from_name", NAME_LENGTH, findings, required=True)
    contact = _read_text(from_contact, "from_contact", CONTACT_LENGTH, findings, required=objection)
    content = _read_text(text, "text", TEXT_LENGTH, findings, required=True, lines=True)
    case_id = _find_consulted(work, campaign_id, case_number, findings)
    if findings:
        raise CommentInvalid(findings=findings)
    comment_id = new_id()
    work.connection.execute(
        comment.insert().values(
            id=comment_id,
            campaign_id=campaign_id,
            case_id=case_id,
            kind=kind,
            from_name=name,
            from_contact=contact or None,
            organisation_id=organisation_id,
            text=content,
            received_at=received_at,
            state="open",
        )
    )
    return comment_id


def settle(call: Call) -> Mapping[str, Any]:
    """`consultations.settle`: a decision with an answer for each comment; a case with an upheld objection is withdrawn.

    The form: `decisions`, rows of `comment` (id), `decision` (adopted | not_adopted) and `answer`; `remark`; and `promoted`
    (numbers of cases) when the next by rank are equal. Returns `withdrawn_count` and `promoted_count`.
    Raises SettlementInvalid, TieUndecided, SelectionInvalid.
    """
    work = call.work
    terms = read_terms_by_key(work, call.business_key, lock=True)
    decided = decide_comments(call, terms.id)
    withdrawn, promoted = _withdraw(call, terms, decided.upheld) if decided.upheld else ([], [])
    record_settlement(call, decided, withdrawn=withdrawn, promoted=promoted)
    return {"withdrawn_count": len(withdrawn), "promoted_count": len(promoted)}


def decide_comments(call: Call, campaign_id: str) -> Decided:
    """Write the decision about each comment of a campaign that the form holds.

    Raises SettlementInvalid.
    """
    comments = list_comments(call.work, campaign_id)
    decisions = _read_decisions(comments, call.form.get("decisions") or [])
    for row in comments:
        decision, answer = decisions[row.id]
        call.work.connection.execute(
            comment.update()
            .where(comment.c.id == row.id)
            .values(state=decision, answer=answer, decided_by=call.by, decided_at=call.work.now)
        )
    adopted = {comment_id for comment_id, (decision, _) in decisions.items() if decision == "adopted"}
    upheld = {row.case_id for row in comments if row.kind == "objection" and row.case_id and row.id in adopted}
    return Decided(len(comments), len(adopted), frozenset(upheld))


def record_settlement(call: Call, decided: Decided, **numbers: list[str]) -> None:
    """Note in the history what was decided; `numbers` of the cases that it moved."""
    detail = {"comments": decided.comments, "adopted": decided.adopted, **numbers}
    record_entry(call.work, call.instance_id, "comments_settled", element_id=call.element_id, detail=detail)


def list_comments(work: Work, campaign_id: str) -> Sequence[sa.Row[Any]]:
    """All comments of a campaign with the number and title of their case, in the order in which they came."""
    query = (
        sa.select(comment, case.c.number.label("case_number"), case.c.title.label("case_title"))
        .outerjoin(case, case.c.id == comment.c.case_id)
        .where(comment.c.campaign_id == campaign_id)
        .order_by(comment.c.received_at, comment.c.id)
    )
    return work.connection.execute(query).all()


def list_settlement_rows(work: Work, campaign_id: str) -> list[dict[str, Any]]:
    """What the form of the settlement shows: a row for each comment, still without a decision."""
    return [
        {"comment": row.id, "about": f"{row.case_number} {row.case_title}" if row.case_number else "", "text": row.text}
        for row in list_comments(work, campaign_id)
    ]


def list_consulted(work: Work, campaign_id: str) -> Sequence[sa.Row[Any, Any, Any]]:
    """The cases about which comments are asked: number, title, unit; nothing personal, no score, no rank, by number."""
    query = (
        sa.select(case.c.number, case.c.title, organisation.c.name.label("unit"))
        .join(organisation, organisation.c.id == case.c.institution_id)
        .where(_consulted(work, campaign_id))
        .order_by(case.c.number)
    )
    return work.connection.execute(query).all()


def read_window(work: Work, campaign_id: str) -> sa.Row[Any] | None:
    """The window for comments; None before it is opened."""
    return work.connection.execute(
        sa.select(window).where(window.c.campaign_id == campaign_id, window.c.name == WINDOW)
    ).one_or_none()


def _consulted(work: Work, campaign_id: str) -> sa.ColumnElement[bool]:
    """The rows of `case` about which comments are asked: those to be selected, or those on the ranked list of a body's stage."""
    ranked = read_list(work, campaign_id)
    if ranked is not None:
        return case.c.id.in_(list(ranked.cases))
    return sa.and_(case.c.campaign_id == campaign_id, case.c.state == "selected")


def _withdraw(call: Call, terms: Terms, upheld: frozenset[str]) -> tuple[list[str], list[str]]:
    """Take out the cases of upheld objections, let the next by rank move up; numbers of both."""
    work = call.work
    before = last_selection(work, terms.id)
    assert before is not None
    items = work.connection.execute(
        sa.select(case.c.number, case.c.id, case.c.state, selection_item.c.selected, selection_item.c.note)
        .join(case, case.c.id == selection_item.c.case_id)
        .where(selection_item.c.selection_id == before.id)
        .order_by(selection_item.c.place, case.c.number)
    ).all()
    withdrawn = [row.number for row in items if row.id in upheld and row.state == "selected"]
    kept = [row.number for row in items if row.selected and row.number not in withdrawn]
    work.connection.execute(
        case.update().where(case.c.id.in_([row.id for row in items if row.number in withdrawn])).values(state="withdrawn")
    )
    ranked = ranking(work, terms.id, before.method)
    parts = ranked.ranking.leave_out(kept).find_cut(len(withdrawn))
    remark = str(call.form.get("remark") or "").strip()
    decided = [str(number) for number in call.form.get("promoted") or []]
    promoted = [*parts.chosen, *decide_tie(parts.undecided, parts.seats, decided, reason=remark, paths=("promoted", "remark"))]
    notes = {row.number: row.note for row in items if row.note} | dict.fromkeys(promoted, "moved_up")
    write_selection(work, terms, ranked, [*kept, *promoted], cut=before.cut, reason=remark or "objections upheld", notes=notes)
    return withdrawn, promoted


def _read_decisions(comments: Sequence[sa.Row[Any]], rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    known = {row.id for row in comments}
    findings: list[Finding] = []
    found: dict[str, tuple[str, str]] = {}
    for place, row in enumerate(rows):
        comment_id, decision = str(row.get("comment") or ""), row.get("decision")
        answer = clean_text(str(row.get("answer") or ""), lines=True)
        path = f"decisions.{place}"
        if comment_id not in known or comment_id in found:
            findings.append(Finding("CommentUnknown", path=f"{path}.comment"))
            continue
        if decision not in DECISIONS:
            findings.append(Finding("DecisionMissing", path=f"{path}.decision"))
        if not answer:
            findings.append(Finding("AnswerMissing", path=f"{path}.answer"))
        elif len(answer) > ANSWER_LENGTH:
            findings.append(Finding("TextTooLong", path=f"{path}.answer", values={"most": ANSWER_LENGTH}))
        found[comment_id] = (str(decision), answer)
    findings += [
        Finding("CommentUndecided", path="decisions", values={"from": row.from_name, "case": row.case_number or "—"})
        for row in comments
        if row.id not in found
    ]
    if findings:
        raise SettlementInvalid(findings=findings)
    return found


def _read_text(text: str | None, path: str, most: int, findings: list[Finding], *, required: bool, lines: bool = False) -> str:
    # A text far beyond the limit is not even looked at: normalising costs more than counting.
    kept = clean_text(text, lines=lines) if text and len(text) <= 4 * most else text or ""
    if len(kept) > most:
        findings.append(Finding("TextTooLong", path=path, values={"most": most}))
    elif required and not kept:
        findings.append(Finding("TextMissing", path=path))
    return kept


def _find_consulted(work: Work, campaign_id: str, number: str | None, findings: list[Finding]) -> str | None:
    if not number:
        return None
    query = sa.select(case.c.id).where(_consulted(work, campaign_id), case.c.number == number)
    found: str | None = work.connection.execute(query).scalar_one_or_none()
    if found is None:
        findings.append(Finding("CommentCaseUnknown", path="case_number"))
    return found
