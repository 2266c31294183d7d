"""`/campaigns/{id}/consultation`, `…/comments`, `…/publication`: what the public is asked and told. No log-in is needed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from api.pages.present import PUBLIC, process_engine
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Told
from engine.errors import Problem
from engine.work import Work
from workflows import consultations, publications
from workflows.campaigns.reading import get_campaign

resource = Resource("consultations")


class NotPublished(Problem):
    """The campaign's result is not published yet."""

    kind = "missing"


class ConsultedTold(Told):
    """A case about which comments are asked."""

    number: str
    title: str
    unit: str


class ConsultationTold(Told):
    """`open` tells whether a comment sent now is in time; before it opens everything is null and empty."""

    open: bool
    opens_at: datetime | None
    cutoff_at: datetime | None
    cases: list[ConsultedTold]


class CommentAsked(Asked):
    """An objection needs a name and a contact; `case_number` is one of the consulted cases."""

    kind: Literal["comment", "objection"]
    from_name: Annotated[str, StringConstraints(max_length=400)]
    text: Annotated[str, StringConstraints(max_length=20_000)]
    from_contact: Annotated[str, StringConstraints(max_length=800)] | None = None
    case_number: Annotated[str, StringConstraints(max_length=60)] | None = None


class CommentTold(Told):
    """The comment's id; it is not shown to anybody but the organiser."""

    comment: str


class PublishedCaseTold(Told):
    """A published case: title and unit, nothing personal."""

    place: int
    title: str
    unit: str


class PublicationTold(Told):
    """The published result."""

    title: str
    published_at: datetime
    cases: list[PublishedCaseTold]


@resource.get("/campaigns/<campaign_id>/consultation", ConsultationTold, public=True)
def show(campaign_id: str) -> ConsultationTold:
    """The cases to be selected, and until when comments are taken.

    Raises CampaignUnknown.
    """
    with process_engine().read() as work:
        get_campaign(work, campaign_id, person=PUBLIC)
        window = consultations.read_window(work, campaign_id)
        if window is None or (window.opens_at is not None and work.now < window.opens_at):
            return ConsultationTold(open=False, opens_at=None, cutoff_at=None, cases=[])
        return ConsultationTold(
            open=work.now < window.cutoff_at,
            opens_at=window.opens_at,
            cutoff_at=window.cutoff_at,
            cases=[ConsultedTold.model_validate(row) for row in consultations.list_consulted(work, campaign_id)],
        )


@resource.post(
    "/campaigns/<campaign_id>/comments",
    CommentTold,
    takes=CommentAsked,
    status=201,
    public=True,
    rate="60 per hour",
    raises=(consultations.ConsultationNotOpen, consultations.CommentTooLate),
)
def comment(campaign_id: str, body: CommentAsked, key: str) -> Any:
    """Send a comment or an objection.

    Raises what `consultations.receive_comment` raises.
    """

    def receive(work: Work) -> CommentTold:
        get_campaign(work, campaign_id, person=PUBLIC)
        return CommentTold(comment=consultations.receive_comment(work, campaign_id, **body.model_dump()))

    return act(key, "comment", {"campaign": campaign_id, **body.model_dump()}, receive, public=True)


@resource.get("/campaigns/<campaign_id>/publication", PublicationTold, public=True, tagged=True)
def show_publication(campaign_id: str) -> PublicationTold:
    """The published result; of a campaign that publishes continuously the last list.

    Raises CampaignUnknown, NotPublished.
    """
    with process_engine().read() as work:
        get_campaign(work, campaign_id, person=PUBLIC)
        found = publications.list_publications(work, campaign_id)
    if not found:
        raise NotPublished()
    return PublicationTold.model_validate(found[-1])
