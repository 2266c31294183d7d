"""What an organiser looks after in a campaign: its own history, and its panel of experts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from api.pages.diagrams import draw_instance
from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.idempotency import once
from engine.work import Work
from workflows.campaigns.history import read_campaign_history
from workflows.campaigns.reading import get_campaign
from workflows.reviews.problems import PoolInvalid, ReasonMissing
from workflows.reviews.replacement import add_experts, drop_expert
from workflows.reviews.standing import read_standing

pages = Blueprint("campaign_affairs", __name__)


@pages.get("/campaigns/<campaign_id>/history")
@signed_in
def show_history(campaign_id: str) -> str:
    """The campaign's own history in words, and where it stands in its diagram.

    Raises CampaignUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        campaign = get_campaign(work, campaign_id, person=reader())
        lines = read_campaign_history(work, reader(), campaign_id)
        drawing = draw_instance(work, campaign.instance_id) if campaign.instance_id else None
    return render_template("campaign_history.html", campaign=campaign, lines=lines, drawing=drawing, demo_page=campaign.demo)


@pages.get("/campaigns/<campaign_id>/panel")
@signed_in
def show_panel(campaign_id: str) -> str:
    """The experts: who owes which sheets, which reviews wait for somebody; to add experts and to drop them.

    Raises CampaignUnknown, NotPermitted.
    """
    return panel_page(campaign_id)


def panel_page(campaign_id: str, *, faults: list[str] | None = None, ticked: list[str] | None = None) -> str:
    """The page of the panel, after a refusal with what was chosen."""
    with process_engine().read(by=reader().id) as work:
        campaign = get_campaign(work, campaign_id, person=reader())
        standing = read_standing(work, reader(), campaign_id)
    return render_template(
        "campaign_panel.html",
        campaign=campaign,
        standing=standing,
        faults=faults or [],
        ticked=ticked or [],
        demo_page=campaign.demo,
    )


@pages.post("/campaigns/<campaign_id>/experts")
@signed_in
def add(campaign_id: str) -> Any:
    """Add experts of the pool to the panel; reviews that wait for somebody go to them at once.

    Raises CampaignUnknown, NotPermitted.
    """
    chosen = request.form.getlist("expert")

    def act(work: Work) -> dict[str, Any]:
        get_campaign(work, campaign_id, person=reader())
        added = add_experts(work, reader(), campaign_id, chosen)
        return {"count": len(set(chosen)), "filled": len(added.filled), "vacant": len(added.vacant)}

    try:
        with process_engine().begin(by=reader().id) as work:
            answer = once(work, read_key(), "expert.add", {"campaign": campaign_id, "experts": chosen}, lambda: act(work))
    except PoolInvalid as invalid:
        told = [words().tell(finding) for finding in invalid.findings]
        return panel_page(campaign_id, faults=told, ticked=chosen), STATUS[invalid.kind]
    tell_next("panel.added", kind="warn" if answer["vacant"] else "good", **answer)
    return redirect(url_for("campaign_affairs.show_panel", campaign_id=campaign_id), 303)


@pages.post("/campaigns/<campaign_id>/experts/<person_id>/drop")
@signed_in
def drop(campaign_id: str, person_id: str) -> Response | tuple[str, int]:
    """Take an expert off the panel; others take over the open reviews.

    Raises CampaignUnknown, NotPermitted, ExpertNotOnPanel, ReviewNotStarted.
    """
    reason = request.form.get("reason", "").strip()

    def act(work: Work) -> dict[str, Any]:
        get_campaign(work, campaign_id, person=reader())
        replaced = drop_expert(work, reader(), campaign_id, person_id, reason=reason)
        return {"filled": len(replaced.filled), "vacant": len(replaced.vacant)}

    try:
        with process_engine().begin(by=reader().id) as work:
            asked = {"campaign": campaign_id, "person": person_id, "reason": reason}
            answer = once(work, read_key(), "expert.drop", asked, lambda: act(work))
    except ReasonMissing as missing:
        return panel_page(campaign_id, faults=[words().tell(missing)]), STATUS[missing.kind]
    tell_next("campaign.dropped", kind="warn" if answer["vacant"] else "good", **answer)
    return redirect(url_for("campaign_affairs.show_panel", campaign_id=campaign_id), 303)
