"""The people of the national campaign, and what becomes of each case: a function of the number alone, so that nobody holds all.

Ids follow from names (`make_id`), so that a worker finds whom it acts for without a list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from engine.work import ProcessEngine
from workflows.campaigns import create_campaign
from workflows.notices import deploy_folder
from workflows.replay.filling import describe_case
from workflows.replay.play import find_notice, notice_dates
from workflows.replay.setting import KINDS
from workflows.replay.world import FORMS, TRADES, Dates, chance
from workflows.tables import membership, organisation, person

NOTICE = "samr_2022_932"
SEED = 1
CHUNK = 1_000
"""Rows written at a time."""
AUTHORITY = hashlib.sha256(b"authority").hexdigest()[:32]


def make_id(kind: str, number: int) -> str:
    """The id of the so-and-so-manieth organisation or person of a kind."""
    return hashlib.sha256(f"{kind}/{number}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The moments of the campaign. Institutions send up to `sending_until`, bodies up to `cutoff_at`."""

    issued_at: datetime
    sending_until: datetime
    cutoff_at: datetime
    review_until: datetime


@dataclass(frozen=True, slots=True)
class World:
    """How many there are, and the campaign among them. `listed` is the part of its audited cases that a body recommends."""

    institutions: int
    bodies: int
    experts: int
    listed: float
    calendar: Calendar
    campaign_id: str


# ---- what becomes of a case ------------------------------------------------------------------------------------------
def is_silent(number: int) -> bool:
    """One in 97 opens its case and never sends it."""
    return number % 97 == 3


def is_late(number: int) -> bool:
    """One in 50 sends at the last moment, before or after the cut-off."""
    return number % 50 == 0 and not is_silent(number)


def is_returned(number: int) -> bool:
    """One in 20 is returned once, and comes back corrected."""
    return number % 20 == 7


def is_rejected(number: int) -> bool:
    """One in 40 is rejected by its body."""
    return number % 40 == 11


def body_of(number: int, bodies: int) -> int:
    """Whose institution it is."""
    return number % bodies


def describe_application(number: int, phone: str, email: str) -> dict[str, Any]:
    """What an institution writes into its application."""
    title = f"{TRADES[number % len(TRADES)]}检验检测服务产业案例{number:05d}"
    return describe_case(chance(SEED, "words", number), title=title, contact="演练联系人", phone=phone, email=email)


# ---- writing them ----------------------------------------------------------------------------------------------------
def write_world(
    process_engine: ProcessEngine,
    *,
    institutions: int,
    experts: int,
    listed: float,
    settings: Mapping[str, Any],
    now: datetime | None = None,
) -> World:
    """Deploy the notice, write the organisations and people in bulk, and make the campaign: it stands before its first step.

    Its dates are the notice's own; with `now` they lie around that moment.
    """
    files, content = find_notice(NOTICE)
    calendar = _plan(notice_dates(content), now)
    later = {} if now is None else {"collection_cutoff": calendar.cutoff_at, "review_until": calendar.review_until}
    listed_bodies = content["recipients"]["bodies"]
    with process_engine.begin() as work:
        notice_id = deploy_folder(work, files, key=NOTICE)
        rows = _bodies(content["document"]["issuer"]["value"], listed_bodies)
        _write(work.connection, organisation, rows)
        officials = [_person(work.now, "organiser", 0, AUTHORITY)]
        officials += [_person(work.now, "auditor", index, make_id("body", index)) for index in range(len(listed_bodies))]
        officials += [_person(work.now, "expert", index, make_id("body", index % len(listed_bodies))) for index in range(experts)]
        _write(work.connection, person, officials)
        _write(work.connection, membership, _roles(len(listed_bodies), experts))
    for start in range(1, institutions + 1, CHUNK):
        numbers = range(start, min(start + CHUNK, institutions + 1))
        with process_engine.begin() as work:
            _write(work.connection, organisation, (_institution(number, len(listed_bodies)) for number in numbers))
            _write(
                work.connection,
                person,
                (_person(work.now, "applicant", number, make_id("institution", number)) for number in numbers),
            )
            _write(
                work.connection,
                membership,
                (_role("applicant", number, "applicant", make_id("institution", number)) for number in numbers),
            )
    with process_engine.begin(by=make_id("organiser", 0)) as work:
        campaign_id = create_campaign(
            work,
            notice_id,
            key="national",
            organiser_id=AUTHORITY,
            bodies=[(make_id("body", index), calendar.sending_until) for index in range(len(listed_bodies))],
            dates=later or None,
            settings=dict(settings),
            demo=False,
            title=None,
        )
    return World(institutions, len(listed_bodies), experts, listed, calendar, campaign_id)


def _plan(dates: Dates, now: datetime | None) -> Calendar:
    if now is not None:
        sending_until = now + timedelta(days=2)
        return Calendar(now, sending_until, sending_until + timedelta(days=10), sending_until + timedelta(days=60))
    assert dates.review_until is not None
    return Calendar(dates.issued_at, dates.cutoff_at - timedelta(days=10), dates.cutoff_at, dates.review_until)


def _write(connection: sa.Connection, table: sa.Table, rows: Any) -> None:
    waiting: Iterator[dict[str, Any]] = iter(rows)
    while part := list(islice(waiting, CHUNK)):
        connection.execute(table.insert(), part)


def _bodies(authority: str, listed: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    top = {"id": AUTHORITY, "parent_id": None, "path": f"/{AUTHORITY}/", "region": None, "institution_kind": None}
    yield {**top, "kind": "authority", "name": authority, "short_name": authority}
    for index, body in enumerate(listed):
        body_id = make_id("body", index)
        yield {
            "id": body_id,
            "parent_id": AUTHORITY,
            "path": f"/{AUTHORITY}/{body_id}/",
            "kind": KINDS.get(body["kind"], body["kind"]),
            "name": body["name"],
            "short_name": body["short_name"],
            "region": body["region"],
            "institution_kind": None,
        }


def _institution(number: int, bodies: int) -> dict[str, Any]:
    own, above = make_id("institution", number), make_id("body", body_of(number, bodies))
    name = f"演练{TRADES[number % len(TRADES)]}{FORMS[number % len(FORMS)]}{number:05d}号"
    return {
        "id": own,
        "parent_id": above,
        "path": f"/{AUTHORITY}/{above}/{own}/",
        "kind": "institution",
        "name": name,
        "short_name": name,
        "region": None,
        "institution_kind": None,
    }


def _person(now: datetime, kind: str, number: int, organisation_id: str) -> dict[str, Any]:
    login = f"{kind}-{number}"
    return {
        "id": make_id(kind, number),
        "login": login,
        "name": f"演练{login}",
        "email": f"{login}@example.org",
        "password_hash": None,
        "organisation_id": organisation_id,
        "language": "zh",
        "disabled": False,
        "failed_logins": 0,
        "locked_until": None,
        "created_at": now,
    }


def _role(kind: str, number: int, role: str, organisation_id: str) -> dict[str, Any]:
    return {"person_id": make_id(kind, number), "role": role, "organisation_id": organisation_id}


def _roles(bodies: int, experts: int) -> Iterator[dict[str, Any]]:
    yield _role("organiser", 0, "organiser", AUTHORITY)
    for index in range(bodies):
        yield _role("auditor", index, "auditor", make_id("body", index))
    for index in range(experts):
        yield _role("expert", index, "expert", AUTHORITY)
