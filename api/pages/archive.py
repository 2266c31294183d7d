"""The archive of a campaign: what would move, and the buttons that do it and undo it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from api.pages.present import process_engine, read_key, reader, signed_in, tell_next
from engine.idempotency import once
from engine.work import Work
from workflows.campaigns.archiving import preview_archive, start_archive, start_unarchive
from workflows.campaigns.reading import get_campaign

pages = Blueprint("archive", __name__)


@pages.get("/campaigns/<campaign_id>/archive")
@signed_in
def show(campaign_id: str) -> Any:
    """What would move, what is archived already, and how far the work is; it asks for its progress again and again.

    Raises CampaignUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        campaign = get_campaign(work, campaign_id, person=reader())
        found = preview_archive(work, campaign_id, person=reader())
    response = make_response(render_template("archive.html", campaign=campaign, found=found, demo_page=campaign.demo))
    if request.headers.get("HX-Request") and (found.job is None or found.job.state != "running"):
        response.headers["HX-Refresh"] = "true"
    return response


@pages.post("/campaigns/<campaign_id>/archive")
@signed_in
def archive(campaign_id: str) -> Any:
    """Begin to archive.

    Raises CampaignUnknown, NotPermitted, CampaignNotEnded, NothingToArchive.
    """
    return act(campaign_id, "campaign.archive", start_archive)


@pages.post("/campaigns/<campaign_id>/unarchive")
@signed_in
def unarchive(campaign_id: str) -> Any:
    """Begin to put back.

    Raises CampaignUnknown, NotPermitted, CampaignNotEnded, NothingToArchive.
    """
    return act(campaign_id, "campaign.unarchive", start_unarchive)


def act(campaign_id: str, action: str, start: Callable[..., Any]) -> Any:
    """Begin one of the two, once for the form's key."""

    def begin(work: Work) -> dict[str, Any]:
        get_campaign(work, campaign_id, person=reader())
        return {"job": start(work, campaign_id, person=reader()).id}

    with process_engine().begin(by=reader().id) as work:
        once(work, read_key(), action, {"campaign": campaign_id}, lambda: begin(work))
    tell_next("archive.begun")
    return redirect(url_for("archive.show", campaign_id=campaign_id), 303)
