"""Stages that recommending bodies run themselves: opening one, and its board."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.diagrams import draw_instance
from api.pages.errors import STATUS
from api.pages.present import PUBLIC, person, process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.moments import SHANGHAI
from engine.work import Work
from workflows import consultations, inbox, stages
from workflows.campaigns.creating import CUTOFF
from workflows.campaigns.reading import get_campaign
from workflows.campaigns.settings import Bounds, list_bounds
from workflows.campaigns.windows import COLLECTION, find_window
from workflows.notices import StoredNotice, get_notice
from workflows.rules import campaign_subject, require
from workflows.stages.opening import list_prefectures

pages = Blueprint("stages", __name__)
PHASES = ("collecting", "reviewing", "consulting", "publishing", "ended")
"""How far a stage is; `selecting` is a moment between ranking and publicity."""


@pages.get("/campaigns/<campaign_id>/stages/new")
@signed_in
def show_opening(campaign_id: str) -> str:
    """The form by which an official of a recommending body opens its own stage, filled with what the overlay proposes.

    Raises CampaignUnknown, NotPermitted.
    """
    return page(campaign_id)


@pages.post("/campaigns/<campaign_id>/stages")
@signed_in
def open_stage(campaign_id: str) -> Any:
    """Open the body's own stage; every fault at once beside its field, nothing typed lost.

    Raises CampaignUnknown, NotPermitted.
    """
    typed = request.form.to_dict()
    with process_engine().read(by=reader().id) as work:
        campaign = get_campaign(work, campaign_id, person=reader())
        require(reader(), "stage.open", campaign_subject(work, campaign_id))
        overlay = find_overlay(stages.list_overlays(work, campaign), typed.get("overlay"))
        bodies = [each.id for each in stages.find_openable(work, reader(), campaign_id)]
        body_id = typed.get("body") or (bodies[0] if bodies else next(iter(reader().organisations("auditor"))))
        asked = list_prefectures(work, body_id) if body_id in reader().organisations("auditor") else []
    if overlay is None:
        raise stages.StageTooLate()
    dates = {name: typed.get(f"date_{name}", "").strip() for name in overlay.notice.dates}
    bounds = list_settings(overlay)
    settings = {name: read_setting(typed.get(f"setting_{name}", ""), each) for name, each in bounds.items()}
    quotas: dict[str, tuple[int | str | None, int | str | None]] = {
        each.id: (typed.get(f"minimum_{each.id}"), typed.get(f"maximum_{each.id}")) for each in asked
    }

    def act(work: Work) -> dict[str, Any]:
        stage_id = stages.open_stage(
            work,
            reader(),
            campaign_id,
            body_id=body_id,
            overlay_id=overlay.id,
            dates=dates,
            settings=settings,
            quotas=quotas,
        )
        return {"stage": stage_id}

    asked_for = {"campaign": campaign_id, **{name: text for name, text in typed.items() if name not in ("csrf_token", "key")}}
    try:
        with process_engine().begin(by=reader().id) as work:
            answer = once(work, read_key(), "stage.open", asked_for, lambda: act(work))
    except stages.StageInvalid as problem:
        return page(campaign_id, typed=typed, problem=problem), STATUS[problem.kind]
    except (stages.StageOpened, stages.StageTooLate) as problem:
        return page(campaign_id, typed=typed, problem=problem), STATUS[problem.kind]
    tell_next("stage.opened")
    return redirect(url_for("stages.show", stage_id=answer["stage"]), 303)


@pages.get("/stages/<stage_id>")
def show(stage_id: str) -> str:
    """A stage: dates for everybody; counts and list for those who run it, a prefecture's own line for its officials.

    Raises CampaignUnknown.
    """
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        board = stages.stage_board(work, stage_id, person=who)
        tasks = inbox.list_tasks(work, who, view="mine").rows + inbox.list_tasks(work, who, view="groups").rows if who.id else ()
        return render_template(
            "stage.html",
            board=board,
            stage=board.stage,
            phases=PHASES,
            at="reviewing" if board.stage.phase == "selecting" else board.stage.phase,
            tasks=[each for each in tasks if each.business_key == board.stage.key],
            consultation=consultations.read_window(work, stage_id),
            drawing=draw_instance(work, board.stage.instance_id) if board.runs and board.stage.instance_id else None,
            demo_page=board.stage.demo,
        )


def page(campaign_id: str, *, typed: dict[str, str] | None = None, problem: Problem | None = None) -> str:
    """The form for opening, with what was typed and what is wrong with it."""
    with process_engine().read(by=reader().id) as work:
        campaign = get_campaign(work, campaign_id, person=reader())
        require(reader(), "stage.open", campaign_subject(work, campaign_id))
        overlays = stages.list_overlays(work, campaign)
        bodies = stages.find_openable(work, reader(), campaign_id)
        chosen = (typed or request.args.to_dict()).get("body") or (bodies[0].id if bodies else "")
        asked = list_prefectures(work, chosen) if any(each.id == chosen for each in bodies) else []
        overlay = find_overlay(overlays, (typed or request.args.to_dict()).get("overlay"))
        national = find_window(work, campaign_id, COLLECTION)
        stated = get_notice(work, campaign.notice_id).notice.dates.get(CUTOFF)
        today = work.now.astimezone(SHANGHAI).date()
    moved = timedelta(0)
    if national is not None and stated is not None and stated.cutoff_at is not None:
        moved = timedelta((national.cutoff_at - stated.cutoff_at).days)
    faults: dict[str, list[str]] = {}
    for finding in problem.findings if problem else ():
        name = (finding.path or "").replace("dates.", "date_").replace("settings.", "setting_")
        if name.startswith("quotas."):
            name = "_".join(reversed(name.split(".")[1:]))
        faults.setdefault(name, []).append(words().tell(finding))
    return render_template(
        "stage_new.html",
        campaign=campaign,
        overlays=overlays,
        overlay=overlay,
        bodies=bodies,
        body=chosen,
        prefectures=asked,
        values=typed or (propose(overlay, [each.id for each in asked], today, moved) if overlay else {}),
        national_at=None if national is None else national.cutoff_at,
        settings=overlay.notice.settings if overlay else {},
        problem=words().tell(problem) if problem else None,
        faults=faults,
        demo_page=campaign.demo,
    )


def find_overlay(overlays: list[stages.OverlayChoice], wanted: str | None) -> StoredNotice | None:
    """The overlay that was chosen, else the first; None where the notice has none."""
    return next((each.notice for each in overlays if each.notice.id == wanted), overlays[0].notice if overlays else None)


def propose(overlay: StoredNotice, prefectures: list[str], today: date, moved: timedelta) -> dict[str, str]:
    """What the form begins with: the overlay's days as far as they are to come, its settings and figures.

    `moved` is how much later than its notice says the campaign's collection ends: the days keep their distance from its end.
    """
    stated = {name: getattr(value, "value", None) for name, value in overlay.notice.dates.items()}
    days = {name: day + moved for name, day in stated.items() if isinstance(day, date)}
    filled = {f"date_{name}": day.isoformat() for name, day in days.items() if day > today}
    filled |= {f"setting_{name}": str(setting.value) for name, setting in overlay.notice.settings.items()}
    quota = overlay.notice.quota
    for each in prefectures if quota is not None else ():
        assert quota is not None
        filled |= {
            f"{name}_{each}": str(fact.value)
            for name, fact in (("minimum", quota.minimum), ("maximum", quota.maximum))
            if fact.value is not None
        }
    return filled


def list_settings(overlay: StoredNotice) -> dict[str, Bounds]:
    """The overlay's own settings."""
    return {name: each for name, each in list_bounds(overlay.notice).items() if name in overlay.notice.settings}


def read_setting(text: str, bounds: Bounds) -> Any:
    """What was typed as the setting's kind of value; what cannot be read stays a text, which its bounds refuse."""
    text = text.strip()
    return int(text) if isinstance(bounds.value, int) and text.isascii() and text.isdigit() and len(text) < 9 else text
