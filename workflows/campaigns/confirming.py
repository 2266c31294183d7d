"""An unknown date that an official confirms: nothing was due by it before, and from now on it is a date like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.work import Work
from workflows.campaigns.creating import CUTOFF, write_windows
from workflows.campaigns.lateness import CLOSES
from workflows.campaigns.reading import campaign_dates, campaign_series
from workflows.campaigns.steps import tell_opened
from workflows.campaigns.windows import COLLECTION, find_window, last_end
from workflows.deadlines import Bilingual, DateValue, Day, Unknown, confirm_candidate, dump_date, load_date, say_date
from workflows.forms import OTHER, clean_text
from workflows.tables import campaign, date_confirmation, person, recommending_body


class ConfirmationRefused(Problem):
    """The form of the confirmation has faults; `findings` by field."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who confirmed a date, with which source; `candidate` is False for another day, which `reason` explains."""

    name: str
    date: DateValue
    candidate: bool
    source_note: str
    reason: str
    by: str | None
    at: datetime


def confirm(call: Call) -> Mapping[str, Any]:
    """`dates.confirm`: the unknown date `date` (property) gets a value; returns the campaign's `dates` and `series` with it.

    The form: `candidate` (key of a candidate, or `other`), `other_day`, `reason` (needed for another day), `source_note` (where
    it is known from). A date that was confirmed already can be corrected the same way; what is due by then stays as it was.
    With the collection's cut-off its windows come into being.
    Raises ConfirmationRefused.
    """
    work, campaign_id, name = call.work, call.variables["campaign"], call.properties["date"]
    row = work.connection.execute(sa.select(campaign).where(campaign.c.id == campaign_id).with_for_update()).one()
    before = load_date(row.dates[name])
    candidate = str(call.form.get("candidate") or "")
    note, reason = (clean_text(str(call.form.get(key) or ""), lines=True) for key in ("source_note", "reason"))
    chosen = {each.key: each for each in list_candidates(before)}.get(candidate)
    findings = [] if note else [Finding("DateSourceMissing", path="source_note")]
    day = call.form.get("other_day")
    if candidate == OTHER:
        findings += [] if day else [Finding("DateDayMissing", path="other_day")]
        findings += [] if reason else [Finding("DateReasonMissing", path="reason")]
    elif chosen is None:
        findings.append(Finding("DateChoiceMissing", path="candidate"))
    if findings:
        raise ConfirmationRefused(findings=findings)
    remark = Bilingual(zh=note, en=note)
    if chosen is not None and isinstance(before, Unknown):
        value = confirm_candidate(before, chosen, note=remark)
    else:
        kept = {key: getattr(before, key) for key in ("label", "words", "reading", "text", "zone")}
        value = Day(value=date.fromisoformat(str(day)), source="ours", note=remark, **kept)
    dates = {**row.dates, name: dump_date(value)}
    work.connection.execute(sa.update(campaign).where(campaign.c.id == campaign_id).values(dates=dates))
    work.connection.execute(
        sa.insert(date_confirmation).values(
            id=new_id(),
            campaign_id=campaign_id,
            name=name,
            date=dump_date(value),
            candidate=chosen is not None,
            source_note=note,
            reason=reason,
            by=call.by,
            at=call.now,
        )
    )
    if name == CUTOFF and value.cutoff_at is not None and find_window(work, campaign_id, COLLECTION) is None:
        _open_windows(call, row, value.cutoff_at)
    detail = {"date": name, "due_on": None if value.due_on is None else value.due_on.isoformat(), "reason": note}
    record_entry(work, call.instance_id, "date_confirmed", element_id=call.element_id, token=call.token, detail=detail)
    closes_at = last_end(work, campaign_id)
    closes = {} if closes_at is None else {CLOSES: closes_at.isoformat()}
    return {"dates": campaign_dates(work, campaign_id), "series": campaign_series(work, campaign_id), **closes}


def list_candidates(value: DateValue) -> tuple[DateValue, ...]:
    """What an unknown date may be."""
    return value.candidates if isinstance(value, Unknown) else ()


def candidate_options(value: DateValue) -> list[tuple[str, str]]:
    """The candidates as choices of a form, and `other` for another day."""
    return [*((each.key or "", say_date(each, "zh")) for each in list_candidates(value)), (OTHER, "其它日期")]


def list_confirmations(work: Work, campaign_id: str) -> dict[str, Confirmation]:
    """The latest confirmation of each date of a campaign, by name; `by` is the person's name."""
    query = (
        sa.select(date_confirmation, person.c.name.label("by_name"))
        .outerjoin(person, person.c.id == date_confirmation.c.by)
        .where(date_confirmation.c.campaign_id == campaign_id)
        .order_by(date_confirmation.c.at, date_confirmation.c.id)
    )
    return {
        row.name: Confirmation(row.name, load_date(row.date), row.candidate, row.source_note, row.reason, row.by_name, row.at)
        for row in work.connection.execute(query)
    }


def _open_windows(call: Call, row: sa.Row[Any], cutoff_at: datetime) -> None:
    """The collection's windows, open at once where it was opened already; the bodies get their letter then."""
    work = call.work
    bodies = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == row.id)
    opened = row.phase == "collecting"
    write_windows(
        work,
        row.id,
        cutoff_at,
        dict.fromkeys(work.connection.execute(bodies.order_by(recommending_body.c.place)).scalars()),
        settings=row.settings,
        opens_at=work.now if opened else None,
    )
    if opened:
        tell_opened(call)
