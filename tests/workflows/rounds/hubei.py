"""A small Hubei: the notice of 2023 deployed, the province, two bureaus, a division, institutions and people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.work import ProcessEngine
from tests.workflows.world import BEIJING, World
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import create_person, get_person
from workflows.tables import case, round_, round_case

KEY = "hubei_2023"


def beijing(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, *, year: int = 2023) -> datetime:
    """A moment in Beijing."""
    return datetime(year, month, day, hour, minute, second, tzinfo=BEIJING)


@dataclass
class Hubei(World):
    """The world with what only this notice has."""

    def make_campaign(self, *, issued: bool = True, **options: Any) -> str:
        """The campaign of the notice with both bureaus."""
        bodies = [(self.places[name], None) for name in ("wuhan", "huangshi")]
        return super().make_campaign(issued=issued, **{"key": "hubei-2023", "bodies": bodies, **options})

    def application(self, name: str, task_id: str, **changes: Any) -> dict[str, Any]:
        """A whole form of annex 2."""
        return {
            "title": "计量服务光谷产业",
            "categories": ["metrology"],
            "contact_name": "张三丰",
            "contact_phone": "027-55501234",
            "background": "背景。",
            "practice": "做法。",
            "results": "成效。",
            "unit_opinion": "同意报送。",
            "seal_scan": [self.upload(name, task_id)],
            "sealed_on": "2023-05-24",
            **changes,
        }

    def examine(self, name: str, case_id: str, result: str = "pass") -> Any:
        """The bureau's examination, and its report onward."""
        return self.do(name, "examine", {"checks": ["complete"], "result": result, "opinion": "请补充"}, case_id)

    def assess(self, case_id: str, result: str = "pass") -> Any:
        """The comprehensive review."""
        grades = {"innovation": "strong", "effectiveness": "good", "typicality": "fair"}
        return self.do("organiser", "assess", {**grades, "result": result, "opinion": "请补充"}, case_id)

    def rounds(self, plan: str) -> dict[str, list[str]]:
        """The numbers of the cases of each closed round of a cadence."""
        query = (
            sa.select(round_.c.occurrence, case.c.number)
            .outerjoin(round_case, round_case.c.round_id == round_.c.id)
            .outerjoin(case, case.c.id == round_case.c.case_id)
            .where(round_.c.plan == plan)
            .order_by(round_.c.cutoff_at, case.c.number)
        )
        found: dict[str, list[str]] = {}
        for occurrence, number in self.rows(query):
            found.setdefault(occurrence, []).extend([number] if number else [])
        return found


def build_hubei(process_engine: ProcessEngine, clock: VirtualClock) -> Hubei:
    """Deploy the notice and write everybody; no campaign yet. The engine knows the handlers."""
    with process_engine.begin() as work:
        notice_id = deploy_folder(work, bundled_notices()[KEY], key=KEY)
        found = Hubei(process_engine, clock, notice_id)
        place = found.places
        top = place["authority"] = create_organisation(work, name="湖北省市场监督管理局", short_name="省局", kind="authority")
        for name, title, short, region in (
            ("wuhan", "武汉市市场监督管理局", "武汉", "420100"),
            ("huangshi", "黄石市市场监督管理局", "黄石", "420200"),
        ):
            place[name] = create_organisation(work, name=title, short_name=short, kind="prefecture", parent_id=top, region=region)
        for name, kind, above in (
            ("lab", "institution", "wuhan"),
            ("works", "institution", "huangshi"),
            ("fibre", "institution", "authority"),
            ("devices", "institution", "authority"),
        ):
            title = {"fibre": "省纤检局", "devices": "省器械院"}.get(name, f"演练检测中心{name}")
            place[name] = create_organisation(work, name=title, short_name=title, kind=kind, parent_id=place[above])
        for name, role, at in (
            ("organiser", "organiser", "authority"),
            ("administrator", "administrator", "authority"),
            ("wuhan_auditor", "auditor", "wuhan"),
            ("huangshi_auditor", "auditor", "huangshi"),
            ("lab", "applicant", "lab"),
            ("lab_colleague", "applicant", "lab"),
            ("works", "applicant", "works"),
            ("fibre", "applicant", "fibre"),
            ("devices", "auditor", "devices"),
        ):
            person_id = create_person(
                work,
                login=name,
                name=f"人员{name}",
                organisation_id=place[at],
                roles=[(role, place[at])],
                email=f"{name}@example.org",
            )
            found.people[name] = get_person(work, person_id)
    return found
