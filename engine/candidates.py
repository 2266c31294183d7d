"""Who may claim a task: a set of groups and persons, stored once, whatever the number of tasks that wait for the same ones.

A task names its set. So the inbox of a group is one range of one index, in its order, and a claimed or completed task leaves it
without any other row being touched. A set is never changed and never removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from engine.tables import candidate_set

ADD_CANDIDATE = postgresql.insert(candidate_set).on_conflict_do_nothing()
"""A member of a set (`list_members`), where it is not stored yet. SQLite has the same words for it."""


def name_set(candidates: Set[tuple[str, str]]) -> str | None:
    """The id of the set of these (kind, candidate); None where nobody may claim."""
    return hashlib.sha256(orjson.dumps(sorted(candidates))).hexdigest()[:32] if candidates else None


def list_members(candidates: Set[tuple[str, str]]) -> list[dict[str, str | None]]:
    """The rows of a set."""
    named = name_set(candidates)
    return [{"id": named, "kind": kind, "candidate": name} for kind, name in sorted(candidates)]


def select_sets(groups: Set[str], person_id: str) -> sa.CompoundSelect[tuple[str]]:
    """The ids of all sets that one of these groups, or the person, is in."""
    own = candidate_set.c
    return sa.union(
        sa.select(own.id).where(own.kind == "group", own.candidate.in_(sorted(groups))),
        sa.select(own.id).where(own.kind == "user", own.candidate == person_id),
    )
