"""The calendar of a campaign's activities: month by month for everybody, with a form for those who hold them."""

from __future__ import annotations

from calendar import Calendar
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.present import PUBLIC, person, process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.moments import SHANGHAI
from engine.work import Work
from workflows.activities import STATES, Occurrence, ProgressInvalid, list_occurrences, report_progress
from workflows.campaigns.reading import get_campaign

pages = Blueprint("activities", __name__)


@pages.get("/campaigns/<campaign_id>/calendar")
def show(campaign_id: str) -> str:
    """The calendar; `?month=2023-06`, by default the present one (or the nearest that has activities).

    Raises CampaignUnknown.
    """
    return page(campaign_id, request.args.get("month", ""))


@pages.post("/campaigns/<campaign_id>/calendar")
@signed_in
def report(campaign_id: str) -> Any:
    """Report progress about one day of an activity.

    Raises CampaignUnknown, ActivityUnknown, NotPermitted.
    """
    who, month = reader(), request.form.get("month", "")
    typed = {name: request.form.get(name, "").strip() for name in ("activity", "occurrence", "state", "note")}

    def act(work: Work) -> dict[str, Any]:
        noted = report_progress(
            work, who, campaign_id, typed["activity"], typed["occurrence"], state=typed["state"], note=typed["note"]
        )
        return {"progress": noted}

    try:
        with process_engine().begin(by=who.id) as work:
            once(work, read_key(), "activity", {"campaign": campaign_id, **typed}, lambda: act(work))
    except ProgressInvalid as problem:
        return page(campaign_id, month, typed=typed, problem=problem), 422
    tell_next("calendar.reported")
    return redirect(url_for("activities.show", campaign_id=campaign_id, month=month or None), 303)


def page(campaign_id: str, wanted: str, *, typed: dict[str, str] | None = None, problem: Problem | None = None) -> str:
    """One month of the calendar, with what was typed and what is wrong with it."""
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        campaign = get_campaign(work, campaign_id, person=who)
        lines = list_occurrences(work, who, campaign_id)
        today = work.now.astimezone(SHANGHAI).date()
    months = list_months(lines)
    month = wanted if wanted in months else min(max(f"{today:%Y-%m}", months[0]), months[-1]) if months else f"{today:%Y-%m}"
    year, number = int(month[:4]), int(month[5:])
    weeks = Calendar().monthdatescalendar(year, number)
    single = {day: [line for line in lines if line.first == line.last == day] for week in weeks for day in week}
    place = months.index(month) if month in months else 0
    return render_template(
        "calendar.html",
        campaign=campaign,
        month=month,
        year=year,
        number=number,
        weeks=weeks,
        single=single,
        today=today,
        shown=[line for line in lines if f"{line.first:%Y-%m}" <= month <= f"{line.last:%Y-%m}"],
        overdue=sum(line.overdue for line in lines),
        activities=len({line.activity.key for line in lines}),
        earlier=months[place - 1] if months and place > 0 else None,
        later=months[place + 1] if place + 1 < len(months) else None,
        states=STATES,
        typed=typed or {},
        faults=[words().tell(finding) for finding in problem.findings] if problem else [],
        demo_page=campaign.demo,
    )


def list_months(lines: list[Occurrence]) -> list[str]:
    """The months from the first activity to the last, in order."""
    if not lines:
        return []
    first, last = min(line.first for line in lines), max(line.last for line in lines)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    months = [date(first.year + (first.month - 1 + step) // 12, (first.month - 1 + step) % 12 + 1, 1) for step in range(count)]
    return [f"{each:%Y-%m}" for each in months]
