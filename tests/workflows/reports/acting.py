"""An action with reports: a notice deployed, two of its bodies with subordinates and people, and what they do."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.due import run_due
from engine.tables import user_task
from engine.work import ProcessEngine
from workflows import inbox, reports
from workflows.campaigns import create_campaign
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import Person, create_person, get_person
from workflows.reports import ReportLine, ReportView
from workflows.tables import case

BEIJING = ZoneInfo("Asia/Shanghai")


@dataclass
class Action:
    """The engine with everybody: `organiser`, `one` and `two` (auditors of the bodies), `low` and `lower` (below `one`)."""

    process_engine: ProcessEngine
    campaign_id: str = ""
    places: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    def at(self, *moment: int) -> None:
        """Go to a moment in Beijing; what is due until then happens."""
        clock = self.process_engine.clock
        assert isinstance(clock, VirtualClock)
        clock.move_to(datetime(*moment, tzinfo=BEIJING))  # type: ignore[arg-type, misc]
        run_due(self.process_engine)

    def reports(self, name: str | None = None, **options: Any) -> list[ReportLine]:
        """The reports that somebody sees; all without a name."""
        with self.process_engine.read() as work:
            reader = None if name is None else self[name]
            return reports.list_reports(work, self.campaign_id, reader=reader, **options)

    def report(self, number: str) -> ReportLine:
        """The report with this number."""
        (found,) = [line for line in self.reports() if line.number == number]
        return found

    def view(self, name: str, number: str) -> ReportView:
        """The report as somebody sees it."""
        with self.process_engine.read() as work:
            return reports.get_report(work, self[name], self.report(number).id)

    def tasks(self, key: str | None = None) -> list[tuple[str, str]]:
        """(business key, element) of the open tasks."""
        query = sa.select(user_task.c.business_key, user_task.c.element_id).where(user_task.c.state == "open")
        if key is not None:
            query = query.where(user_task.c.business_key == key)
        with self.process_engine.read() as work:
            return sorted(map(tuple, work.connection.execute(query).all()))  # type: ignore[arg-type]

    def find_task(self, element_id: str, key: str | None = None) -> Any:
        """The one open task at this step."""
        query = sa.select(user_task).where(user_task.c.element_id == element_id, user_task.c.state == "open")
        if key is not None:
            query = query.where(user_task.c.business_key == key)
        with self.process_engine.read() as work:
            (row,) = work.connection.execute(query).all()
        return row

    def open(self, name: str, element_id: str, key: str | None = None) -> inbox.TaskView:
        """A task as somebody sees it."""
        with self.process_engine.read() as work:
            return inbox.open_task(work, self[name], self.find_task(element_id, key).id)

    def do(self, name: str, element_id: str, data: Mapping[str, Any], key: str | None = None) -> inbox.Receipt:
        """Complete the one open task at this step."""
        row = self.find_task(element_id, key)
        receipt = inbox.complete(self.process_engine, self[name], row.id, data, revision=row.revision, key=uuid.uuid4().hex)
        run_due(self.process_engine)
        return receipt

    def confirm(self, suffix: str, candidate: str, **more: Any) -> None:
        """The organiser confirms an unknown date."""
        self.do("organiser", f"confirm_{suffix}", {"candidate": candidate, "source_note": "演示确认", **more})

    def write_case(self, number: int, institution: str, state: str, body: str | None = None) -> None:
        """A case as its steps leave it, without its instance."""
        with self.process_engine.begin() as work:
            values = {"id": f"{number:032x}", "number": f"{number:04d}", "campaign_id": self.campaign_id, "state": state}
            values |= {"institution_id": self.places[institution], "body_id": self.places[body] if body else None}
            more = {"channel": "recommended" if body else "direct", "title": "案例", "directions": [], "created_at": work.now}
            work.connection.execute(sa.insert(case).values(**values, **more))

    def examine(self, key: str, result: str = "accept", *, name: str = "organiser", **more: Any) -> None:
        """The recipient examines a report."""
        self.do(name, "examine_report", {"result": result, **more}, key)


def build_action(process_engine: ProcessEngine, notice: str, bodies: Sequence[str]) -> Action:
    """Deploy the notice, write everybody, make the campaign with two bodies and issue it."""
    found = Action(process_engine)
    with process_engine.begin() as work:
        notice_id = deploy_folder(work, bundled_notices()[notice], key=notice)
        top = found.places["authority"] = create_organisation(work, name="主办单位", short_name="主办", kind="authority")
        for name, title in zip(("one", "two"), bodies, strict=True):
            found.places[name] = create_organisation(work, name=title, short_name=title[:2], kind="province", parent_id=top)
        for name in ("low", "lower"):
            found.places[name] = create_organisation(
                work, name=f"演练下级{name}", short_name=name, kind="prefecture", parent_id=found.places["one"]
            )
        for name, role, at in (
            ("organiser", "organiser", "authority"),
            ("designer", "designer", "authority"),
            ("one", "auditor", "one"),
            ("two", "auditor", "two"),
            ("low", "auditor", "low"),
            ("lower", "auditor", "lower"),
            ("one_applicant", "applicant", "one"),
        ):
            person_id = create_person(
                work,
                login=name,
                name=f"人员{name}",
                organisation_id=found.places[at],
                email=f"{name}@example.org",
                roles=[(role, found.places[at])],
            )
            found.people[name] = get_person(work, person_id)
    with process_engine.begin(by=found["organiser"].id) as work:
        found.campaign_id = create_campaign(
            work,
            notice_id,
            key="act",
            organiser_id=top,
            bodies=[(found.places["one"], None), (found.places["two"], None)],
        )
    found.do("organiser", "issue_notice", {"title": "一次行动", "confirmed": True})
    return found
