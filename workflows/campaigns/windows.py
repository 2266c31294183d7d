"""Windows: until when something may reach somebody. Whether it is in time is decided once, under the lock of the window's row.

A cut-off is half-open: in time means `received_at < cutoff_at`. Where the campaign takes what is late (`lateness`), its row says
until when (`closes_at`) and how (`late`). The row's `state` is housekeeping for pages; it never decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.work import Work, recalled
from workflows.campaigns.lateness import ACCEPT
from workflows.deadlines import say_cutoff, say_moment
from workflows.forms import FormInvalid
from workflows.tables import campaign, case, window

COLLECTION = "collection"
BODY = "body"
INSTITUTION = "institution"
"""A longer time that one institution was given; without it an institution has no window of its own."""
APPLYING = (COLLECTION, BODY, INSTITUTION)
"""Windows that belong to the collection."""
COLLECTED = ("applications.submit", "applications.correct")
"""Handlers of what institutions send within a collection."""
REPORTED = ("recommendations.submit", "audits.report")
"""Handlers of what bodies send on to the organiser."""


class TooLate(Problem):
    """It reached us at or after the cut-off; `received_at` and `cutoff_at` are ISO instants, `window` is the window's id."""

    kind = "conflict"


class CollectionNotOpen(Problem):
    """Nothing is collected yet: the notice has not been issued."""

    kind = "conflict"


UNENDED = ("prepared", "collecting")
"""Phases of a campaign whose collection has not ended."""


class CollectionEnded(Problem):
    """The organiser has ended the collection, which had no date of its own."""

    kind = "conflict"


LATE_REASON = "late_reason"
"""The field that a form gets where what it brings is late and is taken with a reason."""


@dataclass(frozen=True, slots=True)
class Reception:
    """What was decided about something that reached us. `lateness`: None in time, `grace` or `accept_late` where it came at or
    after the cut-off and was taken all the same; `reason` is why it is late."""

    received_at: datetime
    lateness: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A window's row. `organisation_id` is the body (or institution) whose own cut-off it is; None for the organiser's."""

    id: str
    campaign_id: str
    name: str
    organisation_id: str | None
    opens_at: datetime | None
    cutoff_at: datetime
    state: str
    late: str | None = None
    closes_at: datetime | None = None

    @property
    def ends_at(self) -> datetime:
        """When nothing is taken any more: the cut-off, or so long after it as the campaign takes what is late."""
        return self.closes_at or self.cutoff_at

    def asks_reason(self, moment: datetime) -> bool:
        """Whether what comes at this moment is late and is taken with a reason."""
        return self.late == ACCEPT and self.cutoff_at <= moment < self.ends_at

    @property
    def cutoff_values(self) -> dict[str, Any]:
        """The cut-off for texts, in both languages, and as an instant."""
        return {
            "cutoff": say_cutoff(self.cutoff_at, "zh"),
            "cutoff_en": say_cutoff(self.cutoff_at, "en"),
            "cutoff_at": self.cutoff_at.isoformat(),
        }


def _find(*, whole: bool, lock: bool) -> sa.Select[Any]:
    """One window: the organiser's (`whole`), or that of an organisation."""
    query = sa.select(window).where(
        window.c.campaign_id == sa.bindparam("campaign"),
        window.c.name == sa.bindparam("name"),
        window.c.organisation_id.is_(None) if whole else window.c.organisation_id == sa.bindparam("organisation"),
    )
    return query.with_for_update(read=True) if lock else query


_FIND = {(whole, lock): _find(whole=whole, lock=lock) for whole in (True, False) for lock in (True, False)}
_NOBODY = ""
_LATEST = (
    sa.select(window)
    .where(
        window.c.campaign_id == sa.bindparam("campaign"),
        sa.or_(
            sa.and_(window.c.name == sa.bindparam("whole"), window.c.organisation_id.is_(None)),
            sa.and_(window.c.name == BODY, window.c.organisation_id == sa.bindparam("body")),
            sa.and_(window.c.name == INSTITUTION, window.c.organisation_id == sa.bindparam("institution")),
        ),
    )
    .order_by(window.c.cutoff_at.desc(), window.c.name.desc())
    .limit(1)
)
_FIND_LATEST = {False: _LATEST, True: _LATEST.with_for_update(read=True)}
_CASE = (
    sa.select(
        *(case.c[name] for name in ("campaign_id", "channel", "body_id", "institution_id", "stage_id", "prefecture_id")),
        campaign.c.settings,
    )
    .join(campaign, campaign.c.id == case.c.campaign_id)
    .where(case.c.id == sa.bindparam("case"))
)


def get_window(work: Work, campaign_id: str, name: str, organisation_id: str | None = None, *, lock: bool = False) -> Window:
    """A window of a campaign; with `lock` its cut-off cannot be changed, nor the window be closed, before this unit of work ends.

    The lock is shared: those who hand in at the same moment do not wait for each other.
    Raises LookupError when the campaign has no such window: a fault of ours (`find_window` where it may not have it yet).
    """
    found = find_window(work, campaign_id, name, organisation_id, lock=lock)
    if found is None:
        raise LookupError(f"campaign {campaign_id} has no window {name} of {organisation_id}")
    return found


def find_window(
    work: Work, campaign_id: str, name: str, organisation_id: str | None = None, *, lock: bool = False
) -> Window | None:
    """As `get_window`; None while the campaign's cut-off is unknown, when it has no windows yet."""
    given = {"campaign": campaign_id, "name": name, "organisation": organisation_id}
    row = work.connection.execute(_FIND[organisation_id is None, lock], given).one_or_none()
    return None if row is None else Window(**row._mapping)


@recalled
def latest_window(
    work: Work, campaign_id: str, *, whole: bool, body: str | None, institution: str | None, lock: bool = False
) -> Window | None:
    """That of several windows which ends last: the organiser's (`whole`), a body's, an institution's. Whoever was given longer
    may use it, whatever binds the others; None where there are none."""
    named = {"whole": COLLECTION if whole else _NOBODY, "body": body or _NOBODY, "institution": institution or _NOBODY}
    row = work.connection.execute(_FIND_LATEST[lock], {"campaign": campaign_id, **named}).one_or_none()
    return None if row is None else Window(**row._mapping)


def stage_window(work: Work, stage_id: str, prefecture_id: str | None, *, lock: bool = False) -> Window | None:
    """The window of a body's own stage that decides about a case: that of who checks it first, else the stage's own."""
    name = COLLECTION if prefecture_id is None else BODY
    return find_window(work, stage_id, name, prefecture_id, lock=lock)


def list_windows(work: Work, campaign_id: str) -> list[Window]:
    """All windows of a campaign, by cut-off."""
    query = sa.select(window).where(window.c.campaign_id == campaign_id).order_by(window.c.cutoff_at, window.c.id)
    return [Window(**row._mapping) for row in work.connection.execute(query)]


def last_end(work: Work, campaign_id: str) -> datetime | None:
    """When nothing reaches a campaign's collection any more, not even late; None where it has no windows."""
    return max((each.ends_at for each in list_windows(work, campaign_id) if each.name in APPLYING), default=None)


def decide_open(work: Work, where: Window) -> datetime:
    """The moment, while a window takes anything, be it late; its row is locked by this unit of work.

    Raises TooLate, and CollectionNotOpen before the window opens.
    """
    moment = work.decide()
    if where.opens_at is None or moment < where.opens_at:
        raise CollectionNotOpen()
    if moment >= where.ends_at:
        raise too_late(where, moment)
    return moment


def receive(work: Work, where: Window, form: Mapping[str, Any]) -> Reception:
    """What counts as received, for a window whose row is locked by this unit of work: when, and whether in time.

    What is late and needs a reason has it in the field `late_reason`.
    Raises TooLate, CollectionNotOpen, FormInvalid where the reason is missing.
    """
    received_at = decide_open(work, where)
    if received_at < where.cutoff_at:
        return Reception(received_at)
    if where.late != ACCEPT:
        return Reception(received_at, where.late)
    reason = str(form.get(LATE_REASON) or "").strip()
    if not reason:
        raise FormInvalid(findings=[Finding("LateReasonMissing", path=LATE_REASON, values=where.cutoff_values)])
    return Reception(received_at, where.late, reason)


def decide_collecting(work: Work, campaign_id: str, *, alone: bool = False) -> datetime:
    """The moment that counts as received where no date bounds the collection: it is open until its organiser ends it.

    The campaign's row is held, so that the organiser ends it before or after, and then knows what was taken: shared, or `alone`
    by a unit of work that goes on to change the row.
    Raises CollectionNotOpen, CollectionEnded.
    """
    query = sa.select(campaign.c.phase).where(campaign.c.id == campaign_id)
    phase = work.connection.execute(query.with_for_update(read=not alone, key_share=alone)).scalar_one()
    if phase == "prepared":
        raise CollectionNotOpen()
    if phase != "collecting":
        raise CollectionEnded()
    return work.decide()


def is_collecting(work: Work, campaign_id: str) -> bool:
    """Whether the campaign's collection has not ended, as somebody sees it who decides nothing by it."""
    return work.connection.execute(sa.select(campaign.c.phase).where(campaign.c.id == campaign_id)).scalar_one() in UNENDED


def too_late(where: Window, received_at: datetime) -> TooLate:
    """The refusal, with all that its text and its receipt need."""
    return TooLate(
        **where.cutoff_values,
        window=where.id,
        received=say_moment(received_at, "zh"),
        received_en=say_moment(received_at, "en"),
        received_at=received_at.isoformat(),
    )


def deciding_window(work: Work, handler: str, variables: Mapping[str, Any], *, lock: bool = False) -> Window | None:
    """The window that decides about what a handler receives; None where no cut-off applies, or is not known yet.

    `variables` are those of the instance: `campaign`, and `case` for a case.
    """
    if handler in REPORTED:
        body = variables.get("body")
        return latest_window(work, variables["campaign"], whole=True, body=body, institution=None, lock=lock)
    if handler not in COLLECTED:
        return None
    row = _find_terms(work, variables["case"])
    return window_of_case(work, handler, row, row.settings, lock=lock)


@recalled
def _find_terms(work: Work, case_id: str) -> Any:
    """What a case's cut-off depends on."""
    return work.connection.execute(_CASE, {"case": case_id}).one()


def window_of_case(work: Work, handler: str, row: Any, settings: Mapping[str, Any], *, lock: bool = False) -> Window | None:
    """The window that decides about an application or its correction, for who has the case's row and its campaign's settings."""
    if handler not in COLLECTED:
        return None
    body = row.body_id if row.channel == "recommended" else None
    # The notice is silent about corrections after a cut-off: a setting, `collection` (the organiser's) unless changed.
    whole = handler == "applications.correct" and settings.get("correction_window", COLLECTION) == COLLECTION
    if body is not None and not whole and row.stage_id is not None:
        return stage_window(work, row.stage_id, row.prefecture_id, lock=lock)
    return latest_window(work, row.campaign_id, whole=whole or body is None, body=body, institution=row.institution_id, lock=lock)
