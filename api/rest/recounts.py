"""`/campaigns/{id}/recounts`: what was counted by work days that have changed since, and whether it moves."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import StringConstraints

from api.pages.present import process_engine, reader
from api.rest.extensions import ExtensionPreviewTold, ExtensionTold, do_previewed, tell_preview
from api.rest.operations import Resource
from api.rest.shapes import Asked, Paging, Told
from workflows import extensions
from workflows.campaigns.reading import get_campaign
from workflows.extensions.moving import LONGEST_NUMBER, LONGEST_REASON
from workflows.rules import campaign_subject, require

resource = Resource("recounts")


class ChangeTold(Told):
    """A change of the work days: `kind` is `seeded`, `imported`, `set` or `removed`."""

    year: int
    kind: str
    days: list[date]
    source: str


class RecountTold(Told):
    """The changes about which nobody has decided for this campaign, and what would move by them; null when there is none."""

    changes: list[ChangeTold]
    preview: ExtensionPreviewTold | None


class DecisionAsked(Asked):
    """What becomes of a preview, named by its `digest`: it is done, or declined."""

    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    reason: Annotated[str, StringConstraints(max_length=LONGEST_REASON)]
    document_number: Annotated[str, StringConstraints(max_length=LONGEST_NUMBER)]
    decline: bool = False


@resource.get("/campaigns/<campaign_id>/recounts", RecountTold, query=Paging)
def show(campaign_id: str, query: Paging) -> RecountTold:
    """What the changed work days would move; `limit` and `cursor` page its tasks.

    Raises CampaignUnknown, NotPermitted, PageUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        found = get_campaign(work, campaign_id, person=reader())
        require(reader(), "campaign.manage", campaign_subject(work, campaign_id))
        changes = extensions.list_undecided(work, found)
        plan = None
        if changes:
            plan = extensions.preview_extension(work, reader(), campaign_id, extensions.ask_recount(work, campaign_id))
    return RecountTold(
        changes=[
            ChangeTold(
                year=each.year, kind=each.kind, days=[date.fromisoformat(line["day"]) for line in each.days], source=each.source
            )
            for each in changes
        ],
        preview=None if plan is None else tell_preview(plan, query),
    )


@resource.post(
    "/campaigns/<campaign_id>/recounts",
    ExtensionTold,
    takes=DecisionAsked,
    status=201,
    raises=(extensions.PreviewOutdated,),
)
def decide(campaign_id: str, body: DecisionAsked, key: str) -> Any:
    """Move what was previewed, or leave it; it is not asked again.

    Raises CampaignUnknown, NotPermitted, ExtensionRefused, PreviewOutdated.
    """
    return do_previewed(
        "campaign.recount",
        campaign_id,
        body,
        key,
        lambda work: extensions.ask_recount(work, campaign_id),
        decline=body.decline,
    )
