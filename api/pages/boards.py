"""The board of a campaign in figures: tables, and beside each a chart that is drawn from it."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from api.pages.present import process_engine, reader, signed_in
from workflows.campaigns.figures import AGES, read_figures

pages = Blueprint("boards", __name__)


@pages.get("/campaigns/<campaign_id>/board")
@signed_in
def show(campaign_id: str) -> str:
    """How far the campaign is, of all that the reader sees of it or of one body (`body`).

    Raises CampaignUnknown, NotPermitted, OrganisationUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        figures = read_figures(work, reader(), campaign_id, body_id=request.args.get("body") or None)
    ranges = [(0 if place == 0 else AGES[place - 1], days) for place, days in enumerate(AGES)]
    return render_template(
        "board.html", figures=figures, campaign=figures.campaign, ranges=ranges, oldest=AGES[-1], demo_page=figures.campaign.demo
    )
