"""`screenshots`: a picture of every page with the demonstration's data, in both languages, wide and narrow.

The plan names each page by its endpoint: who looks at it and where. A test holds it against the URL map.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from api.cli.parser import Verbs
from api.cli.words import Words
from engine.errors import Problem

if TYPE_CHECKING:
    from flask import Flask

    from engine.work import ProcessEngine, Work

PLAN: Mapping[str, tuple[str | None, str]] = {
    # endpoint: (log-in, what its address is filled with: campaign `a` collects, `b` reviews, `c` consults)
    "home.show": ("organiser", ""),
    "login.show": (None, ""),
    "inbox.show": ("auditor", ""),
    "tasks.show": ("auditor", "task_id"),
    "tasks.print_form": ("auditor", "task_id"),
    "substitutions.show": ("auditor", ""),
    "notifications.show": ("auditor", ""),
    "bulk.list_all": ("auditor", ""),
    "cases.list_all": ("organiser", ""),
    "cases.show": ("organiser", "case_id"),
    "case_papers.compare": ("organiser", "case_id"),
    "case_papers.show_views": ("organiser", "case_id"),
    "previews.show": ("organiser", "attachment_id"),
    "stopping.show": ("organiser", "case_id"),
    "agenda.show": ("organiser", ""),
    "feeds.show": ("organiser", ""),
    "campaigns.list_all": (None, ""),
    "campaigns.show": ("organiser", "a"),
    "boards.show": ("organiser", "b"),
    "campaign_affairs.show_history": ("organiser", "a"),
    "campaign_affairs.show_panel": ("organiser", "b"),
    "archive.show": ("organiser", "c"),
    "new_campaign.show": ("organiser", ""),
    "new_campaign.compare": ("organiser", "a"),
    "extensions.show": ("organiser", "a"),
    "reminders.show_missing": ("organiser", "a"),
    "reminders.list_letters": ("organiser", "a"),
    "reminders.preview_letters": ("organiser", "a"),
    "rounds.show": ("organiser", "a"),
    "activities.show": (None, "a"),
    "consultation.show": (None, "c"),
    "consultation.show_published": (None, "c"),
    "stages.show_opening": ("auditor", "a"),
    "notices.list_all": (None, ""),
    "notices.show": (None, "key"),
    "designer.list_all": ("designer", ""),
    "designer.new_check": ("designer", ""),
    "designer.show_definition": ("designer", "definition_id"),
    "drafts.list_all": ("designer", ""),
    "drafts.new": ("designer", ""),
    "drafts.show": ("designer", "draft_id"),
    "drafts.check_all": ("designer", "draft_id"),
    "drafts.compare": ("designer", "draft_id"),
    "drafts.edit": ("designer", "draft_id path"),
    "drafts.list_versions": ("designer", "draft_id"),
    "incidents.show": ("administrator", ""),
    "operations.show": ("administrator", ""),
    "tokens.show": ("administrator", ""),
    "workdays.show": ("administrator", "year"),
    "rest.show_page": (None, ""),
}
NO_PAGE: Mapping[str, str] = {
    "bulk.show": "the demonstration has no bulk job",
    "case_papers.export_docx": "a file",
    "case_papers.export_pdf": "a file",
    "designer.read_xml": "a file",
    "drafts.export": "a file",
    "drafts.read_file": "a file",
    "extensions.preview": "needs what is typed on extensions.show",
    "feeds.fetch": "a file",
    "feeds.fetch_campaign": "a file",
    "feeds.fetch_date": "a file",
    "files.download": "a file",
    "inbox.show_news": "a line of inbox.show",
    "incidents.show_one": "the demonstration has no incident",
    "lists.*": "files",
    "operations.health": "for programs",
    "operations.metrics": "for programs",
    "previews.content": "a file",
    "reports.show": "the demonstration's notice asks for no reports",
    "rest.show_document": "for programs",
    "rest_*": "for programs",
    "rounds.download": "a file",
    "rounds.show_one": "the demonstration's notice has no rounds",
    "stages.show": "nobody has opened a stage in the demonstration",
    "workdays.show_now": "leads to workdays.show",
}
"""Addresses without a picture, and why; a star stands for all that begins so."""
MAIN = (
    "home.show",
    "inbox.show",
    "tasks.show",
    "cases.show",
    "case_papers.compare",
    "campaigns.show",
    "boards.show",
    "agenda.show",
)
"""The pages whose pictures are kept in docs/images/pages."""
WIDTHS = (1280, 375)
TALLEST = 2400
"""Pixels of a picture's height; what is below is cut off."""
QUALITY = 60


class BrowserMissing(Problem):
    """Pictures need Chromium and the Python package playwright (requirements/test.lock)."""

    kind = "busy"


def add_verbs(verbs: Verbs) -> None:
    """`screenshots`."""
    options = verbs.add("screenshots", screenshots, database=False)
    options.add("folder", type=Path, metavar="FOLDER")
    options.add("--main", action="store_true")
    options.add("--only", nargs="+", choices=sorted(PLAN), metavar="PAGE", default=[])


def screenshots(options: argparse.Namespace, words: Words) -> int:
    """Make the demonstration in a temporary folder and take its pictures.

    Raises BrowserMissing.
    """
    names = options.only or (MAIN if options.main else list(PLAN))
    options.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_demo(Path(folder)) as (app, process_engine, address),
        open_browser() as browser,
    ):
        values = find_values(process_engine)
        cookies = {login: open_sessions(process_engine, login) for login in {login for login, _ in PLAN.values() if login}}
        for name in names:
            login, wanted = PLAN[name]
            for language in ("zh", "en"):
                for width in WIDTHS:
                    status = take(
                        browser,
                        address + fill(app, name, wanted, values),
                        options.folder / f"{name}.{language}.{width}.jpeg",
                        cookies={"linxuan_language": language, **({"linxuan_session": cookies[login]} if login else {})},
                        width=width,
                    )
                    print(status, name, language, width)
    return 0


def take(browser: Any, url: str, file: Path, *, cookies: Mapping[str, str], width: int) -> int:
    """One picture; the page's status."""
    context = browser.new_context(viewport={"width": width, "height": 800}, locale="zh-CN")
    place = urljoin(url, "/")  # else a cookie is for the page's own folder alone, and what the page fetches is not logged in
    context.add_cookies([{"name": name, "value": value, "url": place} for name, value in cookies.items()])
    page = context.new_page()
    answer = page.goto(url)
    page.wait_for_load_state("networkidle")
    if page.locator(".diagram").count():
        page.locator(".diagram[data-shown=yes]").first.wait_for(timeout=30_000)
    height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": height})
    page.screenshot(path=str(file), type="jpeg", quality=QUALITY)
    context.close()
    return int(answer.status)


@contextmanager
def open_demo(folder: Path) -> Iterator[tuple[Flask, ProcessEngine, str]]:
    """A demonstration of its own, served on a free port: the application, the engine and the address."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    from api.app import create_app
    from api.cli.opening import open_engine
    from api.settings import read_settings
    from workflows.demo import ensure_demo

    settings = read_settings({}, database_url=f"sqlite:///{folder / 'demo.sqlite3'}", file_folder=folder / "files", demo=True)
    process_engine = open_engine(settings)
    ensure_demo(process_engine)

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_args: Any, **_more: Any) -> None:
            """Say nothing."""

    app = create_app(process_engine)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield app, process_engine, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        process_engine.database.dispose()


@contextmanager
def open_browser() -> Iterator[Any]:
    """Chromium without a window.

    Raises BrowserMissing.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        playwright = importlib.import_module("playwright.sync_api")  # only needed here, and by the tests
    except ModuleNotFoundError:
        raise BrowserMissing() from None
    if program is None:
        raise BrowserMissing()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def open_sessions(process_engine: ProcessEngine, login: str) -> str:
    """The token of a session of this log-in."""
    import sqlalchemy as sa

    from workflows.sessions import open_session
    from workflows.tables import person

    with process_engine.begin() as work:
        person_id = work.connection.execute(sa.select(person.c.id).where(person.c.login == login)).scalar_one()
        return open_session(work, person_id)


def find_values(process_engine: ProcessEngine) -> dict[str, str]:
    """What addresses are filled with."""
    with process_engine.read() as work:
        return dict(_find_values(work))


def _find_values(work: Work) -> Iterator[tuple[str, str]]:
    import sqlalchemy as sa

    from engine.definitions import latest_definition
    from workflows import inbox
    from workflows.demo import NOTICE
    from workflows.people import get_person
    from workflows.tables import application_version, attachment, campaign, case, notice_draft, person

    def first(query: Any) -> Any:
        return work.connection.execute(query.limit(1)).scalar_one()

    for letter in "abc":
        yield letter, first(sa.select(campaign.c.id).where(campaign.c.key == f"demo-{letter}"))
    versions = sa.select(application_version.c.case_id).join(case, case.c.id == application_version.c.case_id)
    newest_first = versions.order_by(application_version.c.version.desc(), case.c.number)
    yield "case_id", first(newest_first)
    handed_in = sa.select(attachment.c.id).join(application_version, application_version.c.case_id == attachment.c.case_id)
    yield "attachment_id", first(handed_in.order_by(attachment.c.id))
    yield "draft_id", first(sa.select(notice_draft.c.id).order_by(notice_draft.c.id))
    yield "path", "notice.yaml"
    yield "key", NOTICE
    yield "year", str(work.now.year)
    yield "definition_id", latest_definition(work, f"{NOTICE}_case").id
    auditor = get_person(work, first(sa.select(person.c.id).where(person.c.login == "auditor")))
    rows = [row for view in ("mine", "groups") for row in inbox.list_tasks(work, auditor, view=view).rows]
    yield "task_id", next((row.id for row in rows if row.case_id), rows[0].id)


def fill(app: Flask, name: str, wanted: str, values: Mapping[str, str]) -> str:
    """The path of a page."""
    given = {"campaign_id" if key in "abc" else key: values[key] for key in wanted.split()}
    return str(app.url_map.bind("localhost").build(name, given))
