"""Series of dates (month ends, half-years, weeks) whose single dates are moved: one of them, or it and all that follow.

A single date is named `<date>/<key>`, as `month_ends/2023-06`. The campaign keeps its moment beside the series, and everything
that counts the single dates (rounds, reports, diagrams) goes by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.errors import Finding
from engine.rescheduling import Replaced
from workflows.campaigns.reading import list_series
from workflows.deadlines import Bilingual, DateValue, expand, load_date, repeats_until

MARK = "/"


def list_singles(stored: Mapping[str, Any]) -> dict[str, datetime]:
    """The single dates of a campaign's series by key, in order; none of a date that is no series, or one without end."""
    value = load_date(stored)
    if not repeats_until(value):
        return {}
    return {each.key: each.cutoff_at for each in expand(value) if each.key is not None and each.cutoff_at is not None}


def find_following(
    dates: Mapping[str, Mapping[str, Any]], name: str, new: datetime, findings: list[Finding], *, rest: bool, path: str
) -> dict[str, datetime]:
    """The single dates that move with one, by their names: itself, with `rest` all after it by as much. They stay in order."""
    date, _, key = name.partition(MARK)
    singles = list_singles(dates[date])
    keys = list(singles)
    place = keys.index(key)
    by = new - singles[key]
    after, before = keys[place + 1 :], keys[:place]
    if before and new <= singles[before[-1]] or after and not rest and new >= singles[after[0]]:
        findings.append(Finding("ExtensionOutOfOrder", path=path, values={"date": name}))
    return {name: new, **({f"{date}{MARK}{each}": singles[each] + by for each in after} if rest else {})}


def move_singles(value: DateValue, moments: Mapping[str, datetime], note: str) -> DateValue:
    """The series with other moments of some of its single dates."""
    before: Mapping[str, str] = getattr(value, "moved", None) or {}
    moved = {**before, **{key: moment.isoformat() for key, moment in moments.items()}}
    return value.model_copy(update={"moved": moved, "note": Bilingual(zh=note, en=note)})


def find_replaced(dates: Mapping[str, Mapping[str, Any]], moments: Mapping[str, datetime]) -> Replaced:
    """The items of the diagrams' `series` that change, with what they become."""
    series: dict[str, dict[str, datetime]] = {}
    for name, moment in moments.items():
        date, mark, key = name.partition(MARK)
        if mark:
            series.setdefault(date, {})[key] = moment
    changed = {date: move_singles(load_date(dates[date]), moved, "") for date, moved in series.items()}
    return [
        (old, new)
        for date, value in changed.items()
        for old, new in zip(list_series(load_date(dates[date])), list_series(value), strict=True)
        if old != new
    ]
