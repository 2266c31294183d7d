"""A real browser in front of a real server: Debian's Chromium, headless, nothing fetched from outside."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.serving import make_server

from api.app import STATIC
from api.security import cookie_name
from tests.api.world import (
    Place,
    application,  # noqa: F401
    model_place,  # noqa: F401
    place,  # noqa: F401
)
from workflows.sessions import open_session
from workflows.tables import login_session

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
AXE = Path("api/web/node_modules/axe-core/axe.min.js")
SCREENSHOTS = os.environ.get("LINXUAN_TEST_SCREENSHOTS")
"""A folder for a picture of every page as a test left it."""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

OPEN = {
    ("color-contrast", "svg"): "texts of drawings: a diagram's steps and a chart's figures stand beside it as a list or table",
    ("color-contrast", ".timeline"): "the dot before an entry is drawn, not written",
    ("color-contrast", ".changes li, [aria-hidden=true]"): "an arrow between two texts is no text",
    ("color-contrast", "main:has(#save_state), table.tasks"): "a bar that stays in sight lies over it until one scrolls",
    ("frame-tested", "iframe.preview"): "the browser's own viewer of PDF",
}
"""What axe cannot decide and leaves to the eye: (rule, where)."""
LOOK = """async ({tags, open}) => {
    const told = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations', 'incomplete']})
    const list = (found, left) => found.flatMap(({id, nodes}) => nodes.filter(left(id)).map(({html}) => [id, html.slice(0, 200)]))
    const named = (id) => ({target}) =>
        !open.some(([rule, where]) => rule === id && document.querySelector(target[0])?.closest(where))
    return {violations: list(told.violations, () => () => true), undecided: list(told.incomplete, named)}
}"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Log:
    """What a page said and fetched."""

    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@dataclass
class Site:
    """The application behind an address, and browsers to look at it with."""

    place: Place
    address: str
    browser: Any
    log: Log
    running: Any = None

    def start(self) -> None:
        """Let the server answer; after a stop at the same address."""
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        server = make_server("127.0.0.1", port, self.place.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.address, self.running = f"http://127.0.0.1:{server.server_port}", (server, thread)

    def stop(self) -> None:
        """The server is gone."""
        if self.running is not None:
            server, thread = self.running
            server.shutdown()
            thread.join()
            server.server_close()
            self.running = None

    def open(self, login: str | None = None, *, width: int = 1280, language: str = "zh", script: bool = True) -> Any:
        """A page in a browser of its own, logged in when `login` is given."""
        context = self.browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=script, locale="zh-CN")
        cookies = [{"name": cookie_name("language", self.place.settings), "value": language, "url": self.address}]
        if login is not None:
            with self.place.engine.begin() as work:
                token = open_session(work, self.place.people[login])
            cookies.append({"name": cookie_name("session", self.place.settings), "value": token, "url": self.address})
        context.add_cookies(cookies)
        page = context.new_page()
        page.set_default_timeout(15000)
        page.on("console", lambda message: self.log.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.log.console.append(f"exception: {error}"))
        page.on("request", lambda request: self.log.requests.append(request.url))
        return page

    def end_sessions(self) -> None:
        """Everybody's log-in has ended."""
        with self.place.engine.begin() as work:
            work.connection.execute(sa.update(login_session).values(closed_at=work.now))

    def log_in_beside(self, page: Any, login: str) -> None:
        """Somebody logs in again in another tab of the same browser: another session, and another form token."""
        page.context.clear_cookies(name=cookie_name("form", self.place.settings))
        with self.place.engine.begin() as work:
            token = open_session(work, self.place.people[login])
        page.context.add_cookies([{"name": cookie_name("session", self.place.settings), "value": token, "url": self.address}])
        other = page.context.new_page()
        other.goto(f"{self.address}/inbox")
        other.close()
        page.evaluate("window.dispatchEvent(new Event('online'))")  # what waits for its next try does not wait


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, if there is one; stopped after each module, because its driver keeps an event loop running in this thread."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: install the package chromium")
    if not (STATIC / "dist" / "page.js").exists():
        pytest.skip("the front end is not built: `python3 run.py test` builds it")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def site(request: pytest.FixtureRequest, browser: Any, place: Place) -> Iterator[Site]:  # noqa: F811 - the fixture is meant
    """The world behind a real server on a free port. At the end: nothing was fetched from elsewhere, the console is empty."""
    site = Site(place, "", browser, Log())
    site.start()
    try:
        yield site
        for number, context in enumerate(browser.contexts):
            for page in context.pages if SCREENSHOTS else ():
                page.screenshot(path=f"{SCREENSHOTS}/{request.node.name}_{number}.png", full_page=True)
            context.close()
    finally:
        site.stop()
    address, log = site.address, site.log
    own = (address, "data:", "blob:", "chrome-extension:", "chrome:")  # the last two: Chromium's own viewer of PDF
    outside = [url for url in log.requests if not url.startswith(own)]
    assert outside == []
    # Chromium itself notes every answer of 4xx; faults of forms and refusals are answered so on purpose
    noted = [line for line in log.console if "the server responded with a status of 4" not in line]
    assert noted == []


@pytest.fixture
def check_accessibility() -> Callable[[Any], None]:
    """`check_accessibility(page)`: axe finds no violation, and no page scrolls sideways."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: `npm ci` in api/web")
    source = AXE.read_text("utf-8")

    def check(page: Any) -> None:
        page.evaluate(source)
        found = page.evaluate(LOOK, {"tags": TAGS, "open": list(OPEN)})
        assert found == {"violations": [], "undecided": []}, page.url

    return check
