"""Two campaigns side by side: what differs in their dates, settings and recommending bodies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.campaigns.windows import BODY, list_windows
from workflows.deadlines import DateValue, load_date
from workflows.organisations import Organisation, list_organisations
from workflows.people import Person
from workflows.rules import campaign_subject, require
from workflows.tables import recommending_body


@dataclass(frozen=True, slots=True)
class BodyDifference:
    """A body of one or both campaigns, with its own cut-off in each."""

    organisation: Organisation
    before: bool
    after: bool
    cutoff_before: datetime | None
    cutoff_after: datetime | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between `before` and `after`; `same` counts dates, settings and bodies that do not."""

    before: Campaign
    after: Campaign
    dates: tuple[tuple[str, DateValue | None, DateValue | None], ...]
    settings: tuple[tuple[str, Any, Any], ...]
    bodies: tuple[BodyDifference, ...]
    same: tuple[int, int, int]


def compare_campaigns(work: Work, person: Person, before_id: str, after_id: str) -> Comparison:
    """What differs between two campaigns that the person organises.

    Raises CampaignUnknown, NotPermitted.
    """
    before, after = (get_campaign(work, each, person=person) for each in (before_id, after_id))
    for each in (before, after):
        require(person, "campaign.manage", campaign_subject(work, each.id))
    dates = [(name, _read_date(before, name), _read_date(after, name)) for name in dict.fromkeys((*before.dates, *after.dates))]
    settings = [
        (name, before.settings.get(name), after.settings.get(name)) for name in dict.fromkeys((*before.settings, *after.settings))
    ]
    bodies = _compare_bodies(work, before, after)
    moved = tuple(line for line in dates if _when(line[1]) != _when(line[2]))
    changed = tuple(line for line in settings if line[1] != line[2])
    other = tuple(line for line in bodies if (line.before, line.cutoff_before) != (line.after, line.cutoff_after))
    same = (len(dates) - len(moved), len(settings) - len(changed), len(bodies) - len(other))
    return Comparison(before, after, moved, changed, other, same)


def _read_date(campaign: Campaign, name: str) -> DateValue | None:
    return load_date(campaign.dates[name]) if name in campaign.dates else None


def _when(value: DateValue | None) -> Any:
    """What a date says: its cut-off, or its series; not where it says so."""
    if value is None or value.cutoff_at is not None:
        return value and value.cutoff_at
    return value.model_dump(exclude={"source", "text", "words", "reading", "note"})


def _compare_bodies(work: Work, before: Campaign, after: Campaign) -> list[BodyDifference]:
    found = []
    for each in (before, after):
        members = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == each.id)
        own = {line.organisation_id: line.cutoff_at for line in list_windows(work, each.id) if line.name == BODY}
        found.append({body_id: own.get(body_id) for body_id in work.connection.execute(members).scalars()})
    old, new = found
    places = list_organisations(work, ids=sorted({*old, *new}))
    return [BodyDifference(each, each.id in old, each.id in new, old.get(each.id), new.get(each.id)) for each in places]
