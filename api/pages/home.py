"""The home page, for everybody: what is collecting, what asks for comments, what was published."""

from __future__ import annotations

from flask import Blueprint, render_template

from api.pages.present import PUBLIC, person, process_engine
from workflows.campaigns.reading import list_campaigns
from workflows.organisations import get_organisation

pages = Blueprint("home", __name__)
SECTIONS = {"open": ("collecting",), "consulting": ("consulting",), "published": ("published", "ended")}


@pages.get("/")
def show() -> str:
    """Campaigns by what somebody can do with them now."""
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        campaigns = list_campaigns(work, who)
        organisers = {each.organiser_id: get_organisation(work, each.organiser_id).name for each in campaigns}
    sections = {name: [each for each in campaigns if each.phase in phases] for name, phases in SECTIONS.items()}
    sections["running"] = [each for each in campaigns if not any(each in group for group in sections.values())]
    return render_template("home.html", sections=sections, organisers=organisers)
