"""What the campaign's diagram does itself: issue the notice, open the collection, close it."""

from __future__ import annotations

import sqlalchemy as sa

from engine.handlers import Call
from engine.messages import Outgoing, send_message, send_messages
from engine.tables import message
from workflows.campaigns.windows import BODY, COLLECTION, INSTITUTION, find_window
from workflows.mails import Letter, list_members, queue_letters
from workflows.tables import campaign, case, recommending_body, window

COLLECTING = ("submitted", "returned", "audited")
"""States of recommended cases that wait for somebody within the collection; drafts have their own timer."""


def issue(call: Call) -> None:
    """`campaigns.issue`: the organiser confirms dates, bodies and settings, and names the campaign."""
    title = str(call.form.get("title") or "").strip()
    if title:
        _update(call, title=title[:300])


def open_collection(call: Call) -> None:
    """`campaigns.open_collection`: the organiser's window and those of the bodies open now; the bodies get a letter."""
    work, campaign_id = call.work, call.variables["campaign"]
    work.connection.execute(_windows(campaign_id).values(opens_at=work.now, state="open"))
    _update(call, phase="collecting")
    tell_opened(call)


def tell_opened(call: Call) -> None:
    """The letter that the collection is open, once to each body; nothing while its date is unknown."""
    work, campaign_id = call.work, call.variables["campaign"]
    query = sa.select(recommending_body.c.organisation_id, window.c.cutoff_at).join(
        window,
        sa.and_(
            window.c.campaign_id == recommending_body.c.campaign_id,
            window.c.organisation_id == recommending_body.c.organisation_id,
            window.c.name == BODY,
        ),
    )
    whole = find_window(work, campaign_id, COLLECTION)
    if whole is None:
        return
    rows = work.connection.execute(query.where(recommending_body.c.campaign_id == campaign_id)).all()
    auditors = list_members(work, [f"auditor@{row.organisation_id}" for row in rows])
    letters = (
        Letter(
            "collection_opened",
            auditors[f"auditor@{row.organisation_id}"],
            call.business_key,
            f"collection_opened:{call.business_key}:{row.organisation_id}",
            {"until": whole.cutoff_at, "own_until": row.cutoff_at},
        )
        for row in rows
    )
    queue_letters(work, letters, campaign_id=campaign_id)


def close_collection(call: Call) -> None:
    """`campaigns.close_collection`: the windows are closed, and every case still waiting within the collection is told.

    Not told are drafts (their own timer ends them at the same moment or before), cases that their body has reported already,
    and those that their body's list reached: that message is on its way to them. A campaign without cut-off tells
    those that their institutions still work on. Bodies' own stages without a list are told too.
    """
    work, campaign_id = call.work, call.variables["campaign"]
    work.connection.execute(_windows(campaign_id).values(state="closed"))
    _update(call, phase="reviewing")
    told = sa.select(message.c.id).where(message.c.name == "list_decided", message.c.business_key == case.c.number)
    if find_window(work, campaign_id, COLLECTION) is None:
        within: sa.ColumnElement[bool] = case.c.state.in_(("draft", "returned"))
    else:
        unreported = sa.and_(case.c.reported_at.is_(None), ~told.exists())
        within = sa.and_(case.c.channel == "recommended", case.c.state.in_(COLLECTING), unreported)
    waiting = sa.select(case.c.number).where(case.c.campaign_id == campaign_id, within)
    numbers = work.connection.execute(waiting.order_by(case.c.number)).scalars().all()
    outgoing = (Outgoing(number, f"collection_closed:{number}") for number in numbers)
    send_messages(work, "collection_closed", outgoing, sent_by=call.instance_id)
    stages = (
        sa.select(campaign.c.key)
        .join(recommending_body, recommending_body.c.stage_id == campaign.c.id)
        .where(recommending_body.c.campaign_id == campaign_id, recommending_body.c.recommended_at.is_(None))
    )
    for key in work.connection.execute(stages.order_by(campaign.c.key)).scalars().all():
        send_message(work, "collection_closed", key, unique_key=f"collection_closed:{key}", sent_by=call.instance_id)


def end(call: Call) -> None:
    """`campaigns.end`: nothing more happens in this campaign."""
    _update(call, phase="ended")


def _windows(campaign_id: str) -> sa.Update:
    return sa.update(window).where(window.c.campaign_id == campaign_id, window.c.name.in_((COLLECTION, BODY, INSTITUTION)))


def _update(call: Call, **values: str) -> None:
    call.work.connection.execute(sa.update(campaign).where(campaign.c.id == call.variables["campaign"]).values(**values))
