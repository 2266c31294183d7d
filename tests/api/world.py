"""A small world behind the pages: one authority, two bodies, three institutions, experts, a campaign that collects."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from api.app import create_app
from api.security import cookie_name
from api.settings import Settings, read_settings
from api.wiring import build_engine
from engine.clock import VirtualClock
from engine.due import run_due
from engine.work import ProcessEngine
from workflows import inbox
from workflows.applications import first_task, start_application
from workflows.campaigns import create_campaign
from workflows.files import attach_file, receive_file
from workflows.notices import bundled_notices, deploy_folder
from workflows.organisations import create_organisation
from workflows.people import Person, create_person, get_person
from workflows.schema import upgrade_schema
from workflows.sessions import open_session

START = datetime(2022, 7, 1, 1, tzinfo=UTC)
"""9:00 in Beijing, the day of the notice."""
NOTICE = "samr_2022_932"
PASSWORD = "correct horse battery"
PDF = b"%PDF-1.7\n%%EOF\n"
"""The smallest file that is taken for a PDF."""


class Compiled(BytecodeCache):
    """Templates compiled once for all applications of a process: every test has one of its own."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()

PEOPLE: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    # login: (name, organisation, [(role, organisation)])
    "organiser": ("钱组织", "authority", [("organiser", "authority")]),
    "auditor": ("孙审核", "body_a", [("auditor", "body_a")]),
    "colleague": ("李同事", "body_a", [("auditor", "body_a")]),
    "auditor_b": ("周审核", "body_b", [("auditor", "body_b")]),
    "applicant": ("吴申报", "institution_a", [("applicant", "institution_a")]),
    "applicant_b": ("郑申报", "institution_b", [("applicant", "institution_b")]),
    "expert_1": ("王专家", "elsewhere", [("expert", "authority")]),
    "expert_2": ("冯专家", "elsewhere", [("expert", "authority")]),
    "expert_3": ("陈专家", "elsewhere", [("expert", "authority")]),
    "designer": ("褚设计", "authority", [("designer", "authority")]),
    "releaser": ("蒋审定", "authority", [("releaser", "authority")]),
    "administrator": ("卫管理", "authority", [("administrator", "authority")]),
}
ORGANISATIONS = (
    # name, short name, kind, parent, region
    ("authority", "国家级主管部门", "主管部门", "authority", None, None),
    ("body_a", "甲省市场监督管理局", "甲省", "province", "authority", "110000"),
    ("body_b", "乙省市场监督管理局", "乙省", "province", "authority", "120000"),
    ("institution_a", "甲省质量检验院", "甲省质检院", "institution", "body_a", None),
    ("institution_b", "乙省计量院", "乙省计量院", "institution", "body_b", None),
    ("elsewhere", "丙省高校联合实验室", "丙省实验室", "institution", "authority", "310000"),
)


@dataclass(frozen=True)
class Begun:
    """An application with the scan of its sealed form: its case, its task, the scan."""

    case_id: str
    task_id: str
    scan_id: str


@dataclass
class Place:
    """The world's ids, and the application on it."""

    app: Flask
    engine: ProcessEngine
    clock: VirtualClock
    settings: Settings
    organisations: dict[str, str]
    people: dict[str, str]
    campaign: str
    tokens: dict[str, str] = field(default_factory=dict)

    def person(self, login: str) -> Person:
        """Somebody of the world."""
        with self.engine.read() as work:
            return get_person(work, self.people[login])

    def client(self, login: str | None = None, *, language: str = "zh") -> FlaskClient:
        """A browser without JavaScript; logged in when `login` is given."""
        client = self.app.test_client()
        client.set_cookie(cookie_name("language", self.settings), language)
        if login is not None:
            with self.engine.begin() as work:
                token = open_session(work, self.people[login], address="127.0.0.1")
            client.set_cookie(cookie_name("session", self.settings), token)
        return client

    def move_to(self, moment: datetime) -> None:
        """Let time pass, and do what comes due meanwhile."""
        self.clock.move_to(moment)
        run_due(self.engine)

    def tasks(self, login: str, element_id: str | None = None) -> list[inbox.TaskLine]:
        """The open tasks of somebody, claimed or not."""
        who = self.person(login)
        with self.engine.read(by=who.id) as work:
            rows = [row for view in ("mine", "groups") for row in inbox.list_tasks(work, who, view=view, limit=500).rows]
        return [row for row in rows if element_id in (None, row.element_id)]

    def start(self, login: str = "applicant", campaign: str | None = None) -> tuple[str, str]:
        """Begin an application; its case and its first task."""
        who = self.person(login)
        with self.engine.begin(by=who.id) as work:
            case_id = start_application(work, who, campaign or self.campaign, channel="recommended")
            task_id = first_task(work, case_id)
        assert task_id is not None
        return case_id, task_id

    def begin_case(
        self, login: str = "applicant", *, campaign: str | None = None, scan: tuple[str, bytes] = ("seal.pdf", PDF)
    ) -> Begun:
        """Begin an application and give it a scan; it only has to be sent."""
        who = self.person(login)
        case_id, task_id = self.start(login, campaign)
        received = receive_file(self.engine, io.BytesIO(scan[1]), name=scan[0])
        with self.engine.begin(by=who.id) as work:
            return Begun(case_id, task_id, attach_file(work, who, received, task_id=task_id, field="seal_scan").id)

    def hand_in(self, application: dict[str, Any], login: str = "applicant", **begun: Any) -> Begun:
        """Begin an application (as `begin_case`) and send it; it waits for its first check."""
        case = self.begin_case(login, **begun)
        self.complete(login, case.task_id, whole(application))
        return case

    def complete(self, login: str, task_id: str, data: dict[str, Any]) -> inbox.Receipt:
        """Complete a task by the function that the pages use."""
        who = self.person(login)
        with self.engine.read(by=who.id) as work:
            view = inbox.open_task(work, who, task_id)
        receipt = inbox.complete(self.engine, who, task_id, data, revision=view.revision, key=f"{task_id}:{view.revision}")
        run_due(self.engine)
        return receipt


def whole(application: dict[str, Any]) -> dict[str, Any]:
    """What an application says, without the rows that only a page's form names."""
    return {key: value for key, value in application.items() if "." not in key}


def make_place(settings: Settings, clock: VirtualClock, ids: dict[str, Any]) -> Place:
    """The application on a database that holds the world."""
    engine = build_engine(settings, clock=clock)
    app = create_app(engine)
    app.jinja_env.bytecode_cache = COMPILED
    return Place(app, engine, clock, settings, ids["organisations"], ids["people"], ids["campaign"])


def make_settings(folder: Path, **more: Any) -> Settings:
    """Settings of an installation in a folder; nothing of this machine's environment."""
    given = {"database_url": f"sqlite:///{folder / 'linxuan.sqlite3'}", **more}
    return read_settings({}, file_folder=folder / "files", **given)


def make_world(settings: Settings) -> dict[str, Any]:
    """Write the world into an empty database; its ids."""
    engine = build_engine(settings, clock=VirtualClock(START))
    upgrade_schema(engine.database)
    organisations: dict[str, str] = {}
    people: dict[str, str] = {}
    with engine.begin() as work:
        for key, name, short_name, kind, parent, region in ORGANISATIONS:
            organisations[key] = create_organisation(
                work, name=name, short_name=short_name, kind=kind, parent_id=organisations.get(parent or ""), region=region
            )
        for login, (name, home, roles) in PEOPLE.items():
            people[login] = create_person(
                work,
                login=login,
                name=name,
                organisation_id=organisations[home],
                password=PASSWORD if login == "applicant" else None,
                roles=[(role, organisations[at]) for role, at in roles],
            )
        notice_id = deploy_folder(work, bundled_notices()[NOTICE], key=NOTICE)
    with engine.begin(by=people["organiser"]) as work:
        campaign = create_campaign(
            work,
            notice_id,
            key="t2022",
            organiser_id=organisations["authority"],
            bodies=[(organisations["body_a"], None), (organisations["body_b"], None)],
            settings={"experts_per_case": 2},
        )
    ids = {"organisations": organisations, "people": people, "campaign": campaign}
    engine.database.dispose()
    place = make_place(settings, VirtualClock(START), ids)
    (issue,) = place.tasks("organiser", "issue_notice")
    place.complete("organiser", issue.id, {"title": "优秀案例征集", "confirmed": "yes"})
    place.engine.database.dispose()
    return ids


@pytest.fixture(scope="session")
def model_place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A database with the world in it, made once; each test works on a copy."""
    folder = tmp_path_factory.mktemp("model")
    return folder, make_world(make_settings(folder))


@pytest.fixture
def place(model_place: tuple[Path, dict[str, Any]], tmp_path: Path) -> Iterator[Place]:
    """The world, fresh for each test."""
    yield from open_copy(model_place, tmp_path)


@pytest.fixture(scope="module")
def shared_place(model_place: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The world for a whole file of tests that only read."""
    yield from open_copy(model_place, tmp_path_factory.mktemp("shared"))


def open_copy(model: tuple[Path, dict[str, Any]], folder: Path) -> Iterator[Place]:
    """A copy of the model's database and files, opened."""
    source, ids = model
    for name in ("linxuan.sqlite3", "linxuan.sqlite3-wal"):
        if (source / name).exists():
            shutil.copy(source / name, folder / name)
    place = make_place(make_settings(folder), VirtualClock(START), ids)
    yield place
    place.engine.database.dispose()


# ---- reading pages ---------------------------------------------------------------------------------------------------
def read_hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, f"the page has no field {name}"
    return unescape(found[1])


def send(client: FlaskClient, page_address: str, action: str, data: dict[str, Any], **options: Any) -> TestResponse:
    """Fetch a page, and send a form of it with its token, key and revision."""
    page = client.get(page_address).get_data(as_text=True)
    hidden = {
        name: read_hidden(page, name) for name in ("csrf_token", "key", "revision", "seen_draft") if f'name="{name}"' in page
    }
    return client.post(action, data={**hidden, **data}, **options)


@pytest.fixture(name="send")
def send_fixture() -> Callable[..., TestResponse]:
    """`send(client, page address, action, data)`."""
    return send


@pytest.fixture
def application() -> dict[str, Any]:
    """An application that has no fault, as a browser sends it."""
    return {
        "institution_kind": "product_quality_institute",
        "contact_name": "吴申报",
        "contact_phone": "010-12345678",
        "contact_email": "wu@example.cn",
        "title": "检测数据共享助力中小企业提质",
        "directions": ["small_business"],
        "summary": "以共享检测数据为抓手，帮助中小企业改进质量。",
        "background": "中小企业缺少检测能力。",
        "practice": "建立共享平台，开放检测数据。",
        "results": "服务企业二百家。",
        "indicators.0.name": "服务企业",
        "indicators.0.value": "200",
        "indicators.0.unit": "家",
        "demonstration": "做法可以推广。",
        "originality": "yes",
    }
