"""Cases: the list, and one case with all of it in the order of its life."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, render_template, request

from api.pages.diagrams import draw
from api.pages.fields import Filling, show_form
from api.pages.present import process_engine, reader, signed_in, words
from api.papers import Beside
from engine.errors import Problem
from engine.work import Work
from workflows import arrivals, cases, forwardings
from workflows.applications.refusing import LONGEST_REASON, UNDECIDED
from workflows.campaigns.reading import list_campaigns
from workflows.case_states import STATES
from workflows.cases import CaseView
from workflows.cases.life import MOST_COMMENTS, read_life
from workflows.rules import can, case_subject

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
    """One case in the order of its life: versions, receipts, audits, list, reviews, selection, comments, publication, and so on.

    Raises CaseUnknown.
    """
    shown = page(case_id)
    cases.note_view(process_engine(), reader(), case_id, "page")
    return shown


def page(case_id: str, *, typed: Mapping[str, str] | None = None, problem: Problem | None = None) -> str:
    """The case's page; with what was typed about an arrival and what is wrong with it.

    Raises CaseUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        view = cases.get_case(work, reader(), case_id)
        beside = read_beside(work, view)
        drawing = draw(work, view.marks.definition_id, view.marks.done, view.marks.current) if view.marks else None
        whereto = (*beside.forwardings, beside.origin)
        linked = {each.case_id for each in whereto if each and each.case_id and _may_see(work, each.case_id)}
        may_refuse = view.late_at is not None and can(reader(), "case.refuse_late", case_subject(work, case_id))
        channels = (
            arrivals.list_channels(work, view.campaign.id) if can(reader(), "case.arrive", case_subject(work, case_id)) else []
        )
    files = {attachment.id: attachment for attachment in view.attachments}
    versions = [
        (version, show_form(version.form, Filling(version.values, words().language, files=files)))
        for version in reversed(view.versions)
    ]
    faults: dict[str, list[str]] = {}
    for finding in problem.findings if problem else ():
        faults.setdefault(finding.path or "", []).append(words().tell(finding))
    return render_template(
        "case.html",
        case=view,
        life=beside.life,
        most_comments=MOST_COMMENTS,
        versions=versions,
        drawing=drawing,
        demo_page=view.campaign.demo,
        directions=name_directions(view),
        forwardings=beside.forwardings,
        origin=beside.origin,
        linked=linked,
        arrivals=beside.arrivals,
        channels=channels,
        may_refuse=may_refuse and view.state in UNDECIDED,
        typed=typed or {},
        longest=LONGEST_REASON,
        faults=faults,
    )


def read_beside(work: Work, view: CaseView) -> Beside:
    """What the case's page and paper show beside the case, as the reader may know it; not the talk."""
    life = read_life(work, reader(), view.id)
    if view.blind:
        return Beside(life)
    whereto, origin = forwardings.list_forwardings(work, view.id)
    return Beside(life, arrivals.list_arrivals(work, view.id), whereto, origin)


def _may_see(work: Work, case_id: str) -> bool:
    return can(reader(), "case.read", case_subject(work, case_id))


def name_directions(view: CaseView) -> list[str]:
    """The case's directions in words, as its form names them."""
    latest = view.latest
    field = latest.form.by_key.get("directions") if latest else None
    names: dict[str, str] = {option.value: option.label[words().language] for option in (field.options or ())} if field else {}
    return [names.get(direction, direction) for direction in view.directions]
