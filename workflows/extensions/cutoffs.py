"""Until when who may hand in what, as plain values: what the windows and dates of a campaign say before and after a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.work import Work
from workflows.campaigns.creating import CUTOFF
from workflows.campaigns.lateness import CLOSES, Lateness
from workflows.campaigns.reading import campaign_dates
from workflows.campaigns.windows import BODY, COLLECTION, INSTITUTION, list_windows
from workflows.tables import campaign, case


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """The cut-offs of a campaign: of the organiser, of bodies and of institutions that were given longer; `dates` are ISO.

    `lateness` says what is taken after each of them.
    """

    dates: Mapping[str, str]
    collection: datetime | None
    bodies: Mapping[str, datetime]
    institutions: Mapping[str, datetime]
    lateness: Lateness = field(default=Lateness())

    def reporting(self, body_id: str | None) -> datetime | None:
        """Until when a body reports: the organiser's cut-off, or its own where it was given longer."""
        return latest(self.collection, None if body_id is None else self.bodies.get(body_id))

    @property
    def last(self) -> datetime | None:
        """When nobody can hand in anything any more: then the campaign's own instance goes on."""
        return latest(self.collection, *self.bodies.values(), *self.institutions.values())

    def of_campaign(self, body_id: str | None) -> dict[str, Any]:
        """The variables `dates` and `closes` of the campaign's own instance; those of a token that belongs to one body."""
        bound = self.reporting(body_id) if body_id in self.bodies else self.last
        return {"dates": self._with(bound), CLOSES: self._close(bound)}

    def of_case(self, row: Any) -> dict[str, Any]:
        """The variables `dates`, `cutoff` and `closes` of a case; the last two are absent where its body's own stage decides."""
        body_id = row.body_id if row.channel == "recommended" else None
        given = self.institutions.get(row.institution_id)
        found: dict[str, Any] = {"dates": self._with(latest(self.reporting(body_id), given))}
        if row.stage_id is None:
            own = latest(self.collection if body_id is None else self.bodies.get(body_id), given)
            found |= {"cutoff": None if own is None else own.isoformat(), CLOSES: self._close(own)}
        return found

    def _close(self, bound: datetime | None) -> str | None:
        return None if bound is None else self.lateness.close(bound).isoformat()

    def _with(self, bound: datetime | None) -> dict[str, str]:
        return {**self.dates, **({} if bound is None or CUTOFF not in self.dates else {CUTOFF: bound.isoformat()})}


CASE = tuple(case.c[name] for name in ("body_id", "channel", "institution_id", "stage_id"))
"""What `Cutoffs.of_case` asks of a case's row."""


def read_cutoffs(work: Work, campaign_id: str) -> Cutoffs:
    """The cut-offs as they stand now."""
    windows = list_windows(work, campaign_id)
    return Cutoffs(
        campaign_dates(work, campaign_id),
        next((each.cutoff_at for each in windows if each.name == COLLECTION), None),
        {each.organisation_id: each.cutoff_at for each in windows if each.name == BODY and each.organisation_id},
        {each.organisation_id: each.cutoff_at for each in windows if each.name == INSTITUTION and each.organisation_id},
        Lateness.read(work.connection.execute(sa.select(campaign.c.settings).where(campaign.c.id == campaign_id)).scalar_one()),
    )


def case_variables(work: Work, campaign_id: str, case_id: str) -> dict[str, Any]:
    """The variables `dates`, `cutoff` and `closes` that a case should have now."""
    row = work.connection.execute(sa.select(*CASE).where(case.c.id == case_id)).one()
    return read_cutoffs(work, campaign_id).of_case(row)


def latest(*moments: datetime | None) -> datetime | None:
    """The last of those that are known."""
    return max((each for each in moments if each is not None), default=None)
