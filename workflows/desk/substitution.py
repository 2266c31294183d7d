"""Substitution (代办): somebody acts for a colleague who is away, from one day to another, and then no more.

What a substitute may do is asked for each task at its moment (`rules.standing.stands_in`); here is who appoints whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from engine.candidates import select_sets
from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.moments import SHANGHAI
from engine.tables import OPEN, WAITING, user_task
from engine.work import Work
from workflows.desk.notifications import Told
from workflows.desk.telling import tell
from workflows.people import Person, PersonUnknown, get_person, list_members
from workflows.rules import (
    CampaignUnknown,
    SubstitutionSubject,
    acted_tasks,
    campaign_subject,
    can,
    is_acting,
    organisation_subject,
    require,
)
from workflows.tables import campaign, case, membership, organisation, person, substitution

LONGEST_DAYS = 366
"""Days of one substitution."""


class SubstitutionInvalid(Problem):
    """The substitution cannot be made; `findings` tell every reason by field."""


class SubstitutionUnknown(Problem):
    """There is no such substitution, or the person has nothing to do with it."""

    kind = "missing"


@dataclass(frozen=True, slots=True)
class Substitution:
    """Who acts for whom. `last_on` is the last day of it; `campaign` None: in all. `state`: `planned`, `acting`, `over`, `ended`
    (before its time)."""

    id: str
    person_id: str
    name: str
    substitute_id: str
    substitute: str
    campaign: str | None
    begins_on: date
    last_on: date
    appointed: bool
    state: str


@dataclass(frozen=True, slots=True)
class ActedTask:
    """An open task that the reader may do for `name`, who is away."""

    id: str
    name: str
    number: str
    title: str | None
    due_at: datetime | None
    away: str


def appoint_substitute(
    work: Work,
    by: Person,
    *,
    person_id: str,
    substitute_id: str,
    begins_on: date | None,
    last_on: date | None,
    campaign_id: str | None = None,
) -> str:
    """Let somebody act for a person from the first day until the end of the last one (Beijing time); the substitution's id.

    Everybody appoints a colleague of the own groups; administrators anybody for who belongs to their organisations.
    Raises SubstitutionInvalid with all faults, NotPermitted.
    """
    try:
        away = by if person_id == by.id else get_person(work, person_id)
    except PersonUnknown as unknown:
        raise SubstitutionInvalid(findings=[Finding("SubstitutePersonUnknown", path="person")]) from unknown
    appointed = away.id != by.id
    if appointed:
        require(by, "substitution.appoint", organisation_subject(work, away.organisation_id))
    faults = [*_check_substitute(work, away, substitute_id, appointed=appointed), *_check_days(work, begins_on, last_on)]
    if campaign_id is not None and not _is_readable(work, by, campaign_id):
        faults.append(Finding("SubstitutionCampaign", path="campaign"))
    if not faults:
        assert begins_on is not None and last_on is not None
        faults = _check_overlap(work, away, begins_on, last_on, campaign_id)
    if faults:
        raise SubstitutionInvalid(findings=faults)
    assert begins_on is not None and last_on is not None
    values = {
        "id": new_id(),
        "person_id": away.id,
        "substitute_id": substitute_id,
        "campaign_id": campaign_id,
        "begins_at": begin_day(begins_on),
        "ends_at": begin_day(last_on + timedelta(days=1)),
        "appointed": appointed,
        "created_by": by.id,
        "created_at": work.now,
    }
    work.connection.execute(sa.insert(substitution).values(values))
    told = {"name": away.name, "substitute": get_person(work, substitute_id).name}
    told |= {"begins": begins_on.isoformat(), "ends": last_on.isoformat()}
    tell(work, [substitute_id, away.id], Told("substitution", campaign_id, values=told))
    return str(values["id"])


def end_substitution(work: Work, by: Person, substitution_id: str) -> None:
    """End it now; ending what is over already is no fault.

    Raises SubstitutionUnknown.
    """
    query = sa.select(substitution).where(substitution.c.id == substitution_id).with_for_update()
    row = work.connection.execute(query).one_or_none()
    if row is None or not can(by, "substitution.end", SubstitutionSubject(row.person_id, row.substitute_id, row.created_by)):
        raise SubstitutionUnknown()
    if row.ended_at is None and row.ends_at > work.now:
        change = sa.update(substitution).where(substitution.c.id == substitution_id)
        work.connection.execute(change.values(ended_at=work.now, ended_by=by.id))


def list_substitutions(work: Work, reader: Person, *, limit: int = 100) -> list[Substitution]:
    """Those of the reader, as who is away, substitute or who appointed them, the latest first."""
    own = substitution.c
    mine = sa.or_(own.person_id == reader.id, own.substitute_id == reader.id, own.created_by == reader.id)
    return _read(work, _SHOWN.where(mine).order_by(own.begins_at.desc(), own.id.desc()).limit(limit))


def list_acting(work: Work, reader: Person) -> list[Substitution]:
    """Those that count now in which the reader is away or acts: what the inbox says."""
    own = substitution.c
    mine = sa.or_(own.person_id == reader.id, own.substitute_id == reader.id)
    return _read(work, _SHOWN.where(mine, is_acting(work.now)).order_by(own.ends_at, own.id))


def list_acted_tasks(work: Work, reader: Person, *, limit: int = 200) -> list[ActedTask]:
    """Open tasks that the reader may do for others now, what is due first on top."""
    rows = work.connection.execute(
        sa.select(substitution.c.person_id, substitution.c.appointed).where(
            substitution.c.substitute_id == reader.id, is_acting(work.now)
        )
    ).all()
    if not rows:
        return []
    away = sorted({row.person_id for row in rows})
    ways = [sa.and_(OPEN, user_task.c.assignee.in_(away))]
    for each in sorted({row.person_id for row in rows if row.appointed}):
        other = get_person(work, each)
        sets = work.connection.execute(select_sets(other.groups, other.id)).scalars().all()  # values: an index finds them
        ways.append(sa.and_(WAITING, user_task.c.candidate_set.in_(sets)))
    query = (
        sa.select(user_task, case.c.title, person.c.name.label("away"))
        .outerjoin(case, case.c.number == user_task.c.business_key)
        .outerjoin(person, person.c.id == user_task.c.assignee)
        .where(sa.or_(*ways), acted_tasks(reader.id, work.now))
        .order_by(user_task.c.due_at.is_(None), user_task.c.due_at, user_task.c.id)
    )
    return [
        ActedTask(row.id, row.name, row.business_key, row.title, row.due_at, row.away or "")
        for row in work.connection.execute(query.limit(limit))
    ]


def list_candidates(work: Work, reader: Person) -> list[Person]:
    """Colleagues whom the reader may appoint: of the own groups."""
    return [each for each in list_members(work, reader.groups) if each.id != reader.id]


def list_managed(work: Work, reader: Person, *, limit: int = 500) -> list[Person]:
    """Whom an administrator may appoint substitutes for, and as such: officials of the organisations below; nobody for others."""
    places = reader.organisations("administrator")
    if not places:
        return []
    below = sa.select(organisation.c.id).where(sa.or_(*(organisation.c.path.contains(f"/{place}/") for place in sorted(places))))
    query = (
        sa.select(membership.c.role, membership.c.organisation_id)
        .where(membership.c.role.in_(("auditor", "organiser")), membership.c.organisation_id.in_(below))
        .distinct()
        .order_by(membership.c.organisation_id, membership.c.role)
        .limit(limit)
    )
    groups = [f"{row.role}@{row.organisation_id}" for row in work.connection.execute(query)]
    return [each for each in list_members(work, groups) if each.id != reader.id]


def begin_day(day: date) -> datetime:
    """The midnight in Beijing with which a day begins."""
    return datetime.combine(day, time(), SHANGHAI)


# ---- what is checked ---------------------------------------------------------------------------------------------------
def _check_substitute(work: Work, away: Person, substitute_id: str, *, appointed: bool) -> list[Finding]:
    try:
        substitute = get_person(work, substitute_id)
    except PersonUnknown:
        return [Finding("SubstituteUnknown", path="substitute")]
    if substitute.id == away.id:
        return [Finding("SubstituteSelf", path="substitute")]
    if not appointed and not substitute.groups & away.groups:
        return [Finding("SubstituteUnfit", path="substitute", values={"name": substitute.name})]
    return []


def _check_days(work: Work, begins_on: date | None, last_on: date | None) -> list[Finding]:
    missing = [
        Finding("SubstitutionDay", path=path) for path, day in (("begins_on", begins_on), ("last_on", last_on)) if day is None
    ]
    if begins_on is None or last_on is None:
        return missing
    if last_on < begins_on:
        return [Finding("SubstitutionBackwards", path="last_on")]
    if (last_on - begins_on).days >= LONGEST_DAYS:
        return [Finding("SubstitutionLong", path="last_on", values={"most": LONGEST_DAYS})]
    if begin_day(last_on + timedelta(days=1)) <= work.now:
        return [Finding("SubstitutionPast", path="last_on")]
    return []


def _check_overlap(work: Work, away: Person, begins_on: date, last_on: date, campaign_id: str | None) -> list[Finding]:
    """One substitute at a time for the same things."""
    own = substitution.c
    where = own.campaign_id.is_(None) if campaign_id is None else own.campaign_id == campaign_id
    query = _SHOWN.where(
        own.person_id == away.id,
        own.ended_at.is_(None),
        own.begins_at < begin_day(last_on + timedelta(days=1)),
        own.ends_at > begin_day(begins_on),
        where,
    )
    rows = _read(work, query.order_by(own.begins_at).limit(1))
    return [
        Finding(
            "SubstitutionOverlaps",
            path="begins_on",
            values={"name": row.substitute, "begins": row.begins_on.isoformat(), "ends": row.last_on.isoformat()},
        )
        for row in rows
    ]


def _is_readable(work: Work, by: Person, campaign_id: str) -> bool:
    try:
        return can(by, "campaign.read", campaign_subject(work, campaign_id))
    except CampaignUnknown:
        return False


_SUBSTITUTE = person.alias("substitute")
_SHOWN = (
    sa.select(substitution, person.c.name, _SUBSTITUTE.c.name.label("substitute"), campaign.c.title)
    .join(person, person.c.id == substitution.c.person_id)
    .join(_SUBSTITUTE, _SUBSTITUTE.c.id == substitution.c.substitute_id)
    .outerjoin(campaign, campaign.c.id == substitution.c.campaign_id)
)


def _read(work: Work, query: sa.Select[Any]) -> list[Substitution]:
    rows: Sequence[sa.Row[Any]] = work.connection.execute(query).all()
    return [
        Substitution(
            id=row.id,
            person_id=row.person_id,
            name=row.name,
            substitute_id=row.substitute_id,
            substitute=row.substitute,
            campaign=row.title,
            begins_on=row.begins_at.astimezone(SHANGHAI).date(),
            last_on=row.ends_at.astimezone(SHANGHAI).date() - timedelta(days=1),
            appointed=row.appointed,
            state=_tell_state(row, work.now),
        )
        for row in rows
    ]


def _tell_state(row: sa.Row[Any], now: datetime) -> str:
    if row.ended_at is not None:
        return "ended"
    if row.ends_at <= now:
        return "over"
    return "planned" if row.begins_at > now else "acting"
