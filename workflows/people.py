"""People who log in: their roles at organisations, their passwords, and the lock after repeated failures."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import Problem
from engine.ids import new_id
from engine.tables import installation
from engine.work import ProcessEngine, Work
from workflows.organisations import get_organisation
from workflows.tables import membership, person

ROLES = ("applicant", "auditor", "organiser", "expert", "designer", "releaser", "worker", "administrator")

PASSWORD_LENGTHS = (12, 200)
"""Shortest and longest password in characters: OWASP ASVS asks for at least 12; the upper end keeps hashing cheap."""

FREE_FAILURES = 5
"""So many failures in a row cost nothing; from then on each one locks for twice as long (ours)."""
FIRST_LOCK = timedelta(minutes=1)
LONGEST_LOCK = timedelta(hours=1)

HASHER = PasswordHasher()
"""argon2id with the parameters of RFC 9106, section 4, for constrained memory (64 MiB, 3 passes)."""


class PersonUnknown(Problem):
    """No person has this id."""

    kind = "missing"


class LoginTaken(Problem):
    """Somebody else has this log-in name."""

    kind = "conflict"


class LoginRefused(Problem):
    """Log-in name or password wrong, the account disabled, or locked for a while: which one is never told."""

    kind = "forbidden"


class PasswordRefused(Problem):
    """The password is shorter or longer than allowed."""


class RoleUnknown(Problem):
    """`role` is none of `ROLES`."""


@dataclass(frozen=True)
class Person:
    """Somebody who acts. A membership is (role, organisation id)."""

    id: str
    login: str
    name: str
    organisation_id: str
    language: str
    memberships: frozenset[tuple[str, str]]

    @cached_property
    def groups(self) -> frozenset[str]:
        """The candidate groups the person belongs to: `auditor@<organisation id>`."""
        return frozenset(f"{role}@{organisation_id}" for role, organisation_id in self.memberships)

    @property
    def offices(self) -> frozenset[str]:
        """Where the person works or has a role: there everybody is known by name."""
        return frozenset((self.organisation_id, *(organisation_id for _role, organisation_id in self.memberships)))

    def organisations(self, role: str) -> frozenset[str]:
        """The organisations at which the person has this role."""
        return frozenset(organisation_id for held, organisation_id in self.memberships if held == role)


def create_person(
    work: Work,
    *,
    login: str,
    name: str,
    organisation_id: str,
    password: str | None = None,
    email: str | None = None,
    language: str = "zh",
    roles: Iterable[tuple[str, str]] = (),
) -> str:
    """Add a person with roles `(role, organisation id)` and return the id. Without a password nobody can log in with it.

    Raises LoginTaken, PasswordRefused, RoleUnknown and OrganisationUnknown.
    """
    login = _normalise(login)
    if work.connection.execute(sa.select(person.c.id).where(person.c.login == login)).first():
        raise LoginTaken(login=login)
    get_organisation(work, organisation_id)
    person_id = new_id()
    work.connection.execute(
        sa.insert(person).values(
            id=person_id,
            login=login,
            name=name,
            email=email,
            password_hash=None if password is None else _hash(password),
            organisation_id=organisation_id,
            language=language,
            disabled=False,
            failed_logins=0,
            locked_until=None,
            created_at=work.now,
        )
    )
    for role, at in dict.fromkeys(roles):
        grant_role(work, person_id, role, at)
    return person_id


def grant_role(work: Work, person_id: str, role: str, organisation_id: str) -> None:
    """Give a role at an organisation.

    Raises RoleUnknown and OrganisationUnknown.
    """
    if role not in ROLES:
        raise RoleUnknown(role=role, roles=", ".join(ROLES))
    get_organisation(work, organisation_id)
    work.connection.execute(sa.insert(membership).values(person_id=person_id, role=role, organisation_id=organisation_id))


def get_person(work: Work, person_id: str) -> Person:
    """The person with this id, with all roles.

    Raises PersonUnknown.
    """
    rows = work.connection.execute(_PERSON, {"person": person_id}).all()
    if not rows:
        raise PersonUnknown(person=person_id)
    return _make(rows[0], frozenset((row.role, row.held_at) for row in rows if row.role is not None))


def find_name(work: Work, person_id: str | None) -> str | None:
    """The name of a person; None for nobody and for an id that is no person's."""
    return None if person_id is None else work.connection.execute(_NAME, {"person": person_id}).scalar()


def find_known(work: Work, ids: Iterable[str]) -> set[str]:
    """Those of these ids (at most some hundreds) that are people's."""
    return set(work.connection.execute(sa.select(person.c.id).where(person.c.id.in_(list(ids)))).scalars())


def list_members(work: Work, groups: Iterable[str]) -> list[Person]:
    """Everybody (not disabled) who belongs to one of these groups, by name."""
    named = name_groups(groups)
    if not named["groups"]:
        return []
    found: dict[str, tuple[Any, set[tuple[str, str]]]] = {}
    for row in work.connection.execute(_MEMBERS, named):
        found.setdefault(row.id, (row, set()))[1].add((row.role, row.held_at))
    return [_make(row, frozenset(held)) for row, held in found.values()]


IN_GROUPS = sa.and_(
    membership.c.role.in_(sa.bindparam("roles", expanding=True)),
    membership.c.organisation_id.in_(sa.bindparam("places", expanding=True)),
    sa.tuple_(membership.c.role, membership.c.organisation_id).in_(sa.bindparam("groups", expanding=True)),
)
"""A membership of one of the groups of `name_groups`. SQLite finds no pairs in an index: the parts are said apart, too."""


def name_groups(groups: Iterable[str]) -> dict[str, list[Any]]:
    """The values of `IN_GROUPS` for these groups (`role@organisation`); what is no such name is in nobody's group."""
    pairs = sorted({(role, place) for role, at, place in (group.partition("@") for group in groups) if at})
    return {"groups": pairs, "roles": sorted({role for role, _ in pairs}), "places": sorted({place for _, place in pairs})}


_SHOWN = (person.c.id, person.c.login, person.c.name, person.c.organisation_id, person.c.language)
_HELD = (membership.c.role, membership.c.organisation_id.label("held_at"))
_MEMBERS = (
    sa.select(*_SHOWN, *_HELD)
    .join(membership, membership.c.person_id == person.c.id)
    .where(
        person.c.id.in_(sa.select(membership.c.person_id).where(IN_GROUPS)),
        sa.not_(person.c.disabled),
    )
    .order_by(person.c.name, person.c.id)
)
_NAME = sa.select(person.c.name).where(person.c.id == sa.bindparam("person"))
_PERSON = (
    sa.select(*_SHOWN, *_HELD)
    .outerjoin(membership, membership.c.person_id == person.c.id)
    .where(person.c.id == sa.bindparam("person"))
)


def set_password(work: Work, person_id: str, password: str) -> None:
    """Replace the password and lift a lock. Closing open sessions is the caller's (`sessions.close_all_sessions`).

    Raises PasswordRefused and PersonUnknown.
    """
    change = sa.update(person).where(person.c.id == person_id)
    values = {"password_hash": _hash(password), "failed_logins": 0, "locked_until": None}
    if work.connection.execute(change.values(values)).rowcount != 1:
        raise PersonUnknown(person=person_id)


def disable_person(work: Work, person_id: str) -> None:
    """Nobody logs in as this person any more; open sessions end at once.

    Raises PersonUnknown.
    """
    if work.connection.execute(sa.update(person).where(person.c.id == person_id).values(disabled=True)).rowcount != 1:
        raise PersonUnknown(person=person_id)


def authenticate(process_engine: ProcessEngine, login: str, password: str) -> Person:
    """The person who knows this password.

    Opens its own transactions: an attempt is counted and committed before the password is looked at, so that neither a
    failure's rollback nor many guesses at once escape the count, and no write lock is held while hashing. Every way to
    fail takes the time of one hash and gives the same answer.

    Raises LoginRefused.
    """
    with process_engine.begin() as work:
        row, allowed = _count_attempt(work, _normalise(login))
    known = row is not None and row.password_hash is not None
    matches = _verify(row.password_hash if row is not None and known else _unknown_hash(), password)
    if row is None or not (known and matches and allowed):
        raise LoginRefused()
    with process_engine.begin(by=row.id) as work:
        values: dict[str, Any] = {"failed_logins": 0, "locked_until": None}
        if HASHER.check_needs_rehash(row.password_hash):
            values["password_hash"] = _hash(password)
        work.connection.execute(sa.update(person).where(person.c.id == row.id).values(values))
        return _read(work, row)


def _count_attempt(work: Work, login: str) -> tuple[sa.Row[Any] | None, bool]:
    """The person's row and whether the attempt may succeed; while locked, attempts neither succeed nor prolong the lock."""
    row = work.connection.execute(sa.select(person).where(person.c.login == login).with_for_update()).one_or_none()
    if row is None or row.disabled or (row.locked_until is not None and work.now < row.locked_until):
        _note_refusal(work)
        return row, False
    failures = row.failed_logins + 1
    values = {"failed_logins": failures, "locked_until": _lock_end(failures, work.now)}
    work.connection.execute(sa.update(person).where(person.c.id == row.id).values(values))
    return row, True


def _note_refusal(work: Work) -> None:
    """One durable write, as a counted attempt makes one: without it an unknown log-in name answers faster by a disk flush."""
    noted = sa.update(installation).where(installation.c.key == "login_refused_at").values(value=work.now.isoformat())
    if work.connection.execute(noted).rowcount == 0:
        with suppress(sa.exc.IntegrityError), work.connection.begin_nested():  # somebody else made the row at this moment
            work.connection.execute(sa.insert(installation).values(key="login_refused_at", value=work.now.isoformat()))


def _lock_end(failures: int, now: datetime) -> datetime | None:
    if failures < FREE_FAILURES:
        return None
    lock: timedelta = FIRST_LOCK * 2 ** min(failures - FREE_FAILURES, 10)
    return now + min(lock, LONGEST_LOCK)


def _hash(password: str) -> str:
    shortest, longest = PASSWORD_LENGTHS
    if not shortest <= len(password) <= longest:
        raise PasswordRefused(shortest=shortest, longest=longest)
    return HASHER.hash(_compose(password))


def _verify(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, _compose(password[: PASSWORD_LENGTHS[1]]))
    except (VerificationError, InvalidHashError):
        return False


def _unknown_hash() -> str:
    """A hash that no password has, made with the same cost: an unknown log-in name must not answer faster."""
    if not _UNKNOWN:
        _UNKNOWN.append(HASHER.hash(new_id()))
    return _UNKNOWN[0]


_UNKNOWN: list[str] = []


def _normalise(login: str) -> str:
    return unicodedata.normalize("NFKC", login).strip().casefold()


def _compose(password: str) -> str:
    # The same characters typed on another system may arrive decomposed.
    return unicodedata.normalize("NFC", password)


def _read(work: Work, row: sa.Row[Any]) -> Person:
    query = sa.select(membership.c.role, membership.c.organisation_id).where(membership.c.person_id == row.id)
    held = frozenset((role, at) for role, at in work.connection.execute(query))
    return _make(row, held)


def _make(row: Any, held: frozenset[tuple[str, str]]) -> Person:
    return Person(row.id, row.login, row.name, row.organisation_id, row.language, held)
