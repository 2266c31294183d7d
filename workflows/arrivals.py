"""Arrivals: a recorded case that came once more, by mail or on paper, is noted with the case; it is not recorded twice.

The round of a case is decided by when it reached the organiser in the system; an arrival is evidence and moves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.history import record_entry
from engine.ids import new_id
from engine.work import Work
from workflows.applications import hash_data, write_receipt
from workflows.campaigns.reading import get_campaign
from workflows.notices import get_notice
from workflows.notices.model import Channel
from workflows.people import Person
from workflows.rules import case_subject, require
from workflows.tables import arrival, case, organisation, person

NOTE_LENGTH = 500
EARLIEST = 2000
"""Nothing came before this year: a moment before it was mistyped."""


class ArrivalInvalid(Problem):
    """What was typed has faults; `findings` by field: `channel`, `received_at`, `note`."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One more way in which the case came. `place` is the office where it arrived, `by` who noted it."""

    channel: Channel | None  # None: the notice's present version does not have it
    place: str
    received_at: datetime
    note: str
    by: str
    recorded_at: datetime


def list_channels(work: Work, campaign_id: str) -> list[Channel]:
    """The channels that are noted by hand: all of the notice's but `online`, which notes itself.

    Raises CampaignUnknown.
    """
    channels = get_notice(work, get_campaign(work, campaign_id).notice_id).notice.channels
    return [each for each in channels if each.key != "online"]


def record_arrival(work: Work, official: Person, case_id: str, *, channel: str, received_at: datetime, note: str) -> str:
    """Note that a case came by another channel, too; with a receipt and an entry in the history. The row's id.

    Raises CaseUnknown, NotPermitted, ArrivalInvalid.
    """
    subject = case_subject(work, case_id)
    require(official, "case.arrive", subject)
    findings = []
    if channel not in {each.key for each in list_channels(work, subject.campaign_id)}:
        findings.append(Finding("ArrivalChannelUnknown", path="channel"))
    if received_at.year < EARLIEST:
        findings.append(Finding("ArrivalLongAgo", path="received_at", values={"year": EARLIEST}))
    elif received_at > work.now:
        findings.append(Finding("ArrivalAhead", path="received_at"))
    if len(note) > NOTE_LENGTH:
        findings.append(Finding("TextTooLong", path="note", values={"most": NOTE_LENGTH}))
    if findings:
        raise ArrivalInvalid(findings=findings)
    at_organiser = ("organiser", subject.organiser_id) in official.memberships
    place = subject.organiser_id if at_organiser or subject.body_id is None else subject.body_id
    row = work.connection.execute(sa.select(case).where(case.c.id == case_id)).one()
    record_entry(work, row.instance_id, "arrived", detail={"channel": channel, "reason": note} if note else {"channel": channel})
    arrival_id = new_id()
    work.connection.execute(
        sa.insert(arrival).values(
            id=arrival_id,
            case_id=case_id,
            channel=channel,
            organisation_id=place,
            received_at=received_at,
            note=note,
            by=official.id,
            recorded_at=work.now,
        )
    )
    write_receipt(
        work,
        campaign_id=subject.campaign_id,
        case_id=case_id,
        organisation_id=place,
        kind="arrival",
        where=None,
        accepted=True,
        received_at=received_at,
        sha256=hash_data({"channel": channel, "received_at": received_at.isoformat(), "note": note}),
    )
    return arrival_id


def list_arrivals(work: Work, case_id: str) -> list[Arrival]:
    """What was noted about a case, in the order in which it came. Whoever asks must know the case (`case.identity`)."""
    campaign_id = work.connection.execute(sa.select(case.c.campaign_id).where(case.c.id == case_id)).scalar_one()
    channels = {each.key: each for each in list_channels(work, campaign_id)}
    query = (
        sa.select(arrival, organisation.c.short_name, person.c.name)
        .join(organisation, organisation.c.id == arrival.c.organisation_id)
        .join(person, person.c.id == arrival.c.by)
        .where(arrival.c.case_id == case_id)
        .order_by(arrival.c.received_at, arrival.c.id)
    )
    return [
        Arrival(channels.get(row.channel), row.short_name, row.received_at, row.note, row.name, row.recorded_at)
        for row in work.connection.execute(query)
    ]
