"""Every page that there is, with the data of the demonstration and of campaigns played to their end, as its pictures show it.

axe (WCAG 2.2 AA) finds nothing, and leaves open only what conftest.py names; nothing scrolls sideways at 320 pixels, nor in large
type; the console is empty, nothing is fetched from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urljoin

import pytest

from api.cli.pictures.plan import PLAN, STATES, View
from api.cli.pictures.scene import Scene, find_person, open_scene
from api.cli.words import Words
from workflows.campaigns.figures import read_figures
from workflows.inbox import DUE_RANGES, TaskFilter, list_tasks

VIEWS = {**PLAN, **STATES}
BOTH = ("inbox.show", "tasks.show", "cases.show", "campaigns.show", "boards.show")
"""What the normal run looks at in English too; `--all` looks at all."""


SLOW = pytest.mark.slow  # campaigns have to be played to their end for these
PAGES = [pytest.param(name, marks=[SLOW] if view.played else []) for name, view in VIEWS.items()]


@pytest.fixture(scope="module")
def find_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Scene]]:
    """`find_scene(played)`: the demonstration (""), or the played campaign of a notice; made when it is first asked for."""
    folder, known = tmp_path_factory.mktemp("scenes"), dict[str, Scene]()
    with ExitStack() as stack:

        def find(played: str) -> Scene:
            if played not in known:
                known[played] = stack.enter_context(open_scene(folder, played, Words("en")))
            return known[played]

        yield find


def test_a_working_day_waits_for_the_auditor_of_the_demonstration(find_scene: Callable[[str], Scene]) -> None:
    scene = find_scene("")
    with scene.process_engine.read() as work:
        auditor = find_person(work, "auditor")
        views = ("mine", "groups")
        due = {
            each: {line.name for view in views for line in list_tasks(work, auditor, view=view, asked=TaskFilter(due=each)).rows}
            for each in DUE_RANGES
        }
        lines = [line for view in views for line in list_tasks(work, auditor, view=view).rows]
        board = read_figures(work, auditor, scene.values["a"])
    assert (
        due["overdue"] == {"报送材料"}
        and "报送推荐名单" in due["today"]
        and "报送材料" in due["week"]
        and "省级审核" in due["undated"]
    )
    assert {line.priority for line in lines} == {50, 75} and len(lines) >= 7
    assert {step.name: step.count for step in board.steps}["省级审核"] == 1  # a colleague has it


@pytest.mark.parametrize("name", PAGES)
def test_page(
    name: str,
    browser: Any,
    find_scene: Callable[[str], Scene],
    check_accessibility: Callable[[Any], None],
    request: pytest.FixtureRequest,
) -> None:
    view = VIEWS[name]
    scene = find_scene(view.played)
    said: list[str] = []
    fetched: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    cookies = {"linxuan_session": scene.open_session(view.login)} if view.login else {}
    address = scene.url(name, view)
    context.add_cookies([{"name": key, "value": value, "url": urljoin(address, "/")} for key, value in cookies.items()])
    page = context.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"exception: {error}"))
    page.on("request", lambda request: fetched.append(request.url))
    try:
        reach(page, address, view)
        check_accessibility(page)
        page.set_viewport_size({"width": 320, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        page.evaluate("document.documentElement.classList.add('large')")
        page.set_viewport_size({"width": 375, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        if request.config.getoption("--all") or name in BOTH:
            context.add_cookies([{"name": "linxuan_language", "value": "en", "url": urljoin(address, "/")}])
            reach(page, address, view)
            assert page.get_attribute("html", "lang") == "en"
            assert page.evaluate("document.documentElement.scrollWidth") == 375
    finally:
        context.close()
    assert [line for line in said if "the server responded with a status of 4" not in line] == []
    own = (scene.address, "data:", "blob:", "chrome-extension:", "chrome:")  # the last two: Chromium's own viewer of PDF
    assert [url for url in fetched if not url.startswith(own)] == []


def reach(page: Any, address: str, view: View) -> None:
    """Open the page and do what is to be done on it."""
    answer = page.goto(address)
    assert answer.status == 200
    page.wait_for_load_state("networkidle")
    if view.walk is not None:
        view.walk(page)
    for shown in (".diagram", "#designer"):
        if page.locator(shown).count():
            page.locator(f"{shown}[data-shown=yes]").first.wait_for()
