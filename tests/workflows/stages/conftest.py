"""The world with a province that runs its own stage: two prefectures below `east`, units in and beside them."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.database import open_database
from engine.handlers import Call
from engine.tables import metadata
from engine.work import ProcessEngine, Work
from tests.workflows.world import BEIJING, World, build_world
from workflows import consultations, stages
from workflows.handlers import install_handlers
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import create_person, get_person
from workflows.stages import StageBoard
from workflows.tables import campaign, ranked_list

OVERLAY = "samr_2022_932_province"
CUTOFF = datetime(2022, 7, 26, tzinfo=BEIJING)
"""The stage's own cut-off: the end of 2022-07-25."""


@dataclass
class StageWorld(World):
    """The world, and what the province and its prefectures do."""

    overlay_id: str = ""
    stage_id: str = ""

    def open_stage(self, name: str = "east_auditor", **options: Any) -> str:
        """The stage of `east`, with the overlay's own figures unless told otherwise."""
        options = {"body_id": self.places["east"], "overlay_id": self.overlay_id, **options}
        with self.process_engine.begin(by=self[name].id) as work:
            self.stage_id = stages.open_stage(work, self[name], self.campaign_id, **options)
        self.settle()
        return self.stage_id

    def board(self, name: str = "east_auditor") -> StageBoard:
        """The stage's board as this person sees it."""
        with self.process_engine.read(by=self[name].id) as work:
            return stages.stage_board(work, self.stage_id, person=self[name])

    def check(self, name: str, case_id: str, result: str = "pass") -> None:
        """The prefecture's check of a case."""
        self.do(name, "check", {"checks": ["complete"], "result": result, "opinion": "请补充"}, case_id)

    def bring(self, name: str, checker: str | None, **changes: Any) -> str:
        """A case of this applicant that passed check and audit; its id."""
        case_id = self.apply(name, **changes)
        if checker is not None:
            self.check(checker, case_id)
        self.audit("east_auditor", case_id, "pass", "")
        return case_id

    def rank(self, cases: Sequence[str]) -> None:
        """The province ranks, after its cut-off."""
        self.do("east_auditor", "rank", {"ranking": list(cases), "remark": ""})

    def object_to(self, case_id: str) -> str:
        """Somebody objects to a case while the list is public; the comment's id."""
        with self.process_engine.begin() as work:
            return consultations.receive_comment(
                work,
                self.stage_id,
                kind="objection",
                from_name="甲某",
                from_contact="010-55500000",
                text="数据不实。",
                case_number=self.number(case_id),
            )

    def seal(self, name: str = "east_auditor") -> None:
        """The list is sealed."""
        task_id = self.find_task("seal")
        self.complete(name, task_id, {"seal_scan": [self.upload(name, task_id)], "confirmed": True})
        self.settle()

    def recommend(self, ranking: Sequence[str] | None = None) -> Any:
        """East sends its list; by default what its form holds."""
        task_id = self.find_task("recommend", body="east")
        data: dict[str, Any] = {"shortfall_reason": "", "remark": ""}
        receipt = self.complete("east_auditor", task_id, data if ranking is None else {**data, "ranking": list(ranking)})
        self.settle()
        return receipt

    def phase(self) -> str:
        """The stage's phase."""
        return str(self.scalar(sa.select(campaign.c.phase).where(campaign.c.id == self.stage_id)))

    def list_row(self) -> Any:
        """The stage's list."""
        (row,) = self.rows(sa.select(ranked_list))
        return row

    def call(self, work: Work, form: dict[str, Any]) -> Call:
        """What a handler of the stage's diagram is given."""
        row = work.connection.execute(sa.select(campaign).where(campaign.c.id == self.stage_id)).one()
        return Call(work, row.instance_id, row.key, "step", None, "complete", {}, {}, form)

    def restart(self) -> None:
        """Everything that was only in memory is gone: another process goes on from the database."""
        fresh = ProcessEngine(self.process_engine.database, self.clock)
        fresh.extras["files"] = self.process_engine.extras["files"]
        install_handlers(fresh.handlers)
        self.process_engine = fresh


def build_stage_world(process_engine: ProcessEngine, clock: VirtualClock) -> StageWorld:
    """Deploy the overlay and write prefectures, units and people; the national campaign collects."""
    base = build_world(process_engine, clock)
    found = StageWorld(**{name: getattr(base, name) for name in World.__dataclass_fields__})
    place = found.places
    with process_engine.begin() as work:
        found.overlay_id = deploy_folder(work, bundled_notices()[OVERLAY], key=OVERLAY)
        for name in ("north", "south"):
            place[name] = create_organisation(
                work, name=f"演练{name}市市场监督管理局", short_name=name, kind="prefecture", parent_id=place["east"]
            )
        for name, above in (("north_lab", "north"), ("south_lab", "south")):
            place[name] = create_organisation(
                work, name=f"演练检测所{name}", short_name=name, kind="institution", parent_id=place[above]
            )
        for name, role, at in (
            ("north_auditor", "auditor", "north"),
            ("south_auditor", "auditor", "south"),
            ("north_lab", "applicant", "north_lab"),
            ("south_lab", "applicant", "south_lab"),
        ):
            person_id = create_person(
                work,
                login=name,
                name=f"人员{name}",
                organisation_id=place[at],
                email=f"{name}@example.org",
                roles=[(role, place[at])],
            )
            found.people[name] = get_person(work, person_id)
    found.make_campaign()
    return found


@pytest.fixture(scope="session")
def written_stage_world(tmp_path_factory: pytest.TempPathFactory) -> tuple[StageWorld, Path]:
    """The world as written into a SQLite file, and that file; nobody changes it."""
    folder = tmp_path_factory.mktemp("stage_world")
    database = open_database(f"sqlite:///{folder / 'world.sqlite3'}")
    metadata.create_all(database)
    clock = VirtualClock(datetime(2022, 7, 1, 1, tzinfo=UTC))
    found = build_stage_world(ProcessEngine(database, clock), clock)
    database.dispose()
    return found, folder / "world.sqlite3"


Enter = Callable[[ProcessEngine], StageWorld]


@pytest.fixture
def enter(virtual_clock: VirtualClock, tmp_path: Path, written_stage_world: tuple[StageWorld, Path]) -> Enter:
    """`enter(engine)`: the world on this engine's database."""

    def enter_world(process_engine: ProcessEngine) -> StageWorld:
        process_engine.extras["files"] = tmp_path / "files"
        if process_engine.database.dialect.name != "sqlite":
            return build_stage_world(process_engine, virtual_clock)
        found, file = written_stage_world
        process_engine.database.dispose()
        shutil.copyfile(file, str(process_engine.database.url.database))
        install_handlers(process_engine.handlers)
        process_engine.definitions.update(found.process_engine.definitions)
        return replace(
            found,
            process_engine=process_engine,
            clock=virtual_clock,
            places=dict(found.places),
            people=dict(found.people),
        )

    return enter_world


@pytest.fixture
def each_world(process_engine: ProcessEngine, enter: Enter) -> StageWorld:
    """The world on each database."""
    return enter(process_engine)


@pytest.fixture
def stage_world(sqlite_engine: ProcessEngine, enter: Enter) -> StageWorld:
    """The world on SQLite, the stage of `east` opened."""
    found = enter(sqlite_engine)
    found.open_stage()
    return found


@pytest.fixture
def new_key() -> Callable[[], str]:
    """A key for an action of its own."""
    return lambda: uuid.uuid4().hex
