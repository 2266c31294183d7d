"""Who is logged in: random tokens in cookies, only their SHA-256 here, revocable, and ending by themselves.

Ends after 30 minutes without use and after 12 hours in any case (the limits of OWASP ASVS level 2).
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import timedelta

import sqlalchemy as sa

from engine.database import name_fault
from engine.work import ProcessEngine, Work
from workflows.people import Person, get_person
from workflows.tables import login_session, person

log = logging.getLogger(__name__)

IDLE_LIMIT = timedelta(minutes=30)
ABSOLUTE_LIMIT = timedelta(hours=12)
NOTE_USE_EVERY = timedelta(minutes=1)
"""A use is written at most so often: a page view costs no write transaction."""


def open_session(work: Work, person_id: str, *, address: str | None = None) -> str:
    """Begin a session after a log-in and return its token: 256 random bits that are stored nowhere here."""
    token = secrets.token_urlsafe(32)
    work.connection.execute(
        sa.insert(login_session).values(
            token_hash=_hash(token), person_id=person_id, opened_at=work.now, used_at=work.now, closed_at=None, address=address
        )
    )
    return token


def read_session(work: Work, token: str) -> Person | None:
    """The person logged in with this token; None when it is unknown, closed or run out. Writes nothing."""
    person_id = work.connection.execute(sa.select(login_session.c.person_id).where(_live(work, token))).scalar()
    return None if person_id is None else get_person(work, person_id)


def use_session(process_engine: ProcessEngine, token: str) -> Person | None:
    """As `read_session`, and notes the use so that the session does not run idle. Opens its own transactions."""
    with process_engine.read() as work:
        found = read_session(work, token)
        recent = login_session.c.used_at > work.now - NOTE_USE_EVERY
        if found is None or work.connection.execute(sa.select(recent).where(_live(work, token))).scalar():
            return found
    try:
        with process_engine.begin(by=found.id) as work:
            work.connection.execute(sa.update(login_session).where(_live(work, token)).values(used_at=work.now))
    except sa.exc.DBAPIError as fault:
        if name_fault(fault) is None:
            raise
        log.warning("The use of a session could not be noted: %s", fault.orig)  # what can be read can be read nevertheless
    return found


def close_session(work: Work, token: str) -> None:
    """End this session; closing it again does nothing."""
    _close(work, login_session.c.token_hash == _hash(token))


def close_all_sessions(work: Work, person_id: str) -> int:
    """End every session of the person, everywhere, and return how many there were."""
    return _close(work, login_session.c.person_id == person_id)


def _close(work: Work, which: sa.ColumnElement[bool]) -> int:
    open_ones = sa.update(login_session).where(which, login_session.c.closed_at.is_(None))
    return work.connection.execute(open_ones.values(closed_at=work.now)).rowcount


def _live(work: Work, token: str) -> sa.ColumnElement[bool]:
    disabled = sa.select(person.c.id).where(person.c.disabled)
    return sa.and_(
        login_session.c.token_hash == _hash(token),
        login_session.c.closed_at.is_(None),
        login_session.c.used_at > work.now - IDLE_LIMIT,
        login_session.c.opened_at > work.now - ABSOLUTE_LIMIT,
        login_session.c.person_id.not_in(disabled),
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
