"""The inbox: what waits for the person."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from api.pages.present import process_engine, reader, signed_in
from workflows import inbox
from workflows.campaigns.reading import list_campaigns

pages = Blueprint("inbox", __name__)
VIEWS = ("mine", "groups", "done")
PAGE = 50


@pages.get("/inbox")
@signed_in
def show() -> str:
    """A page of tasks: mine, my groups' or done; narrowed by campaign and text.

    Raises PageUnknown.
    """
    who = reader()
    asked = request.args
    campaign_id, text = asked.get("campaign") or None, asked.get("q", "").strip() or None
    wish = asked.get("view")
    with process_engine().read(by=who.id) as work:
        counts = inbox.count_tasks(work, who)
        view: Any = wish if wish in VIEWS else ("mine" if counts.mine or not counts.groups else "groups")
        page = inbox.list_tasks(
            work, who, view=view, campaign_id=campaign_id, text=text, limit=PAGE, after=asked.get("after") or None
        )
        campaigns = list_campaigns(work, who)
    return render_template(
        "inbox.html",
        page=page,
        counts=counts,
        view=view,
        campaigns=campaigns,
        campaign_id=campaign_id,
        text=text,
        after=asked.get("after"),
    )
