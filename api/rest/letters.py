"""`/campaigns/{id}/letters` and `/weekly-letter`: what was written to whom, what became of it, and the weekly letter."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Id, Listed, Paging, Told, write_cursor
from engine.work import Work
from workflows import reminders
from workflows.campaigns.reading import get_campaign
from workflows.mails import register
from workflows.rules import campaign_subject, require
from workflows.workdays import read_calendar

resource = Resource("letters")
State = Literal["waiting", "retrying", "sent", "failed", "held", "withdrawn"]


class LettersAsked(Paging):
    """Letters of one state, else all."""

    state: State | None = None


class FailureTold(Told):
    """Why a letter did not leave: the mailbox, the address, the way to the server, or something else."""

    kind: str
    answer: str


class LetterTold(Told):
    """One letter by one way; `recipient` and `address` (of a gateway its name) are masked for administrators."""

    id: str
    recipient: str
    unit: str | None
    channel: Literal["mail", "webhook"]
    address: str
    subject: str
    about: str | None
    state: State
    attempts: int
    failure: FailureTold | None
    written_at: datetime
    sent_at: datetime | None
    next_try_at: datetime | None
    resent: bool
    resent_of: str | None
    resent_by: str | None
    can_resend: bool


class LettersTold(Listed):
    """A page of letters, the newest first; `counts` are of the whole campaign, by state."""

    counts: dict[str, int]
    items: list[LetterTold]


class ResentTold(Told):
    """The new attempt."""

    letter: str


class ReceiverTold(Told):
    """An organiser, and whether the weekly letter is wanted."""

    id: str
    name: str
    wanted: bool


class WeeklyTold(Told):
    """The weekly letter: when the next one leaves, and who gets it; `digest`: whether there is one on each work day."""

    week: date
    next_at: datetime
    receivers: list[ReceiverTold]
    digest: bool


class WeeklyAsked(Asked):
    """The organisers who get the weekly letter from now on; nobody else does. `digest`: whether there is one (null: as it is)."""

    persons: Annotated[list[Id], Field(max_length=1000)]
    digest: bool | None = None


@resource.get("/campaigns/<campaign_id>/letters", LettersTold, query=LettersAsked)
def list_all(campaign_id: str, query: LettersAsked) -> LettersTold:
    """The letters of a campaign, and what became of them.

    Raises CampaignUnknown, NotPermitted, LetterPageUnknown.
    """
    who = reader()
    with process_engine().read(by=who.id) as work:
        get_campaign(work, campaign_id, person=who)
        subject = campaign_subject(work, campaign_id)
        page = register.list_letters(work, who, subject, state=query.state, limit=query.limit, after=query.after)
        counts = register.count_letters(work, who, subject)
    return LettersTold(
        counts={str(name): count for name, count in counts.items()},
        items=[LetterTold.model_validate(each) for each in page.rows],
        next=write_cursor(page.next),
    )


@resource.post("/campaigns/<campaign_id>/letters/<letter_id>/resend", ResentTold)
def resend(campaign_id: str, letter_id: str, key: str) -> Any:
    """Write a letter again, to the address that the person has now.

    Raises CampaignUnknown, NotPermitted, LetterUnknown, LetterWaiting, LetterResent, LetterOutdated, RecipientUnreachable.
    """

    def write(work: Work) -> ResentTold:
        get_campaign(work, campaign_id, person=reader())
        subject = campaign_subject(work, campaign_id)
        return ResentTold(letter=register.resend_letter(work, reader(), subject, letter_id))

    return act(key, "letter.resend", {"campaign": campaign_id, "letter": letter_id}, write)


@resource.get("/campaigns/<campaign_id>/weekly-letter", WeeklyTold)
def show_weekly(campaign_id: str) -> WeeklyTold:
    """When the next weekly letter of a campaign leaves, and who gets it.

    Raises CampaignUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        return tell_weekly(work, campaign_id)


@resource.post("/campaigns/<campaign_id>/weekly-letter", WeeklyTold, takes=WeeklyAsked)
def set_weekly(campaign_id: str, body: WeeklyAsked, key: str) -> Any:
    """Say which organisers get the weekly letter, and whether there is a digest.

    Raises CampaignUnknown, NotPermitted.
    """

    def choose(work: Work) -> WeeklyTold:
        reminders.set_receivers(work, reader(), campaign_id, body.persons)
        if body.digest is not None:
            reminders.set_digest(work, reader(), campaign_id, wanted=body.digest)
        return tell_weekly(work, campaign_id)

    return act(key, "campaign.weekly_letter", {"campaign": campaign_id, **body.model_dump()}, choose)


def tell_weekly(work: Work, campaign_id: str) -> WeeklyTold:
    """The weekly letter for an organiser of the campaign.

    Raises CampaignUnknown, NotPermitted.
    """
    found = get_campaign(work, campaign_id, person=reader())
    require(reader(), "campaign.manage", campaign_subject(work, campaign_id))
    board = reminders.next_board(work.now, read_calendar(work))
    receivers = reminders.list_receivers(work, campaign_id)
    return WeeklyTold(
        week=board.week,
        next_at=board.at,
        receivers=[ReceiverTold(id=each.id, name=each.name, wanted=wanted) for each, wanted in receivers],
        digest=bool(found.settings.get(reminders.DIGEST)),
    )
