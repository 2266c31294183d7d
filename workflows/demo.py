"""The demonstration: clones of the notice's campaign with dates moved around today, at every step, and people to log in as.

Everything in it is labelled 演示, no mail leaves, and a database that was not made for it is refused. The campaigns are played
by the replay's cast up to the present moment; from there on whoever logs in goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.tables import installation, metadata
from engine.work import ProcessEngine
from workflows import inbox
from workflows.notices import deploy_folder, export_notice
from workflows.notices.drafts import clone_notice, save_file, start_draft, submit_draft
from workflows.notices.source import read_yaml
from workflows.notices.store import write_yaml
from workflows.organisations import create_organisation, get_organisation
from workflows.people import create_person, get_person
from workflows.replay.cast import Cast, Duty
from workflows.replay.everybody import everybody
from workflows.replay.play import ZONE, claim_database, find_notice, make_world
from workflows.replay.reporters import NOTE, Reporters
from workflows.replay.setting import PASSWORD, ROLES, CampaignPlan, People, name_logins, write_campaign, write_people
from workflows.replay.stage import Stage
from workflows.replay.world import Dates, Fate, InstitutionPlan, World, invent_name
from workflows.tables import organisation, person

NOTICE = "samr_2022_932"
NOTICE_YEAR = 2022
PREFECTURE = "prefecture"
"""The log-in of who checks first in a body's own stage; it plays in no campaign until somebody opens one."""
LOGINS = (*ROLES[:2], PREFECTURE, *ROLES[2:])
COLLEAGUE = "auditor-colleague"
"""Who works beside the auditor and has claimed some of what waits for both; nobody logs in so."""
REPORTING = "samr_2021_34"
"""The notice by which bodies report."""
HALF_MADE = "demo in the making"
"""What marks the database until all of the demonstration is in it."""

SEED, BODIES, INSTITUTIONS, EXPERTS, MORE_EXPERTS, CUT, PACE = 932, 5, 34, 9, 3, 6, 12


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
    _Act("demo-c", "演示：征求意见中", -120, -75, -9, 30),
    _Act("demo-d", "演示：待发布", 2, 60, 120, 200),
)
COLLECTING = ACTS[0]
ENDING = _Act("demo-e", "演示：征集今日截止", -30, 1, 40, 100)
"""A small campaign, so that something is due today: the first body's list, and audits before it."""
DAYS_AGO = (20, 15, 6, 3, 1, 0.1)
"""When its applications came in."""
REPORTED = _Act("demo-f", "演示：工作方案和总结报送", -40, 4, 60, 90)
REPORTS_DUE = {"plan_due": -2, "summary_due": 3}
"""By when its reports are due, in days from today: the first of them is overdue."""


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
    """The log-ins of the demonstration, one per role, and one of a prefecture."""
    with process_engine.read() as work:
        rows = work.connection.execute(sa.select(person.c.login, person.c.name).where(person.c.login.in_(LOGINS))).all()
    names = {row.login: row.name for row in rows}
    return [Login(role, role, names[role]) for role in LOGINS if role in names]


def _make(process_engine: ProcessEngine, now: datetime) -> None:
    files, content = find_notice(NOTICE)
    people: People | None = None
    notice_id = ""
    for act in ACTS:
        dates = _dates(act, now)
        world = make_world(content, dates, seed=SEED, institutions=INSTITUTIONS, experts=EXPERTS, bodies=BODIES)
        stage = Stage(process_engine, VirtualClock(min(dates.issued_at - timedelta(days=1), now)))
        if people is None:
            with process_engine.begin() as work:
                notice_id = deploy_folder(work, files, key=NOTICE)
            people = write_people(process_engine, world, authority=content["document"]["issuer"]["value"])
            _write_prefecture(process_engine, people, people.institutions[_busy(world).number - 1])
        if act is COLLECTING:
            world = replace(world, institutions=(*world.institutions, *_latecomers(world, now)))
        moved = {"collection_cutoff": dates.cutoff_at, "review_until": dates.review_until, "publication": dates.published_at}
        plan = CampaignPlan(notice_id, act.key, act.title, moved, {"cut": CUT, "experts_per_case": 3}, True)
        Cast(stage, world, people, write_campaign(process_engine, world, people, plan), pace=PACE, parts=everybody)
        stage.play(until=now)
    assert people is not None
    _play_ending(process_engine, content, notice_id, people, now)
    _play_reporting(process_engine, world, people, now)
    name_logins(process_engine, people, people.applicants[_busy(world).number - 1], PASSWORD)
    _write_drafts(process_engine, notice_id)
    _write_experts(process_engine, people, world)
    _write_colleague(process_engine, people, world)


def _play_ending(
    process_engine: ProcessEngine, content: Mapping[str, Any], notice_id: str, people: People, now: datetime
) -> None:
    """A campaign that ends today: some of the first body's cases wait for its audit, the others for its list."""
    dates = _dates(ENDING, now)
    world = make_world(content, dates, seed=SEED, institutions=INSTITUTIONS, experts=EXPERTS, bodies=BODIES)
    own = (item for item in world.institutions if item.body == 0)
    arrivals = (now - timedelta(days=days) for days in DAYS_AGO)
    cases = (
        replace(item, opens_at=at - timedelta(days=2), sends_at=at, fate=Fate.RECOMMENDED, returned=False)
        for item, at in zip(own, arrivals, strict=False)
    )
    bodies = (replace(world.bodies[0], cutoff_at=dates.cutoff_at, list_at=dates.cutoff_at), *world.bodies[1:])
    world = replace(world, institutions=tuple(cases), bodies=bodies)
    moved = {"collection_cutoff": dates.cutoff_at, "review_until": dates.review_until, "publication": dates.published_at}
    plan = CampaignPlan(notice_id, ENDING.key, ENDING.title, moved, {"cut": CUT, "experts_per_case": 3}, True)
    stage = Stage(process_engine, VirtualClock(dates.issued_at - timedelta(days=1)))
    Cast(stage, world, people, write_campaign(process_engine, world, people, plan), pace=PACE, parts=everybody)
    stage.play(until=now)


def _play_reporting(process_engine: ProcessEngine, world: World, people: People, now: datetime) -> None:
    """A campaign in which bodies report by dates; the first body has reported nothing, and one report is overdue."""
    files, _ = find_notice(REPORTING)
    dates = _dates(REPORTED, now)
    with process_engine.begin() as work:
        notice_id = deploy_folder(work, files, key=REPORTING)
    world = replace(world, dates=dates, institutions=())
    plan = CampaignPlan(notice_id, REPORTED.key, REPORTED.title, {"publication": dates.published_at}, {}, True)
    stage = Stage(process_engine, VirtualClock(dates.issued_at - timedelta(days=1)))
    campaign_id = write_campaign(process_engine, world, people, plan)
    Cast(stage, world, people, campaign_id, pace=PACE, parts=lambda cast: (*everybody(cast), _Reporters(cast, now)))
    stage.play(until=now)


class _Reporters(Reporters):
    """The bodies that report, without the one whose auditor can log in; and who says by when, which the notice does not."""

    def __init__(self, cast: Cast, now: datetime) -> None:
        super().__init__(cast)
        self.days = {name: (now.astimezone(ZONE) + timedelta(days=days)).date() for name, days in REPORTS_DUE.items()}

    def plan_report(self, duty: Duty) -> None:
        """As all bodies do, but for the first."""
        if self._read(duty).reporter_id != self.cast.people.bodies[0]:
            super().plan_report(duty)

    def plan_confirmation(self, duty: Duty) -> None:
        """A day around today."""

        def answer(view: inbox.TaskView) -> dict[str, Any]:
            day = self.days[view.context["date_name"]]
            return {"candidate": "other", "other_day": day.isoformat(), "reason": NOTE, "source_note": NOTE}

        self.cast.do(self.cast.stage.now + timedelta(hours=1), duty.row, self.cast.who(duty.row), answer)


def _dates(act: _Act, now: datetime) -> Dates:
    today = now.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)

    def day(days: int) -> datetime:
        return today + timedelta(days=days)

    return Dates(day(act.issued) + timedelta(hours=9), day(act.cutoff), day(act.review), day(act.published) + timedelta(hours=10))


def _busy(world: World) -> InstitutionPlan:
    """The institution whose applicant can log in: of the first body, so that its auditor and it can play together."""
    return next(item for item in world.institutions if item.body == 0)


def _latecomers(world: World, now: datetime) -> tuple[InstitutionPlan, InstitutionPlan]:
    """What waits at the present moment for whoever logs in: a direct case for the organiser to accept, an application begun."""
    begun = replace(_busy(world), opens_at=now - timedelta(hours=5), fate=Fate.SILENT)
    direct = replace(
        begun,
        body=None,
        sends_at=now - timedelta(hours=1),
        fate=Fate.RECOMMENDED,
        returned=False,
        opens_at=now - timedelta(days=2),
    )
    return direct, begun


def _write_prefecture(process_engine: ProcessEngine, people: People, institution_id: str) -> None:
    """A prefecture between the first body and the institution whose applicant can log in, so that the body can run a stage."""
    with process_engine.begin() as work:
        above = people.bodies[0]
        made = create_organisation(work, name="演示市市场监督管理局", short_name="演示市", kind="prefecture", parent_id=above)
        path = f"{get_organisation(work, made).path}{institution_id}/"
        moved = organisation.update().where(organisation.c.id == institution_id)
        work.connection.execute(moved.values(parent_id=made, path=path))
        roles = [("auditor", made)]
        create_person(work, login=PREFECTURE, name="演示市州审核员", organisation_id=made, roles=roles, password=PASSWORD)


def _write_colleague(process_engine: ProcessEngine, people: People, world: World) -> None:
    """A second auditor of the first body, who has claimed the audit that waits longest. The first has claimed what is due within
    the week and the newest audit, which is urgent; the others wait for both."""
    with process_engine.begin() as work:
        body, name = people.bodies[0], invent_name(world.seed, COLLEAGUE)
        made = create_person(work, login=COLLEAGUE, name=name, organisation_id=body, roles=[("auditor", body)])
        colleague, auditor = get_person(work, made), get_person(work, people.auditors[0].id)
        rows = inbox.list_tasks(work, auditor, view="groups").rows
        week = [row.id for row in rows if row.due_at is not None and row.due_at < work.now + timedelta(days=7)]
        oldest, *newer = (row.id for row in rows if row.element_id == "audit")
    with process_engine.begin(by=made) as work:
        inbox.claim(work, colleague, oldest)
    with process_engine.begin(by=auditor.id) as work:
        for task_id in week:
            inbox.claim(work, auditor, task_id)
        for task_id in newer[-1:]:
            inbox.claim(work, auditor, task_id)
            inbox.plan(work, auditor, task_id, priority=75, follow_up_on=None)


def _write_experts(process_engine: ProcessEngine, people: People, world: World) -> None:
    """Experts whom no campaign has drawn yet, so that a running panel can be added to."""
    with process_engine.begin() as work:
        for index, body in enumerate(people.bodies[:MORE_EXPERTS]):
            login = f"expert-more-{index + 1}"
            roles = [("expert", people.authority)]
            create_person(work, login=login, name=invent_name(world.seed, login), organisation_id=body, roles=roles)


def _write_drafts(process_engine: ProcessEngine, notice_id: str) -> None:
    """For the designer a notice of the next year to go on with, for the releaser a changed version to decide about."""
    with process_engine.begin() as work:
        query = sa.select(person.c.id).where(person.c.login == "designer")
        designer = get_person(work, work.connection.execute(query).scalar_one())
    with process_engine.begin(by=designer.id) as work:
        clone_notice(work, designer, notice_id, key=f"{NOTICE}_next", number=None, years=work.now.year + 1 - NOTICE_YEAR)
        draft_id = start_draft(work, designer, notice_id)
        content = export_notice(work, notice_id)["notice.yaml"]
        data, _faults = read_yaml(content)
        assert data is not None, "a stored notice can be read"
        data["settings"]["experts_per_case"] = {**data["settings"]["experts_per_case"], "value": 7}
        seen = save_file(work, designer, draft_id, "notice.yaml", write_yaml(data), seen=1)
        submit_draft(work, designer, draft_id, seen=seen, reason="演示：每个案例的评审专家改为 7 名")
