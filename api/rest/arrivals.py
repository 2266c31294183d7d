"""`/cases/{id}/arrivals`: by which other ways a case came."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, StringConstraints

from api.pages.present import process_engine, reader
from api.rest.cases import see_case
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Told
from engine.work import Work
from workflows.arrivals import NOTE_LENGTH, list_arrivals, list_channels, record_arrival
from workflows.rules import require

resource = Resource("arrivals")


class ChannelTold(Told):
    """A channel of the notice that is noted by hand."""

    key: str
    zh: str
    en: str | None


class ArrivalTold(Told):
    """One more way in which a case came; `channel` is null when the notice does not have it any more."""

    channel: str | None
    place: str
    received_at: datetime
    note: str
    by: str
    recorded_at: datetime


class ArrivalsTold(Told):
    """What was noted about a case, in the order in which it came, and the channels that can be noted."""

    channels: list[ChannelTold]
    items: list[ArrivalTold]


class ArrivalAsked(Asked):
    """A case came by another channel, too: `received_at` with its offset."""

    channel: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    received_at: AwareDatetime
    note: Annotated[str, StringConstraints(max_length=NOTE_LENGTH)] = ""


class NotedTold(Told):
    """It is noted, with a receipt."""

    arrival: str


@resource.get("/cases/<case_id>/arrivals", ArrivalsTold)
def list_all(case_id: str) -> ArrivalsTold:
    """By which other channels a case came.

    Raises CaseUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        subject = see_case(work, case_id)
        require(reader(), "case.identity", subject)
        channels = list_channels(work, subject.campaign_id)
        found = list_arrivals(work, case_id)
    return ArrivalsTold(
        channels=[ChannelTold.model_validate(each) for each in channels],
        items=[
            ArrivalTold(
                channel=None if each.channel is None else each.channel.key,
                **{name: getattr(each, name) for name in ("place", "received_at", "note", "by", "recorded_at")},
            )
            for each in found
        ],
    )


@resource.post("/cases/<case_id>/arrivals", NotedTold, takes=ArrivalAsked, status=201)
def record(case_id: str, body: ArrivalAsked, key: str) -> Any:
    """Note that a case came by another channel, too.

    Raises CaseUnknown, NotPermitted, ArrivalInvalid.
    """

    def note(work: Work) -> NotedTold:
        see_case(work, case_id)
        arrival = record_arrival(
            work, reader(), case_id, channel=body.channel, received_at=body.received_at, note=body.note.strip()
        )
        return NotedTold(arrival=arrival)

    return act(key, "arrival", {"case": case_id, **body.model_dump(mode="json")}, note)
