"""What a person can be told in the application, and by which ways each person wants to be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KINDS = (
    "assigned",
    "delegated",
    "handed_back",
    "returned",
    "mention",
    "remark",
    "copy",
    "urged",
    "deadline",
    "reminder",
    "letter",
    "substitution",
    "suspended",
    "resumed",
    "terminated",
    "follow_up",
    "bulk",
)
"""Kinds of notifications; the text of one is `notification.<kind>`."""

LETTERS = ("urged", "deadline", "reminder", "letter")
"""Kinds that come with a letter of the campaign. Such a letter is an act of the office: it always leaves by mail, too."""

BELL_ALONE = ("bulk",)
"""Kinds that belong to no campaign: no letter could leave for them."""

WAYS = ("bell", "mail", "both", "none")
"""By which ways somebody is told of a kind."""

USUAL = "bell"

OF_LETTERS = {"urged": "urged", "deadline_moved": "deadline"}
"""The kind by the name of a letter; `reminder…` are reminders, all others letters."""

PREFERENCE = "notifications"
"""The name of the preference: kind → way, where it is not the usual one."""


def kind_of_letter(name: str) -> str:
    """The kind of the notification that comes with a letter of this name."""
    return OF_LETTERS.get(name) or ("reminder" if name.startswith("reminder") else "letter")


def choose_way(kept: Any, kind: str) -> str:
    """How a person with this preference is told of a kind."""
    way = kept.get(kind, USUAL) if isinstance(kept, Mapping) else USUAL
    if way not in WAYS:
        return USUAL
    return {"mail": "none", "both": "bell"}.get(way, way) if kind in LETTERS + BELL_ALONE else str(way)
