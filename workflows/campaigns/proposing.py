"""Proposing a campaign: what a person begins with (a notice, or an earlier campaign moved by years), and the making of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa

from engine.moments import SHANGHAI
from engine.work import Work
from workflows.campaigns.creating import CUTOFF, Override, create_campaign
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.campaigns.settings import Bounds, list_bounds
from workflows.campaigns.windows import BODY, list_windows
from workflows.deadlines import DateValue, last_day, load_date
from workflows.notices import StoredNotice, get_notice, list_notices
from workflows.organisations import Organisation, list_organisations
from workflows.people import Person
from workflows.rules import campaign_subject, can, notice_subject, organisation_subject, require
from workflows.rules.subjects import NoticeUnknown
from workflows.tables import recommending_body

KINDS = {"corps": "province", "division": "institution"}
"""Kinds of organisations by those of a notice's bodies, where the words differ."""


@dataclass(frozen=True, slots=True)
class ProposedDate:
    """A date of the notice, that of the campaign before, and the cut-off proposed for it (None: as the notice says)."""

    name: str
    stated: DateValue
    earlier: DateValue | None
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class ProposedSetting:
    """A setting with its bounds, that of the campaign before (None without one), and the value proposed."""

    name: str
    bounds: Bounds
    earlier: Any
    value: Any


@dataclass(frozen=True, slots=True)
class ProposedBody:
    """An organisation that could recommend; `named` by the notice, `chosen` to begin with, perhaps with its own cut-off."""

    organisation: Organisation
    named: bool
    chosen: bool
    cutoff_at: datetime | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the form of a new campaign shows. `missing` are the notice's bodies of which no organisation is known."""

    notice: StoredNotice
    earlier: Campaign | None
    organisers: tuple[Organisation, ...]
    title: str
    dates: tuple[ProposedDate, ...]
    settings: tuple[ProposedSetting, ...]
    bodies: tuple[ProposedBody, ...]
    missing: tuple[str, ...]


def propose_campaign(work: Work, person: Person, *, notice_id: str | None = None, earlier_id: str | None = None) -> Proposal:
    """The proposal of a campaign of a notice, or of the newest released version of an earlier campaign's notice.

    The earlier one's dates are moved by whole years: one, or so many that its collection would end in the future.
    Raises CampaignUnknown, NoticeUnknown, NotPermitted.
    """
    earlier = None
    if earlier_id is not None:
        earlier = get_campaign(work, earlier_id, person=person)
        require(person, "campaign.manage", campaign_subject(work, earlier_id))
        notice_id = _newest(work, earlier)
    stored = get_notice(work, notice_id or "")
    if not can(person, "notice.read", notice_subject(work, stored.id)):
        raise NoticeUnknown()
    notice = stored.notice
    before = {} if earlier is None else {name: load_date(value) for name, value in earlier.dates.items()}
    years = _years(work, before)
    theme = notice.document.theme
    return Proposal(
        notice=stored,
        earlier=earlier,
        organisers=tuple(list_organisations(work, ids=sorted(person.organisations("organiser")))),
        title=earlier.title if earlier is not None else (theme or notice.document.title).value,
        dates=tuple(
            ProposedDate(name, stated, before.get(name), _moved(before[name], years) if name in before else None)
            for name, stated in notice.dates.items()
        ),
        settings=tuple(_propose_setting(name, bounds, earlier) for name, bounds in list_bounds(notice).items()),
        bodies=tuple(_propose_bodies(work, stored, earlier, years)),
        missing=tuple(_missing(work, stored)),
    )


def open_campaign(
    work: Work,
    person: Person,
    notice_id: str,
    *,
    key: str,
    organiser_id: str,
    title: str | None,
    dates: Mapping[str, Override],
    settings: Mapping[str, Any],
    bodies: Iterable[tuple[str, Override | None]],
    demo: bool = False,
) -> str:
    """Make a campaign for an official of its organiser; its id. A collection that has ended already is refused.

    Raises NotPermitted, and what `create_campaign` raises.
    """
    require(person, "campaign.create", organisation_subject(work, organiser_id))
    return create_campaign(
        work,
        notice_id,
        key=key,
        organiser_id=organiser_id,
        title=title,
        dates=dates,
        settings=settings,
        bodies=bodies,
        demo=demo,
        ends_after=work.now,
    )


def _newest(work: Work, earlier: Campaign) -> str:
    """The newest released version of the campaign's notice; its own one where no version is released any more."""
    released = [each for each in list_notices(work) if each.key == earlier.notice_key and each.state == "deployed"]
    return released[0].id if released else earlier.notice_id


def _propose_setting(name: str, bounds: Bounds, earlier: Campaign | None) -> ProposedSetting:
    before = None if earlier is None else earlier.settings.get(name)
    fits = earlier is not None and name in earlier.settings and bounds.fits(before)
    return ProposedSetting(name, bounds, before, before if fits else bounds.value)


def _propose_bodies(work: Work, stored: StoredNotice, earlier: Campaign | None, years: int) -> Iterable[ProposedBody]:
    """The bodies that the notice names, then those of the earlier campaign and others of the same kinds."""
    listed = stored.notice.recipients.bodies
    names = {name for body in listed for name in (body.name, body.short_name)}
    kinds = {KINDS.get(body.kind, body.kind) for body in listed} - {"institution"}
    before: dict[str, datetime | None] = {}
    if earlier is not None:
        members = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == earlier.id)
        own = {each.organisation_id: each.cutoff_at for each in list_windows(work, earlier.id) if each.name == BODY}
        before = {body_id: own.get(body_id) for body_id in work.connection.execute(members).scalars()}
    for place in list_organisations(work):
        named = place.name in names or place.short_name in names
        if named or place.id in before or place.kind in kinds:
            cutoff_at = before.get(place.id)
            chosen = place.id in before if earlier is not None else named
            yield ProposedBody(place, named, chosen, cutoff_at and _move(cutoff_at, years))


def _missing(work: Work, stored: StoredNotice) -> Iterable[str]:
    known = {name for place in list_organisations(work) for name in (place.name, place.short_name)}
    return (body.short_name for body in stored.notice.recipients.bodies if not known & {body.name, body.short_name})


def _years(work: Work, dates: Mapping[str, DateValue]) -> int:
    """By how many years an earlier campaign is moved: at least one, until its collection ends in the future."""
    cutoff_at = dates[CUTOFF].cutoff_at if CUTOFF in dates else None
    years = min(len(dates), 1)
    while cutoff_at is not None and _move(cutoff_at, years) <= work.now:
        years += 1
    return years


def _moved(value: DateValue, years: int) -> datetime | None:
    return None if value.cutoff_at is None else _move(value.cutoff_at, years)


def _move(cutoff_at: datetime, years: int) -> datetime:
    """The same day and time so many years later; the cut-off of 29 February is that of 28 February where there is none."""
    day, clock = split_cutoff(cutoff_at)
    try:
        day = day.replace(year=day.year + years)
    except ValueError:
        day = day.replace(year=day.year + years, day=28)
    return join_cutoff(day, clock)


def split_cutoff(cutoff_at: datetime) -> tuple[date, time | None]:
    """A cut-off as people write it in Beijing: its day, and its time unless that is the end of the day."""
    local = cutoff_at.astimezone(SHANGHAI)
    return (last_day(cutoff_at, SHANGHAI.key), None) if local.time() == time(0) else (local.date(), local.time())


def join_cutoff(day: date, clock: time | None) -> datetime:
    """The cut-off of a day, or of a time on it, in Beijing."""
    if clock is not None:
        return datetime.combine(day, clock, SHANGHAI)
    return datetime.combine(date.fromordinal(day.toordinal() + 1), time(0), SHANGHAI)
