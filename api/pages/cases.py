"""Cases: the list, and one case with all of it in the order of its life."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from api.pages.diagrams import draw
from api.pages.fields import Filling, show_form
from api.pages.present import process_engine, reader, signed_in, words
from workflows import cases
from workflows.campaigns.reading import list_campaigns
from workflows.cases import CaseView
from workflows.cases.states import STATES

pages = Blueprint("cases", __name__)
PAGE = 50


@pages.get("/cases")
@signed_in
def list_all() -> str:
    """The cases that the person may see, by number, to be narrowed by campaign, state and text."""
    asked = request.args
    campaign_id, state, text = asked.get("campaign") or None, asked.get("state"), asked.get("q", "").strip() or None
    with process_engine().read(by=reader().id) as work:
        page = cases.list_cases(
            work,
            reader(),
            campaign_id=campaign_id,
            state=state if state in STATES else None,
            text=text,
            limit=PAGE,
            after=asked.get("after") or None,
        )
        campaigns = list_campaigns(work, reader())
    return render_template(
        "cases.html",
        page=page,
        campaigns=campaigns,
        campaign_id=campaign_id,
        state=state,
        text=text,
        states=STATES,
        after=asked.get("after"),
    )


@pages.get("/cases/<case_id>")
@signed_in
def show(case_id: str) -> str:
    """One case: state, application versions, receipts, audits, reviews as visible, history, diagram.

    Raises CaseUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        view = cases.get_case(work, reader(), case_id)
        drawing = draw(work, view.marks.definition_id, view.marks.done, view.marks.current) if view.marks else None
    files = {attachment.id: attachment for attachment in view.attachments}
    versions = [
        (version, show_form(version.form, Filling(version.values, words().language, files=files)))
        for version in reversed(view.versions)
    ]
    return render_template(
        "case.html", case=view, versions=versions, drawing=drawing, demo_page=view.campaign.demo, directions=name_directions(view)
    )


def name_directions(view: CaseView) -> list[str]:
    """The case's directions in words, as its form names them."""
    latest = view.latest
    field = latest.form.by_key.get("directions") if latest else None
    names: dict[str, str] = {option.value: option.label[words().language] for option in (field.options or ())} if field else {}
    return [names.get(direction, direction) for direction in view.directions]
