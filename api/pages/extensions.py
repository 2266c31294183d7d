"""Deadlines of a campaign for its organisers: all dates, what was moved, and moving them after a preview."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.campaigns import list_dates
from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.definitions import get_definition
from engine.errors import Problem
from engine.idempotency import once
from engine.tables import instance
from engine.work import Work
from workflows import extensions
from workflows.campaigns.forms import campaign_notice
from workflows.campaigns.lateness import ACCEPT, GRACE, MOST_DAYS, MOST_MINUTES, POLICIES, Lateness
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.campaigns.windows import APPLYING, list_windows
from workflows.extensions import ExtensionRefused, Plan, PreviewOutdated
from workflows.organisations import list_organisations
from workflows.rules import campaign_subject, require
from workflows.tables import campaign as campaign_table
from workflows.tables import case

pages = Blueprint("extensions", __name__)
FIELDS = (
    *("way", "date", "new", "organisation", "days", "work_days", "first_day", "rest", "policy", "minutes", "late_days"),
    *("reason", "document_number"),
)
SHOWN = 50
"""Tasks on a page of the preview."""


@pages.get("/campaigns/<campaign_id>/deadlines")
@signed_in
def show(campaign_id: str) -> Any:
    """All dates and cut-offs of the campaign with their sources, what was moved before, and the forms to move them.

    Raises CampaignUnknown, NotPermitted.
    """
    return page(campaign_id, read_typed())


@pages.get("/campaigns/<campaign_id>/deadlines/preview")
@signed_in
def preview(campaign_id: str) -> Any:
    """What the change would move, with a form that confirms exactly this.

    Raises CampaignUnknown, NotPermitted.
    """
    return page(campaign_id, read_typed(), previews=True)


@pages.post("/campaigns/<campaign_id>/deadlines")
@signed_in
def extend(campaign_id: str) -> Any:
    """Do what was previewed; when something has moved meanwhile, show it anew.

    Raises CampaignUnknown, NotPermitted.
    """
    typed, who = read_typed(), reader()
    digest = request.form.get("digest", "")

    def move(work: Work) -> dict[str, Any]:
        get_campaign(work, campaign_id, person=who)
        require(who, "campaign.manage", campaign_subject(work, campaign_id))
        extensions.hold_campaign(work, campaign_id)
        found = extensions.extend(
            work,
            who,
            campaign_id,
            ask(work, campaign_id, typed),
            digest=digest,
            reason=typed["reason"],
            document_number=typed["document_number"],
            decline="decline" in request.form,
        )
        return {"extension": found.id, "tasks": found.tasks, "timers": found.timers}

    try:
        with process_engine().begin(by=who.id) as work:
            done = once(
                work, read_key(), "campaign.extend", {"campaign": campaign_id, "digest": digest, **typed}, lambda: move(work)
            )
    except (ExtensionRefused, PreviewOutdated) as problem:
        return page(campaign_id, typed, previews=True, problem=problem), STATUS[problem.kind]
    tell_next("extensions.done", tasks=done["tasks"], timers=done["timers"])
    return redirect(url_for("extensions.show", campaign_id=campaign_id), 303)


def read_typed() -> dict[str, str]:
    """What was typed, from the address or the form."""
    return {name: request.values.get(name, "").strip()[:1000] for name in FIELDS}


def ask(work: Work, campaign_id: str, typed: Mapping[str, str]) -> extensions.Asked:
    """The change that was typed.

    Raises ExtensionRefused.
    """
    if typed["way"] == "recount":
        return extensions.ask_recount(work, campaign_id)
    if typed["way"] == "late":
        extent = {GRACE: typed["minutes"], ACCEPT: typed["late_days"]}.get(typed["policy"], "")
        return extensions.ask_lateness(work, campaign_id, typed["policy"], int(extent) if extent.isdecimal() else None)
    if typed["way"] != "shift":
        return extensions.ask_extension(
            work,
            campaign_id,
            typed["date"],
            typed["new"],
            organisation_id=typed["organisation"] or None,
            rest=bool(typed["rest"]),
        )
    days, work_days = (int(typed[name]) if typed[name].lstrip("-").isdecimal() else 0 for name in ("days", "work_days"))
    return extensions.ask_shift(work, campaign_id, days=days, work_days=work_days, first_day=typed["first_day"])


def page(campaign_id: str, typed: Mapping[str, str], *, previews: bool = False, problem: Problem | None = None) -> Any:
    """The page; with the preview of what was typed, or with why it is refused."""
    plan, refused = None, problem
    with process_engine().read(by=reader().id) as work:
        campaign = get_campaign(work, campaign_id, person=reader())
        require(reader(), "campaign.manage", campaign_subject(work, campaign_id))
        if previews:
            try:
                plan = extensions.preview_extension(work, reader(), campaign_id, ask(work, campaign_id, typed))
            except ExtensionRefused as refusal:
                refused = refusal
        places = list_places(work, campaign_id)
        earlier = [(each, extensions.read_job(work, each)) for each in extensions.list_extensions(work, campaign_id)]
        start = request.args.get("from", "0")
        begin = int(start) if start.isdecimal() and len(start) < 8 else 0
        html = render_template(
            "deadlines.html",
            campaign=campaign,
            deadlines=list_dates(work, campaign),
            windows=[each for each in list_windows(work, campaign_id) if each.name in APPLYING],
            places=places,
            names={each.id: each.name for each in places},
            earlier=earlier,
            singles=list_singles(campaign, work.now),
            lateness=Lateness.read(campaign.settings),
            policies=POLICIES,
            most={"minutes": MOST_MINUTES, "late_days": MOST_DAYS},
            typed=typed,
            plan=plan,
            counts=None
            if plan is None
            else {"task": extensions.count_moved(plan.tasks), "timer": extensions.count_moved(plan.timers)},
            steps={} if plan is None else name_steps(work, campaign, plan),
            shown=[] if plan is None else plan.tasks[begin : begin + SHOWN],
            begin=begin,
            following=begin + SHOWN if plan is not None and begin + SHOWN < len(plan.tasks) else None,
            faults=[] if refused is None else [words().tell(each) for each in refused.findings] or [words().tell(refused)],
            previews=previews,
            undecided=extensions.list_undecided(work, campaign),
            demo_page=campaign.demo,
        )
    return html if problem is not None or refused is None else (html, STATUS[refused.kind])


def list_singles(campaign: Campaign, now: datetime) -> list[tuple[str, str, datetime]]:
    """The single dates of series that are still to come: date, name and moment."""
    return [
        (name, f"{name}/{key}", moment)
        for name, stored in campaign.dates.items()
        for key, moment in extensions.list_singles(stored).items()
        if moment > now
    ]


def list_places(work: Work, campaign_id: str) -> list[Any]:
    """The bodies of the campaign, then the institutions that have begun a case."""
    bodies = campaign_subject(work, campaign_id).bodies
    applying = sa.select(case.c.institution_id).where(case.c.campaign_id == campaign_id).distinct().limit(SHOWN * 10)
    ids = [*sorted(bodies), *work.connection.execute(applying).scalars()]
    found = {each.id: each for each in list_organisations(work, ids=ids)}
    return sorted(found.values(), key=lambda each: (each.id not in bodies, each.name))


def list_report_definitions(work: Work, campaign: Campaign) -> list[str]:
    """The definition of the campaign's reports, where its notice asks for some."""
    found = campaign_notice(work, campaign.id).definitions.get("report")
    return [] if found is None else [found]


def name_steps(work: Work, campaign: Campaign, plan: Plan) -> dict[str, str]:
    """The names of the elements that move."""
    own = sa.select(instance.c.definition_id).join(campaign_table, campaign_table.c.instance_id == instance.c.id)
    ids = [
        campaign.case_definition_id,
        *list_report_definitions(work, campaign),
        *work.connection.execute(own.where(campaign_table.c.id == campaign.id)).scalars(),
    ]
    nodes = {node.id: node for each in ids for node in get_definition(work, each).model.nodes.values()}
    wanted = {row.element_id for row in (*plan.tasks, *plan.timers)} | {each.element_id for each in plan.reminders}
    return {element: nodes[element].name or element if element in nodes else element for element in wanted}
