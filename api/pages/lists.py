"""The lists of pages as files: the same rows, the same filters, the same permission, all pages in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, request

from api.lists import KINDS, Cell, Sheet, write_csv, write_xlsx
from api.pages.inbox import read_asked, read_filter
from api.pages.present import process_engine, reader, signed_in, words
from api.pages.reminders import read_choice
from api.pages.words import Words
from engine.work import ProcessEngine, Work
from workflows import cases, inbox, reports, selection
from workflows.campaigns.board import campaign_board
from workflows.campaigns.forms import campaign_notice
from workflows.campaigns.reading import get_campaign
from workflows.case_states import STATES
from workflows.inbox import VIEWS
from workflows.mails import register
from workflows.people import Person
from workflows.reminders import list_owed
from workflows.reviews.standing import read_standing
from workflows.rules import blind_case, campaign_subject, require
from workflows.tables import case

pages = Blueprint("lists", __name__)
PAGE = 500
"""Rows that are read together."""
FORMATS = "<any(csv, xlsx):kind>"

Rows = Iterator[Sequence[Cell]]
PageOf = tuple[list[Sequence[Cell]], str | None]
"""Some rows, and after what the next ones come."""


def send_list(name: str, columns: Sequence[str], rows: Rows, kind: str) -> Response:
    """The answer that carries a list; `columns` are codes of texts."""
    told = words()
    return send_sheet(name, told.say(f"list.{name}"), [told.say(code) for code in columns], rows, kind)


def send_sheet(name: str, title: str, heads: Sequence[str], rows: Rows, kind: str) -> Response:
    """The answer that carries a sheet, as the file `name`. What stops reading stops it here, before anything is sent."""
    first = next(rows, None)
    sheet = Sheet(title, heads, chain([] if first is None else [first], rows), words().say("list.cut"))
    write = {"csv": write_csv, "xlsx": write_xlsx}[kind]
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{kind}"',
        "Cache-Control": "private, no-store",
    }
    return Response(write(sheet), headers=headers, content_type=KINDS[kind])


def read_pages(engine: ProcessEngine, who: Person, read: Callable[[Work, str | None], PageOf]) -> Rows:
    """The rows of all pages, each page read for itself: a long list holds no snapshot."""
    after: str | None = None
    while True:
        with engine.read(by=who.id) as work:
            rows, after = read(work, after)
        yield from rows
        if after is None:
            return


@pages.get(f"/inbox.{FORMATS}")
@signed_in
def list_inbox(kind: str) -> Response:
    """The tasks of one view of the inbox, narrowed as its address asks, in the order of their due dates.

    Raises PageUnknown.
    """
    who, told, asked = reader(), words(), read_asked(request.args)
    view: Any = asked.get("view") if asked.get("view") in VIEWS else "mine"
    narrowed = read_filter(asked)

    def read(work: Work, after: str | None) -> PageOf:
        page = inbox.list_tasks(work, who, view=view, asked=narrowed, limit=PAGE, after=after)
        return [
            (
                line.name,
                line.number,
                line.title,
                line.institution,
                line.campaign_title,
                line.created_at,
                line.due_at,
                told.say("form.yes" if line.overdue else "form.no"),
                line.priority,
                line.claimed_by,
                line.closed_at,
            )
            for line in page.rows
        ], page.next

    columns = ("inbox.task", "case.number", "case.title", "list.unit", "inbox.campaign", "inbox.column.arrived", "inbox.due")
    return send_list(
        "inbox",
        (*columns, "list.overdue", "inbox.column.priority", "list.claimed_by", "inbox.closed"),
        read_pages(process_engine(), who, read),
        kind,
    )


@pages.get(f"/cases.{FORMATS}")
@signed_in
def list_cases(kind: str) -> Response:
    """The cases that the person may see, narrowed as on their page."""
    who, told, asked = reader(), words(), request.args
    campaign_id, text = asked.get("campaign") or None, asked.get("q", "").strip() or None
    state = wish if (wish := asked.get("state")) in STATES else None

    def read(work: Work, after: str | None) -> PageOf:
        page = cases.list_cases(work, who, campaign_id=campaign_id, state=state, text=text, limit=PAGE, after=after)
        return [
            (
                line.number,
                line.title,
                line.unit,
                line.body,
                told.say(f"case.channel.{line.channel}") if line.channel else None,
                told.say(f"case.state.{line.state}"),
                line.received_at,
                line.late_at,
                line.rank,
                line.score,
                line.campaign_title,
            )
            for line in page.lines
        ], page.after

    columns = ("case.number", "case.title", "case.institution", "case.body", "case.channel", "cases.state", "case.received")
    return send_list(
        "cases",
        (*columns, "list.late_at", "case.rank", "case.score", "inbox.campaign"),
        read_pages(process_engine(), who, read),
        kind,
    )


@pages.get(f"/campaigns/<campaign_id>/bodies.{FORMATS}")
@signed_in
def list_bodies(campaign_id: str, kind: str) -> Response:
    """The recommending bodies of the board, each with its counts.

    Raises CampaignUnknown, NotPermitted.
    """

    def read(work: Work, who: Person, _told: Words) -> Rows:
        get_campaign(work, campaign_id, person=who)
        require(who, "campaign.board", campaign_subject(work, campaign_id))
        for line in campaign_board(work, campaign_id, person=who).bodies:
            counts = (line.opened, line.submitted, line.audited, line.recommended)
            yield (line.name, line.cutoff_at, *counts, line.quota_min, line.quota_max, line.recommended_at)

    columns = ("case.body", "list.cutoff", "campaign.opened", "campaign.submitted", "campaign.audited", "campaign.recommended")
    return send_whole("bodies", (*columns, "list.quota_min", "list.quota_max", "list.recommended_at"), read, kind)


@pages.get(f"/campaigns/<campaign_id>/reports.{FORMATS}")
@signed_in
def list_reports(campaign_id: str, kind: str) -> Response:
    """The reports of a campaign that the person may see.

    Raises CampaignUnknown.
    """

    def read(work: Work, who: Person, told: Words) -> Rows:
        get_campaign(work, campaign_id, person=who)
        plans = {
            plan.key: told.both({"zh": plan.zh, "en": plan.en}) for plan in campaign_notice(work, campaign_id).notice.reports
        }
        for line in reports.list_reports(work, campaign_id, reader=who):
            state = told.say(f"report.state.{line.state}")
            yield (line.number, plans.get(line.plan, line.plan), line.period, line.reporter, state, line.due_at, line.received_at)

    columns = ("report.number", "list.plan", "list.period", "list.reporter", "cases.state", "inbox.due", "case.received")
    return send_whole("reports", columns, read, kind)


@pages.get(f"/campaigns/<campaign_id>/panel.{FORMATS}")
@signed_in
def list_panel(campaign_id: str, kind: str) -> Response:
    """The campaign's experts with their sheets.

    Raises CampaignUnknown, NotPermitted.
    """

    def read(work: Work, who: Person, told: Words) -> Rows:
        get_campaign(work, campaign_id, person=who)
        for row in read_standing(work, who, campaign_id).members:
            owed = told.say("form.joint").join(sheet.number for sheet in row.owed)
            yield (row.name, row.unit, told.say(f"panel.state.{row.state}"), row.reason, row.done, len(row.owed), owed)

    columns = ("campaign.expert", "list.unit", "cases.state", "list.reason", "campaign.reviews_done", "campaign.reviews_owed")
    return send_whole("panel", (*columns, "panel.owed_cases"), read, kind)


@pages.get(f"/campaigns/<campaign_id>/missing.{FORMATS}")
@signed_in
def list_missing(campaign_id: str, kind: str) -> Response:
    """What is owed in the campaign, narrowed as on its page.

    Raises CampaignUnknown, NotPermitted.
    """
    who, told, choice = reader(), words(), read_choice(all_of_filter=True)
    joint = told.say("form.joint")

    def read(work: Work, after: str | None) -> PageOf:
        get_campaign(work, campaign_id, person=who)
        subject = campaign_subject(work, campaign_id)
        require(who, "campaign.remind", subject)
        page = list_owed(work, who, subject, choice, limit=PAGE, after=after)
        return [
            (
                line.step,
                joint.join(line.units),
                line.holder,
                line.body,
                line.number,
                line.title,
                line.due_at,
                line.work_days,
                told.say("form.yes" if line.overdue else "form.no"),
                line.sent.count,
                line.sent.last_at,
                line.urged.count,
            )
            for line in page.rows
        ], page.next

    columns = ("missing.step", "missing.who", "list.holder", "case.body", "case.number", "case.title", "inbox.due")
    return send_list(
        "missing",
        (*columns, "list.work_days", "list.overdue", "list.letters_sent", "list.last_letter", "list.urged"),
        read_pages(process_engine(), who, read),
        kind,
    )


@pages.get(f"/campaigns/<campaign_id>/letters.{FORMATS}")
@signed_in
def list_letters(campaign_id: str, kind: str) -> Response:
    """The campaign's letters, masked as on their page.

    Raises CampaignUnknown, NotPermitted.
    """
    who, told = reader(), words()
    state = next((name for name in register.STATES if name == request.args.get("state")), None)

    def read(work: Work, after: str | None) -> PageOf:
        get_campaign(work, campaign_id, person=who)
        page = register.list_letters(work, who, campaign_subject(work, campaign_id), state=state, limit=PAGE, after=after)
        return [
            (
                line.recipient,
                line.unit,
                line.address,
                line.subject,
                line.about,
                told.say(f"letters.state.{line.state}"),
                line.attempts,
                line.written_at,
                line.sent_at,
            )
            for line in page.rows
        ], page.next

    columns = ("letters.recipient", "list.unit", "list.address", "letters.subject", "list.about", "cases.state", "list.attempts")
    rows = read_pages(process_engine(), who, read)
    return send_list("letters", (*columns, "list.written_at", "list.sent_at"), rows, kind)


@pages.get(f"/campaigns/<campaign_id>/selection.{FORMATS}")
@signed_in
def list_selection(campaign_id: str, kind: str) -> Response:
    """The ranking of the reviewed cases, for organisers; without those that the reader reviews.

    Raises CampaignUnknown, NotPermitted.
    """

    def read(work: Work, who: Person, told: Words) -> Rows:
        get_campaign(work, campaign_id, person=who)
        require(who, "campaign.manage", campaign_subject(work, campaign_id))
        states: dict[str, Any] = {
            row.id: row.state
            for row in work.connection.execute(
                sa.select(case.c.id, case.c.state).where(case.c.campaign_id == campaign_id, sa.not_(blind_case(who)))
            )
        }
        for line in selection.ranking(work, campaign_id).lines:
            if line.case_id in states:
                marks = (line.tied, line.disagrees, line.few)
                told_marks = (told.say("form.yes" if mark else "form.no") for mark in marks)
                state = told.say(f"case.state.{states[line.case_id]}")
                yield (line.place, line.number, line.title, line.score.value, state, *told_marks)

    columns = ("list.place", "case.number", "case.title", "case.score", "cases.state", "list.tied", "list.disagrees", "list.few")
    return send_whole("selection", columns, read, kind)


def send_whole(name: str, columns: Sequence[str], read: Callable[[Work, Person, Words], Rows], kind: str) -> Response:
    """A list that is short enough to be read at once."""
    who = reader()
    with process_engine().read(by=who.id) as work:
        rows = list(read(work, who, words()))
    return send_list(name, columns, iter(rows), kind)
