"""The work days of a year: everybody signed in sees them; administrators decide about days and import a year after a preview."""

from __future__ import annotations

from calendar import Calendar
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Finding, Problem
from engine.idempotency import once
from engine.moments import SHANGHAI
from engine.work import Work
from workflows import extensions, workdays
from workflows.rules import can, require
from workflows.workdays.arrangements import FIRST_YEAR, LARGEST, LAST_YEAR

pages = Blueprint("workdays", __name__)
FIELDS = ("day", "kind", "name_zh", "name_en", "source", "content", "import_source")


@pages.get("/workdays")
@signed_in
def show_now() -> Response:
    """The present year."""
    return redirect(url_for("workdays.show", year=process_engine().clock.now().astimezone(SHANGHAI).year), 303)


@pages.get("/workdays/<int:year>")
@signed_in
def show(year: int) -> str:
    """The year month by month, what was decided about its days, by whom, and every change; for administrators the forms."""
    return page(year)


@pages.post("/workdays/<int:year>/days")
@signed_in
def set_day(year: int) -> Any:
    """Decide about one day.

    Raises NotPermitted.
    """
    who, typed = reader(), read_typed()
    require(who, "workdays.edit")

    def act(work: Work) -> dict[str, Any]:
        named = {name: typed[name] for name in ("name_zh", "name_en", "source")}
        workdays.set_day(work, who, read_day(typed["day"]), is_workday=typed["kind"] == "workday", **named)
        return {}

    try:
        with process_engine().begin(by=who.id) as work:
            once(work, read_key(), "workdays.set", typed, lambda: act(work))
    except workdays.WorkdayInvalid as problem:
        return page(year, typed=typed, problem=problem), STATUS[problem.kind]
    tell_next("workdays.set_done", day=typed["day"])
    return redirect(url_for("workdays.show", year=typed["day"][:4]), 303)


@pages.post("/workdays/<int:year>/days/<day>/remove")
@signed_in
def remove_day(year: int, day: str) -> Any:
    """A day is one of plain weeks again.

    Raises NotPermitted, WorkdayUnknown.
    """
    who, typed = reader(), {**read_typed(), "day": ""}
    require(who, "workdays.edit")

    def act(work: Work) -> dict[str, Any]:
        workdays.remove_day(work, who, read_day(day), source=typed["source"])
        return {}

    try:
        with process_engine().begin(by=who.id) as work:
            once(work, read_key(), "workdays.remove", {"day": day, **typed}, lambda: act(work))
    except workdays.WorkdayInvalid as problem:
        return page(year, typed=typed, problem=problem), STATUS[problem.kind]
    tell_next("workdays.removed", day=day)
    return redirect(url_for("workdays.show", year=year), 303)


@pages.post("/workdays/<int:year>/import")
@signed_in
def import_year(year: int) -> Any:
    """Show what an arrangement would change; with the `digest` of that preview do it.

    Raises NotPermitted.
    """
    who, digest = reader(), request.form.get("digest", "")
    require(who, "workdays.edit")
    typed: dict[str, str] = {}

    def act(work: Work) -> dict[str, Any]:
        plan = workdays.import_year(work, who, read_arrangement(year, typed), digest=digest)
        return {"changed": len(plan.changed)}

    try:
        typed = read_typed()
        if not digest:
            return page(year, typed=typed, arrangement=read_arrangement(year, typed))
        with process_engine().begin(by=who.id) as work:
            done = once(work, read_key(), "workdays.import", {**typed, "year": year, "digest": digest}, lambda: act(work))
    except workdays.ArrangementInvalid as problem:
        return page(year, typed=typed, problem=problem), STATUS[problem.kind]
    except workdays.CalendarChanged as problem:
        return page(year, typed=typed, problem=problem, arrangement=read_arrangement(year, typed)), STATUS[problem.kind]
    tell_next("workdays.imported", year=year, changed=done["changed"])
    return redirect(url_for("workdays.show", year=year), 303)


def read_typed() -> dict[str, str]:
    """What was typed; an uploaded file stands for the text."""
    typed = {name: request.form.get(name, "").strip() for name in FIELDS}
    file = request.files.get("file")
    if file is not None and file.filename:
        content = file.read(LARGEST + 1)
        try:
            typed["content"] = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise workdays.ArrangementInvalid(findings=[Finding("ArrangementNotText", path="file")]) from None
    return typed


def read_day(text: str) -> date:
    """A day.

    Raises WorkdayInvalid.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise workdays.WorkdayInvalid(findings=[Finding("WorkdayDayMissing", path="day")]) from None


def read_arrangement(year: int, typed: dict[str, str]) -> workdays.Arrangement:
    """What is to be imported: what was typed, or else what the software knows of the year.

    Raises ArrangementInvalid.
    """
    known = workdays.read_announced(year)
    if typed["content"] or known is None:
        return workdays.read_arrangement(typed["content"].encode(), year, source=typed["import_source"])
    return workdays.with_source(known, typed["import_source"])


def page(
    year: int,
    *,
    typed: dict[str, str] | None = None,
    problem: Problem | None = None,
    arrangement: workdays.Arrangement | None = None,
) -> str:
    """The page of a year, with what was typed, why it was refused, or the preview of an import."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotFound()
    with process_engine().read(by=reader().id) as work:
        calendar = workdays.read_calendar(work)
        plan = None if arrangement is None else workdays.plan_import(work, arrangement)
        return render_template(
            "workdays.html",
            year=year,
            months=[
                [[calendar.describe(day) if day.month == month else None for day in week] for week in weeks]
                for month, weeks in ((month, Calendar().monthdatescalendar(year, month)) for month in range(1, 13))
            ],
            published=next((each for each in workdays.list_years(work) if each.year == year), None),
            announced=year in calendar.years,
            known=workdays.read_announced(year) is not None,
            count=calendar.workdays_between(date(year - 1, 12, 31), date(year, 12, 31)),
            decided=workdays.list_decided(work, year),
            brought=[each for each in calendar.days.values() if each.day.year == year],
            changes=workdays.list_changes(work, year),
            editable=can(reader(), "workdays.edit"),
            plan=plan,
            affected=[] if plan is None else extensions.list_affected(work, plan),
            typed=typed or {},
            bounds=(FIRST_YEAR, LAST_YEAR),
            faults=[] if problem is None else [words().tell(each) for each in problem.findings] or [words().tell(problem)],
        )
