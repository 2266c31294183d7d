"""`/campaigns/{id}/stages` and `/stages`: what recommending bodies run themselves within a campaign."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.pages.present import PUBLIC, person, process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Free, Id, Text, Told
from engine.work import Work
from workflows import stages
from workflows.campaigns.reading import get_campaign
from workflows.rules import campaign_subject, can
from workflows.stages.opening import list_prefectures

resource = Resource("stages")
Count = Annotated[int, Field(ge=0, le=100_000)]
Day = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,59}$")]


class StageLineTold(Told):
    """A body's own stage within a campaign."""

    id: str
    body_id: str
    body: str
    phase: str


class PlaceTold(Told):
    """An organisation by its names."""

    id: str
    name: str
    short_name: str


class OpenableTold(Told):
    """A body for which the caller could open a stage now, and the prefectures that would take part."""

    body: PlaceTold
    prefectures: list[PlaceTold]


class OverlayTold(Told):
    """What a stage can follow: `dates` (null: to be given) and `settings` by name, as the overlay proposes them."""

    id: str
    key: str
    version: int
    title: str
    dates: dict[str, date | None]
    settings: Free


class StagesTold(Told):
    """The stages of a campaign; `openable` and `overlays` are empty for who cannot open one."""

    items: list[StageLineTold]
    openable: list[OpenableTold]
    overlays: list[OverlayTold]


class QuotaAsked(Asked):
    """Least and most cases of a prefecture; null: no figure."""

    minimum: Count | None = None
    maximum: Count | None = None


class StageAsked(Asked):
    """Whose stage follows which overlay; what is left out is as the overlay says. `quotas` are by the prefecture's id."""

    body: Id
    overlay: Id
    dates: dict[Name, Day] = {}
    settings: dict[Name, bool | int | Text] = {}
    quotas: dict[Id, QuotaAsked] = {}


class OpenedTold(Told):
    """The stage, which has begun."""

    stage: str


class DateTold(Told):
    """A date of the stage; `state` is that of its window, if it has one."""

    name: str
    due_on: date | None
    cutoff_at: datetime | None
    state: str | None


class CountsTold(Told):
    """Cases by how far they are; `waiting` for the first check, `late` of them overdue."""

    opened: int
    received: int
    waiting: int
    late: int
    checked: int
    audited: int
    listed: int


class PrefectureTold(Told):
    """One prefecture (null: units directly below the body); `missing` are the cases that it still owes."""

    organisation_id: str | None
    name: str
    quota_min: int | None
    quota_max: int | None
    missing: int
    cases: CountsTold


class RankedTold(Told):
    """A case of the list, in its order."""

    id: str
    number: str
    title: str
    unit: str


class ListTold(Told):
    """The ranked list; `sha256` once it is sealed."""

    sealed: bool
    sealed_at: datetime | None
    sha256: str | None
    items: list[RankedTold]


class StageTold(Told):
    """One stage: dates for everybody, `lines` and `states` as far as the caller sees counts, `ranking` for who runs it."""

    id: str
    key: str
    title: str
    phase: str
    demo: bool
    body: str
    campaign_id: str
    campaign_title: str
    created_at: datetime
    dates: list[DateTold]
    states: dict[str, int]
    lines: list[PrefectureTold]
    ranking: ListTold | None


@resource.get("/campaigns/<campaign_id>/stages", StagesTold, public=True)
def list_all(campaign_id: str) -> StagesTold:
    """The stages that bodies run in a campaign, and what the caller needs to open one.

    Raises CampaignUnknown.
    """
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        campaign = get_campaign(work, campaign_id, person=who)
        found = stages.list_stages(work, campaign_id)
        opens = can(who, "stage.open", campaign_subject(work, campaign_id))
        bodies = stages.find_openable(work, who, campaign_id) if opens else []
        openable = [
            OpenableTold(
                body=PlaceTold.model_validate(body),
                prefectures=[PlaceTold.model_validate(each) for each in list_prefectures(work, body.id)],
            )
            for body in bodies
        ]
        overlays = stages.list_overlays(work, campaign) if opens else []
    return StagesTold(
        items=[StageLineTold.model_validate(each) for each in found],
        openable=openable,
        overlays=[tell_overlay(each) for each in overlays],
    )


@resource.post("/campaigns/<campaign_id>/stages", OpenedTold, takes=StageAsked, status=201)
def open_stage(campaign_id: str, body: StageAsked, key: str) -> Any:
    """Open the body's own stage; every fault at once.

    Raises CampaignUnknown, NotPermitted, NoticeUnknown, StageOpened, StageTooLate, StageInvalid.
    """

    def begin(work: Work) -> OpenedTold:
        stage_id = stages.open_stage(
            work,
            reader(),
            campaign_id,
            body_id=body.body,
            overlay_id=body.overlay,
            dates=body.dates,
            settings=body.settings,
            quotas={name: (each.minimum, each.maximum) for name, each in body.quotas.items()},
        )
        return OpenedTold(stage=stage_id)

    return act(key, "stage.open", {"campaign": campaign_id, **body.model_dump()}, begin)


@resource.get("/stages/<stage_id>", StageTold, public=True, tagged=True)
def show(stage_id: str) -> StageTold:
    """One stage with its board, as far as the caller sees it.

    Raises CampaignUnknown.
    """
    who = person() or PUBLIC
    with process_engine().read(by=who.id or None) as work:
        board = stages.stage_board(work, stage_id, person=who)
    ranking = board.ranking
    return StageTold(
        **{name: getattr(board.stage, name) for name in ("id", "key", "title", "phase", "demo", "created_at")},
        body=board.body,
        campaign_id=board.parent.id,
        campaign_title=board.parent.title,
        dates=[
            DateTold(name=line.name, due_on=line.date.due_on, cutoff_at=line.cutoff_at, state=line.state)
            for line in board.deadlines
        ],
        states=dict(board.states),
        lines=[PrefectureTold.model_validate(line) for line in board.lines],
        ranking=None
        if ranking is None
        else ListTold(
            sealed=ranking.sealed,
            sealed_at=ranking.sealed_at,
            sha256=ranking.sha256,
            items=[RankedTold.model_validate(row) for row in board.ranked],
        ),
    )


def tell_overlay(each: stages.OverlayChoice) -> OverlayTold:
    """An overlay with what it proposes."""
    stored = each.notice
    return OverlayTold(
        id=stored.id,
        key=stored.key,
        version=stored.version,
        title=each.title,
        dates={name: value.due_on for name, value in stored.notice.dates.items()},
        settings={name: setting.value for name, setting in stored.notice.settings.items()},
    )
