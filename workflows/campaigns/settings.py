"""A campaign's settings: those of its notice, as plain values by name, and what an organiser changes within their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import Finding
from workflows.campaigns import lateness
from workflows.campaigns.windows import BODY, COLLECTION
from workflows.notices import Notice

ARCHIVE_AFTER, ARCHIVE_DAYS, MOST_ARCHIVE_DAYS = "archive_after_days", 365, 3_650
"""How many days after its end a campaign is archived by itself (0: never): the setting's name, its value (ours) and bound."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a setting may be set to: one of `choices`, or a whole number between `minimum` and `maximum` (None: no bound)."""

    value: Any
    choices: tuple[Any, ...] = ()
    minimum: int | None = None
    maximum: int | None = None

    @property
    def words(self) -> str:
        """The bounds for a message."""
        if self.choices:
            return ", ".join(str(choice) for choice in self.choices)
        return f"{'' if self.minimum is None else self.minimum}–{'' if self.maximum is None else self.maximum}"

    def fits(self, value: Any) -> bool:
        """Whether `value` keeps them. Nothing (None) fits where the notice states nothing."""
        if value is None:
            return self.value is None
        if self.choices:
            return value in self.choices
        if self.minimum is None and self.maximum is None:
            return isinstance(value, type(self.value))
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return (self.minimum is None or self.minimum <= value) and (self.maximum is None or value <= self.maximum)


def list_bounds(notice: Notice) -> dict[str, Bounds]:
    """All settings of a campaign of this notice, by name.

    Beside the notice's own: its quota (`quota.minimum`, ...), `correction_window`: whose cut-off binds corrections, the
    organiser's (`collection`) or the body's own (`body`), what becomes of late submissions (`lateness`), and when the campaign is
    archived (`archive_after_days`); the texts are silent, the choices are ours.
    """
    bounds = {
        name: Bounds(setting.value, tuple(setting.choices), setting.minimum, setting.maximum)
        for name, setting in notice.settings.items()
    }
    own = {
        "correction_window": Bounds(COLLECTION, (COLLECTION, BODY)),
        lateness.POLICY: Bounds(lateness.REFUSE, lateness.POLICIES),
        lateness.MINUTES: Bounds(lateness.USUAL_MINUTES, minimum=1, maximum=lateness.MOST_MINUTES),
        lateness.DAYS: Bounds(lateness.USUAL_DAYS, minimum=1, maximum=lateness.MOST_DAYS),
        ARCHIVE_AFTER: Bounds(ARCHIVE_DAYS, minimum=0, maximum=MOST_ARCHIVE_DAYS),
        **bounds,
    }
    quota = notice.quota
    if quota is None:
        return own
    counts = quota.corps_counts_as_province
    fixed = quota.consortium_minimum
    below = quota.below_minimum
    return {
        "quota.minimum": Bounds(quota.minimum.value, minimum=0, maximum=1000),
        "quota.maximum": Bounds(quota.maximum.value, minimum=0, maximum=1000),
        "quota.corps_counts_as_province": Bounds(True if counts is None else counts.value, (True, False)),
        "quota.consortium_minimum": Bounds(None if fixed is None else fixed.value, minimum=0, maximum=1000),
        "quota.below_minimum": Bounds("warn" if below is None else below.value, ("warn", "refuse")),
        **own,
    }


def merge_settings(notice: Notice, overrides: Mapping[str, Any], findings: list[Finding]) -> dict[str, Any]:
    """The notice's settings as plain values, with `overrides`; what does not fit is added to `findings`."""
    known = list_bounds(notice)
    merged = {name: bounds.value for name, bounds in known.items()}
    for name, value in overrides.items():
        path = f"settings.{name}"
        if name not in known:
            findings.append(Finding("SettingUnknown", path=path, values={"setting": name}))
        elif not known[name].fits(value):
            values = {"setting": name, "given": str(value), "allowed": known[name].words}
            findings.append(Finding("SettingOutOfRange", path=path, values=values))
        else:
            merged[name] = value
    return merged
