"""The rules as WHERE clauses: a query that uses them cannot return what the person may not see.

Each clause is true exactly where `can` says yes; a test compares the two over all persons and rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.candidates import select_sets
from engine.tables import OPEN, candidate_set, user_task
from workflows.people import Person
from workflows.rules.standing import acted_tasks
from workflows.rules.subjects import REVIEWING, CampaignSubject
from workflows.tables import campaign, case, remark, report, review, window


def visible_tasks(person: Person, at: datetime) -> sa.ColumnElement[bool]:
    """Rows of `user_task` that the person may read at this moment (`task.read`)."""
    return sa.or_(
        acted_tasks(person.id, at),
        user_task.c.assignee == person.id,
        user_task.c.owner == person.id,
        user_task.c.closed_by == person.id,
        user_task.c.candidate_set.in_(select_sets(person.groups, person.id)),
    )


def own_tasks(person: Person) -> sa.ColumnElement[bool]:
    """Rows of `user_task` that are the person's own work, or that of their groups: a part of `visible_tasks`."""
    return sa.or_(user_task.c.assignee == person.id, user_task.c.candidate_set.in_(select_sets(person.groups, person.id)))


def owed_tasks(person: Person, subject: CampaignSubject) -> sa.ColumnElement[bool]:
    """Rows of `user_task` within this campaign whose owers the person may remind (`campaign.remind`).

    Organisers: all, but for drafts (nobody owes an application) and cases that they themselves review. Auditors: what their body
    owes, and what its institutions owe once they have applied; never what experts owe. So do a prefecture's auditors within their
    body's own stage; the body's own see all of it but what experts owe.
    """
    within = subject.parent_id is not None
    mine = (case.c.stage_id if within else case.c.campaign_id) == subject.id
    hidden = sa.select(case.c.number).where(mine, sa.or_(case.c.state == "draft", blind_case(person)))
    shown = user_task.c.business_key.not_in(hidden)
    runs = ("auditor" if within else "organiser", subject.organiser_id) in person.memberships
    if runs and not within:
        return shown
    bodies = sorted(subject.bodies | {subject.organiser_id} if runs else person.organisations("auditor") & subject.bodies)
    own = candidate_set.c
    group = sa.select(own.id).where(own.kind == "group")
    asked = sa.true() if runs else (case.c.prefecture_id if within else case.c.body_id).in_(bodies)
    audited = sa.select(case.c.number).where(mine, asked)
    return sa.and_(
        shown,
        sa.or_(
            user_task.c.candidate_set.in_(group.where(own.candidate.in_([f"auditor@{body}" for body in bodies]))),
            sa.and_(
                user_task.c.business_key.in_(audited),
                user_task.c.candidate_set.in_(group.where(own.candidate.startswith("applicant@"))),
            ),
        ),
    )


def awaited_tasks(person: Person) -> sa.ColumnElement[bool]:
    """Rows of `user_task`, open ones of a case that the person may urge (`case.urge`), for which others are waited for: offices
    and institutions that are not the person's own, never experts."""
    own = candidate_set.c
    groups = sa.select(own.id).where(
        own.kind == "group",
        sa.or_(*(own.candidate.startswith(f"{role}@") for role in ("applicant", "auditor", "organiser"))),
    )
    mine = select_sets(person.groups, person.id)
    return sa.and_(OPEN, user_task.c.candidate_set.in_(groups), user_task.c.candidate_set.not_in(mine))


def visible_remarks(person: Person) -> sa.ColumnElement[bool]:
    """Rows of `remark` that the person may read (`remark.read`), within a case that the person may talk about."""
    places = sorted(person.organisations("auditor") | person.organisations("organiser"))
    return sa.or_(remark.c.place_id.is_(None), remark.c.place_id.in_(places))


def visible_cases(person: Person) -> sa.ColumnElement[bool]:
    """Rows of `case` that the person may read (`case.read`)."""
    organised = sa.select(campaign.c.id).where(campaign.c.organiser_id.in_(_at(person, "organiser")))
    return sa.or_(*ways_to_cases(person), sa.and_(case.c.state != "draft", case.c.campaign_id.in_(organised)))


def ways_to_cases(person: Person, organised: Iterable[str] = (), own: Any = case.c) -> list[sa.ColumnElement[bool]]:
    """The same in parts, each of which an index gives by number; a case may be in several.

    `organised` are campaigns at whose organiser the person is an organiser: the caller looks them up. `own` are the columns, of
    the table or of a subquery that has them.
    """
    auditing = _at(person, "auditor")
    sent = [column == each for column in (own.body_id, own.prefecture_id) for each in auditing]
    sent += [own.campaign_id == each for each in organised]
    applied = [own.institution_id == each for each in _at(person, "applicant")]
    return [*applied, *(sa.and_(own.state != "draft", which) for which in sent), blind_case(person, own)]


def blind_case(person: Person, own: Any = case.c) -> sa.ColumnElement[bool]:
    """Rows of `case` that the person reviews: institution, body and contacts are to be left out of what the query returns."""
    mine = sa.select(review.c.case_id).where(review.c.expert_id == person.id, review.c.state.in_(REVIEWING))
    blind: sa.ColumnElement[bool] = own.id.in_(mine)
    return blind


def visible_reports(person: Person) -> sa.ColumnElement[bool]:
    """Rows of `report` that the person may read (`report.read`)."""
    audits = _at(person, "auditor")
    return sa.or_(
        report.c.reporter_id.in_(audits),
        sa.and_(report.c.parent_id.is_(None), report.c.recipient_id.in_(_at(person, "organiser"))),
        sa.and_(report.c.parent_id.is_not(None), report.c.recipient_id.in_(audits)),
    )


def visible_campaigns(person: Person) -> sa.ColumnElement[bool]:
    """Rows of `campaign` that the person may read (`campaign.read`)."""
    return sa.or_(
        campaign.c.phase != "prepared",
        sa.and_(campaign.c.parent_id.is_(None), campaign.c.organiser_id.in_(_at(person, "organiser"))),
        sa.and_(campaign.c.parent_id.is_not(None), campaign.c.organiser_id.in_(_at(person, "auditor"))),
    )


def visible_windows(run: Iterable[str], places: Iterable[str]) -> sa.ColumnElement[bool]:
    """Rows of `window` that somebody is shown who runs the campaigns `run` and whom the cut-offs of `places` concern: the
    organiser's are everybody's, those of bodies and institutions their own and their organiser's."""
    own = window.c.organisation_id
    return sa.or_(own.is_(None), own.in_(sorted(places)), window.c.campaign_id.in_(sorted(run)))


def _at(person: Person, role: str) -> list[str]:
    return sorted(person.organisations(role))
