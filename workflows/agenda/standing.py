"""How lines stand at a moment: overdue, at risk by the work days that are left and what is still open, or over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from workflows.agenda.entries import RISK_WORK_DAYS, Entry, State
from workflows.workdays import WorkCalendar

MOST_COUNTED = 1_000
"""Days until which work days are counted: what is further away is at no risk."""


def tell_standing(lines: Sequence[Entry], now: datetime, today: date, calendar: WorkCalendar) -> list[Entry]:
    """The lines that are to come, with the work days left after today and their state; the others as they are."""
    left = _count_days(today, max((line.last for line in lines), default=today), calendar)
    told = []
    for line in lines:
        if line.state == "coming":
            days, provisional = left.get(line.last, (None, False))
            line = replace(line, state=_tell_state(line, now, today, days), work_days=days, provisional=provisional)
        told.append(line)
    return told


def _count_days(today: date, last: date, calendar: WorkCalendar) -> dict[date, tuple[int, bool]]:
    """For each day the work days after today up to it, and whether an announcement to come may change their number."""
    found, count, provisional, day = {}, 0, False, today
    while day <= min(last, today + timedelta(days=MOST_COUNTED)):
        found[day] = (count, provisional)
        day += timedelta(days=1)
        described = calendar.describe(day)
        count, provisional = count + described.is_workday, provisional or described.provisional
    return found


def _tell_state(line: Entry, now: datetime, today: date, left: int | None) -> State:
    over = line.cutoff_at <= now if line.cutoff_at is not None else line.last < today
    if over:
        return "overdue" if line.open else "past"
    if line.first <= today and line.first != line.last:
        return "under_way"
    soon = left is not None and left <= RISK_WORK_DAYS
    return "risk" if line.open and soon and line.kind != "activity" else "coming"
