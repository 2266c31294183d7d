"""Who is missing in a campaign and urging them; the campaign's letters and sending one again."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows.campaigns.reading import get_campaign
from workflows.mails import register
from workflows.mails.letters import list_letter_names
from workflows.mails.previewing import preview_letter
from workflows.reminders import (
    DIGEST,
    Choice,
    NobodyChosen,
    OwedCount,
    Preview,
    RemarkTooLong,
    count_owed,
    list_owed,
    list_receivers,
    next_board,
    preview_urge,
    set_digest,
    set_receivers,
    urge_owers,
)
from workflows.rules import campaign_subject, can, require
from workflows.workdays import read_calendar

pages = Blueprint("reminders", __name__)
PAGE = 100
LETTERS = 50
MOST = 1000
"""Tasks that one form may choose one by one; a page has fewer."""


@pages.get("/campaigns/<campaign_id>/missing")
@signed_in
def show_missing(campaign_id: str) -> str:
    """What is owed in the campaign now, within what the reader may remind of; narrowed by step, body and `overdue`.

    Raises CampaignUnknown, NotPermitted, MissingPageUnknown.
    """
    return page(campaign_id)


@pages.post("/campaigns/<campaign_id>/missing")
@signed_in
def remind(campaign_id: str) -> Any:
    """Show who would get what (`op=preview`), or urge them (`op=send`): those chosen, or all that the filter lets through.

    Raises CampaignUnknown, NotPermitted, PageIncomplete.
    """
    who, form = reader(), request.form
    choice = read_choice(all_of_filter=form.get("scope") == "all")
    remark = form.get("remark", "")
    try:
        if form.get("op") != "send":
            with process_engine().read(by=who.id) as work:
                preview = preview_urge(work, who, campaign_id, choice, remark)
            return page(campaign_id, preview=preview, choice=choice, remark=remark)
        asked = {
            "campaign": campaign_id,
            "element": choice.element_id,
            "body": choice.body_id,
            "overdue": choice.overdue,
            "tasks": None if choice.task_ids is None else list(choice.task_ids),
            "remark": remark,
        }

        def act(work: Work) -> dict[str, Any]:
            done = urge_owers(work, who, campaign_id, choice, remark)
            return {name: getattr(done, name) for name in ("tasks", "letters", "unreachable", "following")}

        with process_engine().begin(by=who.id) as work:
            answer = once(work, read_key(), "campaign.remind", asked, lambda: act(work))
    except (NobodyChosen, RemarkTooLong) as problem:
        return page(campaign_id, problem=problem, choice=choice, remark=remark), 422
    tell_next("missing.urged", tasks=answer["tasks"], letters=answer["letters"])
    for name in ("unreachable", "following"):
        if answer[name]:
            tell_next(f"missing.urged_{name}", kind="warn", count=answer[name])
    return redirect(url_for("reminders.show_missing", campaign_id=campaign_id, **filters(choice)), 303)


@pages.get("/campaigns/<campaign_id>/letters")
@signed_in
def list_letters(campaign_id: str) -> str:
    """The campaign's letters, the newest first; `state` narrows them.

    Raises CampaignUnknown, NotPermitted, LetterPageUnknown.
    """
    who, asked = reader(), request.args
    wish = asked.get("state")
    state = wish if wish in register.STATES else None
    with process_engine().read(by=who.id) as work:
        campaign = get_campaign(work, campaign_id, person=who)
        subject = campaign_subject(work, campaign_id)
        shown = register.list_letters(work, who, subject, state=state, limit=LETTERS, after=asked.get("after") or None)
        counts = register.count_letters(work, who, subject)
        receivers = list_receivers(work, campaign_id) if can(who, "campaign.manage", subject) else []
        next_at = next_board(work.now, read_calendar(work)).at
    return render_template(
        "letters.html",
        campaign=campaign,
        page=shown,
        counts=counts,
        state=state,
        receivers=receivers,
        next_at=next_at,
        digest=bool(campaign.settings.get(DIGEST)),
        after=asked.get("after"),
        masked=not can(who, "letter.recipient", subject),
        reminds=can(who, "campaign.remind", subject),
        demo_page=campaign.demo,
    )


@pages.get("/campaigns/<campaign_id>/letters/texts")
@signed_in
def preview_letters(campaign_id: str) -> str:
    """How a letter of the campaign reads in both languages; `letter` names it. Nothing is sent.

    Raises CampaignUnknown, NotPermitted, LetterNameUnknown.
    """
    who, names = reader(), list_letter_names()
    name = request.args.get("letter") or "reminder"
    with process_engine().read(by=who.id) as work:
        campaign = get_campaign(work, campaign_id, person=who)
        subject = campaign_subject(work, campaign_id)
        shown = preview_letter(work, who, subject, name)
    return render_template(
        "letter_texts.html",
        campaign=campaign,
        names=names,
        name=name,
        shown=shown,
        reminds=can(who, "campaign.remind", subject),
        demo_page=campaign.demo,
    )


@pages.post("/campaigns/<campaign_id>/letters/<letter_id>/resend")
@signed_in
def resend(campaign_id: str, letter_id: str) -> Response:
    """Write a letter again, to the address that the person has now.

    Raises CampaignUnknown and what `resend_letter` raises.
    """
    who = reader()

    def act(work: Work) -> dict[str, Any]:
        get_campaign(work, campaign_id, person=who)
        return {"letter": register.resend_letter(work, who, campaign_subject(work, campaign_id), letter_id)}

    with process_engine().begin(by=who.id) as work:
        once(work, read_key(), "letter.resend", {"campaign": campaign_id, "letter": letter_id}, lambda: act(work))
    tell_next("letters.resent")
    return redirect(url_for("reminders.list_letters", campaign_id=campaign_id), 303)


@pages.post("/campaigns/<campaign_id>/weekly-letter")
@signed_in
def set_weekly(campaign_id: str) -> Response:
    """Say which organisers get the weekly letter of the campaign, and whether those who owe something get a digest.

    Raises CampaignUnknown, NotPermitted.
    """
    who, wanted, digest = reader(), sorted(set(request.form.getlist("person"))), request.form.get("digest") == "yes"

    def act(work: Work) -> dict[str, Any]:
        set_receivers(work, who, campaign_id, wanted)
        set_digest(work, who, campaign_id, wanted=digest)
        return {}

    with process_engine().begin(by=who.id) as work:
        once(
            work,
            read_key(),
            "campaign.weekly_letter",
            {"campaign": campaign_id, "persons": wanted, "digest": digest},
            lambda: act(work),
        )
    tell_next("letters.weekly_set")
    return redirect(url_for("reminders.list_letters", campaign_id=campaign_id) + "#weekly", 303)


def page(
    campaign_id: str,
    *,
    problem: Problem | None = None,
    preview: Preview | None = None,
    choice: Choice | None = None,
    remark: str = "",
) -> str:
    """The page of who is missing, with a preview or what is wrong with what was chosen."""
    who = reader()
    chosen = choice or read_choice(all_of_filter=True)
    with process_engine().read(by=who.id) as work:
        campaign = get_campaign(work, campaign_id, person=who)
        subject = campaign_subject(work, campaign_id)
        require(who, "campaign.remind", subject)
        counts = count_owed(work, who, subject)
        shown = Choice(chosen.element_id, chosen.body_id, chosen.overdue)
        owed = list_owed(work, who, subject, shown, limit=PAGE, after=request.args.get("after") or None)
    return render_template(
        "missing.html",
        campaign=campaign,
        page=owed,
        steps=sum_by(counts, "element_id", "step"),
        bodies=[row for row in sum_by(counts, "body_id", "body") if row["id"]],
        total=sum(row.overdue if shown.overdue else row.count for row in counts if fits(row, shown)),
        choice=chosen,
        preview=preview,
        problem=words().tell(problem) if problem else None,
        remark=remark,
        after=request.args.get("after"),
        whole=can(who, "letter.read", subject),
        demo_page=campaign.demo,
    )


def read_choice(*, all_of_filter: bool) -> Choice:
    """What the form or the address means."""
    given = request.values
    ids = tuple(dict.fromkeys(request.form.getlist("task")))[:MOST]
    return Choice(
        element_id=given.get("step") or None,
        body_id=given.get("body") or None,
        overdue=given.get("overdue") == "yes",
        task_ids=None if all_of_filter else ids,
    )


def filters(choice: Choice) -> dict[str, Any]:
    """The choice's filter as arguments of an address."""
    return {"step": choice.element_id, "body": choice.body_id, "overdue": "yes" if choice.overdue else None}


def fits(row: OwedCount, choice: Choice) -> bool:
    """Whether a count is within the filter."""
    return choice.element_id in (None, row.element_id) and choice.body_id in (None, row.body_id)


def sum_by(counts: list[OwedCount], key: str, name: str) -> list[dict[str, Any]]:
    """The counts summed over one of step and body, in their order."""
    found: dict[Any, dict[str, Any]] = {}
    for row in counts:
        line = found.setdefault(
            getattr(row, key),
            {"id": getattr(row, key), "name": getattr(row, name), "count": 0, "overdue": 0, "earliest_at": row.earliest_at},
        )
        line["count"] += row.count
        line["overdue"] += row.overdue
        line["earliest_at"] = min(line["earliest_at"], row.earliest_at)
    return list(found.values())
