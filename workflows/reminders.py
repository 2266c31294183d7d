"""Reminders: the plan of `notice.yaml` (`reminders`) as timer rows, and the letters when they fire.

One row per step, due date and occurrence, however many tasks share them: when it fires, everybody with such a task still open
gets one letter that lists them. A task that is done is in no letter any more. What was missed while nothing ran is made good
once: the first row that fires late tells what the others would have told, and puts them aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from engine.handlers import Call
from engine.moments import SHANGHAI
from engine.tables import timer, user_task, user_task_candidate
from engine.texts import LANGUAGES, Language
from engine.timers import arm_timer
from engine.work import Work
from workflows.deadlines import last_day, say_cutoff
from workflows.mails import Recipient, find_members, find_persons, has_letter, queue_letter, say
from workflows.tables import campaign, case, notice
from workflows.workdays import ANNOUNCED, add_workdays

HANDLER = "reminders.send"
HOUR = time(9)
"""In Beijing: when people begin to work (ours)."""

LATE = timedelta(hours=1)
"""A reminder that leaves later than this after its moment was missed, and says so."""

CHUNK = 500
"""Letters written in one transaction; more people get theirs in the next ones."""

LISTED = 30
"""Tasks named in one letter; of more, only the number is told."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the plan, for one step of the diagrams. `overdue`: on every work day after the due date."""

    task: str
    work_days_before: tuple[int, ...]
    on_the_day: bool
    overdue: bool
    recipients: tuple[str, ...]
    letter: str


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One planned reminder; `name` tells it from the others of its step and due date."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Series:
    """All reminders of one step and one due date within a campaign."""

    campaign_id: str
    task: str
    due_at: datetime

    @property
    def key(self) -> str:
        """Begins the unique keys of its timers and letters."""
        return f"reminder:{self.campaign_id}:{self.task}:{self.due_at:%Y%m%dT%H%M%S}"


def plan(call: Call) -> None:
    """`reminders.plan`: arm the reminders of a task that was just made.

    Harmless for every task: without a due date, a rule in the notice or a campaign, nothing happens.
    """
    work = call.work
    due_at = work.connection.execute(sa.select(user_task.c.due_at).where(user_task.c.id == call.task_id)).scalar_one_or_none()
    found = _find_campaign(work, call.business_key)
    if due_at is not None and found is not None:
        _arm(work, Series(found.id, call.element_id, due_at), _read_rules(work, found.notice_id))


def plan_for_campaign(work: Work, campaign_id: str) -> int:
    """Arm what is still to come for all open tasks of a campaign: after its plan or its tasks were changed. How many are new."""
    row = work.connection.execute(sa.select(campaign.c.id, campaign.c.notice_id).where(campaign.c.id == campaign_id)).one()
    rules = _read_rules(work, row.notice_id)
    query = sa.select(user_task.c.element_id, user_task.c.due_at).where(
        _of_campaign(campaign_id), user_task.c.state == "open", user_task.c.due_at.is_not(None)
    )
    series = {Series(row.id, each.element_id, each.due_at) for each in work.connection.execute(query.distinct())}
    return sum(_arm(work, each, rules) for each in sorted(series, key=lambda each: each.key))


def send(call: Call) -> None:
    """`reminders.send`: the moment of a reminder has come. Writes the letters; arms the next one where it repeats."""
    work, form = call.work, call.form
    series = Series(form["campaign"], form["task"], datetime.fromisoformat(form["due_at"]))
    row = work.connection.execute(sa.select(campaign).where(campaign.c.id == series.campaign_id)).one()
    rule = _read_rules(work, row.notice_id).get(series.task)
    tasks = _read_open(work, series)
    if rule is None or not tasks:
        return  # the plan was changed, or everybody is done: nothing is sent, and nothing follows
    missed = [datetime.fromisoformat(moment) for moment in form.get("missed") or []]
    if not form.get("after"):
        missed = _take_missed(work, series, datetime.fromisoformat(form["at"]))
    lists = _list_by_recipient(work, rule, tasks, row.organiser_id)
    waiting = sorted(person_id for person_id in lists if person_id > (form.get("after") or ""))
    overdue = work.now >= series.due_at
    people = {recipient.id: recipient for recipient in find_persons(work, waiting[:CHUNK])}
    for person_id in waiting[:CHUNK]:
        if person_id in people:
            _write(work, people[person_id], rule, series, lists[person_id], form["name"], missed, overdue=overdue, about=row.key)
    if len(waiting) > CHUNK:
        payload = {**form, "after": waiting[CHUNK - 1], "missed": [moment.isoformat() for moment in missed]}
        arm_timer(
            work,
            HANDLER,
            work.now,
            unique_key=f"{series.key}:{form['name']}:{waiting[CHUNK - 1]}",
            payload=payload,
            subject=f"reminders:{series.campaign_id}",
        )
    elif rule.overdue:
        _arm(work, series, {series.task: rule})


def list_occurrences(rule: Rule, due_at: datetime, now: datetime) -> list[Occurrence]:
    """What is to come after `now`: before and on the due day at nine, then the next work day after it. Pure."""
    due_on = last_day(due_at, SHANGHAI.key)
    days = {f"before{number}": add_workdays(due_on, -number).day for number in sorted(rule.work_days_before, reverse=True)}
    if rule.on_the_day:
        days["day"] = due_on
    found = [Occurrence(name, _at(day)) for name, day in days.items()]
    if rule.overdue:
        day = max(due_on, now.astimezone(SHANGHAI).date() - timedelta(days=1))
        while _at(day := ANNOUNCED.next_workday(day + timedelta(days=1)).day) <= now:
            pass
        found.append(Occurrence(f"overdue{day:%Y%m%d}", _at(day)))
    return [occurrence for occurrence in found if occurrence.at > now]


def _at(day: date) -> datetime:
    return datetime.combine(day, HOUR, SHANGHAI)


def _arm(work: Work, series: Series, rules: Mapping[str, Rule]) -> int:
    rule = rules.get(series.task)
    wanted = (
        {} if rule is None else {f"{series.key}:{each.name}": each for each in list_occurrences(rule, series.due_at, work.now)}
    )
    if not wanted:
        return 0
    known = set(work.connection.execute(sa.select(timer.c.unique_key).where(timer.c.unique_key.in_(wanted))).scalars())
    armed = 0
    for unique_key, occurrence in wanted.items():
        if unique_key in known:
            continue
        payload = {
            "campaign": series.campaign_id,
            "task": series.task,
            "due_at": series.due_at.isoformat(),
            "name": occurrence.name,
            "at": occurrence.at.isoformat(),
        }
        subject = f"reminders:{series.campaign_id}"
        armed += arm_timer(work, HANDLER, occurrence.at, unique_key=unique_key, payload=payload, subject=subject) is not None
    return armed


def _take_missed(work: Work, series: Series, at: datetime) -> list[datetime]:
    """The moments that passed unused, this one among them when it is late; the other rows are put aside."""
    missed = [at] if work.now - at > LATE else []
    passed = sa.select(timer.c.id, timer.c.due_at, timer.c.payload).where(
        timer.c.unique_key.startswith(f"{series.key}:", autoescape=True),
        timer.c.state == "armed",
        timer.c.due_at > at,
        timer.c.due_at <= work.now,
    )
    for row in work.connection.execute(passed.order_by(timer.c.due_at)).all():
        if row.payload.get("after"):
            continue  # the rest of an earlier reminder's letters
        aside = timer.update().where(timer.c.id == row.id, timer.c.state == "armed")
        if work.connection.execute(aside.values(state="cancelled", done_at=work.now)).rowcount == 1:
            missed.append(row.due_at)
    return missed


def _list_by_recipient(work: Work, rule: Rule, tasks: Sequence[sa.Row[Any]], organiser_id: str) -> dict[str, list[sa.Row[Any]]]:
    """Person → the open tasks that the person's letter lists."""
    lists: dict[str, list[sa.Row[Any]]] = {}

    def add(person_id: str, task: sa.Row[Any]) -> None:
        mine = lists.setdefault(person_id, [])
        if task not in mine[-1:]:
            mine.append(task)

    groups, users = _read_candidates(work, tasks) if "candidates" in rule.recipients else ({}, {})
    members = {
        group: [person.id for person in find_members(work, [group])] for group in {g for names in groups.values() for g in names}
    }
    organisers = find_members(work, [f"organiser@{organiser_id}"]) if "organiser" in rule.recipients else []
    for task in tasks:
        if task.assignee is not None and {"assignee", "candidates"} & set(rule.recipients):
            add(task.assignee, task)  # who has claimed it is the one to remind
        elif "candidates" in rule.recipients:
            for person_id in [*users.get(task.id, ()), *(name for group in groups.get(task.id, ()) for name in members[group])]:
                add(person_id, task)
        for organiser in organisers:
            add(organiser.id, task)
    return lists


def _write(
    work: Work,
    recipient: Recipient,
    rule: Rule,
    series: Series,
    tasks: Sequence[sa.Row[Any]],
    name: str,
    missed: Sequence[datetime],
    *,
    overdue: bool,
    about: str,
) -> None:
    letter = rule.letter if has_letter(rule.letter) else "reminder"
    if overdue and has_letter(f"{letter}_overdue"):
        letter = f"{letter}_overdue"
    lines = [f"{task.name} {task.business_key}" if task.business_key != about else task.name for task in tasks[:LISTED]]
    queue_letter(
        work,
        letter,
        [recipient],
        campaign_id=series.campaign_id,
        about=about,
        unique_key=f"{series.key}:{name}",
        values={
            "count": len(tasks),
            "tasks": [*lines, *(["…"] if len(tasks) > LISTED else [])],
            "due": series.due_at,
            "missed": {language: _say_missed(missed, language) for language in LANGUAGES},
        },
    )


def _say_missed(missed: Sequence[datetime], language: Language) -> str:
    if not missed:
        return ""
    joint = say("letter_missed_joint", language)
    return say("letter_missed", language, moments=joint.join(say_cutoff(moment, language) for moment in missed))


def _read_open(work: Work, series: Series) -> Sequence[sa.Row[Any]]:
    query = sa.select(user_task).where(
        _of_campaign(series.campaign_id),
        user_task.c.element_id == series.task,
        user_task.c.due_at == series.due_at,
        user_task.c.state == "open",
    )
    return work.connection.execute(query.order_by(user_task.c.business_key, user_task.c.id)).all()


def _of_campaign(campaign_id: str) -> sa.ColumnElement[bool]:
    """The tasks of a campaign's instance and of those of its cases."""
    keys = sa.union_all(
        sa.select(campaign.c.key).where(campaign.c.id == campaign_id),
        sa.select(case.c.number).where(case.c.campaign_id == campaign_id),
    )
    return user_task.c.business_key.in_(keys)


def _read_candidates(work: Work, tasks: Sequence[sa.Row[Any]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    groups: dict[str, list[str]] = {}
    users: dict[str, list[str]] = {}
    ids = [task.id for task in tasks if task.assignee is None]
    for start in range(0, len(ids), 1000):  # SQLite bounds the values of one statement
        query = sa.select(user_task_candidate).where(user_task_candidate.c.task_id.in_(ids[start : start + 1000]))
        for row in work.connection.execute(query.order_by(user_task_candidate.c.task_id, user_task_candidate.c.candidate)):
            (groups if row.kind == "group" else users).setdefault(row.task_id, []).append(row.candidate)
    return groups, users


def _find_campaign(work: Work, business_key: str) -> sa.Row[Any, Any] | None:
    of_case = sa.select(case.c.campaign_id).where(case.c.number == business_key)
    query = sa.select(campaign.c.id, campaign.c.notice_id).where(
        sa.or_(campaign.c.key == business_key, campaign.c.id.in_(of_case))
    )
    return work.connection.execute(query).first()


def _read_rules(work: Work, notice_id: str) -> Mapping[str, Rule]:
    """The plan of a notice's version, by step; versions never change, so it is read once per process."""
    known: dict[str, Mapping[str, Rule]] = work.engine.extras.setdefault("reminder_rules", {})
    if notice_id not in known:
        content = work.connection.execute(sa.select(notice.c.content).where(notice.c.id == notice_id)).scalar_one()
        known[notice_id] = {entry["task"]: _read_rule(entry) for entry in content.get("reminders") or []}
    return known[notice_id]


def _read_rule(entry: Mapping[str, Any]) -> Rule:
    return Rule(
        task=entry["task"],
        work_days_before=tuple(entry["work_days_before"]),
        on_the_day=entry["on_the_day"],
        overdue=entry["overdue"] == "daily",
        recipients=tuple(entry["recipients"]),
        letter=entry["letter"],
    )
