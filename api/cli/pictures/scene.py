"""What the pictures are of: a demonstration in which somebody has done what pages show, and campaigns played to their end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from api.app import create_app
from api.cli.opening import open_engine
from api.cli.pictures.plan import View
from api.cli.serving import deploy_bundled
from api.cli.words import Words
from api.settings import read_settings
from engine.definitions import latest_definition
from engine.due import run_due
from engine.incidents import open_incident
from workflows import inbox
from workflows.campaigns.reading import get_campaign
from workflows.demo import NOTICE, ensure_demo
from workflows.inbox import many
from workflows.organisations import create_organisation
from workflows.people import Person, get_person
from workflows.replay.play import Options, play
from workflows.sessions import open_session
from workflows.stages import list_overlays, open_stage
from workflows.tables import application_version, attachment, campaign, case, notice_draft, person, report, round_

if TYPE_CHECKING:
    from engine.work import ProcessEngine, Work

INSTITUTIONS = 22
"""Of a played campaign."""
BODY = "auditor-2"
"""Opens a stage, so that the first body's auditor still can."""
STEPS = ("collection_cutoff", "checked_by", "ranked_by", "sealed_by")
"""The dates of a stage, a day after each other."""


@dataclass(slots=True)
class Scene:
    """A served installation and what addresses are filled with."""

    process_engine: ProcessEngine
    app: Any
    address: str
    values: Mapping[str, str]

    def url(self, name: str, view: View) -> str:
        """Where this page is."""
        given = {name: self.values[value] for name, value in view.arguments.items()}
        path = self.app.url_map.bind("localhost").build(view.endpoint or name, given)
        return f"{self.address}{path}{'?' if view.query else ''}{view.query}"

    def open_session(self, login: str) -> str:
        """The token of a session of this log-in."""
        with self.process_engine.begin() as work:
            return open_session(work, find_person(work, login).id)


@contextmanager
def open_scenes(folder: Path, played: Set[str], words: Words) -> Iterator[dict[str, Scene]]:
    """The demonstration (under "") and campaigns of notices played to their end, each served on a free port."""
    with ExitStack() as stack:
        yield {key: stack.enter_context(open_scene(folder, key, words)) for key in ("", *sorted(played))}


@contextmanager
def open_scene(folder: Path, key: str, words: Words) -> Iterator[Scene]:
    """The demonstration, or the played campaign of this notice."""
    url = f"sqlite:///{folder / (key or 'demo')}.sqlite3"
    settings = read_settings({}, database_url=url, file_folder=folder / "files", demo=not key)
    process_engine = open_engine(settings)
    try:
        if key:
            clock, backend = process_engine.clock, process_engine.backend
            play(process_engine, Options(key, institutions=INSTITUTIONS))
            process_engine.clock, process_engine.backend = clock, backend
            with process_engine.read() as work:
                values = dict(find_played(work))
        else:
            ensure_demo(process_engine)
            deploy_bundled(process_engine, settings, words)
            values = prepare(process_engine)
        with serve(process_engine) as (app, address):
            yield Scene(process_engine, app, address, values)
    finally:
        process_engine.database.dispose()


@contextmanager
def serve(process_engine: ProcessEngine) -> Iterator[tuple[Any, str]]:
    """The application of this engine on a free port, and its address."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_args: Any, **_more: Any) -> None:
            """Say nothing."""

    app = create_app(process_engine)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield app, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def prepare(process_engine: ProcessEngine) -> dict[str, str]:
    """Do what some pages show: a stage, tasks claimed at once, an incident; what addresses are filled with."""
    with process_engine.read() as work:
        values = dict(find_values(work))
        auditor = find_person(work, "auditor")
        rows = inbox.list_tasks(work, auditor, view="groups").rows
        body = find_person(work, BODY)
    with process_engine.begin(by=auditor.id) as work:
        tasks = [{"task": row.id} for row in rows[:3]] + [{"task": "0" * 26}]
        values["bulk_id"] = many.start_many(work, auditor, "claim", tasks)
    with process_engine.begin(by=body.id) as work:
        found = get_campaign(work, values["a"], person=body)
        (body_id,) = body.organisations("auditor")
        create_organisation(work, name="演示二市市场监督管理局", short_name="演示二市", kind="prefecture", parent_id=body_id)
        day = work.now.date()
        dates = {name: day + timedelta(days=2 + index) for index, name in enumerate(STEPS)}
        (overlay,) = list_overlays(work, found)
        values["stage_id"] = open_stage(work, body, found.id, body_id=body_id, overlay_id=overlay.notice.id, dates=dates)
    with process_engine.begin() as work:
        instance_id = first(work, sa.select(campaign.c.instance_id).where(campaign.c.id == values["a"]))
        values["incident_id"] = open_incident(
            work, "timer", "RowFailed", "no printer", instance_id=instance_id, element_id="collect"
        )
    run_due(process_engine)
    return values


def find_person(work: Work, login: str) -> Person:
    """Who logs in so."""
    return get_person(work, work.connection.execute(sa.select(person.c.id).where(person.c.login == login)).scalar_one())


def find_values(work: Work) -> Iterator[tuple[str, str]]:
    """What addresses of the demonstration are filled with."""
    for letter in "abc":
        yield letter, first(work, sa.select(campaign.c.id).where(campaign.c.key == f"demo-{letter}"))
    versions = sa.select(application_version.c.case_id).join(case, case.c.id == application_version.c.case_id)
    yield "case_id", first(work, versions.order_by(application_version.c.version.desc(), case.c.number))
    handed_in = sa.select(attachment.c.id).join(application_version, application_version.c.case_id == attachment.c.case_id)
    yield "attachment_id", first(work, handed_in.order_by(attachment.c.id))
    yield "draft_id", first(work, sa.select(notice_draft.c.id).order_by(notice_draft.c.id))
    yield "path", "notice.yaml"
    yield "key", NOTICE
    yield "year", str(work.now.year)
    yield "definition_id", latest_definition(work, f"{NOTICE}_case").id
    yield "task_id", find_task(work, "auditor")
    yield "review", find_task(work, "expert")


def find_played(work: Work) -> Iterator[tuple[str, str]]:
    """What addresses of a played campaign are filled with."""
    yield "campaign_id", first(work, sa.select(campaign.c.id))
    for found in work.connection.execute(
        sa.select(report.c.id).where(report.c.state == "accepted").order_by(report.c.number).limit(1)
    ):
        yield "report_id", found.id
    for found in work.connection.execute(sa.select(round_).order_by(round_.c.closed_at.desc()).limit(1)):
        yield from (("plan", found.plan), ("occurrence", found.occurrence))


def find_task(work: Work, login: str) -> str:
    """A task of a case that waits for this log-in."""
    somebody = find_person(work, login)
    rows = [row for view in ("mine", "groups") for row in inbox.list_tasks(work, somebody, view=view).rows]
    return next((row.id for row in rows if row.case_id), rows[0].id)


def first(work: Work, query: Any) -> str:
    """The first value that the query finds."""
    return str(work.connection.execute(query.limit(1)).scalar_one())
