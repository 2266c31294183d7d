"""Why a decision gives no result. Nothing is to be stored after one of these."""

from __future__ import annotations

from engine.errors import StepFailed


class DecisionFailed(StepFailed):
    """A decision has no result with the data at hand. Values: `element` (the task), `decision`, `reason` (a finding)."""


class DecisionUnknown(StepFailed):
    """No such decision is deployed. Values: `element`, `decision`, `binding`."""
