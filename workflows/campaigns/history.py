"""A campaign's own history: what its organisers did and what the clock did, with the people and figures named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.history import list_entries
from engine.work import Work
from workflows.campaigns.reading import get_campaign
from workflows.cases.history import Actors, HistoryLine, read_lines
from workflows.people import Person
from workflows.rules import campaign_subject, require
from workflows.tables import organisation, person

FACTS: Mapping[str, tuple[str, ...]] = {
    "experts_drawn": ("cases", "experts", "reserve", "experts_per_case", "seed"),
    "expert_dropped": ("expert",),
    "expert_added": ("expert",),
    "selection_recorded": ("selected", "ranked", "cut"),
    "consultation_opened": ("until", "work_days"),
    "comments_settled": ("comments", "adopted"),
    "published": ("cases",),
    "urged": ("number", "letters", "remark"),
    "archived": ("instances",),
    "unarchived": ("instances",),
}
"""By the kind of a row, what of its detail is told; `expert` becomes a name, `until` is an ISO instant."""


def read_campaign_history(work: Work, reader: Person, campaign_id: str) -> list[HistoryLine]:
    """The rows of the campaign's chain in their order, for its organisers. `detail["facts"]` holds what `FACTS` names of a row,
    `detail["warning"]` the code and values of a warning, with the body's name.

    Raises CampaignUnknown, NotPermitted.
    """
    campaign = get_campaign(work, campaign_id, person=reader)
    require(reader, "campaign.manage", campaign_subject(work, campaign_id))
    if campaign.instance_id is None:
        return []
    entries = list_entries(work, campaign.instance_id)
    told = read_lines(work, campaign.instance_id, entries, Actors(work, reader, entries, all_names=True))
    experts = _find_experts(work, [entry.detail["expert"] for entry in entries if entry.detail.get("expert")])
    bodies = _find_bodies(work, [entry.detail["values"].get("body", "") for entry in entries if entry.kind == "warning"])
    lines = []
    for entry, line in zip(entries, told, strict=True):
        facts = {key: entry.detail.get(key) for key in FACTS.get(entry.kind, ())}
        if "expert" in facts:
            facts["expert"] = experts.get(facts["expert"], facts["expert"])
        more: dict[str, Any] = {"facts": facts} if facts else {}
        if entry.kind == "warning":
            values = entry.detail["values"]
            more["warning"] = {"code": entry.detail["code"], "values": {**values, "body": bodies.get(values.get("body", ""), "")}}
        lines.append(replace(line, detail={**line.detail, **more}))
    return lines


def _find_experts(work: Work, ids: Iterable[str]) -> dict[str, str]:
    query = (
        sa.select(person.c.id, person.c.name, organisation.c.short_name)
        .join(organisation, organisation.c.id == person.c.organisation_id)
        .where(person.c.id.in_(sorted(set(ids))))
    )
    return {row.id: f"{row.name}（{row.short_name}）" for row in work.connection.execute(query)}


def _find_bodies(work: Work, ids: Iterable[str]) -> dict[str, str]:
    query = sa.select(organisation.c.id, organisation.c.short_name).where(organisation.c.id.in_(sorted(set(ids))))
    return {row.id: row.short_name for row in work.connection.execute(query)}
