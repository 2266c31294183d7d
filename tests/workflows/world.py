"""A small world for the process tests: the notice of 2022 deployed, an authority, its bodies, some institutions and people.

Everything goes through the functions that pages use; time is virtual and begins on 2022-07-01.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.candidates import name_set
from engine.clock import VirtualClock
from engine.due import run_due
from engine.tables import user_task
from engine.work import ProcessEngine
from workflows import applications, cases, files, inbox
from workflows.campaigns import create_campaign
from workflows.cases.life import read_life
from workflows.cases.life_views import CaseLife
from workflows.handlers import install_handlers
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import Person, create_person, get_person
from workflows.tables import case

BEIJING = ZoneInfo("Asia/Shanghai")
CUTOFF = datetime(2022, 8, 11, tzinfo=BEIJING)
"""Before this moment lists and direct submissions must have arrived: the end of 2022-08-10."""
BODY_CUTOFF = datetime(2022, 8, 6, tzinfo=BEIJING)
"""The bodies' own, five days before."""
SECOND = timedelta(seconds=1)
SCAN = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@dataclass
class World:
    """The engine with everybody in it. Organisations and people by short names."""

    process_engine: ProcessEngine
    clock: VirtualClock
    notice_id: str
    places: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    campaign_id: str = ""

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    # ---- time ----
    def at(self, moment: datetime, *, due: bool = True) -> None:
        """Go to a moment; what is due until then happens first, unless the scheduler is to be late (`due=False`)."""
        self.clock.move_to(moment)
        if due:
            run_due(self.process_engine)

    def settle(self) -> None:
        """Let messages arrive."""
        run_due(self.process_engine)

    # ---- campaigns ----
    def make_campaign(self, *, issued: bool = True, **options: Any) -> str:
        """A campaign of the notice with all bodies; issued, unless told otherwise."""
        bodies = [(self.places[name], None) for name in ("east", "west", "union") if name in self.places]
        options = {"key": "samr-2022", "bodies": bodies, **options}
        with self.process_engine.begin(by=self["organiser"].id) as work:
            self.campaign_id = create_campaign(work, self.notice_id, organiser_id=self.places["authority"], **options)
        if issued:
            self.do("organiser", "issue_notice", {"title": "优秀案例征集", "confirmed": True})
        return self.campaign_id

    # ---- cases ----
    def open_case(self, name: str, *, channel: str = "recommended", **options: Any) -> str:
        """A case of this applicant's institution; its id."""
        with self.process_engine.begin(by=self[name].id) as work:
            return applications.start_application(work, self[name], self.campaign_id, channel=channel, **options)

    def number(self, case_id: str) -> str:
        """The number of a case."""
        return str(self.scalar(sa.select(case.c.number).where(case.c.id == case_id)))

    def state(self, case_id: str) -> str:
        """The state of a case's row."""
        return str(self.scalar(sa.select(case.c.state).where(case.c.id == case_id)))

    def view(self, name: str, case_id: str) -> cases.CaseView:
        """The case as this person sees it."""
        with self.process_engine.read(by=self[name].id) as work:
            return cases.get_case(work, self[name], case_id)

    def life(self, name: str, case_id: str) -> CaseLife:
        """What became of the case, as this person may know it."""
        with self.process_engine.read(by=self[name].id) as work:
            return read_life(work, self[name], case_id)

    # ---- tasks ----
    def find_task(self, element_id: str, case_id: str | None = None, *, body: str | None = None) -> str:
        """The id of the one open task at this step: of a case, of a body, or of all."""
        query = sa.select(user_task.c.id).where(user_task.c.element_id == element_id, user_task.c.state == "open")
        if case_id is not None:
            query = query.where(user_task.c.business_key == self.number(case_id))
        if body is not None:
            query = query.where(user_task.c.candidate_set == name_set({("group", f"auditor@{self.places[body]}")}))
        with self.process_engine.read() as work:
            found = work.connection.execute(query.order_by(user_task.c.id)).scalars().all()
        assert len(found) == 1, f"{len(found)} open tasks at {element_id}"
        return found[0]

    def open(self, name: str, task_id: str) -> inbox.TaskView:
        """The task as this person sees it."""
        with self.process_engine.read(by=self[name].id) as work:
            return inbox.open_task(work, self[name], task_id)

    def complete(self, name: str, task_id: str, data: Mapping[str, Any], **options: Any) -> inbox.Receipt:
        """Complete a task; messages arrive."""
        revision = options.pop("revision", None) or self.revision(task_id)
        key = options.pop("key", None) or uuid.uuid4().hex
        return inbox.complete(self.process_engine, self[name], task_id, data, revision=revision, key=key)

    def do(self, name: str, element_id: str, data: Mapping[str, Any], case_id: str | None = None) -> inbox.Receipt:
        """Complete the one open task at this step."""
        receipt = self.complete(name, self.find_task(element_id, case_id), data)
        self.settle()
        return receipt

    def revision(self, task_id: str) -> int:
        """The task's present revision."""
        return int(self.scalar(sa.select(user_task.c.revision).where(user_task.c.id == task_id)))

    def upload(self, name: str, task_id: str, data: bytes = SCAN, *, file: str = "盖章.pdf", field: str = "seal_scan") -> str:
        """Attach a file to a task's field; its id."""
        with self.process_engine.begin(by=self[name].id) as work:
            return files.store_upload(work, self[name], io.BytesIO(data), name=file, task_id=task_id, field=field).id

    def application(self, name: str, task_id: str, **changes: Any) -> dict[str, Any]:
        """A whole application, the scan uploaded."""
        return {
            "institution_kind": "third_party_company",
            "contact_name": "张三丰",
            "contact_phone": "010-55501234",
            "contact_email": "contact@example.org",
            "title": "一项检验检测案例",
            "directions": ["specialised"],
            "summary": "摘要。",
            "background": "背景。",
            "practice": "做法。",
            "results": "成效。",
            "indicators": [{"name": "服务企业", "value": "120", "unit": "家"}],
            "demonstration": "示范。",
            "seal_scan": [self.upload(name, task_id)],
            "originality": True,
            **changes,
        }

    def apply(self, name: str, *, channel: str = "recommended", **changes: Any) -> str:
        """Open a case and send its application; the case's id."""
        case_id = self.open_case(name, channel=channel)
        self.send(name, case_id, **changes)
        return case_id

    def send(self, name: str, case_id: str, element_id: str = "apply", **changes: Any) -> inbox.Receipt:
        """Send the application of an open case."""
        task_id = self.find_task(element_id, case_id)
        receipt = self.complete(name, task_id, self.application(name, task_id, **changes))
        self.settle()
        return receipt

    def audit(self, name: str, case_id: str, result: str = "pass", opinion: str = "请补充数据出处") -> inbox.Receipt:
        """The body's audit of a case."""
        return self.do(name, "audit", {"checks": ["complete"], "result": result, "opinion": opinion}, case_id)

    def scalar(self, query: sa.Select[Any]) -> Any:
        """One value of the database."""
        with self.process_engine.read() as work:
            return work.connection.execute(query).scalar()

    def rows(self, query: sa.Select[Any]) -> list[Any]:
        """Rows of the database."""
        with self.process_engine.read() as work:
            return list(work.connection.execute(query).all())


def build_world(process_engine: ProcessEngine, clock: VirtualClock) -> World:
    """Deploy the notice and write everybody; no campaign yet."""
    install_handlers(process_engine.handlers)
    with process_engine.begin() as work:
        notice_id = deploy_folder(work, bundled_notices()["samr_2022_932"], key="samr_2022_932")
        found = World(process_engine, clock, notice_id)
        place = found.places
        top = place["authority"] = create_organisation(work, name="总局", short_name="总局", kind="authority")
        east, west = ("北京市市场监督管理局", "北京", "110000"), ("天津市市场监督管理委员会", "天津", "120000")
        for name, (title, short, region) in (("east", east), ("west", west)):
            place[name] = create_organisation(work, name=title, short_name=short, kind="province", parent_id=top, region=region)
        place["union"] = create_organisation(
            work, name="检验检测促进产业升级创新联合体", short_name="创新联合体", kind="consortium", parent_id=top
        )
        for name, above, region in (("lab", "east", "110000"), ("lab2", "east", "110000"), ("works", "west", "120000")):
            place[name] = create_organisation(
                work, name=f"演练检测中心{name}", short_name=name, kind="institution", parent_id=place[above], region=region
            )
        for name, role, at, home in (
            ("organiser", "organiser", "authority", "authority"),
            ("administrator", "administrator", "authority", "authority"),
            ("designer", "designer", "authority", "authority"),
            ("east_auditor", "auditor", "east", "east"),
            ("east_colleague", "auditor", "east", "east"),
            ("west_auditor", "auditor", "west", "west"),
            ("union_auditor", "auditor", "union", "union"),
            ("lab", "applicant", "lab", "lab"),
            ("lab_colleague", "applicant", "lab", "lab"),
            ("lab2", "applicant", "lab2", "lab2"),
            ("works", "applicant", "works", "works"),
            ("expert", "expert", "authority", "west"),
            ("stranger", "applicant", "union", "union"),
        ):
            person_id = create_person(
                work, login=name, name=f"人员{name}", organisation_id=place[home], roles=[(role, place[at])]
            )
            found.people[name] = get_person(work, person_id)
    return found
