"""Watching a case (关注): a person marks it to find it again, and is told of what is said about it.

A watch is a wish, no right: lists of watched cases are narrowed to what the person may still read.
"""

from __future__ import annotations

import sqlalchemy as sa

from engine.work import Work
from workflows.people import Person
from workflows.rules import CaseUnknown, can, case_subject, require, visible_cases
from workflows.tables import case, watch


def watch_case(work: Work, person: Person, case_id: str) -> None:
    """From now on the person watches the case. Watching it already is no fault.

    Raises CaseUnknown, NotPermitted.
    """
    subject = case_subject(work, case_id)
    if not can(person, "case.read", subject):
        raise CaseUnknown()
    require(person, "case.watch", subject)
    if is_watched(work, person, subject.number):
        return
    row = {"person_id": person.id, "business_key": subject.number, "created_at": work.now}
    try:
        with work.connection.begin_nested():
            work.connection.execute(sa.insert(watch).values(row))
    except sa.exc.IntegrityError:  # the same person's other page at this moment
        return


def unwatch_case(work: Work, person: Person, case_id: str) -> None:
    """The person watches the case no more; also one that the person may not read any more.

    Raises CaseUnknown.
    """
    number = case_subject(work, case_id).number
    gone = sa.delete(watch).where(watch.c.person_id == person.id, watch.c.business_key == number)
    if work.connection.execute(gone).rowcount == 0 and not can(person, "case.read", case_subject(work, case_id)):
        raise CaseUnknown()


def is_watched(work: Work, person: Person, business_key: str) -> bool:
    """Whether the person watches what has this business key."""
    query = sa.select(watch.c.person_id).where(watch.c.person_id == person.id, watch.c.business_key == business_key)
    return work.connection.execute(query).first() is not None


def watched_keys(person: Person) -> sa.Select[tuple[str]]:
    """Business keys of the cases that the person watches and may read."""
    return (
        sa.select(watch.c.business_key)
        .join(case, case.c.number == watch.c.business_key)
        .where(watch.c.person_id == person.id, visible_cases(person))
    )


def list_watchers(work: Work, business_key: str) -> list[str]:
    """Ids of those who watch it, whatever they may read now."""
    query = sa.select(watch.c.person_id).where(watch.c.business_key == business_key).order_by(watch.c.person_id)
    return list(work.connection.execute(query).scalars())
