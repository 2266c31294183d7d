"""The cadences of a campaign: its notice's `rounds`, each a series of cut-offs computed from the campaign's dates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.campaigns.reading import get_campaign
from workflows.deadlines import expand, load_date
from workflows.notices import get_notice
from workflows.notices.model import Round
from workflows.tables import case


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One round of a cadence: from `opens_at` (None: from the beginning) to before `cutoff_at`. Half-open, like windows."""

    key: str
    due_on: date
    opens_at: datetime | None
    cutoff_at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """A cadence with all its rounds, in order."""

    round: Round
    occurrences: tuple[Occurrence, ...]

    @property
    def key(self) -> str:
        """Its key in the notice, and what the diagram's property `round` names."""
        return self.round.key

    @property
    def moment(self) -> sa.Column[datetime]:
        """The moment of a case that decides."""
        return case.c.reported_at if self.round.takes.value == "received" else case.c.accepted_at


def read_plans(work: Work, campaign_id: str) -> dict[str, Plan]:
    """The cadences of a campaign by key, in the notice's order.

    Raises CampaignUnknown.
    """
    found = get_campaign(work, campaign_id)
    rounds = get_notice(work, found.notice_id).notice.rounds
    return {each.key: Plan(each, _list_occurrences(found.dates[each.date])) for each in rounds}


def find_occurrence(occurrences: Sequence[Occurrence], moment: datetime) -> Occurrence | None:
    """The round to which a moment belongs: the first whose cut-off it is before; None after the last one."""
    place = bisect_right([each.cutoff_at for each in occurrences], moment)
    return occurrences[place] if place < len(occurrences) else None


def in_round(plan: Plan, occurrence: Occurrence) -> sa.ColumnElement[bool]:
    """The same as a clause over `case`: the cases whose moment lies in the round."""
    before = plan.moment < occurrence.cutoff_at
    return before if occurrence.opens_at is None else sa.and_(before, plan.moment >= occurrence.opens_at)


def _list_occurrences(stored: Mapping[str, Any]) -> tuple[Occurrence, ...]:
    opens_at: datetime | None = None
    found = []
    for single in expand(load_date(stored)):
        assert single.key is not None and single.due_on is not None and single.cutoff_at is not None
        found.append(Occurrence(single.key, single.due_on, opens_at, single.cutoff_at))
        opens_at = single.cutoff_at
    return tuple(found)
