"""Making a campaign: of a released notice, or after an earlier campaign with its dates moved; and the two compared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Finding
from engine.idempotency import once
from engine.work import Work
from workflows.campaigns.comparing import compare_campaigns
from workflows.campaigns.creating import CampaignInvalid
from workflows.campaigns.proposing import Proposal, ProposedSetting, open_campaign, propose_campaign, split_cutoff
from workflows.campaigns.reading import Campaign, get_campaign, list_campaigns
from workflows.campaigns.settings import Bounds
from workflows.notices import NoticeSummary, get_notice, list_notices
from workflows.people import Person
from workflows.rules import NotPermitted, campaign_subject, can, require

pages = Blueprint("new_campaign", __name__)
LONGEST_TITLE = 300


@dataclass(frozen=True, slots=True)
class Filled:
    """What the form is filled with: a text for each of its fields, the bodies that are ticked, and its faults by field."""

    texts: dict[str, str]
    bodies: frozenset[str]
    faults: dict[str, list[str]] = field(default_factory=dict)


@pages.get("/campaigns/new")
@signed_in
def show() -> str:
    """Choose a notice or an earlier campaign; with `notice` or `from` the form of the new campaign.

    Raises NotPermitted, NoticeUnknown, CampaignUnknown.
    """
    who = reader()
    require_organiser(who)
    notice_id, earlier_id = request.args.get("notice") or None, request.args.get("from") or None
    with process_engine().read(by=who.id) as work:
        if notice_id is None and earlier_id is None:
            return render_template("campaign_choose.html", notices=list_newest(work), campaigns=list_own(work, who))
        proposal = propose_campaign(work, who, notice_id=notice_id, earlier_id=earlier_id)
    return render_form(proposal, fill(proposal))


@pages.post("/campaigns/new")
@signed_in
def create() -> Any:
    """Make the campaign; every fault at once, nothing typed lost.

    Raises NotPermitted, NoticeUnknown, NoticeNotDeployed, CampaignUnknown, OrganisationUnknown.
    """
    who, sent = reader(), request.form
    require_organiser(who)
    earlier_id = sent.get("from") or None
    with process_engine().read(by=who.id) as work:
        proposal = propose_campaign(work, who, notice_id=sent.get("notice"), earlier_id=earlier_id)
    asked = read_sent(proposal, sent)

    def make(work: Work) -> dict[str, Any]:
        return {"campaign": open_campaign(work, who, **asked, demo=current_app.extensions["demo"])}

    try:
        with process_engine().begin(by=who.id) as work:
            answer = once(work, read_key(), "campaign.create", asked, lambda: make(work))
    except CampaignInvalid as invalid:
        told = MultiDict(sent)
        filled = Filled(told.to_dict(), frozenset(sent.getlist("body")), sort_faults(proposal, asked, invalid.findings))
        return render_form(proposal, filled), STATUS[invalid.kind]
    tell_next("new_campaign.made")
    if earlier_id is not None:
        return redirect(url_for("new_campaign.compare", campaign_id=answer["campaign"], before=earlier_id), 303)
    return redirect(url_for("campaigns.show", campaign_id=answer["campaign"]), 303)


@pages.get("/campaigns/<campaign_id>/compare")
@signed_in
def compare(campaign_id: str) -> str:
    """What differs from an earlier campaign: dates, settings, bodies; by default from the one made before it.

    Raises CampaignUnknown, NotPermitted.
    """
    who = reader()
    with process_engine().read(by=who.id) as work:
        campaign = get_campaign(work, campaign_id, person=who)
        require(who, "campaign.manage", campaign_subject(work, campaign_id))
        others = [each for each in list_own(work, who) if each.id != campaign_id]
        same = [each for each in others if each.notice_key == campaign.notice_key and each.created_at <= campaign.created_at]
        before = request.args.get("before") or next((each.id for each in (*same, *others)), None)
        compared = None if before is None else compare_campaigns(work, who, before, campaign_id)
        stated = get_notice(work, campaign.notice_id).notice.settings
    names = {name: words().both({"zh": each.zh, "en": each.en}) for name, each in stated.items()}
    return render_template(
        "campaign_compare.html",
        campaign=campaign,
        others=others,
        compared=compared,
        names=names,
        demo_page=campaign.demo,
        before=before,
    )


def require_organiser(who: Person) -> None:
    """Nothing when the person organises somewhere.

    Raises NotPermitted.
    """
    if not who.organisations("organiser"):
        raise NotPermitted(action="campaign.create")


def list_newest(work: Work) -> list[NoticeSummary]:
    """The newest released version of each notice that a campaign can follow: not of overlays, which bodies open within one."""
    newest: dict[str, NoticeSummary] = {}
    for each in list_notices(work):
        if each.state == "deployed" and each.extends_id is None:
            newest.setdefault(each.key, each)
    return list(newest.values())


def list_own(work: Work, who: Person) -> list[Campaign]:
    """The campaigns that the person organises, newest first."""
    return [each for each in list_campaigns(work, who) if can(who, "campaign.manage", campaign_subject(work, each.id))]


# ---- the form --------------------------------------------------------------------------------------------------------
def render_form(proposal: Proposal, filled: Filled) -> str:
    """The page of the form."""
    return render_template("campaign_new.html", proposal=proposal, filled=filled, setting_name=name_setting(proposal))


def fill(proposal: Proposal) -> Filled:
    """The form as it begins."""
    texts = {"campaign_key": "", "title": proposal.title}
    for line in proposal.dates:
        texts |= write_cutoff(f"date.{line.name}", line.moment)
    for setting in proposal.settings:
        texts[f"setting.{setting.name}"] = write_setting(setting.value)
    for body in proposal.bodies:
        texts |= write_cutoff(f"cutoff.{body.organisation.id}", body.cutoff_at)
    return Filled(texts, frozenset(body.organisation.id for body in proposal.bodies if body.chosen))


def write_cutoff(name: str, cutoff_at: datetime | None) -> dict[str, str]:
    """A cut-off as its two fields, a day and a time (empty: the day's end)."""
    if cutoff_at is None:
        return {}
    day, clock = split_cutoff(cutoff_at)
    return {f"{name}.day": day.isoformat(), f"{name}.time": f"{clock:%H:%M}" if clock else ""}


def write_setting(value: Any) -> str:
    """A setting's value as its field holds it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def read_sent(proposal: Proposal, sent: MultiDict[str, str]) -> dict[str, Any]:
    """What was typed, as `open_campaign` takes it; what cannot be read is left as it is, so that it is told with the rest."""
    dates = {line.name: read_cutoff(f"date.{line.name}", sent) for line in proposal.dates}
    chosen = dict.fromkeys(sent.getlist("body"))
    return {
        "notice_id": proposal.notice.id,
        "key": sent.get("campaign_key", "").strip(),
        "organiser_id": sent.get("organiser") or (proposal.organisers[0].id if proposal.organisers else ""),
        "title": sent.get("title", "").strip()[:LONGEST_TITLE] or None,
        "dates": {name: given for name, given in dates.items() if given is not None},
        "settings": {
            each.name: read_setting(each.bounds, sent[f"setting.{each.name}"].strip())
            for each in proposal.settings
            if f"setting.{each.name}" in sent
        },
        "bodies": [(body_id, read_cutoff(f"cutoff.{body_id}", sent)) for body_id in chosen],
    }


def read_cutoff(name: str, sent: MultiDict[str, str]) -> str | None:
    """A day or, with a time, a moment in Beijing as ISO text; None when nothing was typed."""
    day, clock = sent.get(f"{name}.day", "").strip(), sent.get(f"{name}.time", "").strip()
    if not day and not clock:
        return None
    return f"{day}T{clock}+08:00" if clock else day


def read_setting(bounds: Bounds, text: str) -> Any:
    """A typed value in the kind of the setting; the text itself where it is of no such kind."""
    if isinstance(bounds.value, bool):
        return {"yes": True, "no": False}.get(text, text)
    if text == "":
        return None
    if bounds.choices:
        return next((choice for choice in bounds.choices if str(choice) == text), text)
    numeric = bounds.minimum is not None or bounds.maximum is not None or isinstance(bounds.value, int)
    return int(text) if numeric and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 10 else text


def sort_faults(proposal: Proposal, asked: dict[str, Any], findings: tuple[Finding, ...]) -> dict[str, list[str]]:
    """The faults in words, by the field of the form that has them; things are called as the page calls them."""
    found: dict[str, list[str]] = {}
    names = {each.name: name_setting(proposal)(each) for each in proposal.settings}
    for finding in findings:
        part, _, rest = (finding.path or "").partition(".")
        values = dict(finding.values)
        place = "campaign_key" if part == "key" else part
        if part == "dates":
            line = next((each for each in proposal.dates if rest == each.name or rest.startswith(f"{each.name}.")), None)
            name = rest if line is None else line.name
            place, values["date"] = f"date.{name}.day", words().date_name(name, None if line is None else line.stated)
        elif part == "settings":
            place, values["setting"] = f"setting.{rest}", names.get(rest, rest)
        elif part.startswith("bodies["):
            body_id = asked["bodies"][int(part[len("bodies[") : part.index("]")])][0]
            place = f"cutoff.{body_id}.day"
        found.setdefault(place, []).append(words().tell(replace(finding, values=values)))
    return found


def name_setting(proposal: Proposal) -> Any:
    """How settings are called: by their notice, else by our catalogue."""
    stated = proposal.notice.notice.settings

    def name(setting: ProposedSetting) -> str:
        if setting.name in stated:
            own = stated[setting.name]
            return own.zh if words().language == "zh" else own.en
        return words().say_or(f"setting.{setting.name}", setting.name)

    return name
