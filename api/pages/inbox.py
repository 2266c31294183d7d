"""The inbox: what waits for the person, as that person wants to see it. The address is the filter: it can be linked and kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.moments import SHANGHAI
from engine.work import Work
from workflows import inbox
from workflows.agenda.entries import RISK_WORK_DAYS
from workflows.campaigns.reading import list_campaigns
from workflows.deadlines import last_day
from workflows.inbox import DUE_RANGES, SORTS, VIEWS, TaskFilter, TaskLine
from workflows.inbox.filters import PARAMETERS
from workflows.inbox.picking import View
from workflows.inbox.previewing import MOST_SEEN, OFFERED
from workflows.preferences import keep_preference, read_preference
from workflows.workdays import WorkCalendar, read_calendar

pages = Blueprint("inbox", __name__)
COLUMNS = ("about", "unit", "campaign", "arrived", "due", "priority", "claimed_by")
"""Beside the step, which is always there."""
USUAL = ("about", "campaign", "due")
SIZES = (20, 50, 100)
PREFERENCE = "inbox"
VIEW_KEYS: dict[View, str] = {"mine": "m", "groups": "g", "delegated": "d", "watched": "w", "sent": "s", "done": "f"}
"""The letter that leads to a view, after g."""


@pages.get("/inbox")
@signed_in
def show() -> str:
    """A page of tasks of one view, narrowed and sorted as the address asks, else as the person chose before.

    Raises PageUnknown.
    """
    return page()


@pages.get("/inbox/news")
@signed_in
def show_news() -> Any:
    """A line that says that the counts are not those (`mine`, `groups`, `overdue`) that the page shows; 204 when they are."""
    who = reader()
    with process_engine().read(by=who.id) as work:
        counts = inbox.count_tasks(work, who)
    if all(request.args.get(name) == str(getattr(counts, name)) for name in ("mine", "groups", "overdue")):
        return "", 204
    return render_template("inbox_news.html", counts=counts)


@pages.post("/inbox/look")
@signed_in
def choose_look() -> Response:
    """Keep which columns the person sees, in which order, how many lines, and whether the list listens to the keyboard."""
    who, form = reader(), request.form
    size = form.get("size", "")
    look = {
        "columns": [name for name in COLUMNS if name in form.getlist("column")],
        "sort": form.get("sort") if form.get("sort") in SORTS else "due",
        "size": int(size) if size in map(str, SIZES) else SIZES[1],
        "keys": "keys" in form,
    }

    def act(work: Work) -> dict[str, Any]:
        keep_preference(work, who.id, PREFERENCE, look)
        return {}

    with process_engine().begin(by=who.id) as work:
        once(work, read_key(), "inbox.look", look, lambda: act(work))
    tell_next("inbox.look_kept")
    return go_back(read_asked(form))


@pages.post("/inbox/filters")
@signed_in
def keep_filter() -> Any:
    """Keep the present filter under a name, perhaps for one of the person's groups."""
    who, form = reader(), request.form
    asked, name, group = read_asked(form), form.get("name", ""), form.get("group") or None

    def act(work: Work) -> dict[str, Any]:
        return {"filter": inbox.keep_filter(work, who, name, asked, group=group)}

    try:
        with process_engine().begin(by=who.id) as work:
            once(work, read_key(), "inbox.filter", {"name": name, "group": group, **asked}, lambda: act(work))
    except inbox.FilterInvalid as problem:
        return page(asked, problem=problem, typed=name), STATUS[problem.kind]
    tell_next("inbox.filter_kept", name=name.strip())
    return go_back(asked)


@pages.post("/inbox/filters/<filter_id>")
@signed_in
def rename_filter(filter_id: str) -> Any:
    """Give one's own filter another name, and share it with another group, or with nobody.

    Raises FilterUnknown.
    """
    who, form = reader(), request.form
    asked, name, group = read_asked(form), form.get("name", ""), form.get("group") or None

    def act(work: Work) -> dict[str, Any]:
        inbox.rename_filter(work, who, filter_id, name, group=group)
        return {}

    try:
        with process_engine().begin(by=who.id) as work:
            once(work, read_key(), "inbox.filter_rename", {"filter": filter_id, "name": name, "group": group}, lambda: act(work))
    except inbox.FilterInvalid as problem:
        return page(asked, problem=problem, typed=name, faulty=filter_id), STATUS[problem.kind]
    tell_next("inbox.filter_kept", name=name.strip())
    return go_back(asked)


@pages.post("/inbox/start")
@signed_in
def choose_start() -> Response:
    """Begin with a view (`start` is `view:` and its name), with a filter as it is now (`filter:` and its id), or as usual.

    Raises FilterUnknown.
    """
    who = reader()
    kind, _, chosen = request.form.get("start", "").partition(":")
    view: Any = chosen if kind == "view" and chosen in VIEWS else None

    def act(work: Work) -> dict[str, Any]:
        inbox.keep_start(work, who, view=view, filter_id=chosen if kind == "filter" else None)
        return {}

    with process_engine().begin(by=who.id) as work:
        once(work, read_key(), "inbox.start", {"kind": kind, "chosen": chosen}, lambda: act(work))
    tell_next("inbox.start_kept")
    return redirect(url_for("inbox.show"), 303)


@pages.post("/inbox/filters/<filter_id>/drop")
@signed_in
def drop_filter(filter_id: str) -> Response:
    """Keep one's own filter no more.

    Raises FilterUnknown.
    """
    who = reader()

    def act(work: Work) -> dict[str, Any]:
        inbox.drop_filter(work, who, filter_id)
        return {}

    with process_engine().begin(by=who.id) as work:
        once(work, read_key(), "inbox.filter_drop", {"filter": filter_id}, lambda: act(work))
    tell_next("inbox.filter_dropped")
    return redirect(url_for("inbox.show"), 303)


def read_asked(given: Mapping[str, str]) -> dict[str, str]:
    """The parameters of the inbox's address, of those that have a value."""
    return {name: value for name in PARAMETERS if (value := given.get(name, "").strip())}


def read_filter(asked: Mapping[str, str]) -> TaskFilter:
    """What the parameters of the inbox's address let through."""
    due: Any = asked.get("due")
    return TaskFilter(
        campaign_id=asked.get("campaign"),
        step=asked.get("step"),
        body_id=asked.get("body"),
        due=due if due in DUE_RANGES else None,
        text=asked.get("q"),
    )


def go_back(asked: Mapping[str, str]) -> Response:
    """To the list as it was."""
    arguments: dict[str, Any] = dict(asked)
    return redirect(url_for("inbox.show", **arguments), 303)


def group_by_due(rows: Iterable[TaskLine], now: datetime, calendar: WorkCalendar) -> list[tuple[str, list[TaskLine]]]:
    """The lines of a page in the order of their due dates, under a heading each: overdue, due today, this week, at risk (within
    `RISK_WORK_DAYS`), later, without a date."""
    today = now.astimezone(SHANGHAI).date()
    ends = {
        "overdue": now,
        "today": end_of(today),
        "week": end_of(today + timedelta(days=6 - today.weekday())),
        "risk": end_of(calendar.add_workdays(today, RISK_WORK_DAYS).day),
    }

    def name(row: TaskLine) -> str:
        if row.due_at is None:
            return "undated"
        return next((heading for heading, moment in ends.items() if row.due_at <= moment), "later")

    return [(heading, list(lines)) for heading, lines in groupby(rows, key=name)]


def count_days_left(rows: Iterable[TaskLine], now: datetime, calendar: WorkCalendar) -> dict[str, int]:
    """The work days until each task is due that is not late, by its id; tasks of one page have few due dates."""
    today = now.astimezone(SHANGHAI).date()
    moments = {row.id: row.due_at for row in rows if row.due_at is not None and row.due_at > now}
    days = {at: calendar.workdays_between(today, last_day(at, SHANGHAI.key)).count for at in set(moments.values())}
    return {task_id: days[at] for task_id, at in moments.items()}


def end_of(day: date) -> datetime:
    """The last moment of a day in Beijing: 24:00 still belongs to it."""
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)


def page(
    asked: Mapping[str, str] | None = None, *, problem: Problem | None = None, typed: str = "", faulty: str | None = None
) -> str:
    """The inbox; with what is wrong with the name of a filter that was to be kept, or (`faulty`) to be renamed. Without
    parameters it begins as the person likes it."""
    who = reader()
    plain = asked is None and not request.args
    asked = read_asked(request.args) if asked is None else asked
    with process_engine().read(by=who.id) as work:
        filters = inbox.list_filters(work, who)
        start = inbox.read_start(work, who, filters)
        asked = start.asked if plain else asked
        counts = inbox.count_tasks(work, who)
        look = {"columns": USUAL, "sort": "due", "size": SIZES[1], **(read_preference(work, who.id, PREFERENCE) or {})}
        view: Any = asked.get("view")
        if view not in VIEWS:
            view = "mine" if counts.mine or not counts.groups else "groups"
        sort: Any = asked.get("sort") if asked.get("sort") in SORTS else look["sort"]
        narrowed = read_filter(asked)
        after = request.args.get("after") or None
        found = inbox.list_tasks(work, who, view=view, asked=narrowed, sort=sort, limit=look["size"], after=after)
        calendar = read_calendar(work)
        grouped = found.sorted_by == "due" and view != "done"
        return render_template(
            "inbox.html",
            page=found,
            parts=group_by_due(found.rows, work.now, calendar) if grouped else [("", found.rows)],
            counts=counts,
            view=view,
            views=VIEWS,
            view_keys=VIEW_KEYS,
            asked={**asked, "view": view},
            origin=urlencode({**asked, "view": view}),
            narrowed=narrowed,
            narrowing=bool(asked.keys() - {"view", "sort"}),
            days_left={} if view == "done" else count_days_left(found.rows, work.now, calendar),
            sort=sort,
            look=look,
            steps=inbox.list_steps(work, who, view),
            bodies=inbox.list_bodies(work, who),
            campaigns=[(each.id, each.title) for each in list_campaigns(work, who)],
            filters=filters,
            start=start,
            changed=start.filter if plain and start.changed else None,
            groups=sorted(who.groups),
            after=after,
            columns=COLUMNS,
            sorts=SORTS,
            sizes=SIZES,
            due_ranges=DUE_RANGES,
            problem=problem,
            typed=typed,
            faulty=faulty,
            offered=OFFERED[view],
            most=MOST_SEEN,
            faults={finding.path: words().tell(finding) for finding in problem.findings} if problem else {},
        )
