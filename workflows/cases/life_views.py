"""The later life of a case as one person may know it: plain values, already narrowed, as `workflows.cases.life` reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from workflows.reports.reading import ReportLine


@dataclass(frozen=True, slots=True)
class RecommendationView:
    """What its body's list said of the case: `rank` None when it is not on it. `remark` and `by` (of the list) as visible."""

    body: str
    received_at: datetime
    rank: int | None
    remark: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class StageListView:
    """Where the case stands on the list of its body's own stage (`place` None: it does not), for who runs the stage.

    `dropped`: an upheld objection took it out. `sealed_at` and `sha256` once the list cannot be changed any more.
    """

    place: int | None
    dropped: bool
    ranked_at: datetime
    sealed_at: datetime | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class RoundView:
    """A round that the case belongs to: the cadence's name in both languages, which time, and what was done with it."""

    name: dict[str, str]
    plan: str
    occurrence: str
    cutoff_at: datetime
    closed_at: datetime
    publicity: str | None


@dataclass(frozen=True, slots=True)
class SelectionView:
    """One selection and what it decided about the case. All but `selected` and `at` are the organisers'.

    `note`: `tie_decided` (a person chose among equals), `moved_up` (another was withdrawn). `method` and `cut` are those of the
    whole selection, as is `reason`.
    """

    at: datetime
    selected: bool
    place: int | None = None
    score: Decimal | None = None
    note: str | None = None
    cut: int | None = None
    method: str | None = None
    reason: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment or objection (`kind`) about the case. Who sent it and what it says is told to those who run the consultation;
    others are told of those that are decided, with the answer."""

    id: str
    kind: str
    received_at: datetime
    state: str
    answer: str | None
    decided_at: datetime | None
    from_name: str | None = None
    from_contact: str | None = None
    text: str | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class PublicationView:
    """A published list that the case stands on, at which place."""

    title: str
    published_at: datetime
    place: int
    campaign_id: str


@dataclass(frozen=True, slots=True)
class DeadlineView:
    """Something that ends at `at` (half-open): a window (`kind` is its name, `unit` whose it is, `stage`: within its body's own
    stage) or an open `task` (`step`)."""

    kind: str
    at: datetime
    unit: str | None = None
    step: str | None = None
    stage: bool = False


@dataclass(frozen=True, slots=True)
class CaseLife:
    """The later life of a case as one person may know it."""

    recommendation: RecommendationView | None = None
    stage_list: StageListView | None = None
    rounds: tuple[RoundView, ...] = ()
    selections: tuple[SelectionView, ...] = ()
    comments: tuple[CommentView, ...] = ()
    publications: tuple[PublicationView, ...] = ()
    reports: tuple[ReportLine, ...] = ()
    deadlines: tuple[DeadlineView, ...] = ()
