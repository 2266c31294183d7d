"""What can go wrong with a script when it runs."""

from __future__ import annotations

from engine.errors import Finding, Problem


class ScriptFailed(Problem):
    """The script did not come to its end within its limits, or not with values that can be stored.

    Value `reason`: a `Finding`, with `line` and `column` among its values where the place is known.
    """

    kind = "internal"

    def __init__(self, *, reason: Finding) -> None:
        super().__init__(reason=reason)

    def __str__(self) -> str:
        reason: Finding = self.values["reason"]
        return f"{self.code}: {reason.code} {dict(reason.values)}"


class ScriptsBusy(Problem):
    """All script processes were taken for too long; trying again later helps."""

    kind = "busy"
