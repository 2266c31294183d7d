"""A small campaign of SAMR 2022 on the real diagrams and handlers, brought to the step that a test is about.

Institutions of several provinces report directly, so that no list of a recommending body is needed. Forms are given to the engine
as the inbox would give them, already clean.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.database import open_database
from engine.due import run_due
from engine.incidents import list_incidents
from engine.tables import metadata, outbox, user_task
from engine.tasks import complete_task
from engine.work import ProcessEngine, Work
from workflows.applications import start_application
from workflows.campaigns import create_campaign
from workflows.handlers import install_handlers
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import Person, create_person, get_person
from workflows.tables import case, review

START = datetime(2022, 7, 1, 1, tzinfo=UTC)
CRITERIA = ("distinctiveness", "effectiveness", "typicality", "authenticity")
COMMENT = "材料完整，做法清楚，成效有数据支撑，具有推广价值，建议推荐。"
CUTOFF = datetime(2022, 8, 10, 16, tzinfo=UTC)
REVIEW_UNTIL = datetime(2022, 10, 31, 16, tzinfo=UTC)
"""24:00 of 2022-10-31 in Beijing, as `notice.yaml` says."""


@dataclass
class Stage:
    """The campaign and its people; every method is one thing that somebody does."""

    process_engine: ProcessEngine
    clock: VirtualClock
    key: str = "samr2022"
    campaign_id: str = ""
    authority: str = ""
    provinces: list[str] = field(default_factory=list)
    organiser: Person = field(init=False)
    applicants: list[Person] = field(default_factory=list)
    experts: list[Person] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)

    # ---- the world ----
    def set_up(self, *, cases: int, experts: int, provinces: int, settings: Mapping[str, Any], demo: bool) -> None:
        install_handlers(self.process_engine.handlers)
        with self.process_engine.begin() as work:
            notice_id = deploy(work)
            self.authority = create_organisation(work, name="演练总局", short_name="总局", kind="authority")
            self.organiser = self._person(work, "organiser", self.authority, "organiser")
            for number in range(provinces):
                self.provinces.append(
                    create_organisation(
                        work,
                        name=f"演练{number}省市场监督管理局",
                        short_name=f"演练{number}省",
                        kind="province",
                        parent_id=self.authority,
                        region=f"{11 + number}0000",
                    )
                )
            for number in range(cases):
                unit = create_organisation(
                    work,
                    name=f"演练检测中心{number:03d}",
                    short_name=f"检测{number:03d}中心",
                    kind="institution",
                    parent_id=self.provinces[number % provinces],
                )
                self.applicants.append(self._person(work, f"applicant{number:03d}", unit, "applicant"))
            for number in range(experts):
                self.add_expert(work, number, self.provinces[number % provinces])
        with self.process_engine.begin(by=self.organiser.id) as work:
            self.campaign_id = create_campaign(
                work, notice_id, key=self.key, organiser_id=self.authority, settings=settings, demo=demo
            )
        self.complete("issue_notice", self.organiser, {"title": "演练征集", "confirmed": True})
        for applicant in self.applicants:
            self.apply(applicant)

    def add_expert(self, work: Work, number: int, province: str) -> Person:
        lab = create_organisation(
            work, name=f"专家单位{number}", short_name=f"专家单位{number}", kind="institution", parent_id=province
        )
        person_id = create_person(
            work,
            login=f"expert{number:03d}",
            name=f"专家{number}",
            organisation_id=lab,
            email=f"expert{number:03d}@example.org",
            roles=[("expert", self.authority)],
        )
        self.experts.append(get_person(work, person_id))
        return self.experts[-1]

    def _person(self, work: Work, login: str, place: str, role: str) -> Person:
        person_id = create_person(
            work, login=login, name=login, organisation_id=place, email=f"{login}@example.org", roles=[(role, place)]
        )
        return get_person(work, person_id)

    def apply(self, applicant: Person) -> None:
        with self.process_engine.begin(by=applicant.id) as work:
            case_id = start_application(work, applicant, self.campaign_id, channel="direct")
            number = work.connection.execute(sa.select(case.c.number).where(case.c.id == case_id)).scalar_one()
        self.numbers.append(number)
        place = len(self.numbers) - 1
        form = {
            "title": f"检测{place:03d}中心服务产业案例",
            "directions": [["specialised", "small_business", "safety_livelihood"][place % 3]],
            "contact_name": f"联系人{place}",
            "contact_phone": "010-55500000",
            "contact_email": f"contact{place}@example.org",
            "summary": f"演练检测中心{place:03d}由联系人{place}负责，服务企业。",
            "institution_name": f"演练检测中心{place:03d}",
        }
        self.complete("apply", applicant, form, key=number)

    # ---- steps ----
    def find_tasks(self, element_id: str, *, key: str | None = None) -> Sequence[sa.Row[Any]]:
        query = sa.select(user_task).where(user_task.c.element_id == element_id, user_task.c.state == "open")
        if key is not None:
            query = query.where(user_task.c.business_key == key)
        with self.process_engine.read() as work:
            return work.connection.execute(query.order_by(user_task.c.business_key, user_task.c.id)).all()

    def complete(self, element_id: str, person: Person, form: Mapping[str, Any], *, key: str | None = None) -> None:
        [task] = self.find_tasks(element_id, key=key)
        with self.process_engine.begin(by=person.id) as work:
            complete_task(work, task.id, {}, form=form)

    def run(self) -> int:
        return run_due(self.process_engine)

    def go_to(self, moment: datetime) -> None:
        self.clock.move_to(moment)
        self.run()

    def accept_all(self) -> None:
        for task in self.find_tasks("accept"):
            with self.process_engine.begin(by=self.organiser.id) as work:
                complete_task(work, task.id, {}, form={"checks": [], "result": "pass", "opinion": ""})

    def close_collection(self) -> None:
        self.accept_all()
        self.go_to(CUTOFF + timedelta(seconds=1))

    def organise(self, **form: Any) -> None:
        values = {"experts_per_case": 3, "pool": [expert.id for expert in self.experts], "seed": "seed-1"}
        self.complete("organise_review", self.organiser, {**values, **form})
        self.run()

    def open_review(self, **form: Any) -> None:
        self.close_collection()
        self.organise(**form)

    def submit(
        self, task: sa.Row[Any], points: Mapping[str, Any] | int | str, *, by: str | None = None, comment: str = COMMENT
    ) -> None:
        scores = points if isinstance(points, Mapping) else dict.fromkeys(CRITERIA, points)
        with self.process_engine.begin(by=by or task.assignee) as work:
            complete_task(work, task.id, {}, form={"no_conflict": True, "comment": comment, **scores})

    def review_all(self, points: Callable[[str, int], int | str] = lambda number, turn: 80) -> None:
        """Every open review is handed in; `points` by case number and turn (the how-manieth sheet of the case)."""
        turns: dict[str, int] = {}
        for task in self.find_tasks("review"):
            turn = turns[task.business_key] = turns.get(task.business_key, -1) + 1
            self.submit(task, points(task.business_key, turn))
        self.run()

    # ---- looking ----
    def states(self) -> dict[str, str]:
        with self.process_engine.read() as work:
            query = sa.select(case.c.number, case.c.state).order_by(case.c.number)
            return {row.number: row.state for row in work.connection.execute(query)}

    def reviews(self, number: str | None = None) -> list[sa.Row[Any]]:
        query = sa.select(review, case.c.number).join(case, case.c.id == review.c.case_id).order_by(case.c.number, review.c.id)
        with self.process_engine.read() as work:
            return [row for row in work.connection.execute(query) if number in (None, row.number)]

    def letters(self, text: str = "") -> list[sa.Row[Any]]:
        with self.process_engine.read() as work:
            weekly = outbox.c.unique_key.startswith("board:")  # tested with the reminders
            rows = work.connection.execute(sa.select(outbox).where(~weekly).order_by(outbox.c.id)).all()
        return [row for row in rows if text in row.subject]

    def incidents(self) -> list[str]:
        with self.process_engine.read() as work:
            return [f"{row.code}: {row.detail}" for row in list_incidents(work)]

    def expert(self, person_id: str) -> Person:
        return next(expert for expert in self.experts if expert.id == person_id)


MakeStage = Callable[..., Stage]


@pytest.fixture
def make_stage(process_engine: ProcessEngine, virtual_clock: VirtualClock) -> Iterator[MakeStage]:
    """`make_stage(cases=4, experts=6, provinces=3)`: a campaign that is collecting, on both databases; no incident at the end."""
    yield from _make(process_engine, virtual_clock)


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the notice deployed: the walks of the second opinion are done once for all tests."""
    path = tmp_path_factory.mktemp("deployed") / "linxuan.sqlite3"
    database = open_database(f"sqlite:///{path}")
    metadata.create_all(database)
    process_engine = ProcessEngine(database, VirtualClock(START))
    install_handlers(process_engine.handlers)
    with process_engine.begin() as work:
        deploy(work)
    database.dispose()
    return path


@pytest.fixture
def make_sqlite_stage(deployed: Path, tmp_path: Path) -> Iterator[MakeStage]:
    """The same on SQLite only."""
    path = tmp_path / "stage.sqlite3"
    shutil.copyfile(deployed, path)
    database = open_database(f"sqlite:///{path}")
    clock = VirtualClock(START)
    yield from _make(ProcessEngine(database, clock), clock)
    database.dispose()


def deploy(work: Work) -> str:
    """The notice of SAMR 2022; deploying the same again gives the same id."""
    return deploy_folder(work, bundled_notices()["samr_2022_932"], key="samr_2022_932")


def _make(process_engine: ProcessEngine, clock: VirtualClock) -> Iterator[MakeStage]:
    made: list[Stage] = []

    def make(
        *, cases: int = 4, experts: int = 6, provinces: int = 3, settings: Mapping[str, Any] | None = None, demo: bool = False
    ) -> Stage:
        stage = Stage(process_engine, clock)
        stage.set_up(cases=cases, experts=experts, provinces=provinces, settings=settings or {}, demo=demo)
        made.append(stage)
        return stage

    yield make
    for stage in made:
        assert stage.incidents() == []
