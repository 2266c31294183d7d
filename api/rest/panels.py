"""`/campaigns/{id}/panel` and `/experts`: who judges in a campaign; experts added and dropped."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.pages.present import process_engine, reader
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Id, Told
from engine.work import Work
from workflows.campaigns.reading import get_campaign
from workflows.reviews.replacement import REASON_LENGTH, Replaced, add_experts, drop_expert
from workflows.reviews.standing import read_standing

resource = Resource("panels")


class SheetTold(Told):
    """A review that somebody owes, or that nobody has any more."""

    case_id: str
    number: str
    title: str


class MemberTold(Told):
    """An expert. `state` is `pool`, `drawn`, `reserve` or `dropped` (`reason`: why); `done` sheets are in, `owed` are not."""

    person_id: str
    name: str
    unit: str
    state: str
    reason: str | None
    done: int
    owed: list[SheetTold]


class CandidateTold(Told):
    """Somebody who may be added."""

    id: str
    name: str
    unit: str


class PanelTold(Told):
    """The panel; `vacant` are reviews that wait for an expert."""

    members: list[MemberTold]
    vacant: list[SheetTold]
    candidates: list[CandidateTold]


class ExpertsAsked(Asked):
    """Ids of `candidates`."""

    experts: Annotated[list[Id], Field(min_length=1, max_length=500)]


class DropAsked(Asked):
    """Why the expert leaves; it is recorded."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=REASON_LENGTH)]


class FilledTold(Told):
    """A review that another expert has taken over."""

    number: str
    person_id: str


class ReplacedTold(Told):
    """What became of the open reviews; `vacant` (numbers of cases) wait for more experts."""

    filled: list[FilledTold]
    vacant: list[str]


@resource.get("/campaigns/<campaign_id>/panel", PanelTold)
def show(campaign_id: str) -> PanelTold:
    """The panel of a campaign, those who owe most first.

    Raises CampaignUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        get_campaign(work, campaign_id, person=reader())
        return PanelTold.model_validate(read_standing(work, reader(), campaign_id))


@resource.post("/campaigns/<campaign_id>/experts", ReplacedTold, takes=ExpertsAsked)
def add(campaign_id: str, body: ExpertsAsked, key: str) -> Any:
    """Add experts to the panel; reviews that wait for somebody go to them at once.

    Raises CampaignUnknown, NotPermitted, PoolInvalid.
    """

    def join(work: Work) -> ReplacedTold:
        get_campaign(work, campaign_id, person=reader())
        return tell_replaced(add_experts(work, reader(), campaign_id, body.experts))

    return act(key, "expert.add", {"campaign": campaign_id, **body.model_dump()}, join)


@resource.post("/campaigns/<campaign_id>/experts/<person_id>/drop", ReplacedTold, takes=DropAsked)
def drop(campaign_id: str, person_id: str, body: DropAsked, key: str) -> Any:
    """Take an expert off the panel; others take over the open reviews.

    Raises CampaignUnknown, NotPermitted, ReasonMissing, ExpertNotOnPanel, ReviewNotStarted.
    """

    def leave(work: Work) -> ReplacedTold:
        get_campaign(work, campaign_id, person=reader())
        return tell_replaced(drop_expert(work, reader(), campaign_id, person_id, reason=body.reason))

    return act(key, "expert.drop", {"campaign": campaign_id, "person": person_id, **body.model_dump()}, leave)


def tell_replaced(replaced: Replaced) -> ReplacedTold:
    """What became of the open reviews."""
    filled = [FilledTold(number=number, person_id=person_id) for number, person_id in replaced.filled]
    return ReplacedTold(filled=filled, vacant=replaced.vacant)
