"""What the inbox begins with when its address asks for nothing: a view, or a kept filter, as each person likes it.

Of a filter that somebody else shares a copy is kept: when they change it, the list begins as before until the person takes the
change. Nothing disappears from an official's list because a colleague touched a filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.work import Work
from workflows.inbox.filters import FilterUnknown, SavedFilter, list_filters
from workflows.inbox.picking import VIEWS, View
from workflows.people import Person
from workflows.preferences import keep_preference, read_preference

PREFERENCE = "inbox.start"


@dataclass(frozen=True, slots=True)
class Start:
    """The parameters of the address with which the inbox begins (none: as it sees fit), and the filter that they are from.
    `changed`: whoever shares the filter has changed it since. `view`, where it is a view."""

    asked: Mapping[str, str] = field(default_factory=dict)
    view: View | None = None
    filter: SavedFilter | None = None
    changed: bool = False


def read_start(work: Work, reader: Person, filters: list[SavedFilter] | None = None) -> Start:
    """What the person's inbox begins with; a filter that is gone, or is not shared with the person any more, is none.

    `filters` are what `list_filters` tells, where that is read already.
    """
    kept = read_preference(work, reader.id, PREFERENCE) or {}
    if kept.get("view") in VIEWS:
        return Start({"view": kept["view"]}, view=kept["view"])
    known = {each.id: each for each in (list_filters(work, reader) if filters is None else filters)} if "filter" in kept else {}
    found = known.get(kept.get("filter", ""))
    if found is None:
        return Start()
    changed = found.owner is not None and found.asked != kept["asked"]
    return Start(kept["asked"] if changed else found.asked, filter=found, changed=changed)


def keep_start(work: Work, reader: Person, *, view: View | None = None, filter_id: str | None = None) -> None:
    """Begin with a view, with a filter as it is now, or (without both) as the inbox sees fit.

    Raises FilterUnknown.
    """
    value: dict[str, object] = {} if view is None else {"view": view}
    if filter_id is not None:
        found = next((each for each in list_filters(work, reader) if each.id == filter_id), None)
        if found is None:
            raise FilterUnknown()
        value = {"filter": found.id, "asked": dict(found.asked)}
    keep_preference(work, reader.id, PREFERENCE, value)
