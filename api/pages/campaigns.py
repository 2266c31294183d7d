"""Campaigns: the public page of each, the board for those who run it, applications begun."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.diagrams import draw_instance
from api.pages.errors import STATUS
from api.pages.present import PUBLIC, person, process_engine, read_key, reader, signed_in, words
from api.pages.reports import read_confirmations, read_reporting
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows import consultations, publications
from workflows.applications import BodyUnclear, find_end, first_task, list_open_channels, start_application
from workflows.campaigns.board import Board, campaign_board
from workflows.campaigns.forms import drawn_handlers
from workflows.campaigns.reading import Campaign, get_campaign, list_campaigns
from workflows.campaigns.windows import CollectionEnded, CollectionNotOpen, TooLate, list_windows
from workflows.deadlines import load_date
from workflows.notices import get_notice
from workflows.organisations import get_organisation, list_organisations
from workflows.people import Person
from workflows.reviews.standing import read_standing
from workflows.rules import campaign_subject, can
from workflows.stages import find_openable, list_stages
from workflows.tables import recommending_body

pages = Blueprint("campaigns", __name__)
STAGES: Mapping[str, frozenset[str]] = {
    "prepared": frozenset(),
    "collecting": frozenset(),
    "reviewing": frozenset({"reviews.assign"}),
    "selecting": frozenset({"selection.record", "selection.choose"}),
    "consulting": frozenset({"consultations.open"}),
    "publishing": frozenset(),
    "published": frozenset(),
}
"""The phases of a campaign in their order, with the handlers of which one must be drawn where a campaign has such a phase."""


@pages.get("/campaigns")
def list_all() -> str:
    """All campaigns that the person (or the public) may see, newest first."""
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        campaigns = list_campaigns(work, who)
        organisers = {each.organiser_id: get_organisation(work, each.organiser_id).name for each in campaigns}
    creates = bool(who.organisations("organiser"))
    return render_template("campaigns.html", campaigns=campaigns, organisers=organisers, creates=creates)


@pages.get("/campaigns/<campaign_id>")
def show(campaign_id: str) -> Any:
    """A campaign: dates with the notice's words for everybody; counts, bodies and panel for those who run it.

    A body's own stage has a page of its own. Raises CampaignUnknown.
    """
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        within = get_campaign(work, campaign_id, person=who).parent_id is not None
    return redirect(url_for("stages.show", stage_id=campaign_id), 303) if within else page(campaign_id)


def page(campaign_id: str, *, refusal: str | None = None, chosen: Mapping[str, str | None] | None = None) -> str:
    """The campaign's page; `refusal` says why an application could not be begun, `chosen` is what was chosen for it."""
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        campaign = get_campaign(work, campaign_id, person=who)
        subject = campaign_subject(work, campaign_id)
        board = campaign_board(work, campaign_id, person=who) if can(who, "campaign.board", subject) else None
        notice = get_notice(work, campaign.notice_id).notice
        manages = can(who, "campaign.manage", subject)
        drawn = drawn_handlers(work, campaign_id)
        return render_template(
            "campaign.html",
            campaign=campaign,
            organiser=get_organisation(work, campaign.organiser_id),
            deadlines=board.deadlines if board else list_dates(work, campaign),
            board=board,
            totals=count_bodies(board) if board else None,
            track=track_phases(drawn, campaign.phase),
            with_lists="recommendations.submit" in drawn,
            through_bodies="recommended" in list_open_channels(work, campaign_id),
            manages=manages,
            archives=can(who, "campaign.archive", subject),
            panel=read_standing(work, who, campaign_id) if manages else None,
            drawing=draw_instance(work, campaign.instance_id) if board and campaign.instance_id else None,
            applying=choose_application(work, who, campaign_id) if can(who, "campaign.apply", subject) else None,
            consultation=consultations.read_window(work, campaign_id),
            reporting=read_reporting(work, who, campaign),
            confirmations=read_confirmations(work, campaign_id),
            publications=publications.list_publications(work, campaign_id),
            has_rounds=bool(notice.rounds),
            has_activities=bool(notice.activities),
            own_stages=list_stages(work, campaign_id),
            opens_stage=can(who, "stage.open", subject) and bool(find_openable(work, who, campaign_id)),
            refusal=refusal,
            chosen=chosen or {},
            demo_page=campaign.demo,
        )


@pages.post("/campaigns/<campaign_id>/applications")
@signed_in
def apply(campaign_id: str) -> Any:
    """Begin an application and go to its first task.

    Raises what `start_application` raises; what the reader can mend or must know is told on the campaign's page.
    """
    who = reader()
    chosen = {name: request.form.get(name) or None for name in ("channel", "institution", "body")}

    def begin(work: Work) -> dict[str, Any]:
        get_campaign(work, campaign_id, person=who)
        case_id = start_application(
            work,
            who,
            campaign_id,
            channel=chosen["channel"] or "recommended",
            institution_id=chosen["institution"],
            body_id=chosen["body"],
        )
        return {"case": case_id, "task": first_task(work, case_id)}

    try:
        with process_engine().begin(by=who.id) as work:
            answer = once(work, read_key(), "application", {"campaign": campaign_id, **chosen}, lambda: begin(work))
    except (BodyUnclear, TooLate, CollectionEnded, CollectionNotOpen) as problem:
        return page(campaign_id, refusal=say_refusal(problem), chosen=chosen), STATUS[problem.kind]
    if answer["task"] is None:
        return redirect(url_for("cases.show", case_id=answer["case"]), 303)
    return redirect(url_for("tasks.show", task_id=answer["task"]), 303)


def say_refusal(problem: Problem) -> str:
    """Why an application was not begun; nothing of it was written yet, so that nothing is said to be kept."""
    if isinstance(problem, BodyUnclear):
        return words().say("campaign.choose_body")
    if isinstance(problem, TooLate):
        return words().say("campaign.ended_at", at=problem.values["cutoff" if words().language == "zh" else "cutoff_en"])
    return words().tell(problem)


def list_dates(work: Work, campaign: Campaign) -> list[dict[str, Any]]:
    """The campaign's dates for the public, the earliest first and unknown ones last."""
    windows = {each.name: each for each in list_windows(work, campaign.id) if each.organisation_id is None}
    lines = []
    for name, stored in campaign.dates.items():
        value = load_date(stored)
        window = windows.get("collection") if name == "collection_cutoff" else None
        cutoff_at = window.cutoff_at if window else value.cutoff_at
        lines.append({"name": name, "date": value, "cutoff_at": cutoff_at, "state": window.state if window else None})
    return sorted(lines, key=lambda line: (line["cutoff_at"] is None, str(line["cutoff_at"]), line["name"]))


def count_bodies(board: Board) -> dict[str, int]:
    """The sums below the table of bodies."""
    names = ("opened", "submitted", "audited", "recommended")
    return {name: sum(getattr(line, name) for line in board.bodies) for name in names}


def track_phases(drawn: frozenset[str], phase: str) -> list[tuple[str, str]]:
    """The phases that a campaign's diagrams draw, each `done`, `now` or still to come (""); others are passed over."""
    order = list(STAGES)
    at = order.index(phase) if phase in order else len(order)
    shown = [stage for stage, needs in STAGES.items() if not needs or needs & drawn]
    now = next((stage for stage in shown if order.index(stage) >= at), None)
    return [(stage, "now" if stage == now else "done" if order.index(stage) < at else "") for stage in shown]


def choose_application(work: Work, who: Person, campaign_id: str) -> dict[str, Any]:
    """What an applicant chooses from: the institutions, and the bodies (where one does not follow from the place); `ended` says
    why there is nothing to choose any more."""
    members = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == campaign_id)
    bodies = list_organisations(work, ids=list(work.connection.execute(members).scalars()))
    own = list_organisations(work, ids=sorted(who.organisations("applicant")))
    return {
        "institutions": own,
        "bodies": bodies,
        "channels": list_open_channels(work, campaign_id),
        "ended": None if (ended := find_end(work, campaign_id)) is None else say_refusal(ended),
    }
