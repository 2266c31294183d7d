"""Applications: an institution opens a case, sends, corrects and supplements it. Every version stays as it came."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from engine.definitions import get_definition
from engine.errors import Problem
from engine.handlers import Call
from engine.ids import new_id
from engine.instances import start_instance
from engine.tables import user_task
from engine.work import Work
from workflows.campaigns import windows
from workflows.campaigns.forms import campaign_notice
from workflows.campaigns.reading import campaign_dates, get_campaign
from workflows.campaigns.windows import BODY, COLLECTION, Window
from workflows.duplicates import refuse_second
from workflows.mails import find_members, queue_letter
from workflows.organisations import Organisation, find_above, get_organisation, list_organisations
from workflows.people import Person
from workflows.rules import campaign_subject, require
from workflows.tables import application_version, campaign, case, receipt, recommending_body

CHANNELS = ("recommended", "direct")
TITLE, DIRECTIONS = "title", "directions"
"""Fields of the application form that lists show; other fields stay in the versions only."""


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


# ---- opening a case --------------------------------------------------------------------------------------------------
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
    require(person, "campaign.apply", campaign_subject(work, campaign_id))
    if channel not in CHANNELS:
        raise ChannelUnknown(channel=channel)
    if channel not in list_open_channels(work, campaign_id):
        raise DirectReportingClosed() if channel == "direct" else RecommendingClosed()
    institution = get_organisation(work, _choose_institution(person, institution_id))
    body = _choose_body(work, campaign_id, institution, body_id) if channel == "recommended" else None
    where = applying_window(work, campaign_id, body, institution.id, lock=True)
    if where is None:
        windows.decide_collecting(work, campaign_id, alone=True)
    else:
        windows.decide_in_time(work, where)
    return open_case(work, campaign_id, institution.id, body)


def applying_window(
    work: Work, campaign_id: str, body_id: str | None, institution_id: str | None = None, *, lock: bool = False
) -> Window | None:
    """The window in which an institution applies: that of its body, or the organiser's for who reports directly.

    Of a body that runs its own stage it is the stage's; for an institution (None: any) that of who checks it first there.
    """
    stage, checker = _find_stage(work, campaign_id, body_id, institution_id)
    if stage is not None:
        return windows.stage_window(work, stage.id, checker, lock=lock)
    return windows.find_window(work, campaign_id, BODY if body_id else COLLECTION, body_id, lock=lock)


def open_case(work: Work, campaign_id: str, institution_id: str, body_id: str | None) -> str:
    """Write a case of an institution (by a body, or directly) and start its instance; its id. That it may was decided before."""
    where = applying_window(work, campaign_id, body_id, institution_id)
    stage, checker = _find_stage(work, campaign_id, body_id, institution_id)
    channel = "direct" if body_id is None else "recommended"
    row = _take_number(work, campaign_id)
    case_id = new_id()
    number = f"{row.key}-{row.next_number - 1:04d}"
    work.connection.execute(
        sa.insert(case).values(
            id=case_id,
            number=number,
            campaign_id=campaign_id,
            institution_id=institution_id,
            body_id=body_id,
            channel=channel,
            title="",
            directions=[],
            state="draft",
            created_at=work.now,
            created_by=work.by,
            stage_id=None if stage is None else stage.id,
            prefecture_id=checker,
        )
    )
    variables = {
        "case": case_id,
        "campaign": campaign_id,
        "campaign_key": row.key,
        "institution": institution_id,
        "body": body_id,
        "organiser": row.organiser_id,
        "channel": channel,
        "cutoff": None if where is None else where.cutoff_at.isoformat(),
        "dates": campaign_dates(work, campaign_id),
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
    instance_id = start_instance(work, definition_id, number, variables)
    work.connection.execute(sa.update(case).where(case.c.id == case_id).values(instance_id=instance_id))
    return case_id


def find_end(work: Work, campaign_id: str) -> Problem | None:
    """Why nobody can apply in a campaign any more: TooLate after its cut-off, CollectionEnded; None while somebody can.

    To be shown; what counts is decided when an application comes.
    """
    where = windows.find_window(work, campaign_id, COLLECTION)
    if where is not None:
        return windows.too_late(where, work.now) if work.now >= where.cutoff_at else None
    return None if get_campaign(work, campaign_id).phase in ("prepared", "collecting") else windows.CollectionEnded()


def list_open_channels(work: Work, campaign_id: str) -> tuple[str, ...]:
    """The channels to offer: through a body where the case's diagram gives a body something to do, directly unless the notice
    says no.

    Raises CampaignUnknown.
    """
    found = get_campaign(work, campaign_id)
    nodes = get_definition(work, found.case_definition_id).model.nodes.values()
    drawn = any("body" in group.names for node in nodes for group in node.camunda.candidate_groups)
    direct = campaign_notice(work, campaign_id).notice.direct_reporting
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


def _choose_body(work: Work, campaign_id: str, institution: Organisation, wanted: str | None) -> str:
    members = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == campaign_id)
    bodies = {body.id: body for body in list_organisations(work, ids=list(work.connection.execute(members).scalars()))}
    home = find_above(institution, bodies.values())
    if wanted is None and home is not None:
        return home
    if wanted in bodies:
        near = institution.region is not None and bodies[wanted].region == institution.region
        if near or wanted in institution.ancestors or bodies[wanted].kind == "consortium":
            return wanted
    raise BodyUnclear(institution=institution.name)


def _find_stage(
    work: Work, campaign_id: str, body_id: str | None, institution_id: str | None
) -> tuple[sa.Row[Any, Any] | None, str | None]:
    """The stage that the body runs itself in this campaign, and who checks the institution's cases first in it.

    That is the nearest above the institution of those that the stage asks; None where there is none.
    """
    query = (
        sa.select(campaign.c.id, campaign.c.case_definition_id)
        .join(recommending_body, recommending_body.c.stage_id == campaign.c.id)
        .where(recommending_body.c.campaign_id == campaign_id, recommending_body.c.organisation_id == body_id)
    )
    stage = work.connection.execute(query).one_or_none()
    if stage is None or institution_id is None:
        return stage, None
    members = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == stage.id)
    asked = set(work.connection.execute(members).scalars())
    return stage, next((place for place in get_organisation(work, institution_id).ancestors if place in asked), None)


def _take_number(work: Work, campaign_id: str) -> sa.Row[Any]:
    """Count up under the lock of the campaign's row: no number is given twice, and none is lost but by a rollback."""
    taken = (
        sa.update(campaign)
        .where(campaign.c.id == campaign_id)
        .values(next_number=campaign.c.next_number + 1)
        .returning(campaign.c.key, campaign.c.next_number, campaign.c.organiser_id, campaign.c.case_definition_id)
    )
    return work.connection.execute(taken).one()


# ---- handlers --------------------------------------------------------------------------------------------------------
def submit(call: Call) -> Mapping[str, Any]:
    """`applications.submit`: the application reaches its window (the body's own, or the organiser's) in time.

    Stores version and receipt; a direct case has reached the organiser (`outcome` "direct").
    Raises TooLate, CollectionEnded and CaseRecordedAlready.
    """
    received_at = _receive(call, "application", "applications.submit")
    row = _row(call)
    values: dict[str, Any] = {"state": "submitted"}
    if row.received_at is None:
        values["received_at"] = received_at
    if row.channel == "direct" and row.reported_at is None:
        values["reported_at"] = received_at
    _update(call, **values, **_shown(call.form))
    return {"outcome": "direct"} if row.channel == "direct" else {}


def correct(call: Call) -> None:
    """`applications.correct`: what the body returned comes back corrected, in time for the organiser's window.

    Raises TooLate and CollectionEnded.
    """
    _receive(call, "correction", "applications.correct")
    _update(call, state="submitted", **_shown(call.form))


def supplement(call: Call) -> None:
    """`applications.supplement`: what the organiser asked for after the collection; no cut-off but that of the diagram."""
    _receive(call, "supplement", "applications.supplement")
    _update(call, state="submitted", **_shown(call.form))


def expire(call: Call) -> Mapping[str, Any]:
    """`applications.expire`: the cut-off passed before anything was sent (`outcome` "expired")."""
    _update(call, state="lapsed")
    return {"outcome": "expired"}


def lapse(call: Call) -> Mapping[str, Any]:
    """`applications.lapse`: time is over for a case that was neither recommended nor complete (`outcome` "lapsed")."""
    _update(call, state="lapsed")
    return {"outcome": "lapsed"}


# ---- versions and receipts -------------------------------------------------------------------------------------------
def hash_data(data: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON (keys sorted, no spaces, UTF-8): what a receipt prints and anybody can recompute."""
    return hashlib.sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()


def last_version(work: Work, case_id: str) -> sa.Row[Any] | None:
    """The latest version of a case's application; None before the first."""
    query = sa.select(application_version).where(application_version.c.case_id == case_id)
    return work.connection.execute(query.order_by(application_version.c.version.desc()).limit(1)).one_or_none()


def write_receipt(
    work: Work,
    *,
    campaign_id: str,
    case_id: str | None,
    organisation_id: str,
    kind: str,
    where: Window | None,
    accepted: bool,
    received_at: datetime,
    sha256: str,
    report_id: str | None = None,
    cutoff_at: datetime | None = None,
) -> str:
    """Note what reached us, when, and against which cut-off as it stood (the window's, or `cutoff_at`); the row's id."""
    receipt_id = new_id()
    work.connection.execute(
        sa.insert(receipt).values(
            id=receipt_id,
            campaign_id=campaign_id,
            case_id=case_id,
            report_id=report_id,
            organisation_id=organisation_id,
            kind=kind,
            window_id=None if where is None else where.id,
            accepted=accepted,
            received_at=received_at,
            cutoff_at=cutoff_at if where is None else where.cutoff_at,
            sha256=sha256,
            by=work.by,
        )
    )
    return receipt_id


def _receive(call: Call, kind: str, handler: str) -> datetime:
    work, row = call.work, _row(call)
    where = windows.deciding_window(work, handler, call.variables, lock=True)
    if where is not None:
        received_at = windows.decide_in_time(work, where)
    elif handler in windows.COLLECTED:
        received_at = windows.decide_collecting(work, row.campaign_id)
    else:
        received_at = work.decide()
    refuse_second(work, row.id, _shown(call.form)["title"])
    before = last_version(work, row.id)
    form_key = work.connection.execute(sa.select(user_task.c.form_key).where(user_task.c.id == call.task_id)).scalar_one()
    version = 1 if before is None else before.version + 1
    digest = hash_data(call.form)
    work.connection.execute(
        sa.insert(application_version).values(
            case_id=row.id,
            version=version,
            form_key=form_key,
            data=dict(call.form),
            sha256=digest,
            received_at=received_at,
            received_by="online",
            submitted_by=call.by,
        )
    )
    write_receipt(
        work,
        campaign_id=row.campaign_id,
        case_id=row.id,
        organisation_id=row.institution_id,
        kind=kind,
        where=where,
        accepted=True,
        received_at=received_at,
        sha256=digest,
    )
    queue_letter(
        work,
        "application_received",
        find_members(work, [f"applicant@{row.institution_id}"]),
        campaign_id=row.campaign_id,
        about=row.number,
        unique_key=f"application_received:{row.number}:{version}",
        values={"number": row.number, "title": _shown(call.form)["title"], "received": received_at},
    )
    return received_at


def _row(call: Call) -> sa.Row[Any]:
    return call.work.connection.execute(sa.select(case).where(case.c.id == call.variables["case"])).one()


def _update(call: Call, **values: Any) -> None:
    call.work.connection.execute(sa.update(case).where(case.c.id == call.variables["case"]).values(**values))


def _shown(form: Mapping[str, Any]) -> dict[str, Any]:
    """What the rows of lists show of an application."""
    directions = form.get(DIRECTIONS) or []
    return {
        "title": str(form.get(TITLE) or "")[:300],
        "directions": list(directions) if isinstance(directions, list | tuple) else [directions],
    }
