"""Access tokens: what a person's programs show instead of a session. Random, named, expiring, revocable; only hashes are here."""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import sqlalchemy as sa

from engine.database import name_fault
from engine.errors import Finding, Problem
from engine.ids import new_id
from engine.work import ProcessEngine, Work
from workflows.forms import clean_text
from workflows.people import Person, get_person
from workflows.tables import access_token, person

Scope = Literal["read", "write"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""`read` reads what the person may see; `write` also does what the person may do."""
PREFIX = "lxt_"
"""By this, scanners of source code tell a token that leaked."""
NAME_LENGTH = 100
LONGEST_LIFE = 366
"""Days."""
NOTE_USE_EVERY = timedelta(minutes=1)
"""A use is written at most so often: a request that reads costs no write transaction."""
MOST_TOKENS = 50
"""Of one person, that are neither revoked nor expired."""

log = logging.getLogger(__name__)


class TokenInvalid(Problem):
    """Name, scope or days of a new token do not fit; `findings` by field."""


class TokenUnknown(Problem):
    """The person has no such token that still works."""

    kind = "missing"


class TooManyTokens(Problem):
    """The person has as many working tokens as one may have."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as its owner sees it later: everything but the token itself."""

    id: str
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


def create_token(work: Work, person_id: str, *, name: str, scope: str, days: int) -> str:
    """Make a token for a person and return it: 256 random bits that are stored nowhere here.

    Raises TokenInvalid with all faults, TooManyTokens, PersonUnknown.
    """
    get_person(work, person_id)
    findings = []
    kept = clean_text(name) if len(name) <= 4 * NAME_LENGTH else name
    if not 0 < len(kept) <= NAME_LENGTH:
        findings.append(Finding("TokenNameUnfit", path="name", values={"most": NAME_LENGTH}))
    if scope not in SCOPES:
        findings.append(Finding("TokenScopeUnknown", path="scope", values={"scopes": ", ".join(SCOPES)}))
    if not 1 <= days <= LONGEST_LIFE:
        findings.append(Finding("TokenDaysUnfit", path="days", values={"most": LONGEST_LIFE}))
    if findings:
        raise TokenInvalid(findings=findings)
    if len(list_tokens(work, person_id)) >= MOST_TOKENS:
        raise TooManyTokens(most=MOST_TOKENS)
    token = PREFIX + secrets.token_urlsafe(32)
    work.connection.execute(
        sa.insert(access_token).values(
            id=new_id(),
            person_id=person_id,
            token_hash=_hash(token),
            name=kept,
            scope=scope,
            created_at=work.now,
            created_by=work.by,
            expires_at=work.now + timedelta(days=days),
        )
    )
    return token


def list_tokens(work: Work, person_id: str) -> list[Token]:
    """The person's tokens that work, newest first."""
    columns = [access_token.c[name] for name in Token.__slots__]
    query = sa.select(*columns).where(access_token.c.person_id == person_id, _works(work))
    return [Token(**row._mapping) for row in work.connection.execute(query.order_by(access_token.c.id.desc()))]


def revoke_token(work: Work, person_id: str, token_id: str) -> None:
    """From now on this token of the person opens nothing.

    Raises TokenUnknown.
    """
    mine = sa.and_(access_token.c.id == token_id, access_token.c.person_id == person_id, _works(work))
    if work.connection.execute(sa.update(access_token).where(mine).values(revoked_at=work.now)).rowcount != 1:
        raise TokenUnknown()


def revoke_all_tokens(work: Work, person_id: str) -> int:
    """Revoke every token of the person (the password was set anew, say) and return how many there were."""
    mine = sa.and_(access_token.c.person_id == person_id, _works(work))
    return work.connection.execute(sa.update(access_token).where(mine).values(revoked_at=work.now)).rowcount


def use_token(process_engine: ProcessEngine, token: str) -> tuple[Person, Scope] | None:
    """Whose token this is and for what; None when it is unknown, revoked, expired or its person disabled.

    The use is noted. Opens its own transactions.
    """
    with process_engine.read() as work:
        disabled = sa.select(person.c.id).where(person.c.disabled)
        mine = sa.and_(access_token.c.token_hash == _hash(token), _works(work), access_token.c.person_id.not_in(disabled))
        row = work.connection.execute(sa.select(access_token).where(mine)).one_or_none()
        if row is None:
            return None
        found = get_person(work, row.person_id)
        if row.used_at is not None and row.used_at > work.now - NOTE_USE_EVERY:
            return found, row.scope
    try:
        with process_engine.begin(by=found.id) as work:
            work.connection.execute(sa.update(access_token).where(access_token.c.id == row.id).values(used_at=work.now))
    except sa.exc.DBAPIError as fault:
        if name_fault(fault) is None:
            raise
        log.warning("The use of a token could not be noted: %s", fault.orig)  # what can be read can be read nevertheless
    return found, row.scope


def _works(work: Work) -> sa.ColumnElement[bool]:
    return sa.and_(access_token.c.revoked_at.is_(None), access_token.c.expires_at > work.now)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
