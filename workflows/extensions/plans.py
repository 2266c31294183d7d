"""What a change would move, row by row, before anything is written: the preview, and what the confirmed change goes by.

Which rows follow a date the diagrams say: an armed timer or an open task moves when its own expression (`${cutoff}`,
`${dates.review_until}`) gave its present moment and gives another one now. What was set otherwise stays as it is.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from engine.definitions import get_definition
from engine.expressions import Expression, ExpressionFailed, Template
from engine.model import Definition
from engine.moments import MomentInvalid, find_moment, first_due
from engine.rescheduling import Replaced, replace_values
from engine.states import definition_of, read_state
from engine.tables import instance, timer, user_task
from engine.work import Work
from workflows.campaigns.creating import CUTOFF
from workflows.campaigns.forms import campaign_notice
from workflows.campaigns.reading import Campaign
from workflows.campaigns.windows import APPLYING, BODY, COLLECTION, INSTITUTION, list_windows
from workflows.extensions.asking import Asked
from workflows.extensions.cutoffs import CASE, Cutoffs
from workflows.extensions.series import MARK, find_replaced
from workflows.reminders.moving import list_coming, list_going
from workflows.tables import case, report

ALIVE = ("running", "suspended")
Moves = Mapping[tuple[str, str], tuple[datetime, datetime]]
"""(`task` or `timer`, element) → its moment before and after."""


@dataclass(frozen=True, slots=True)
class MovedRow:
    """A row that moves: an open task, an armed timer. `subject` is the number of its case, or the campaign's key."""

    id: str
    element_id: str
    subject: str
    old: datetime
    new: datetime


@dataclass(frozen=True, slots=True)
class MovedCount:
    """How many rows of one element move from one moment to another."""

    element_id: str
    old: datetime
    new: datetime
    count: int


@dataclass(frozen=True, slots=True)
class MovedWindow:
    """A cut-off that moves; `id` is None where the window is new."""

    id: str | None
    name: str
    organisation_id: str | None
    old: datetime
    new: datetime


@dataclass(frozen=True, slots=True)
class MovedReport:
    """A report that is not handed in, and whose date moves."""

    id: str
    instance_id: str
    number: str
    old: datetime
    new: datetime


@dataclass(frozen=True, slots=True)
class MovedReminder:
    """A planned reminder of a step: `old` goes (None: it is needed for others, or there was none), `new` comes (None: none)."""

    element_id: str
    name: str
    old: datetime | None
    new: datetime | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a change moves. `instances` are those of the cases and reports whose documents follow, `campaign` says whether its
    own does. `reports` are not handed in and are due by a date that moves, `replaced` the items of series that change.

    `digest` names the whole: two plans with one digest move the same rows to the same moments.
    """

    asked: Asked
    before: Cutoffs
    after: Cutoffs
    dates: tuple[tuple[str, datetime, datetime], ...]
    windows: tuple[MovedWindow, ...]
    tasks: tuple[MovedRow, ...]
    timers: tuple[MovedRow, ...]
    reminders: tuple[MovedReminder, ...]
    withdrawn: tuple[str, ...]  # timer rows of reminders that go
    instances: tuple[str, ...]
    campaign: bool
    reports: tuple[MovedReport, ...] = ()
    replaced: Replaced = ()
    variables: Mapping[str, Any] = field(default_factory=dict)  # of the campaign's own instance, beside its dates
    digest: str = field(default="")


def make_plan(work: Work, found: Campaign, asked: Asked, before: Cutoffs) -> Plan:
    """Everything that the change moves now; nothing is written."""
    if asked.counted is not None:
        return _plan_recount(work, found, asked, before)
    after = change_cutoffs(before, asked)
    rows = list(_list_cases(work, found.id, asked))
    changed = {row.instance_id: row for row in rows if before.of_case(row) != after.of_case(row)}
    replaced = find_replaced(found.dates, asked.moments)
    tasks, timers = _own_rows(work, found, before, after, replaced)
    known: dict[Any, Moves] = {}
    for kind, moved in (("task", tasks), ("timer", timers)):
        for row in _list_rows(work, found.id, asked, kind):
            if row.instance_id not in changed:
                continue
            one = (row.definition_id, orjson.dumps([before.of_case(row), after.of_case(row)]))
            if one not in known:
                known[one] = find_moves(
                    work, get_definition(work, row.definition_id).model, before.of_case(row), after.of_case(row)
                )
            old, new = known[one].get((kind, row.element_id), (None, None))
            if old == row.due_at and new is not None:
                moved.append(MovedRow(row.id, row.element_id, row.business_key, old, new))
    reports, owned = _move_reports(work, found, asked, before, after)
    tasks += owned
    reminders, withdrawn = _replan(work, found, tasks)
    plan = Plan(
        asked,
        before,
        after,
        tuple((name, asked.old[name], moment) for name, moment in sorted(asked.moments.items())),
        tuple(_list_windows(work, found.id, asked, before, after)),
        tuple(sorted(tasks, key=lambda each: (each.new, each.subject, each.id))),
        tuple(sorted(timers, key=lambda each: (each.new, each.subject, each.id))),
        reminders,
        withdrawn,
        tuple(sorted({*changed, *(row.instance_id for row in reports)})),
        bool(replaced)
        or before.of_campaign(None) != after.of_campaign(None)
        or any(row.subject == found.key for row in (*tasks, *timers)),
        reports,
        replaced,
    )
    return replace(plan, digest=_digest(plan))


def _plan_recount(work: Work, found: Campaign, asked: Asked, before: Cutoffs) -> Plan:
    """What is counted by other work days than it was: rows, the consultation's window, and the reminders of the tasks."""
    counted = asked.counted
    assert counted is not None
    moved: dict[str, list[MovedRow]] = {"task": [], "timer": []}
    for row in counted.rows:
        moved[row.kind].append(MovedRow(row.id, row.element_id, row.subject, row.old, row.new))
    reminders, withdrawn = _replan(work, found, moved["task"])
    own = {row.instance_id for row in counted.rows}
    at = counted.window
    plan = Plan(
        asked,
        before,
        before,
        () if at is None else (("consultation", at[1], at[2]),),
        () if at is None else (MovedWindow(at[0], "comments", None, at[1], at[2]),),
        tuple(sorted(moved["task"], key=lambda each: (each.new, each.subject, each.id))),
        tuple(sorted(moved["timer"], key=lambda each: (each.new, each.subject, each.id))),
        reminders,
        withdrawn,
        tuple(sorted(own - {found.instance_id})),
        found.instance_id in own or at is not None,
        variables=counted.variables,
    )
    return replace(plan, digest=_digest(plan))


def count_moved(rows: Iterable[MovedRow]) -> list[MovedCount]:
    """Rows by element and moments."""
    return [
        MovedCount(*each, count) for each, count in sorted(Counter((row.element_id, row.old, row.new) for row in rows).items())
    ]


def change_cutoffs(before: Cutoffs, asked: Asked) -> Cutoffs:
    """The cut-offs after a change. With the organiser's cut-off move those of the bodies, by as much, but for those that were
    given longer than it; in a shift of the whole campaign all do."""
    if asked.late is not None:
        return replace(before, lateness=asked.late)
    if asked.organisation_id is not None:
        own = {asked.organisation_id: asked.moments[CUTOFF]}
        if asked.level == "body":
            return replace(before, bodies={**before.bodies, **own})
        return replace(before, institutions={**before.institutions, **own})
    dates = {**before.dates, **{name: moment.isoformat() for name, moment in asked.moments.items() if MARK not in name}}
    if CUTOFF not in asked.moments or before.collection is None:
        return replace(before, dates=dates)
    by, bound = asked.moments[CUTOFF] - before.collection, before.collection
    return replace(
        before,
        dates=dates,
        collection=asked.moments[CUTOFF],
        bodies={key: moment + by if asked.whole or moment <= bound else moment for key, moment in before.bodies.items()},
        institutions={key: moment + by if asked.whole else moment for key, moment in before.institutions.items()},
    )


def find_moves(work: Work, model: Definition, before: Mapping[str, Any], after: Mapping[str, Any]) -> Moves:
    """Which timers and tasks of a diagram have other moments with other dates; those that need more than the dates are left."""
    found = {}
    names = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    for kind, element_id, value in _list_moments(model, names):
        old, new = (_evaluate(work, kind, value, variables) for variables in (before, after))
        if old is not None and new is not None and old != new:
            found[kind, element_id] = (old, new)
    return found


def _list_moments(model: Definition, names: set[str]) -> Iterator[tuple[str, str, Template | Expression]]:
    for node in model.nodes.values():
        due = node.camunda.due_date
        if due is not None and names & set(due.names):
            yield "task", node.id, due
        for event in node.events:
            if event.timer is not None and event.timer.kind == "timeDate" and names & set(event.timer.value.names):
                yield "timer", node.id, event.timer.value


def _evaluate(work: Work, kind: str, value: Template | Expression, variables: Mapping[str, Any]) -> datetime | None:
    try:
        said = value.evaluate(variables)
        if said is None or said == "":
            return None
        if kind == "task":
            return find_moment(str(said), work.now, workdays=work.workdays)
        return first_due("timeDate", said, work.now, workdays=work.workdays).at
    except (ExpressionFailed, MomentInvalid):
        return None


# ---- rows ------------------------------------------------------------------------------------------------------------
def of_scope(campaign_id: str, asked: Asked) -> sa.ColumnElement[bool]:
    """The cases that a change is about."""
    where = case.c.campaign_id == campaign_id
    if asked.level == "body":
        return sa.and_(where, case.c.body_id == asked.organisation_id, case.c.channel == "recommended", case.c.stage_id.is_(None))
    return sa.and_(where, case.c.institution_id == asked.organisation_id) if asked.level == "institution" else where


def _list_cases(work: Work, campaign_id: str, asked: Asked) -> Iterable[sa.Row[Any]]:
    query = sa.select(case.c.instance_id, *CASE).join(instance, instance.c.id == case.c.instance_id)
    return work.connection.execute(query.where(of_scope(campaign_id, asked), instance.c.state.in_(ALIVE)))


def _list_rows(work: Work, campaign_id: str, asked: Asked, kind: str) -> Iterable[sa.Row[Any]]:
    """Rows of the cases that have a moment and wait for it."""
    table, waiting = (user_task, user_task.c.state == "open") if kind == "task" else (timer, _ARMED)
    columns = (table.c.id, table.c.instance_id, table.c.element_id, table.c.due_at)
    query = (
        sa.select(*columns, *CASE, instance.c.definition_id, instance.c.business_key)
        .join(instance, instance.c.id == table.c.instance_id)
        .join(case, case.c.instance_id == instance.c.id)
        .where(of_scope(campaign_id, asked), waiting, instance.c.state.in_(ALIVE), table.c.due_at.is_not(None))
    )
    return work.connection.execute(query)


_ARMED = sa.and_(timer.c.kind == "event", timer.c.state == "armed")


def _own_rows(
    work: Work, found: Campaign, before: Cutoffs, after: Cutoffs, replaced: Replaced
) -> tuple[list[MovedRow], list[MovedRow]]:
    """Rows of the campaign's own instance; what a token sees tells to which body it belongs."""
    if found.instance_id is None:
        return [], []
    definition, document = read_state(work, found.instance_id)
    moved: dict[str, list[MovedRow]] = {"task": [], "timer": []}
    for kind, table, waiting in (("task", user_task, user_task.c.state == "open"), ("timer", timer, _ARMED)):
        query = sa.select(table.c.id, table.c.token, table.c.element_id, table.c.due_at).where(
            table.c.instance_id == found.instance_id, waiting, table.c.due_at.is_not(None)
        )
        for row in work.connection.execute(query):
            seen = definition.kernel.variables(definition.model, definition.key, document, row.token)
            body_id = seen.get("body")
            changed = replace_values(seen, replaced) if replaced else seen
            old_seen, new_seen = {**seen, **before.of_campaign(body_id)}, {**changed, **after.of_campaign(body_id)}
            old, new = find_moves(work, definition.model, old_seen, new_seen).get((kind, row.element_id), (None, None))
            if old == row.due_at and new is not None:
                moved[kind].append(MovedRow(row.id, row.element_id, found.key, old, new))
    return moved["task"], moved["timer"]


def _move_reports(
    work: Work, found: Campaign, asked: Asked, before: Cutoffs, after: Cutoffs
) -> tuple[tuple[MovedReport, ...], list[MovedRow]]:
    """The reports that are owed by a date that moves, and their open tasks."""
    plans = {each.key: each for each in campaign_notice(work, found.id).notice.reports}
    moments = {
        (key, asked.old[name]): moment
        for name, moment in asked.moments.items()
        if asked.organisation_id is None
        for key, plan in plans.items()
        if name.partition(MARK)[0] in plan.due
    }
    if not moments:
        return (), []
    owed = sa.select(report).join(instance, instance.c.id == report.c.instance_id)
    owed = owed.where(report.c.campaign_id == found.id, report.c.parent_id.is_(None), report.c.received_at.is_(None))
    owed = owed.where(report.c.ended_at.is_(None), report.c.due_at.is_not(None), instance.c.state.in_(ALIVE))
    reports, tasks = [], []
    for row in work.connection.execute(owed.order_by(report.c.number)).all():
        new = moments.get((row.plan, row.due_at))
        if new is None:
            continue
        reports.append(MovedReport(row.id, row.instance_id, row.number, row.due_at, new))
        model = definition_of(work, row.instance_id).model
        seen = {"dates": before.dates, "due": row.due_at.isoformat()}
        moves = find_moves(work, model, seen, {"dates": after.dates, "due": new.isoformat()})
        open_ = sa.select(user_task).where(user_task.c.instance_id == row.instance_id, user_task.c.state == "open")
        for task in work.connection.execute(open_.order_by(user_task.c.id)):
            old_at, new_at = moves.get(("task", task.element_id), (None, None))
            if old_at == task.due_at and new_at is not None:
                tasks.append(MovedRow(task.id, task.element_id, row.number, task.due_at, new_at))
    return tuple(reports), tasks


def _list_windows(work: Work, campaign_id: str, asked: Asked, before: Cutoffs, after: Cutoffs) -> Iterator[MovedWindow]:
    known = False
    for each in list_windows(work, campaign_id):
        if each.name not in APPLYING:
            continue
        if each.name == COLLECTION:
            new = after.collection
        else:
            new = (after.bodies if each.name == BODY else after.institutions).get(each.organisation_id or "")
        known = known or (each.name == INSTITUTION and each.organisation_id == asked.organisation_id)
        if new is not None and new != each.cutoff_at:
            yield MovedWindow(each.id, each.name, each.organisation_id, each.cutoff_at, new)
    if asked.level == "institution" and not known:
        yield MovedWindow(None, INSTITUTION, asked.organisation_id, asked.old[CUTOFF], asked.moments[CUTOFF])


# ---- reminders -------------------------------------------------------------------------------------------------------
def _replan(work: Work, found: Campaign, tasks: list[MovedRow]) -> tuple[tuple[MovedReminder, ...], tuple[str, ...]]:
    """Reminders that go (nobody is left to whom they would be sent) and those that come, by step."""
    counted: dict[tuple[str, datetime], int] = {}
    for row in tasks:
        counted[row.element_id, row.old] = counted.get((row.element_id, row.old), 0) + 1
    lines: list[MovedReminder] = []
    withdrawn: list[str] = []
    planned: set[tuple[str, datetime]] = set()
    for element_id, old, new in sorted({(row.element_id, row.old, row.new) for row in tasks}):
        count = counted.pop((element_id, old), None)  # several new moments after one old: it goes once
        going = {} if count is None else {each.name: each for each in list_going(work, found.id, element_id, old, leaving=count)}
        known = (element_id, new) in planned
        coming = {} if known else {each.name: each.at for each in list_coming(work, found.id, element_id, new)}
        planned.add((element_id, new))
        withdrawn += [each.id for each in going.values()]
        for name in (*going, *(name for name in coming if name not in going)):
            lines.append(MovedReminder(element_id, name, going[name].at if name in going else None, coming.get(name)))
    return tuple(lines), tuple(withdrawn)


def _digest(plan: Plan) -> str:
    """SHA-256 of what moves, in its order."""
    content = [
        [plan.asked.level, plan.asked.organisation_id, plan.dates],
        [plan.before.lateness, plan.after.lateness],
        *([[row.id, row.old, row.new] for row in rows] for rows in (plan.tasks, plan.timers, plan.reports)),
        [[each.name, each.organisation_id, each.old, each.new] for each in plan.windows],
        [[each.element_id, each.name, each.old, each.new] for each in plan.reminders],
        plan.instances,
    ]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()
