"""The agenda: every deadline, round, report, activity and own task, month by month or as a list, with how each stands."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from flask import Blueprint, render_template, request, url_for

from api.pages.present import PUBLIC, person, process_engine
from engine.moments import SHANGHAI
from workflows.agenda import Agenda, Entry, Wanted, read_agenda

pages = Blueprint("agenda", __name__)
VIEWS = ("month", "list")
ROLES = ("applicant", "auditor", "expert", "organiser")
YEARS = (1990, 2199)
LONGEST_ID = 32
NEAREST = timedelta(days=400)
"""How far the list looks ahead."""
OVERDUE_FOR = timedelta(days=730)
"""How far the list looks back for what is overdue."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with the address where one acts; `times` of it stand for as many alike."""

    entry: Entry
    address: str
    times: int = 1


@pages.get("/agenda")
def show() -> str:
    """The agenda; `?view=month|list`, `month=2023-06`, and filters `campaign`, `role`, `organisation`. The public sees what is
    public; what is none of the choices is as if it was not asked for."""
    who = person() or PUBLIC
    view = request.args.get("view", "")
    view = view if view in VIEWS else "month"
    chosen = {name: request.args.get(name, "")[:LONGEST_ID] or None for name in ("campaign", "role", "organisation")}
    chosen["role"] = chosen["role"] if chosen["role"] in ROLES else None
    with process_engine().read(by=who.id or None) as work:
        today = work.now.astimezone(SHANGHAI).date()
        month = read_month(request.args.get("month", ""), today)
        days = [day for week in list_weeks(month) for day in week]
        first, last = (days[0], days[-1]) if view == "month" else (today - OVERDUE_FOR, today + NEAREST)
        wanted = Wanted(first, last, chosen["campaign"], chosen["role"], chosen["organisation"])
        agenda = read_agenda(work, who, wanted)
    choices = {"campaign": agenda.campaigns, "organisation": agenda.organisations}
    kept = {"view": view, **{name: value for name, value in chosen.items() if value}}
    return render_template(
        "agenda.html",
        view=view,
        views=VIEWS,
        roles=ROLES,
        choices=choices,
        chosen=chosen,
        kept=kept,
        month=month,
        today=today,
        earlier=shift_month(month, -1),
        later=shift_month(month, 1),
        unknown=[Line(each, find_address(each, agenda)) for each in agenda.unknown],
        **(show_month(agenda, month) if view == "month" else show_list(agenda, today)),
    )


def show_month(agenda: Agenda, month: date) -> dict[str, Any]:
    """The weeks of a month with what falls on their days, what goes on for several days, and all of it as lines."""
    weeks = list_weeks(month)
    single: dict[date, list[Line]] = {day: [] for week in weeks for day in week}
    for line in (Line(each, find_address(each, agenda)) for each in agenda.entries if each.first == each.last):
        single[line.entry.first].append(line)
    within = [each for each in agenda.entries if f"{each.first:%Y-%m}" <= f"{month:%Y-%m}" <= f"{each.last:%Y-%m}"]
    long = [Line(each, find_address(each, agenda)) for each in within if each.first != each.last]
    return {"weeks": weeks, "single": single, "long": long, "lines": gather(within, agenda), "counts": count_urgent(within)}


def show_list(agenda: Agenda, today: date) -> dict[str, Any]:
    """What is overdue, what is at risk, then the rest that is to come by months."""
    parts = {state: gather([each for each in agenda.entries if each.state == state], agenda) for state in ("overdue", "risk")}
    coming = [each for each in agenda.entries if each.state in ("coming", "under_way", "possible") and each.last >= today]
    by_month = groupby(coming, key=lambda each: f"{each.last:%Y-%m}")
    months = [(date.fromisoformat(f"{month}-01"), gather(list(some), agenda)) for month, some in by_month]
    return {"parts": parts, "months": months, "counts": count_urgent(agenda.entries)}


def count_urgent(entries: Sequence[Entry]) -> dict[str, int]:
    """How many of these are overdue, and how many at risk."""
    return {state: sum(each.state == state for each in entries) for state in ("overdue", "risk")}


def gather(entries: Sequence[Entry], agenda: Agenda) -> list[Line]:
    """Lines for a list: the days of an activity that stand alike, and one's own tasks of one step and moment, are one line."""
    found: dict[tuple[Any, ...], list[Entry]] = {}
    for each in entries:
        alike = each.kind == "task" or each.kind == "activity" and each.state in ("overdue", "past", "coming")
        moment = each.cutoff_at if each.kind == "task" else None
        key = (each.campaign_id, each.kind, each.name, each.state, moment) if alike else (each.id,)
        found.setdefault(key, []).append(each)
    return [Line(some[0], find_address(some[0], agenda, many=len(some) > 1), len(some)) for some in found.values()]


def find_address(entry: Entry, agenda: Agenda, *, many: bool = False) -> str:
    """Where one acts on an entry, or reads more of it."""
    campaign: dict[str, Any] = {"campaign_id": entry.campaign_id}
    if entry.kind == "task":
        if many:
            return url_for("inbox.show", view="groups", campaign=entry.campaign_id)
        return url_for("tasks.show", task_id=entry.target)
    if entry.kind == "activity":
        return url_for("activities.show", month=f"{entry.first:%Y-%m}", **campaign)
    if entry.kind == "comments":
        return url_for("consultation.show", **campaign)
    if entry.kind == "round" and entry.campaign_id in agenda.boards:
        return url_for("rounds.show", **campaign)
    if entry.state == "moved" and entry.campaign_id in agenda.run:
        return url_for("extensions.show", **campaign)
    if entry.open and entry.kind != "report" and entry.campaign_id in agenda.boards:
        return url_for("reminders.show_missing", **campaign)
    return url_for("campaigns.show", **campaign, _anchor="reports" if entry.kind == "report" else None)


def read_month(text: str, today: date) -> date:
    """The first day of the month that is asked for, of the present one where none is."""
    try:
        month = date.fromisoformat(f"{text}-01") if len(text) == 7 else today
    except ValueError:
        month = today
    return (month if YEARS[0] < month.year < YEARS[1] else today).replace(day=1)


def shift_month(month: date, by: int) -> date:
    """The first day of the month before or after."""
    count = month.year * 12 + month.month - 1 + by
    return date(count // 12, count % 12 + 1, 1)


def list_weeks(month: date) -> list[list[date]]:
    """The weeks that a month touches, from Monday on."""
    return Calendar().monthdatescalendar(month.year, month.month)
