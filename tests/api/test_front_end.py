"""The front end's packages and what is built of them: where they come from, their licences, their weight."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

import api

WEB = Path(api.__file__).parent / "web"
DIST = Path(api.__file__).parent / "static" / "dist"

built = pytest.mark.skipif(not (DIST / "meta.json").exists(), reason="the front end is not built")


def lock() -> dict[str, Any]:
    return dict(json.loads((WEB / "package-lock.json").read_text("utf-8")))


def test_versions_are_exact_and_locked() -> None:
    package = json.loads((WEB / "package.json").read_text("utf-8"))
    wanted = {**package["dependencies"], **package["devDependencies"]}
    locked = lock()["packages"]
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert locked[f"node_modules/{name}"]["version"] == version
    assert locked[""]["dependencies"] == package["dependencies"]


def test_every_locked_package_has_a_hash_and_comes_from_the_registry() -> None:
    for name, entry in lock()["packages"].items():
        if name:
            assert entry["integrity"].startswith("sha512-"), name
            assert "resolved" not in entry, name  # the user's own registry is asked
            assert not entry.get("link"), name


FREE = {
    "MIT",
    "ISC",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "BSD-0-Clause",  # as htmx spells 0BSD
    "CC0-1.0",
    "Unlicense",
    "(MPL-2.0 OR Apache-2.0)",
    "MPL-2.0",  # axe-core, for tests only
    "SEE LICENSE IN LICENSE",  # bpmn-js: MIT with the mark of bpmn.io, which stays visible
}
UNNAMED = {"node_modules/cli-table"}
"""Their package.json names no licence; their LICENSE file is that of MIT."""


def test_licences_are_free() -> None:
    locked = {name: entry.get("license") for name, entry in lock()["packages"].items() if name}
    assert {name for name, licence in locked.items() if licence is None} == UNNAMED
    assert {licence for licence in locked.values() if licence} - FREE == set()


def test_no_script_of_a_package_runs_at_installation() -> None:
    """`npm ci --ignore-scripts` is enough: only esbuild has one, which it does not need."""
    assert {name for name, entry in lock()["packages"].items() if entry.get("hasInstallScript")} == {"node_modules/esbuild"}


@built
def test_bundles_stay_light() -> None:
    """Packed sizes per page, in KiB: what a page loads, own style and script included."""

    def weight(*names: str) -> float:
        return sum(len(gzip.compress((DIST / name).read_bytes(), 9)) for name in names) / 1024

    chunks = [file.name for file in DIST.glob("chunk-*.js")]
    style = len(gzip.compress((DIST.parent / "linxuan.css").read_bytes(), 9)) / 1024
    assert style < 10
    assert weight("page.js", "htmx.min.js") + style < 30
    assert weight("page.js", "htmx.min.js", "viewer.js", "viewer.css", *chunks) + style < 120
    if (DIST / "charts.js").exists():  # where the packages are installed anew
        assert weight("page.js", "htmx.min.js", "charts.js") + style < 240
    assert weight("page.js", "htmx.min.js", "designer.js", "designer.css", *chunks) + style < 540


@built
def test_the_licences_of_all_bundled_packages_are_there() -> None:
    text = (DIST / "licences.txt").read_text("utf-8")
    inputs = json.loads((DIST / "meta.json").read_text("utf-8"))["inputs"]
    bundled = {match[1] for name in inputs if (match := re.match(r"^(?:.*/)?node_modules/((?:@[^/]+/)?[^/]+)/", name))}
    assert len(bundled) > 30
    for name in bundled | {"htmx.org"}:
        assert re.search(rf"^{re.escape(name)} \d", text, flags=re.MULTILINE), name
    assert "watermark" in text.partition("\nbpmn-js ")[2].partition("=====")[0]  # its licence asks for the mark


@built
def test_nothing_is_fetched_from_elsewhere() -> None:
    for file in [*DIST.glob("*.css"), DIST / "page.js", DIST / "viewer.js", DIST.parent / "linxuan.css"]:
        assert not re.search(r"(?:url\(|import\s*\(?)\s*['\"]?https?:", file.read_text("utf-8")), file.name
