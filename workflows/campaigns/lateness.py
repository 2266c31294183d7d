"""Late submissions: what a campaign does with what reaches it at or after a cut-off. Settings, so an organiser decides.

`refuse`: nothing is taken. `grace`: so many minutes longer everything is taken as in time. `accept_late`: so many days longer it
is taken, with a reason and marked as late. What decides in the moment stands in the window's row (`late`, `closes_at`); diagrams
wait for the variable `closes`, which is the cut-off itself where nothing late is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.expressions import ExpressionFailed
from engine.model import Definition
from engine.moments import MomentInvalid, first_due

POLICY, MINUTES, DAYS = "late_submissions", "grace_minutes", "late_days"
"""Names of the settings."""
REFUSE, GRACE, ACCEPT = "refuse", "grace", "accept_late"
POLICIES = (REFUSE, GRACE, ACCEPT)
USUAL_MINUTES, MOST_MINUTES = 30, 1_440
USUAL_DAYS, MOST_DAYS = 5, 90
CLOSES = "closes"
"""The variable of campaigns and cases: when nothing is taken any more, not even late; an ISO moment."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """One policy. `minutes` count for `grace`, `days` for `accept_late`."""

    policy: str = REFUSE
    minutes: int = USUAL_MINUTES
    days: int = USUAL_DAYS

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Lateness:
        """The policy of a campaign's settings; one from before there was a choice refuses."""
        return cls(
            str(settings.get(POLICY) or REFUSE),
            int(settings.get(MINUTES) or USUAL_MINUTES),
            int(settings.get(DAYS) or USUAL_DAYS),
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The same as a campaign's settings."""
        return {POLICY: self.policy, MINUTES: self.minutes, DAYS: self.days}

    @property
    def extent(self) -> int | None:
        """How long after a cut-off: minutes or days, whatever the policy counts in; None where it refuses."""
        return {GRACE: self.minutes, ACCEPT: self.days}.get(self.policy)

    def close(self, cutoff_at: datetime) -> datetime:
        """When nothing is taken any more for this cut-off; half-open like it."""
        if self.policy == GRACE:
            return cutoff_at + timedelta(minutes=self.minutes)
        return cutoff_at + timedelta(days=self.days) if self.policy == ACCEPT else cutoff_at

    def columns(self, cutoff_at: datetime) -> dict[str, Any]:
        """What a window's row says of it."""
        taken = self.policy != REFUSE
        return {"late": self.policy if taken else None, "closes_at": self.close(cutoff_at) if taken else None}


def list_early(model: Definition) -> list[str]:
    """The timers of a diagram that end something at the cut-off itself, by their elements: whatever the policy, nothing late
    could come. Empty for a diagram whose timers wait for `closes`."""
    cutoff = datetime(1999, 12, 31, 16, 0, 0, 1, tzinfo=UTC)  # no other date is at this moment
    seen = {
        "cutoff": cutoff.isoformat(),
        "dates": {"collection_cutoff": cutoff.isoformat()},
        CLOSES: (cutoff + timedelta(days=1)).isoformat(),
    }
    found = []
    for node in model.nodes.values():
        for event in node.events:
            if event.timer is None or event.timer.kind != "timeDate" or not {"cutoff", "dates"} & set(event.timer.value.names):
                continue
            try:
                at = first_due("timeDate", event.timer.value.evaluate(seen), cutoff - timedelta(days=1)).at
            except (ExpressionFailed, MomentInvalid):
                continue
            if at == cutoff:
                found.append(node.id)
    return found
