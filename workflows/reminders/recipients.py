"""Who is written to about a task: who has it, who could take it, the body that owes it, and the organiser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from engine.tables import user_task_candidate
from engine.work import Work
from workflows.mails import Recipient, find_persons, list_members
from workflows.tables import case

OWING = ("assignee", "candidates", "body")
"""Kinds of recipients who owe the task themselves; `organiser` gets the list of what others owe."""

AUDITORS = "auditor@"
"""Groups of recommending bodies begin so."""

APPLICANTS = "applicant@"
"""Groups of institutions begin so."""

PART = 500
"""Values in one statement: SQLite bounds them."""


def find_recipients(work: Work, tasks: Sequence[sa.Row[Any]], kinds: Iterable[str]) -> dict[str, dict[str, Recipient]]:
    """Task id → those who owe it and have an address, by person. `tasks` need `id` and `assignee`; only `OWING` kinds count.

    `assignee`: who has claimed it. `candidates`: the same, and while nobody has it everybody who could. `body`: all auditors of
    the recommending body that owes it, also when one of them has claimed it.
    """
    wanted = set(kinds)
    groups, users = read_candidates(work, tasks)
    members = list_members(work, {group for names in groups.values() for group in names})
    named = {task.assignee for task in tasks if task.assignee is not None} | {name for names in users.values() for name in names}
    people = _find_by_id(work, named)
    found: dict[str, dict[str, Recipient]] = {}
    for task in tasks:
        mine: list[Recipient | None] = []
        if task.assignee is not None:
            mine += [people.get(task.assignee)] if wanted & {"assignee", "candidates"} else []
        elif "candidates" in wanted:
            mine += [people.get(name) for name in users.get(task.id, ())]
            mine += [each for group in groups.get(task.id, ()) for each in members[group]]
        if "body" in wanted:
            mine += [each for group in groups.get(task.id, ()) if group.startswith(AUDITORS) for each in members[group]]
        found[task.id] = {each.id: each for each in mine if each is not None}
    return found


def find_above(work: Work, tasks: Sequence[sa.Row[Any]], managers: str) -> dict[str, str]:
    """Task id → the group of the level above who owes it: the auditors of its case's body (in a body's own stage of who checks it
    first) where an institution owes it, else `managers`, the campaign's organisers."""
    groups, _ = read_candidates(work, tasks)
    owed = {task.id: task.business_key for task in tasks if any(each.startswith(APPLICANTS) for each in groups.get(task.id, ()))}
    bodies: dict[str, str] = {}
    numbers = sorted(set(owed.values()))
    for start in range(0, len(numbers), PART):
        query = sa.select(case.c.number, sa.func.coalesce(case.c.prefecture_id, case.c.body_id).label("body_id"))
        for row in work.connection.execute(query.where(case.c.number.in_(numbers[start : start + PART]))):
            bodies[row.number] = managers if row.body_id is None else f"{AUDITORS}{row.body_id}"
    return {task.id: bodies.get(owed.get(task.id, ""), managers) for task in tasks}


def read_candidates(work: Work, tasks: Sequence[sa.Row[Any]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The candidate groups and candidate persons of tasks, by task id."""
    groups: dict[str, list[str]] = {}
    users: dict[str, list[str]] = {}
    ids = [task.id for task in tasks]
    for start in range(0, len(ids), PART):
        query = sa.select(user_task_candidate).where(user_task_candidate.c.task_id.in_(ids[start : start + PART]))
        for row in work.connection.execute(query.order_by(user_task_candidate.c.task_id, user_task_candidate.c.candidate)):
            (groups if row.kind == "group" else users).setdefault(row.task_id, []).append(row.candidate)
    return groups, users


def _find_by_id(work: Work, ids: Iterable[str]) -> Mapping[str, Recipient]:
    wanted = sorted(ids)
    return {each.id: each for start in range(0, len(wanted), PART) for each in find_persons(work, wanted[start : start + PART])}
