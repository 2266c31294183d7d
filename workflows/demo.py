"""The demonstration: clones of the notice's campaign with dates moved around today, at every step, and people to log in as.

Everything in it is labelled 演示, no mail leaves, and a database that was not made for it is refused. The campaigns are played
by the replay's cast up to the present moment; from there on whoever logs in goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.tables import installation, metadata
from engine.work import ProcessEngine
from workflows.notices import deploy_folder
from workflows.people import Person
from workflows.replay.cast import Cast
from workflows.replay.everybody import everybody
from workflows.replay.play import ZONE, claim_database, find_notice, make_world
from workflows.replay.setting import PASSWORD, ROLES, CampaignPlan, People, name_logins, write_campaign, write_people
from workflows.replay.stage import Stage
from workflows.replay.world import Dates, World
from workflows.tables import person

NOTICE = "samr_2022_932"
HALF_MADE = "demo in the making"
"""What marks the database until all of the demonstration is in it."""

SEED, BODIES, INSTITUTIONS, EXPERTS, CUT, PACE = 932, 5, 34, 9, 6, 12


@dataclass(frozen=True, slots=True)
class Login:
    """One log-in per role."""

    role: str
    login: str
    name: str


@dataclass(frozen=True, slots=True)
class _Act:
    """One campaign of the demonstration: days from today to its dates (negative: past)."""

    key: str
    title: str
    issued: int
    cutoff: int
    review: int
    published: int


ACTS = (
    _Act("demo-a", "演示：征集进行中", -24, 14, 60, 150),
    _Act("demo-b", "演示：专家评审中", -75, -32, 20, 90),
    _Act("demo-c", "演示：征求意见中", -120, -75, -6, 30),
)


def ensure_demo(process_engine: ProcessEngine) -> list[Login]:
    """Make the demonstration in an empty, migrated database, or find the one (or the replay) that is there; its log-ins.

    Takes some seconds the first time. The engine's clock and backend are as before afterwards.
    Raises DatabaseInUse for a database with other data.
    """
    with process_engine.read() as work:
        purpose = work.connection.execute(
            sa.select(installation.c.value).where(installation.c.key == "purpose")
        ).scalar_one_or_none()
    if purpose == HALF_MADE:  # somebody stopped the program in between
        _empty(process_engine)
        purpose = None
    if purpose not in ("demo", "replay"):
        claim_database(process_engine, HALF_MADE)
        clock, backend = process_engine.clock, process_engine.backend
        try:
            _make(process_engine, clock.now())
            with process_engine.begin() as work:
                work.connection.execute(installation.update().where(installation.c.key == "purpose").values(value="demo"))
        finally:
            process_engine.clock, process_engine.backend = clock, backend
    return list_logins(process_engine)


def _empty(process_engine: ProcessEngine) -> None:
    """Take out all rows; only ever called for a database that was marked as a demonstration in the making."""
    with process_engine.begin() as work:
        for table in reversed(metadata.sorted_tables):
            work.connection.execute(table.delete())
    process_engine.definitions.clear()


def is_demo(process_engine: ProcessEngine) -> bool:
    """Whether this installation is a demonstration: pages say so, and no mail leaves."""
    with process_engine.read() as work:
        value = work.connection.execute(
            sa.select(installation.c.value).where(installation.c.key == "purpose")
        ).scalar_one_or_none()
    return value == "demo"


def list_logins(process_engine: ProcessEngine) -> list[Login]:
    """The log-ins of the demonstration, one per role."""
    with process_engine.read() as work:
        rows = work.connection.execute(sa.select(person.c.login, person.c.name).where(person.c.login.in_(ROLES))).all()
    names = {row.login: row.name for row in rows}
    return [Login(role, role, names[role]) for role in ROLES if role in names]


def _make(process_engine: ProcessEngine, now: datetime) -> None:
    files, content = find_notice(NOTICE)
    people: People | None = None
    notice_id = ""
    for act in ACTS:
        dates = _dates(act, now)
        world = make_world(content, dates, seed=SEED, institutions=INSTITUTIONS, experts=EXPERTS, bodies=BODIES)
        stage = Stage(process_engine, VirtualClock(dates.issued_at - timedelta(days=1)))
        if people is None:
            with process_engine.begin() as work:
                notice_id = deploy_folder(work, files, key=NOTICE)
            people = write_people(process_engine, world, authority=content["document"]["issuer"]["value"])
        moved = {"collection_cutoff": dates.cutoff_at, "review_until": dates.review_until, "publication": dates.published_at}
        plan = CampaignPlan(notice_id, act.key, act.title, moved, {"cut": CUT, "experts_per_case": 3}, True)
        Cast(stage, world, people, write_campaign(process_engine, world, people, plan), pace=PACE, parts=everybody)
        stage.play(until=now)
    assert people is not None
    name_logins(process_engine, people, _busy_applicant(people, world), PASSWORD)


def _dates(act: _Act, now: datetime) -> Dates:
    today = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)

    def day(days: int) -> datetime:
        return today + timedelta(days=days)

    return Dates(day(act.issued) + timedelta(hours=9), day(act.cutoff), day(act.review), day(act.published) + timedelta(hours=10))


def _busy_applicant(people: People, world: World) -> Person:
    """An applicant of the first body, so that its auditor and it can play together."""
    return next(people.applicants[item.number - 1] for item in world.institutions if item.body == 0)
