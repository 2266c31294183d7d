"""The secret address at which a person's calendar programs fetch the agenda: one for each person, kept only as its digest."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

import sqlalchemy as sa

from engine.work import Work
from workflows.people import Person, get_person
from workflows.tables import agenda_feed, person


def make_feed(work: Work, person_id: str) -> str:
    """A new secret (256 random bits) for the person's feed; an earlier one opens nothing from now on."""
    end_feed(work, person_id)
    secret = secrets.token_urlsafe(32)
    work.connection.execute(sa.insert(agenda_feed).values(person_id=person_id, token_hash=_hash(secret), made_at=work.now))
    return secret


def end_feed(work: Work, person_id: str) -> None:
    """Switch the person's feed off."""
    work.connection.execute(sa.delete(agenda_feed).where(agenda_feed.c.person_id == person_id))


def read_feed(work: Work, person_id: str) -> datetime | None:
    """When the person's feed was made; None where there is none."""
    query = sa.select(agenda_feed.c.made_at).where(agenda_feed.c.person_id == person_id)
    found: datetime | None = work.connection.execute(query).scalar_one_or_none()
    return found


def find_reader(work: Work, secret: str) -> Person | None:
    """Whose feed this is; None when it is unknown, switched off or its person disabled."""
    query = (
        sa.select(agenda_feed.c.person_id)
        .join(person, person.c.id == agenda_feed.c.person_id)
        .where(agenda_feed.c.token_hash == _hash(secret), sa.not_(person.c.disabled))
    )
    found = work.connection.execute(query).scalar_one_or_none()
    return None if found is None else get_person(work, found)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
