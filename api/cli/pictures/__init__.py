"""`screenshots`: a picture of every page with the demonstration's data, in both languages, wide and narrow."""

from __future__ import annotations

import argparse
import importlib
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from api.cli.parser import Verbs
from api.cli.pictures.plan import PLAN, STATES
from api.cli.words import Words
from engine.errors import Problem

WIDTHS = (1280, 375)
TALLEST = 2400
"""Pixels of a picture's height; what is below is cut off."""
QUALITY = 50
INDEX = "README.md"


class BrowserMissing(Problem):
    """Pictures need Chromium and the Python package playwright (requirements/test.lock)."""

    kind = "busy"


def add_verbs(verbs: Verbs) -> None:
    """`screenshots`."""
    options = verbs.add("screenshots", screenshots, database=False)
    options.add("folder", type=Path, metavar="FOLDER")
    options.add("--only", nargs="+", choices=sorted({*PLAN, *STATES}), metavar="PAGE", default=[])


def screenshots(options: argparse.Namespace, words: Words) -> int:
    """Make a demonstration and played campaigns in a temporary folder, take pictures of their pages and write an index of all.

    Raises BrowserMissing.
    """
    from api.cli.pictures.scene import open_scenes

    views = {name: view for name, view in {**PLAN, **STATES}.items() if not options.only or name in options.only}
    options.folder.mkdir(parents=True, exist_ok=True)
    played = {view.played for view in views.values() if view.played}
    with tempfile.TemporaryDirectory() as folder, open_browser() as browser, open_scenes(Path(folder), played, words) as scenes:
        cookies: dict[tuple[str, str], str] = {}
        for name, view in views.items():
            scene = scenes[view.played]
            if view.login is not None and (view.login, view.played) not in cookies:
                cookies[view.login, view.played] = scene.open_session(view.login)
            session = {"linxuan_session": cookies[view.login, view.played]} if view.login else {}
            for language in ("zh", "en"):
                for width in WIDTHS:
                    given = {"linxuan_language": language, **session}
                    file = options.folder / picture_name(name, language, width)
                    status = take(browser, scene.url(name, view), file, cookies=given, width=width, walk=view.walk)
                    print(status, name, language, width, flush=True)
    if not options.only:
        (options.folder / INDEX).write_text(write_index(), encoding="utf-8")
    return 0


def picture_name(name: str, language: str, width: int) -> str:
    """The file of a picture."""
    return f"{name}.{language}.{width}.webp"


def write_index() -> str:
    """A page of all pictures."""
    lead = "Made by `linxuan screenshots docs/images/pages`: each page in Chinese and in English, wide and narrow."
    lines = ["# Pictures of the pages", "", lead, ""]
    for name in (*PLAN, *STATES):
        lines += [f"## {name}", ""]
        for width in WIDTHS:
            for language in ("zh", "en"):
                alt = f"{name}, {language}, {width} pixels"
                lines.append(f'<img src="{picture_name(name, language, width)}" alt="{alt}" width="{width // 4}" valign="top">')
        lines.append("")
    return "\n".join(lines)


def take(browser: Any, url: str, file: Path, *, cookies: Mapping[str, str], width: int, walk: Any) -> int:
    """One picture; the page's status."""
    context = browser.new_context(viewport={"width": width, "height": 800}, locale="zh-CN")
    place = urljoin(url, "/")  # else a cookie is for the page's own folder alone, and what the page fetches is not logged in
    context.add_cookies([{"name": name, "value": value, "url": place} for name, value in cookies.items()])
    page = context.new_page()
    answer = page.goto(url)
    page.wait_for_load_state("networkidle")
    if walk is not None:
        walk(page)
    if page.locator(".diagram").count():
        page.locator(".diagram[data-shown=yes]").first.wait_for(timeout=30_000)
    height = min(TALLEST, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": height})
    image = importlib.import_module("PIL.Image")
    image.open(io.BytesIO(page.screenshot(type="png"))).convert("RGB").save(file, "webp", quality=QUALITY, method=6)
    context.close()
    return int(answer.status)


@contextmanager
def open_browser() -> Iterator[Any]:
    """Chromium without a window.

    Raises BrowserMissing.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        playwright = importlib.import_module("playwright.sync_api")  # of the tests' packages, as Pillow below
    except ModuleNotFoundError:
        raise BrowserMissing() from None
    if program is None:
        raise BrowserMissing()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
