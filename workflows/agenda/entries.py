"""What stands in an agenda: one deadline, round, report, activity or task, with all that a page or a feed tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, get_args

from workflows.deadlines import Bilingual, DateValue

Kind = Literal["cutoff", "body", "institution", "comments", "round", "report", "milestone", "date", "activity", "task"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""`cutoff` is the end of a collection, `body` and `institution` somebody's own cut-off in it, `comments` the end of a
consultation; `round`, `report`, `milestone` and `activity` are the notice's; `date` is any other date of a campaign; `task` is
the reader's own work."""

State = Literal["overdue", "risk", "under_way", "coming", "past", "done", "called_off", "unknown", "possible", "moved"]
STATES: tuple[State, ...] = get_args(State)
"""`overdue`: over, and something is still open. `risk`: to come within `RISK_WORK_DAYS`, and something is still open. `possible`:
a candidate of an `unknown` date. `moved`: where a date was before it moved."""

RISK_WORK_DAYS = 5
"""Ours: what is due within a working week and not done is at risk."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an agenda. `id` names it for good, also after its date moved.

    `title` is what its notice calls it; None where the date's own name tells. `first` and `last` are its days, `cutoff_at` the
    half-open instant where it has one. `places` are the short names of those whose deadline it is; empty: of everybody.
    `roles` are who acts by it. `open` counts what is still to be done by then (`unit`: tasks, cases, reports), None where the
    reader is not told. `work_days` are left after today; `provisional`: that count touches a year without announced holidays.
    `moved_from` is the moment before its last move, `moved_to` (of a line `moved`) the present one. `target` is the id or key by
    which one gets to where one acts. `sequence` counts its moves, `changed_at` is the last.
    """

    id: str
    kind: Kind
    campaign_id: str
    campaign_title: str
    name: str
    first: date
    last: date
    state: State
    title: Bilingual | None = None
    occurrence: str = ""
    value: DateValue | None = None
    cutoff_at: datetime | None = None
    places: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    open: int | None = None
    unit: str = "tasks"
    work_days: int | None = None
    provisional: bool = False
    moved_from: datetime | None = None
    moved_to: datetime | None = None
    candidates: tuple[DateValue, ...] = ()
    target: str = ""
    demo: bool = False
    sequence: int = 0
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of an agenda: days from `first` to `last` (both included, None: unbounded), one campaign, who acts, one
    organisation (and what concerns everybody)."""

    first: date | None = None
    last: date | None = None
    campaign_id: str | None = None
    role: str | None = None
    organisation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Agenda:
    """`entries` by day; `unknown` have no day yet. `campaigns` and `organisations` (id → name) are what can be chosen from.
    The reader runs the campaigns `run` and sees how far those in `boards` are (`campaign.board`)."""

    entries: tuple[Entry, ...]
    unknown: tuple[Entry, ...]
    campaigns: Mapping[str, str]
    organisations: Mapping[str, str]
    run: frozenset[str] = frozenset()
    boards: frozenset[str] = frozenset()
