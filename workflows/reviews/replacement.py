"""When an expert leaves, or may not judge a case: somebody else is drawn and takes over the task.

Whatever happens is recorded, also when nobody is left: then the case waits for the organiser to add experts, and the expert who
stepped back can no longer hand in a sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.errors import TaskUnknown
from engine.history import record_entry
from engine.ids import new_id
from engine.tables import instance, user_task
from engine.tasks import get_task, transfer_task
from engine.work import Work
from workflows.assignment import choose_replacement
from workflows.mails import find_members, find_persons, queue_letter
from workflows.people import Person
from workflows.reviews.opening import WINDOW, check_pool
from workflows.reviews.panel import read_field, read_loads
from workflows.reviews.problems import ExpertNotOnPanel, ReasonMissing, ReviewAlreadySubmitted, ReviewNotStarted
from workflows.reviews.terms import Terms, read_terms
from workflows.rules import campaign_subject, require
from workflows.tables import campaign, case, conflict, panel_member, review, review_draw, window

REASON_LENGTH = 500


@dataclass(slots=True)
class Replaced:
    """What became of the open reviews: `filled` are (case number, id of the new expert), `vacant` wait for more experts."""

    filled: list[tuple[str, str]] = field(default_factory=list)
    vacant: list[str] = field(default_factory=list)


def drop_expert(work: Work, person: Person, campaign_id: str, expert_id: str, *, reason: str) -> Replaced:
    """Take an expert off the panel; the open reviews go to others. Sheets that were handed in stay and count.

    Raises NotPermitted, CampaignUnknown, ReasonMissing, ExpertNotOnPanel, ReviewNotStarted.
    """
    require(person, "campaign.manage", campaign_subject(work, campaign_id))
    reason = _check_reason(reason)
    reviews = sa.and_(review.c.expert_id == expert_id, review.c.state == "assigned")
    terms = _lock(work, campaign_id, reviews)
    dropped = work.connection.execute(
        panel_member.update()
        .where(
            panel_member.c.campaign_id == campaign_id,
            panel_member.c.person_id == expert_id,
            panel_member.c.state.in_(("drawn", "reserve")),
        )
        .values(state="dropped", reason=reason, changed_at=work.now)
    )
    if dropped.rowcount != 1:
        raise ExpertNotOnPanel()
    if terms.instance_id is not None:
        record_entry(work, terms.instance_id, "expert_dropped", detail={"expert": expert_id})
    rows = _read_reviews(work, campaign_id, reviews)
    work.connection.execute(review.update().where(review.c.id.in_([row.id for row in rows])).values(state="dropped"))
    return _replace(work, terms, rows, why="dropped")


def declare_conflict(work: Work, person: Person, task_id: str, *, reason: str) -> Replaced:
    """The expert declares an interest in the case of a review task (回避) before handing in a sheet; another takes over.

    Raises TaskUnknown when it is not this expert's review, ReviewAlreadySubmitted, ReasonMissing, ReviewNotStarted.
    """
    reason = _check_reason(reason)
    task = get_task(work, task_id)
    mine = sa.and_(case.c.number == task.business_key, review.c.expert_id == person.id)
    found = work.connection.execute(
        sa.select(case.c.campaign_id, review.c.state).join(review, review.c.case_id == case.c.id).where(mine)
    ).one_or_none()
    if task.assignee != person.id or found is None or found.state not in ("assigned", "submitted"):
        raise TaskUnknown()
    terms = _lock(work, found.campaign_id, mine)
    rows = _read_reviews(work, terms.id, sa.and_(mine, review.c.state == "assigned"))
    if not rows:
        raise ReviewAlreadySubmitted()
    work.connection.execute(
        conflict.insert().values(
            id=new_id(),
            campaign_id=terms.id,
            person_id=person.id,
            case_id=rows[0].case_id,
            kind="declared",
            reason=reason,
            by=work.by,
            at=work.now,
        )
    )
    work.connection.execute(review.update().where(review.c.id == rows[0].id).values(state="dropped"))
    return _replace(work, terms, rows, why="recused")


def add_experts(work: Work, person: Person, campaign_id: str, expert_ids: Sequence[str]) -> Replaced:
    """Add experts to the reserve; reviews that wait for somebody go to them (and to whoever else may) at once.

    Raises NotPermitted, CampaignUnknown, PoolInvalid.
    """
    require(person, "campaign.manage", campaign_subject(work, campaign_id))
    follower = review.alias()
    waiting = sa.and_(
        review.c.state == "dropped", ~sa.select(follower.c.id).where(follower.c.replaces_id == review.c.id).exists()
    )
    terms = _lock(work, campaign_id, waiting)
    known = {
        row.person_id: row.state
        for row in work.connection.execute(sa.select(panel_member).where(panel_member.c.campaign_id == campaign_id))
    }
    for person_id in check_pool(work, terms, expert_ids):
        if person_id not in known:
            work.connection.execute(
                panel_member.insert().values(
                    campaign_id=campaign_id, person_id=person_id, state="reserve", fields=[], changed_at=work.now
                )
            )
            if terms.instance_id is not None:
                record_entry(work, terms.instance_id, "expert_added", detail={"expert": person_id})
    reviewing = sa.and_(waiting, case.c.state == "reviewing")
    return _replace(work, terms, _read_reviews(work, campaign_id, reviewing), why="added")


def _check_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise ReasonMissing()
    return reason[:REASON_LENGTH]


def _lock(work: Work, campaign_id: str, reviews: sa.ColumnElement[bool]) -> Terms:
    """Lock in the order that all use: the instances (the campaign's is written into, too), then the campaign.

    The reviews must be read again afterwards.
    """
    if work.connection.dialect.name == "postgresql":
        ids = sa.select(case.c.instance_id).join(review, review.c.case_id == case.c.id)
        ids = ids.where(case.c.campaign_id == campaign_id, reviews)
        own = sa.select(campaign.c.instance_id).where(campaign.c.id == campaign_id)
        work.connection.execute(
            sa.select(instance.c.id).where(instance.c.id.in_(ids.union(own))).order_by(instance.c.id).with_for_update()
        ).all()
    return read_terms(work, campaign_id, lock=True)


def _read_reviews(work: Work, campaign_id: str, which: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
    query = (
        sa.select(review, case.c.number, case.c.instance_id)
        .join(case, case.c.id == review.c.case_id)
        .where(case.c.campaign_id == campaign_id, which)
        .order_by(case.c.number, review.c.id)
    )
    return work.connection.execute(query).all()


def _replace(work: Work, terms: Terms, rows: Sequence[sa.Row[Any]], *, why: str) -> Replaced:
    """Find somebody for each of these reviews, which are dropped already."""
    result = Replaced()
    if not rows:
        return result
    panel = sa.select(panel_member.c.person_id).where(
        panel_member.c.campaign_id == terms.id, panel_member.c.state.in_(("drawn", "reserve"))
    )
    possible = read_field(
        work, terms, work.connection.execute(panel).scalars(), case_ids=list(dict.fromkeys(row.case_id for row in rows))
    )
    logins = {person_id: login for login, person_id in possible.expert_ids.items()}
    loads = {logins[person_id]: load for person_id, load in read_loads(work, terms.id).items() if person_id in logins}
    seed = _read_seed(work, terms.id)
    for row in rows:
        task = _find_task(work, row)
        taken = _read_taken(work, row.case_id)
        chosen = choose_replacement(
            possible.cases[row.number],
            possible.experts.values(),
            taken={logins[person_id] for person_id in taken if person_id in logins},
            loads=loads,
            seed=seed,
            conflicts=possible.declared,
            recuse_region=terms.recuse_region,
        )
        if chosen is None:
            result.vacant.append(row.number)
            continue
        loads[chosen.id] = loads.get(chosen.id, 0) + 1
        successor = possible.expert_ids[chosen.id]
        work.connection.execute(
            review.insert().values(
                id=new_id(),
                case_id=row.case_id,
                expert_id=successor,
                state="assigned",
                scores={},
                replaces_id=row.id,
                assigned_at=work.now,
            )
        )
        work.connection.execute(
            panel_member.update()
            .where(
                panel_member.c.campaign_id == terms.id, panel_member.c.person_id == successor, panel_member.c.state == "reserve"
            )
            .values(state="drawn", changed_at=work.now)
        )
        transfer_task(work, task, successor, reason=why)  # the reason itself is in the row of the panel or the conflict
        result.filled.append((row.number, successor))
    _tell(work, terms, result)
    return result


def _find_task(work: Work, row: sa.Row[Any]) -> str:
    query = sa.select(user_task.c.id).where(
        user_task.c.instance_id == row.instance_id, user_task.c.assignee == row.expert_id, user_task.c.state == "open"
    )
    found: str | None = work.connection.execute(query.order_by(user_task.c.id).limit(1)).scalar_one_or_none()
    if found is None:
        raise ReviewNotStarted(case=row.number)
    return found


def _read_taken(work: Work, case_id: str) -> Iterable[str]:
    return work.connection.execute(sa.select(review.c.expert_id).where(review.c.case_id == case_id)).scalars().all()


def _read_seed(work: Work, campaign_id: str) -> str:
    query = sa.select(review_draw.c.seed).where(review_draw.c.campaign_id == campaign_id)
    return str(work.connection.execute(query.order_by(review_draw.c.at.desc(), review_draw.c.id.desc()).limit(1)).scalar_one())


def _tell(work: Work, terms: Terms, result: Replaced) -> None:
    cutoff = work.connection.execute(
        sa.select(window.c.cutoff_at).where(window.c.campaign_id == terms.id, window.c.name == WINDOW)
    ).scalar_one()
    numbers: dict[str, list[str]] = {}
    for number, expert_id in result.filled:
        numbers.setdefault(expert_id, []).append(number)
    for expert_id, cases in numbers.items():
        queue_letter(
            work,
            "review_taken_over",
            find_persons(work, [expert_id]),
            campaign_id=terms.id,
            about=terms.key,
            unique_key=f"review_taken_over:{new_id()}",
            values={"cases": cases, "until": cutoff},
        )
    if result.vacant:
        queue_letter(
            work,
            "review_vacant",
            find_members(work, [f"organiser@{terms.organiser_id}"]),
            campaign_id=terms.id,
            about=terms.key,
            unique_key=f"review_vacant:{new_id()}",
            values={"cases": result.vacant},
        )
