"""`/campaigns`: what is collected, until when, and how far it is; the beginning of an application."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from api.pages.campaigns import list_dates
from api.pages.present import PUBLIC, person, process_engine, reader, words
from api.rest.cases import HistoryTold
from api.rest.me import OrganisationTold
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Free, Id, Listed, Paging, Told, cut_page
from engine.errors import InstanceNotRunning
from engine.work import Work
from workflows import publications
from workflows.applications import first_task, start_application
from workflows.campaigns import CollectionEnded, CollectionNotOpen, TooLate, list_windows
from workflows.campaigns.board import campaign_board
from workflows.campaigns.history import read_campaign_history
from workflows.campaigns.reading import Campaign, get_campaign, list_campaigns
from workflows.deadlines import load_date
from workflows.organisations import get_organisation
from workflows.people import Person
from workflows.rules import campaign_subject, can

resource = Resource("campaigns")


class CampaignTold(Told):
    """A campaign in a list."""

    id: str
    key: str
    title: str
    phase: str
    demo: bool
    notice_key: str
    notice_version: int
    organiser_id: str
    created_at: datetime


class CampaignsTold(Listed):
    """A page of campaigns, newest first."""

    items: list[CampaignTold]


class DateTold(Told):
    """A date: `said` in the reader's language, `words` of the notice, our `reading` of them, its `source`; `value` holds all."""

    name: str
    kind: str
    said: str
    words: str | None
    reading: str
    source: str
    due_on: date | None
    cutoff_at: datetime | None
    state: str | None
    value: Free


class BodyTold(Told):
    """A recommending body with its counts; `cutoff_at` is null while the campaign's cut-off is unknown."""

    organisation_id: str
    name: str
    short_name: str
    cutoff_at: datetime | None
    opened: int
    submitted: int
    audited: int
    recommended: int
    quota_min: int | None
    quota_max: int | None
    below_quota: bool
    recommended_at: datetime | None


class BoardTold(Told):
    """Counts of cases by state (`direct`: those reported directly), bodies, open tasks by step."""

    states: dict[str, int]
    direct: dict[str, int]
    bodies: list[BodyTold]
    open_tasks: dict[str, int]
    overdue_tasks: int
    incidents: int


class CampaignWholeTold(CampaignTold):
    """One campaign. `board` is null for who may not see it, `settings` for all but its organisers."""

    organiser: OrganisationTold
    dates: list[DateTold]
    board: BoardTold | None
    settings: Free | None
    published_at: datetime | None


class WindowTold(Told):
    """Until when something may reach somebody: in time means received before `cutoff_at`."""

    id: str
    name: str
    organisation_id: str | None
    opens_at: datetime | None
    cutoff_at: datetime
    state: str


class WindowsTold(Told):
    """All windows that the caller may see, by cut-off."""

    items: list[WindowTold]


class CampaignHistoryTold(Told):
    """The campaign's own chain, in its order."""

    items: list[HistoryTold]


class ApplicationAsked(Asked):
    """Which way the application goes; `institution` only for who applies for several, `body` where it does not follow."""

    channel: Literal["recommended", "direct"]
    institution: Id | None = None
    body: Id | None = None


class ApplicationTold(Told):
    """The new case, and the task at which it waits."""

    case: str
    task: str | None


@resource.get("/campaigns", CampaignsTold, query=Paging, public=True)
def list_all(query: Paging) -> CampaignsTold:
    """Campaigns that the caller (or the public) may see, newest first.

    Raises PageUnknown.
    """
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        found = list_campaigns(work, who)
    page, following = cut_page(found, query, lambda each: each.id)
    return CampaignsTold(items=[CampaignTold.model_validate(each) for each in page], next=following)


@resource.get("/campaigns/<campaign_id>", CampaignWholeTold, public=True, tagged=True)
def show(campaign_id: str) -> CampaignWholeTold:
    """One campaign with its dates, and its board for who may see it.

    Raises CampaignUnknown.
    """
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        found = get_campaign(work, campaign_id, person=who)
        subject = campaign_subject(work, campaign_id)
        board = campaign_board(work, campaign_id, person=who) if can(who, "campaign.board", subject) else None
        published = publications.list_publications(work, campaign_id)
        return CampaignWholeTold(
            **CampaignTold.model_validate(found).model_dump(),
            organiser=OrganisationTold.model_validate(get_organisation(work, found.organiser_id)),
            dates=tell_dates(work, found),
            board=None if board is None else BoardTold.model_validate(board),
            settings=dict(found.settings) if can(who, "campaign.manage", subject) else None,
            published_at=published[-1].published_at if published else None,
        )


@resource.get("/campaigns/<campaign_id>/windows", WindowsTold, public=True)
def show_windows(campaign_id: str) -> WindowsTold:
    """The campaign's windows; those of single bodies only for who sees the body on the board.

    Raises CampaignUnknown.
    """
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        get_campaign(work, campaign_id, person=who)
        seen = list_board_bodies(work, who, campaign_id)
        windows = [
            each for each in list_windows(work, campaign_id) if each.organisation_id is None or each.organisation_id in seen
        ]
    return WindowsTold(items=[WindowTold.model_validate(each) for each in windows])


@resource.get("/campaigns/<campaign_id>/history", CampaignHistoryTold)
def show_history(campaign_id: str) -> CampaignHistoryTold:
    """What the organisers and the clock did in the campaign.

    Raises CampaignUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        lines = read_campaign_history(work, reader(), campaign_id)
    return CampaignHistoryTold(items=[HistoryTold.model_validate(line) for line in lines])


@resource.post(
    "/campaigns/<campaign_id>/applications",
    ApplicationTold,
    takes=ApplicationAsked,
    status=201,
    raises=(TooLate, CollectionEnded, CollectionNotOpen, InstanceNotRunning),
)
def apply(campaign_id: str, body: ApplicationAsked, key: str) -> ApplicationTold:
    """Begin an application.

    Raises what `start_application` raises.
    """
    who = reader()

    def begin(work: Work) -> ApplicationTold:
        get_campaign(work, campaign_id, person=who)
        case_id = start_application(
            work, who, campaign_id, channel=body.channel, institution_id=body.institution, body_id=body.body
        )
        return ApplicationTold(case=case_id, task=first_task(work, case_id))

    told: ApplicationTold = act(key, "application", {"campaign": campaign_id, **body.model_dump()}, begin)
    return told


def tell_dates(work: Work, found: Campaign) -> list[DateTold]:
    """The campaign's dates, the earliest first and unknown ones last."""
    told = []
    for line in list_dates(work, found):
        value = load_date(found.dates[line["name"]])
        told.append(
            DateTold(
                name=line["name"],
                kind=value.kind,
                said=words().date_value(value),
                words=value.words,
                reading=words().reading(value),
                source=value.source,
                due_on=value.due_on,
                cutoff_at=line["cutoff_at"],
                state=line["state"],
                value=value.model_dump(mode="json", exclude_none=True),
            )
        )
    return told


def list_board_bodies(work: Work, who: Person, campaign_id: str) -> set[str]:
    """The bodies that the person sees on the board."""
    if not can(who, "campaign.board", campaign_subject(work, campaign_id)):
        return set()
    return {line.organisation_id for line in campaign_board(work, campaign_id, person=who).bodies}
