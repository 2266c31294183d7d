"""Opening a case: an institution begins its application while its window is open, and the case's instance starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.definitions import get_definition
from engine.errors import Problem
from engine.ids import new_id
from engine.instances import start_instance
from engine.tables import user_task
from engine.work import Work
from workflows.campaigns import windows
from workflows.campaigns.forms import campaign_notice
from workflows.campaigns.lateness import CLOSES
from workflows.campaigns.reading import campaign_dates, get_campaign
from workflows.campaigns.windows import Window
from workflows.organisations import Organisation, find_above, get_organisation, list_organisations
from workflows.people import Person
from workflows.rules import campaign_subject, require
from workflows.search import write_number
from workflows.tables import campaign, case, recommending_body

CHANNELS = ("recommended", "direct")


class ChannelUnknown(Problem):
    """`channel` is none of `CHANNELS`."""


class DirectReportingClosed(Problem):
    """The notice takes applications only through the recommending bodies."""

    kind = "conflict"


class RecommendingClosed(Problem):
    """No step of the cases' diagram is a recommending body's: an application through one would reach nobody."""

    kind = "conflict"


class InstitutionUnclear(Problem):
    """The person applies for none or several institutions: one must be named."""


class BodyUnclear(Problem):
    """No recommending body of the campaign stands above the institution or in its region: one must be named."""


def start_application(
    work: Work,
    person: Person,
    campaign_id: str,
    *,
    channel: str,
    institution_id: str | None = None,
    body_id: str | None = None,
) -> str:
    """Open a case for the person's institution while its window is open, start its instance, and return the case's id.

    `institution_id` is needed only by who applies for several. `body_id`, for the channel `recommended`, is by default the
    nearest recommending body above the institution, else the one of its region; a consortium must be named.
    Raises CampaignUnknown, NotPermitted, ChannelUnknown, DirectReportingClosed, RecommendingClosed, InstitutionUnclear,
    BodyUnclear, CollectionNotOpen, CollectionEnded, TooLate.
    """
    subject = campaign_subject(work, campaign_id)
    require(person, "campaign.apply", subject)
    if channel not in CHANNELS:
        raise ChannelUnknown(channel=channel)
    if channel not in list_open_channels(work, campaign_id):
        raise DirectReportingClosed() if channel == "direct" else RecommendingClosed()
    institution = get_organisation(work, _choose_institution(person, institution_id))
    body = _choose_body(work, subject.bodies, institution, body_id) if channel == "recommended" else None
    way = _find_way(work, campaign_id, body, institution, lock=True)
    if way.window is None:
        windows.decide_collecting(work, campaign_id, alone=True)
    else:
        windows.decide_open(work, way.window)
    return _open(work, campaign_id, institution.id, body, way)


def applying_window(
    work: Work, campaign_id: str, body_id: str | None, institution_id: str | None = None, *, lock: bool = False
) -> Window | None:
    """The window in which an institution applies: that of its body, or the organiser's for who reports directly.

    Of a body that runs its own stage it is the stage's; for an institution (None: any) that of who checks it first there.
    """
    institution = None if institution_id is None else get_organisation(work, institution_id)
    return _find_way(work, campaign_id, body_id, institution, lock=lock).window


def open_case(work: Work, campaign_id: str, institution_id: str, body_id: str | None) -> str:
    """Write a case of an institution (by a body, or directly) and start its instance; its id. That it may was decided before."""
    way = _find_way(work, campaign_id, body_id, get_organisation(work, institution_id))
    return _open(work, campaign_id, institution_id, body_id, way)


def _open(work: Work, campaign_id: str, institution_id: str, body_id: str | None, way: _Way) -> str:
    where, stage, checker = way.window, way.stage, way.checker
    channel = "direct" if body_id is None else "recommended"
    dates = campaign_dates(work, campaign_id)
    row = _take_number(work, campaign_id)  # from here on others who open a case wait
    case_id = new_id()
    number = f"{row.key}-{row.next_number - 1:04d}"
    values: dict[str, Any] = {
        "id": case_id,
        "number": number,
        "campaign_id": campaign_id,
        "institution_id": institution_id,
        "body_id": body_id,
        "channel": channel,
        "title": "",
        "directions": [],
        "state": "draft",
        "created_at": work.now,
        "created_by": work.by,
        "stage_id": None if stage is None else stage.id,
        "prefecture_id": checker,
    }
    work.connection.execute(_INSERT_CASE, values)
    write_number(work, number)
    variables = {
        "case": case_id,
        "campaign": campaign_id,
        "campaign_key": row.key,
        "institution": institution_id,
        "body": body_id,
        "organiser": row.organiser_id,
        "channel": channel,
        "cutoff": None if where is None else where.cutoff_at.isoformat(),
        CLOSES: None if where is None else where.ends_at.isoformat(),
        "dates": dates,
        "outcome": "",
    }
    if stage is not None:
        variables |= {
            "stage": stage.id,
            "prefecture": checker,
            "checked": checker is None,
            "stage_dates": campaign_dates(work, stage.id),
        }
    definition_id = row.case_definition_id if stage is None else stage.case_definition_id
    instance_id = start_instance(work, definition_id, number, variables, belongs_to=campaign_id)
    work.connection.execute(_SET_INSTANCE, {"case": case_id, "instance": instance_id})
    return case_id


def find_end(work: Work, campaign_id: str) -> Problem | None:
    """Why nobody can apply in a campaign any more: TooLate after its cut-off, CollectionEnded; None while somebody can.

    To be shown; what counts is decided when an application comes.
    """
    found = [each for each in windows.list_windows(work, campaign_id) if each.name in windows.APPLYING]
    if found:
        last = max(found, key=lambda each: each.ends_at)
        return windows.too_late(last, work.now) if work.now >= last.ends_at else None
    return None if get_campaign(work, campaign_id).phase in windows.UNENDED else windows.CollectionEnded()


def list_open_channels(work: Work, campaign_id: str) -> tuple[str, ...]:
    """The channels to offer: through a body where the case's diagram gives a body something to do, directly unless the notice
    says no.

    Raises CampaignUnknown.
    """
    stored = campaign_notice(work, campaign_id)
    nodes = get_definition(work, stored.definitions["case"]).model.nodes.values()
    drawn = any("body" in group.names for node in nodes for group in node.camunda.candidate_groups)
    direct = stored.notice.direct_reporting
    closed = direct is not None and not direct.value
    return tuple(name for name in CHANNELS if (name == "recommended" and drawn) or (name == "direct" and not closed))


def first_task(work: Work, case_id: str) -> str | None:
    """The id of the open task that a newly opened case waits at; None when there is none."""
    query = sa.select(user_task.c.id).join(case, case.c.number == user_task.c.business_key)
    query = query.where(case.c.id == case_id, user_task.c.state == "open").order_by(user_task.c.created_at, user_task.c.id)
    found: str | None = work.connection.execute(query.limit(1)).scalar_one_or_none()
    return found


def _choose_institution(person: Person, institution_id: str | None) -> str:
    own = person.organisations("applicant")
    if institution_id is None and len(own) == 1:
        return next(iter(own))
    if institution_id is None or institution_id not in own:
        raise InstitutionUnclear()
    return institution_id


def _choose_body(work: Work, members: frozenset[str], institution: Organisation, wanted: str | None) -> str:
    nearest = next((above for above in institution.ancestors if above in members), None)
    if nearest is not None and wanted in (None, nearest):
        return nearest
    bodies = {body.id: body for body in list_organisations(work, ids=sorted(members))}
    home = find_above(institution, bodies.values())
    if wanted is None and home is not None:
        return home
    if wanted in bodies:
        near = institution.region is not None and bodies[wanted].region == institution.region
        if near or wanted in institution.ancestors or bodies[wanted].kind == "consortium":
            return wanted
    raise BodyUnclear(institution=institution.name)


@dataclass(frozen=True, slots=True)
class _Way:
    """By which window a case comes in; the stage that its body runs itself, and who checks the case first in it: the nearest
    above the institution of those that the stage asks."""

    window: Window | None
    stage: sa.Row[Any, Any] | None = None
    checker: str | None = None


def _find_way(work: Work, campaign_id: str, body_id: str | None, institution: Organisation | None, *, lock: bool = False) -> _Way:
    own = None if institution is None else institution.id
    if body_id is None:
        return _Way(windows.latest_window(work, campaign_id, whole=True, body=None, institution=own, lock=lock))
    stage = work.connection.execute(_STAGE, {"campaign": campaign_id, "body": body_id}).one_or_none()
    if stage is None:
        return _Way(windows.latest_window(work, campaign_id, whole=False, body=body_id, institution=own, lock=lock))
    checker = None
    if institution is not None:
        members = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == stage.id)
        asked = set(work.connection.execute(members).scalars())
        checker = next((place for place in institution.ancestors if place in asked), None)
    return _Way(windows.stage_window(work, stage.id, checker, lock=lock), stage, checker)


_STAGE = (
    sa.select(campaign.c.id, campaign.c.case_definition_id)
    .join(recommending_body, recommending_body.c.stage_id == campaign.c.id)
    .where(
        recommending_body.c.campaign_id == sa.bindparam("campaign"), recommending_body.c.organisation_id == sa.bindparam("body")
    )
)
_INSERT_CASE = sa.insert(case)
_SET_INSTANCE = sa.update(case).where(case.c.id == sa.bindparam("case")).values(instance_id=sa.bindparam("instance"))
_TAKE_NUMBER = (
    sa.update(campaign)
    .where(campaign.c.id == sa.bindparam("campaign"))
    .values(next_number=campaign.c.next_number + 1)
    .returning(campaign.c.key, campaign.c.next_number, campaign.c.organiser_id, campaign.c.case_definition_id)
)


def _take_number(work: Work, campaign_id: str) -> sa.Row[Any]:
    """Count up under the lock of the campaign's row: no number is given twice, and none is lost but by a rollback."""
    return work.connection.execute(_TAKE_NUMBER, {"campaign": campaign_id}).one()
