"""Public pages of a campaign: comments and objections, and the published result. No log-in is needed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.present import PUBLIC, process_engine, read_key, tell_next, words
from api.security import limiter
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows import consultations, publications
from workflows.campaigns.reading import get_campaign

pages = Blueprint("consultation", __name__)
FIELDS = ("kind", "case_number", "from_name", "from_contact", "text")


@pages.get("/campaigns/<campaign_id>/consultation")
def show(campaign_id: str) -> str:
    """The cases to be selected, and the form for comments while it is open.

    Raises CampaignUnknown.
    """
    return page(campaign_id)


@pages.post("/campaigns/<campaign_id>/consultation")
@limiter.limit("60 per hour")
def send(campaign_id: str) -> Any:
    """Take a comment; faults are shown beside the fields, nothing typed is lost.

    Raises CampaignUnknown.
    """
    typed = {name: request.form.get(name, "") for name in FIELDS}

    def receive(work: Work) -> dict[str, Any]:
        comment_id = consultations.receive_comment(
            work,
            campaign_id,
            kind=typed["kind"],
            from_name=typed["from_name"],
            from_contact=typed["from_contact"] or None,
            text=typed["text"],
            case_number=typed["case_number"] or None,
        )
        return {"comment": comment_id}

    try:
        with process_engine().begin() as work:
            answer = once(work, read_key(), "comment", {"campaign": campaign_id, **typed}, lambda: receive(work))
    except consultations.CommentInvalid as problem:
        return page(campaign_id, typed=typed, problem=problem), 422
    except (consultations.ConsultationNotOpen, consultations.CommentTooLate) as problem:
        return page(campaign_id, typed=typed, problem=problem), 409
    tell_next("consultation.received", number=answer["comment"][-8:])
    return redirect(url_for("consultation.show", campaign_id=campaign_id), 303)


@pages.get("/campaigns/<campaign_id>/published")
def show_published(campaign_id: str) -> str:
    """The published cases: title and unit only.

    Raises CampaignUnknown.
    """
    with process_engine().read() as work:
        campaign = get_campaign(work, campaign_id, person=PUBLIC)
        published = publications.list_publications(work, campaign_id)
    return render_template("published.html", campaign=campaign, publications=published, demo_page=campaign.demo)


def page(campaign_id: str, *, typed: dict[str, str] | None = None, problem: Problem | None = None) -> str:
    """The page of the consultation, with what was typed and what is wrong with it."""
    with process_engine().read() as work:
        campaign = get_campaign(work, campaign_id, person=PUBLIC)
        window = consultations.read_window(work, campaign_id)
        begun = window is not None and (window.opens_at is None or window.opens_at <= work.now)
        cases = consultations.list_consulted(work, campaign_id) if begun else []
        open_now = begun and window is not None and work.now < window.cutoff_at
    faults: dict[str, list[str]] = {}
    for finding in problem.findings if problem else ():
        faults.setdefault(finding.path or "", []).append(words().tell(finding))
    return render_template(
        "consultation.html",
        campaign=campaign,
        window=window if begun else None,
        open_now=open_now,
        cases=cases,
        typed=typed or {},
        problem=words().tell(problem) if problem else None,
        faults=faults,
        demo_page=campaign.demo,
    )
