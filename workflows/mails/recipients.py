"""Who gets letters, and by which ways: mail, and the gateways of the installation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.texts import Language
from engine.work import Work
from workflows.mails import gateways
from workflows.people import IN_GROUPS, name_groups
from workflows.tables import membership, person

PART = 300
"""Groups asked for in one statement: SQLite bounds its values."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets letters; `email` is empty for whoever has no address and is reached by a gateway."""

    id: str
    name: str
    email: str
    language: Language
    login: str = ""


def find_persons(work: Work, ids: Iterable[str]) -> list[Recipient]:
    """Those of these persons who can be reached and are not disabled, by log-in."""
    return _find(work, _PERSONS, {"persons": sorted(set(ids))})


def find_members(work: Work, groups: Iterable[str]) -> list[Recipient]:
    """Everybody in these groups (`role@organisation`) who can be reached and is not disabled, by log-in."""
    named = name_groups(groups)
    return _find(work, _MEMBERS, named) if named["groups"] else []


def list_members(work: Work, groups: Iterable[str]) -> dict[str, list[Recipient]]:
    """For each of these groups what `find_members` says of it, in few queries however many groups there are."""
    found: dict[str, list[Recipient]] = {group: [] for group in sorted(set(groups))}
    wanted = list(found)
    for start in range(0, len(wanted), PART):
        named = name_groups(wanted[start : start + PART])
        for row in work.connection.execute(_BY_GROUP, named) if named["groups"] else ():
            if _is_reachable(work, recipient := _recipient(row)):
                found[f"{row.role}@{row.organisation_id}"].append(recipient)
    return found


def _find(work: Work, query: sa.Select[Any], given: Mapping[str, Any]) -> list[Recipient]:
    rows = work.connection.execute(query, given)
    return [recipient for recipient in map(_recipient, rows) if _is_reachable(work, recipient)]


def _is_reachable(work: Work, recipient: Recipient) -> bool:
    return bool(recipient.email or work.engine.extras.get("gateways"))


def _recipient(row: sa.Row[Any]) -> Recipient:
    return Recipient(row.id, row.name, (row.email or "").strip(), "en" if row.language == "en" else "zh", row.login)


_COLUMNS = (person.c.id, person.c.login, person.c.name, person.c.email, person.c.language)


def _enabled(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.where(sa.not_(person.c.disabled)).order_by(person.c.login)


_PERSONS = _enabled(sa.select(*_COLUMNS).where(person.c.id.in_(sa.bindparam("persons", expanding=True))))
_MEMBERS = _enabled(sa.select(*_COLUMNS).where(person.c.id.in_(sa.select(membership.c.person_id).where(IN_GROUPS))))
_BY_GROUP = _enabled(
    sa.select(membership.c.role, membership.c.organisation_id, *_COLUMNS)
    .join(person, person.c.id == membership.c.person_id)
    .where(IN_GROUPS)
)


@dataclass(frozen=True, slots=True)
class Way:
    """How a letter leaves; `suffix` tells its unique key from those of the other ways."""

    channel: str
    recipient: str
    suffix: str = ""


def list_ways(work: Work, letter: str, recipient: Recipient) -> list[Way]:
    """The ways that are open for a letter: mail, and each gateway that takes it."""
    known: Mapping[str, gateways.Gateway] = work.engine.extras.get("gateways") or {}
    mail = [Way("mail", recipient.email[:300])] if recipient.email else []
    return [*mail, *(Way(gateways.CHANNEL, name, f":{name}") for name, each in known.items() if each.takes(letter))]
