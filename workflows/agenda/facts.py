"""What an agenda is made of beside the campaigns' own dates: cut-offs, moves, what was handed in, what is open. Each fact of all
campaigns in one statement, however many there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.definitions import LoadedDefinition, get_definition
from engine.tables import OPEN, definition, user_task
from engine.work import Work
from workflows.agenda.scope import Scope
from workflows.campaigns.creating import CUTOFF
from workflows.inbox import TaskLine, list_tasks
from workflows.people import ROLES, Person
from workflows.rules import visible_reports, visible_windows
from workflows.tables import activity_progress, case, extension, notice, organisation, report, round_, window

MOST_TASKS = 200
"""Of the reader's own tasks, the nearest; the inbox has them all."""
UNDONE = ("draft", "returned")
"""States of a case that waits for its institution."""
_DATE = re.compile(r"dates\.(\w+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Move:
    """A date that was moved to where it is now. `count`: how often so far."""

    old: datetime
    at: datetime
    count: int


@dataclass(slots=True)
class Facts:
    """All of it, by campaign first."""

    windows: list[sa.Row[Any]] = field(default_factory=list)
    moves: dict[tuple[str, str | None, str, datetime], Move] = field(default_factory=dict)
    progress: dict[tuple[str, str, str], sa.Row[Any]] = field(default_factory=dict)
    closed: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    missing: dict[tuple[str, datetime], int] = field(default_factory=dict)
    undone: dict[tuple[str, str], int] = field(default_factory=dict)
    work: Counter[tuple[str, datetime]] = field(default_factory=Counter)
    tasks: list[TaskLine] = field(default_factory=list)
    done: list[TaskLine] = field(default_factory=list)
    roles: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)


def read_facts(work: Work, person: Person, scope: Scope, *, closed: bool = False) -> Facts:
    """Everything about these campaigns that the person may know; with `closed` also tasks that the person has done."""
    found, ids = Facts(), sorted(scope.campaigns)
    if not ids:
        return found
    found.windows = _read_windows(work, scope, ids)
    found.moves = _read_moves(work, ids)
    found.progress = _read_progress(work, scope)
    found.closed = _read_rounds(work, scope)
    found.roles = _read_roles(work, scope)
    if not person.id:
        return found
    found.missing = _read_missing(work, person, ids)
    found.undone = _read_undone(work, person, ids)
    for view in ("mine", "groups", *(("done",) if closed else ())):
        lines = list_tasks(work, person, view=view, limit=MOST_TASKS).rows
        (found.done if view == "done" else found.tasks).extend(line for line in lines if line.due_at is not None)
    found.work = _count_work(work, scope, found.tasks)
    return found


def _read_windows(work: Work, scope: Scope, ids: list[str]) -> list[sa.Row[Any]]:
    query = (
        sa.select(window, organisation.c.short_name)
        .outerjoin(organisation, organisation.c.id == window.c.organisation_id)
        .where(window.c.campaign_id.in_(ids), visible_windows(scope.run, scope.places))
    )
    return list(
        work.connection.execute(
            query.order_by(window.c.cutoff_at, organisation.c.region.is_(None), organisation.c.region, window.c.id)
        )
    )


def _read_moves(work: Work, ids: list[str]) -> dict[tuple[str, str | None, str, datetime], Move]:
    found: dict[tuple[str, str | None, str, datetime], Move] = {}
    query = sa.select(extension.c.campaign_id, extension.c.organisation_id, extension.c.dates, extension.c.at)
    rows = work.connection.execute(query.where(extension.c.campaign_id.in_(ids)).order_by(extension.c.at, extension.c.id))
    for row in rows:
        for each in row.dates:
            place = (row.campaign_id, row.organisation_id, each["date"])
            old, new = (datetime.fromisoformat(each[side]) for side in ("old", "new"))
            before = found.get((*place, old))
            found[(*place, new)] = Move(old, row.at, 1 if before is None else before.count + 1)
    return found


def _read_progress(work: Work, scope: Scope) -> dict[tuple[str, str, str], sa.Row[Any]]:
    held = [each.id for each in scope.campaigns.values() if scope.parts[each.notice_id].activities]
    if not held:
        return {}
    query = sa.select(activity_progress).where(activity_progress.c.campaign_id.in_(held))
    rows = work.connection.execute(query.order_by(activity_progress.c.at, activity_progress.c.id))
    return {(row.campaign_id, row.activity, row.occurrence): row for row in rows}


def _read_rounds(work: Work, scope: Scope) -> dict[tuple[str, str, str], datetime]:
    rounds = [each.id for each in scope.campaigns.values() if scope.parts[each.notice_id].rounds]
    if not rounds:
        return {}
    query = sa.select(round_.c.campaign_id, round_.c.plan, round_.c.occurrence, round_.c.closed_at)
    rows = work.connection.execute(query.where(round_.c.campaign_id.in_(rounds)))
    return {(row.campaign_id, row.plan, row.occurrence): row.closed_at for row in rows}


def _read_missing(work: Work, person: Person, ids: list[str]) -> dict[tuple[str, datetime], int]:
    """How many reports that the person may read have not come, by campaign and due moment."""
    came = sa.func.sum(sa.case((report.c.received_at.is_(None), 1), else_=0))
    query = (
        sa.select(report.c.campaign_id, report.c.due_at, came)
        .where(report.c.campaign_id.in_(ids), report.c.due_at.is_not(None), report.c.ended_at.is_(None), visible_reports(person))
        .group_by(report.c.campaign_id, report.c.due_at)
    )
    return {(campaign_id, due_at): int(count) for campaign_id, due_at, count in work.connection.execute(query)}


def _read_undone(work: Work, person: Person, ids: list[str]) -> dict[tuple[str, str], int]:
    """How many cases of the bodies that the person audits for have not been handed in, by campaign and body."""
    own = sorted(person.organisations("auditor"))
    if not own:
        return {}
    query = (
        sa.select(case.c.campaign_id, case.c.body_id, sa.func.count())
        .where(case.c.body_id.in_(own), case.c.campaign_id.in_(ids), case.c.state.in_(UNDONE))
        .group_by(case.c.campaign_id, case.c.body_id)
    )
    return {(campaign_id, body_id): count for campaign_id, body_id, count in work.connection.execute(query)}


def _count_work(work: Work, scope: Scope, own: Iterable[TaskLine]) -> Counter[tuple[str, datetime]]:
    """Open tasks by campaign and due moment: all of those that the person runs, of the others the person's own."""
    counted = Counter((line.campaign_id, line.due_at) for line in own if line.due_at and line.campaign_id not in scope.run)
    if scope.run:
        query = (
            sa.select(user_task.c.belongs_to, user_task.c.due_at, sa.func.count())
            .where(OPEN, user_task.c.belongs_to.in_(sorted(scope.run)), user_task.c.due_at.is_not(None))
            .group_by(user_task.c.belongs_to, user_task.c.due_at)
        )
        counted.update({(campaign_id, due_at): count for campaign_id, due_at, count in work.connection.execute(query)})
    return counted


# ---- who acts --------------------------------------------------------------------------------------------------------
def _read_roles(work: Work, scope: Scope) -> dict[tuple[str, str], frozenset[str]]:
    """Who acts by a date, by notice and name of the date: the diagrams' steps that are due by it say so."""
    query = sa.select(notice.c.id, definition.c.id).join(definition, definition.c.deployment_id == notice.c.deployment_id)
    found: dict[tuple[str, str], frozenset[str]] = {}
    for notice_id, definition_id in work.connection.execute(query.where(notice.c.id.in_(sorted(scope.parts)))):
        for name, roles in _find_roles(get_definition(work, definition_id)).items():
            found[notice_id, name] = found.get((notice_id, name), frozenset()) | roles
    return found


def _find_roles(loaded: LoadedDefinition) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for node in loaded.model.nodes.values():
        due = node.camunda.due_date
        if due is None:
            continue
        names = {CUTOFF} if "cutoff" in due.names else set(_DATE.findall(due.text))
        said = [*(group.text.split("@")[0] for group in node.camunda.candidate_groups)]
        said += [] if node.camunda.assignee is None else node.camunda.assignee.names
        for name in names:
            found[name] = found.get(name, frozenset()) | (frozenset(said) & frozenset(ROLES))
    return found
