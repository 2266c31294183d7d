"""The plan of `notice.yaml` (`reminders`): for each step, on which days who is reminded. Pure but for `read_rules`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from engine.moments import SHANGHAI
from engine.work import Work
from workflows.deadlines import last_day
from workflows.tables import notice
from workflows.workdays import WorkCalendar

HOUR = time(9)
"""In Beijing: when people begin to work (ours)."""

QUIET_FROM, QUIET_UNTIL = time(22), time(7)
"""In Beijing: between these hours no reminder leaves, unless its deadline lies within them (ours)."""

EVERY = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}
"""How far apart reminders of an overdue task are, counted from the due day."""

ESCALATED = "escalated"
"""The occurrence that tells the next level."""

Overdue = Literal["none", "daily", "weekly"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the plan, for one step of the diagrams.

    `after` are numbers of work days after the due day; `overdue` goes on for as long as the task is open: `daily` on every work
    day, `weekly` a week after the due day, two weeks, and so on, or on the next work day after that. So many work days after the
    due day as `escalate_after` says the next level is told of what is still open, beside all other reminders.
    """

    task: str
    work_days_before: tuple[int, ...]
    on_the_day: bool
    overdue: Overdue
    recipients: tuple[str, ...]
    letter: str
    after: tuple[int, ...] = ()
    escalate_after: int | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One planned reminder; `name` tells it from the others of its step and due date."""

    name: str
    at: datetime


def list_occurrences(rule: Rule, due_at: datetime, now: datetime, calendar: WorkCalendar) -> list[Occurrence]:
    """What is to come after `now`, in order: before, on and after the due day at nine, and the next one that repeats.

    Two at the same moment are one: the planned day counts, not the repetition.
    """
    due_on = last_day(due_at, SHANGHAI.key)
    before = sorted(rule.work_days_before, reverse=True)
    days = {f"before{number}": calendar.add_workdays(due_on, -number).day for number in before}
    if rule.on_the_day:
        days["day"] = due_on
    days |= {f"after{number}": calendar.add_workdays(due_on, number).day for number in sorted(rule.after)}
    if rule.overdue != "none":
        day = next(day for day in _repeat(due_on, EVERY[rule.overdue], now, calendar) if nine(day) > now)
        days.setdefault(f"overdue{day:%Y%m%d}", day)
    named = {nine(day): name for name, day in reversed(days.items())}
    found = [(at, name) for at, name in named.items()]
    if rule.escalate_after is not None:  # to others than the reminders: it takes the place of none
        found.append((nine(calendar.add_workdays(due_on, rule.escalate_after).day), ESCALATED))
    return [Occurrence(name, at) for at, name in sorted(found) if at > now]


def end_quiet(now: datetime, due_at: datetime | None = None) -> datetime | None:
    """When the quiet hours end that it is now; None outside of them, and where what is reminded of is due before they end."""
    local = now.astimezone(SHANGHAI)
    if QUIET_UNTIL <= local.time() < QUIET_FROM:
        return None
    day = local.date() if local.time() < QUIET_UNTIL else local.date() + timedelta(days=1)
    ends = datetime.combine(day, QUIET_UNTIL, SHANGHAI)
    return None if due_at is not None and now < due_at <= ends else ends


def nine(day: date) -> datetime:
    """When letters of a day leave."""
    return datetime.combine(day, HOUR, SHANGHAI)


def read_rules(work: Work, notice_id: str) -> Mapping[str, Rule]:
    """The plan of a notice's version, by step; versions never change, so it is read once per process."""
    known: dict[str, Mapping[str, Rule]] = work.engine.extras.setdefault("reminder_rules", {})
    if notice_id not in known:
        content = work.connection.execute(sa.select(notice.c.content).where(notice.c.id == notice_id)).scalar_one()
        known[notice_id] = {entry["task"]: _read_rule(entry) for entry in content.get("reminders") or []}
    return known[notice_id]


def _repeat(due_on: date, step: timedelta, now: datetime, calendar: WorkCalendar) -> Iterator[date]:
    """Work days on or after each `step` from the due day; begins shortly before `now` and never ends."""
    passed = now.astimezone(SHANGHAI).date() - due_on
    anchor = due_on + step * max(1, passed // step - 1)
    while True:
        yield calendar.next_workday(anchor).day
        anchor += step


def _read_rule(entry: Mapping[str, Any]) -> Rule:
    return Rule(
        task=entry["task"],
        work_days_before=tuple(entry["work_days_before"]),
        on_the_day=entry["on_the_day"],
        overdue=entry["overdue"],
        recipients=tuple(entry["recipients"]),
        letter=entry["letter"],
        after=tuple(entry.get("after") or ()),  # notices from before it was known have none
        escalate_after=entry.get("escalate_after"),
    )
