"""A campaign that collects at this very moment, with applicants who can log in and cases that wait for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from api.settings import Settings
from api.wiring import build_engine
from engine.tables import user_task
from engine.work import ProcessEngine
from workflows import inbox
from workflows.applications import first_task, start_application
from workflows.campaigns import create_campaign
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import create_person, get_person
from workflows.schema import upgrade_schema
from workflows.tables import person

NOTICE = "samr_2022_932"
PASSWORD = "correct horse battery"


@dataclass
class Collecting:
    """Where it is and who is in it: for each applicant's log-in the tasks that wait, as (task id, case id)."""

    campaign: str = ""
    tasks: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


def open_engine(url: str, folder: Path) -> ProcessEngine:
    """The engine on this database, in real time."""
    return build_engine(Settings(database_url=url, file_folder=folder / "files"))


def make_collecting(url: str, folder: Path, *, applicants: int, cases: int, lasts: timedelta = timedelta(days=30)) -> Collecting:
    """Make it in an empty database. Applicants are called applicant-1, ..., with the same password; the first has a colleague.

    `lasts` is how long the bodies' own windows stay open from now.
    """
    process_engine = open_engine(url, folder)
    upgrade_schema(process_engine.database)
    made = Collecting()
    with process_engine.begin() as work:
        top = create_organisation(work, name="国家级主管部门", short_name="主管部门", kind="authority")
        body = create_organisation(work, name="甲省市场监督管理局", short_name="甲省", kind="province", parent_id=top)
        organiser = create_person(work, login="organiser", name="钱组织", organisation_id=top, roles=[("organiser", top)])
        ids = []
        for number in range(1, applicants + 1):
            home = create_organisation(
                work, name=f"演练检验院{number}", short_name=f"院{number}", kind="institution", parent_id=body
            )
            login, password = f"applicant-{number}", PASSWORD if number == 1 else None
            roles = [("applicant", home)]
            ids.append(create_person(work, login=login, name="吴申报", organisation_id=home, password=password, roles=roles))
            if number == 1:
                create_person(work, login="colleague", name="郑同事", organisation_id=home, roles=roles)
        hashed = work.connection.execute(sa.select(person.c.password_hash).where(person.c.id == ids[0])).scalar_one()
        work.connection.execute(person.update().where(person.c.id.in_(ids)).values(password_hash=hashed))
        notice_id = deploy_folder(work, bundled_notices()[NOTICE], key=NOTICE)
    with process_engine.begin(by=organiser) as work:
        made.campaign = create_campaign(
            work,
            notice_id,
            key="t2022",
            organiser_id=top,
            bodies=[(body, work.now + lasts)],
            dates={
                "collection_cutoff": work.now + lasts + timedelta(days=10),
                "review_until": work.now + lasts + timedelta(days=100),
                "publication": work.now + lasts + timedelta(days=200),
            },
        )
        who = get_person(work, organiser)
        issue = work.connection.execute(sa.select(user_task.c.id, user_task.c.revision)).one()
    inbox.complete(process_engine, who, issue.id, {"title": "征集", "confirmed": True}, revision=issue.revision, key="issue")
    for person_id in ids:
        with process_engine.begin(by=person_id) as work:
            who = get_person(work, person_id)
            for _ in range(cases):
                case_id = start_application(work, who, made.campaign, channel="recommended")
                task_id = first_task(work, case_id)
                assert task_id is not None
                made.tasks.setdefault(who.login, []).append((task_id, case_id))
    process_engine.database.dispose()
    return made
