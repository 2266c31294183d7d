"""What an organiser asks for, and what is refused: all faults at once.

Possible is a later moment that is still to come: of every date that has one moment, for the whole campaign; of the collection's
cut-off also for one recommending body or one institution. A cut-off that has passed is opened again while the campaign still
collects, another date while no timer of the campaign has acted on it. Earlier moments are refused as soon as the notice has been
issued: nobody who relied on a date loses time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.errors import Finding, Problem
from engine.moments import SHANGHAI
from engine.tables import instance, timer
from engine.work import Work
from workflows.campaigns.creating import CUTOFF, check_lateness
from workflows.campaigns.lateness import ACCEPT, GRACE, MOST_MINUTES, POLICIES, Lateness
from workflows.campaigns.lateness import MOST_DAYS as MOST_LATE_DAYS
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.campaigns.windows import APPLYING, list_windows
from workflows.deadlines import DateInvalid, Unknown, last_day, load_date, say_cutoff, start_of_day
from workflows.deadlines.origins import FIRST_DAY, LAST_DAY
from workflows.extensions.cutoffs import Cutoffs, latest, read_cutoffs
from workflows.extensions.series import MARK, find_following, list_singles
from workflows.organisations import OrganisationUnknown, find_above, get_organisation, list_organisations
from workflows.tables import case, recommending_body
from workflows.workdays import WorkCalendar, read_calendar

if TYPE_CHECKING:
    from workflows.extensions.recounting import Recount

MOST_DAYS = 3_660
"""Days (or work days) by which a campaign can be shifted at once."""


class ExtensionRefused(Problem):
    """The change is not possible as it was asked for; each finding says why, and where in the form."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that was found possible: date (of a series `<date>/<key>`) → its new moment. `whole` shifts the cut-offs of all
    bodies and institutions, too.

    With `organisation_id` it is the cut-off of this body or institution (`level`); else the campaign's own dates. With `late` it
    is no date that changes but what is taken after the cut-offs.
    """

    moments: Mapping[str, datetime]
    organisation_id: str | None = None
    level: str = "campaign"  # campaign | body | institution
    whole: bool = False
    old: Mapping[str, datetime] = field(default_factory=dict)
    late: Lateness | None = None
    counted: Recount | None = None  # what is counted by other work days than it was


def ask_extension(
    work: Work, campaign_id: str, name: str, new: str, *, organisation_id: str | None = None, rest: bool = False
) -> Asked:
    """One date is to have a new moment: a day (its end counts) or an ISO moment. Of a series it is a single date, as
    `month_ends/2023-06`; with `rest` all that follow it move by as much.

    Raises CampaignUnknown, ExtensionRefused.
    """
    found, cutoffs, findings = get_campaign(work, campaign_id), read_cutoffs(work, campaign_id), list[Finding]()
    moment = _read_moment(new, findings)
    if organisation_id:
        level, old = _find_own(work, found, cutoffs, name, organisation_id, moment, findings)
    else:
        level, old = "campaign", _find_old(work, found, cutoffs, name, findings, path="date")
    if moment is not None and old is not None:
        _check_later(found, name, old, moment, work.now, findings, path="new")
    moments = {} if moment is None else {name: moment}
    if moment is not None and old is not None and MARK in name:
        moments = find_following(found.dates, name, moment, findings, rest=rest, path="new")
    if findings or moment is None or old is None:
        raise ExtensionRefused(findings=findings)
    return Asked(moments, organisation_id or None, level, old={**_read_singles(found, moments), name: old})


def ask_shift(work: Work, campaign_id: str, *, days: int = 0, work_days: int = 0, first_day: str = "") -> Asked:
    """All dates that are still to come are to move, of series every single one: by days, by work days, or so that the first of
    all is `first_day`.

    Raises CampaignUnknown, ExtensionRefused.
    """
    found, cutoffs, findings = get_campaign(work, campaign_id), read_cutoffs(work, campaign_id), list[Finding]()
    coming = {name: datetime.fromisoformat(moment) for name, moment in cutoffs.dates.items()}
    if cutoffs.collection is not None and CUTOFF in coming:
        coming[CUTOFF] = cutoffs.collection
    for date_, stored in found.dates.items():
        coming |= {f"{date_}{MARK}{key}": moment for key, moment in list_singles(stored).items()}
    coming = {name: moment for name, moment in sorted(coming.items()) if moment > work.now}
    if not coming:
        raise ExtensionRefused(findings=[Finding("ExtensionNothingToCome", path="days")])
    if first_day:
        moment = _read_moment(first_day, findings, path="first_day")
        if moment is not None:
            days = (moment.astimezone(SHANGHAI).date() - min(coming.values()).astimezone(SHANGHAI).date()).days
    if max(abs(days), abs(work_days)) > MOST_DAYS or not (days or work_days) and not findings:
        findings.append(Finding("ExtensionDaysInvalid", path="days", values={"most": MOST_DAYS}))
    if findings:
        raise ExtensionRefused(findings=findings)
    calendar = read_calendar(work)
    moments = {name: shift_moment(moment, days, work_days, calendar) for name, moment in coming.items()}
    for name, moment in coming.items():
        _find_old(work, found, cutoffs, name, findings, path="days")
        _check_later(found, name, moment, moments[name], work.now, findings, path="days")
    if findings:
        raise ExtensionRefused(findings=findings)
    return Asked(moments, whole=True, old=coming)


def ask_lateness(work: Work, campaign_id: str, policy: str, extent: int | None = None) -> Asked:
    """Late submissions are to be treated otherwise from now on; `extent` are minutes of grace, or days in which they are taken.

    What the diagrams of the campaign end at the cut-off itself cannot be taken late, nor anything once the collection is over.
    While something late is being taken after a cut-off, nobody is given less time for it.
    Raises CampaignUnknown, ExtensionRefused.
    """
    found, cutoffs, findings = get_campaign(work, campaign_id), read_cutoffs(work, campaign_id), list[Finding]()
    most = {GRACE: MOST_MINUTES, ACCEPT: MOST_LATE_DAYS}.get(policy)
    if policy not in POLICIES:
        findings.append(Finding("LatePolicyUnknown", path="policy", values={"given": policy[:40]}))
    if most is not None and not (extent is not None and 1 <= extent <= most):
        findings.append(Finding("LateExtentInvalid", path="extent", values={"most": most}))
    if cutoffs.collection is None:
        findings.append(Finding("LateWithoutCutoff", path="policy"))
    if found.phase not in ("prepared", "collecting"):
        findings.append(Finding("ExtensionCollectionOver", path="policy", values={"date": CUTOFF}))
    wanted = cutoffs.lateness
    if not findings:
        minutes = extent if policy == GRACE and extent else wanted.minutes
        wanted = Lateness(policy, minutes, extent if policy == ACCEPT and extent else wanted.days)
        ids = [found.case_definition_id]
        if found.instance_id is not None:
            own = sa.select(instance.c.definition_id).where(instance.c.id == found.instance_id)
            ids.append(work.connection.execute(own).scalar_one())
        findings += [replace(each, path="policy") for each in check_lateness(work, wanted.settings, ids)]
        if wanted == cutoffs.lateness:
            findings.append(Finding("LateAlreadySo", path="policy"))
        running = [
            each
            for each in list_windows(work, campaign_id)
            if each.name in APPLYING and each.cutoff_at <= work.now < each.ends_at
        ]
        if any(wanted.close(each.cutoff_at) < each.ends_at for each in running):
            last = max(each.ends_at for each in running)
            values = {"until": say_cutoff(last, "zh"), "until_en": say_cutoff(last, "en")}
            findings.append(Finding("LateTakenAway", path="policy", values=values))
    if findings:
        raise ExtensionRefused(findings=findings)
    return Asked({}, late=wanted)


def shift_moment(moment: datetime, days: int, work_days: int, calendar: WorkCalendar) -> datetime:
    """So many days and then work days later, at the same time of the day; the end of a day stays the end of a day."""
    local = moment.astimezone(SHANGHAI)
    ends = local.time() == datetime.min.time()
    day = (last_day(moment, SHANGHAI.key) if ends else local.date()) + timedelta(days=days)
    if work_days:
        day = calendar.add_workdays(day, work_days).day
    return datetime.combine(day + timedelta(days=ends), local.time(), SHANGHAI).astimezone(moment.tzinfo)


def _read_moment(text: str, findings: list[Finding], *, path: str = "new") -> datetime | None:
    try:
        if "T" in text:
            moment = datetime.fromisoformat(text)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).astimezone(SHANGHAI)
        else:
            moment = start_of_day(date.fromisoformat(text) + timedelta(days=1), SHANGHAI.key)
        if FIRST_DAY < moment.date() < LAST_DAY:
            return moment
    except (ValueError, OverflowError, DateInvalid):
        pass
    findings.append(Finding("ExtensionMomentUnreadable", path=path, values={"given": text[:40]}))
    return None


def _find_old(work: Work, found: Campaign, cutoffs: Cutoffs, name: str, findings: list[Finding], *, path: str) -> datetime | None:
    """The present moment of a date of the campaign; what forbids to move it is added to `findings`."""
    values: dict[str, Any] = {"date": name}
    date_, mark, key = name.partition(MARK)
    singles = list_singles(found.dates[date_]) if mark and date_ in found.dates else {}
    if date_ not in found.dates or mark and key not in singles:
        findings.append(Finding("CampaignDateUnknown", path=path, values=values))
        return None
    value = load_date(found.dates[date_])
    old = singles[key] if mark else cutoffs.collection if name == CUTOFF else value.cutoff_at
    old = old or value.cutoff_at
    if isinstance(value, Unknown) or old is None:
        findings.append(Finding("ExtensionNotSingle", path=path, values=values))
        return None
    if name == CUTOFF and found.phase not in ("prepared", "collecting"):
        findings.append(Finding("ExtensionCollectionOver", path=path, values=values))
    elif old <= work.now and _has_acted(work, found, old):
        findings.append(Finding("ExtensionActedOn", path=path, values=values))
    return old


def _read_singles(found: Campaign, moments: Mapping[str, datetime]) -> dict[str, datetime]:
    """The present moments of single dates of series, by name."""
    return {name: list_singles(found.dates[name.partition(MARK)[0]])[name.partition(MARK)[2]] for name in moments if MARK in name}


def _has_acted(work: Work, found: Campaign, old: datetime) -> bool:
    fired = sa.select(timer.c.id).where(timer.c.instance_id == found.instance_id, timer.c.due_at == old, timer.c.state == "fired")
    return work.connection.execute(fired.limit(1)).first() is not None


def _check_later(
    found: Campaign, name: str, old: datetime, new: datetime, now: datetime, findings: list[Finding], *, path: str
) -> None:
    said = {"date": name, "old": say_cutoff(old, "zh"), "old_en": say_cutoff(old, "en")}
    said |= {"new": say_cutoff(new, "zh"), "new_en": say_cutoff(new, "en")}
    if new == old or (new < old and found.phase != "prepared"):
        findings.append(Finding("ExtensionShortens", path=path, values=said))
    elif new <= now:
        findings.append(Finding("ExtensionPast", path=path, values=said))


def _find_own(
    work: Work,
    found: Campaign,
    cutoffs: Cutoffs,
    name: str,
    organisation_id: str,
    new: datetime | None,
    findings: list[Finding],
) -> tuple[str, datetime | None]:
    """Whether it is a body or an institution, and its present cut-off."""
    path = "organisation"
    if name != CUTOFF:
        findings.append(Finding("ExtensionOnlyCutoff", path=path))
    if found.phase not in ("prepared", "collecting"):
        findings.append(Finding("ExtensionCollectionOver", path="date", values={"date": name}))
    rows = work.connection.execute(sa.select(recommending_body).where(recommending_body.c.campaign_id == found.id)).all()
    bodies = {row.organisation_id: row for row in rows}
    if organisation_id in bodies:
        if bodies[organisation_id].stage_id is not None:
            findings.append(Finding("ExtensionOfStage", path=path))
        if bodies[organisation_id].recommended_at is not None:
            findings.append(Finding("ExtensionBodyReported", path=path))
        return "body", cutoffs.bodies.get(organisation_id)
    try:
        place = get_organisation(work, organisation_id)
    except OrganisationUnknown:
        findings.append(Finding("ExtensionOrganisationUnknown", path=path))
        return "institution", None
    if place.kind != "institution":
        findings.append(Finding("ExtensionOrganisationUnknown", path=path))
        return "institution", None
    cases = sa.select(case.c.body_id).where(case.c.campaign_id == found.id, case.c.institution_id == place.id)
    known = {body_id for body_id in work.connection.execute(cases).scalars() if body_id is not None}
    above = find_above(place, list_organisations(work, ids=sorted(bodies)))
    body_id = next(iter(sorted(known)), above)
    if body_id is not None and bodies[body_id].stage_id is not None:
        findings.append(Finding("ExtensionOfStage", path=path))
    bound = cutoffs.reporting(body_id)
    if body_id is not None and new is not None and bound is not None and new > bound:
        said = {"bound": say_cutoff(bound, "zh"), "bound_en": say_cutoff(bound, "en")}
        findings.append(Finding("ExtensionBeyondBody", path="new", values=said))
    own = cutoffs.collection if body_id is None else cutoffs.bodies.get(body_id)
    return "institution", latest(own, cutoffs.institutions.get(organisation_id))
