"""Reading the documentation as data: tables under their headings, code spans, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"

HEADING = re.compile(r"(#+)\s+(.*)")
SPAN = re.compile(r"`([^`]+)`")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


class Page:
    """One Markdown file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text("utf-8")
        self.prose = FENCE.sub("", self.text)

    def headings(self) -> list[tuple[int, str]]:
        """(level, text) of all headings, in order."""
        return [(len(found[1]), found[2].strip()) for line in self.prose.splitlines() if (found := HEADING.fullmatch(line))]

    def anchors(self) -> set[str]:
        """What a link may name behind `#`, by the rule of the usual viewers."""
        return {re.sub(r"[^\w\- ]", "", text.lower()).strip().replace(" ", "-") for _, text in self.headings()}

    def links(self) -> list[str]:
        """The targets of all links."""
        return LINK.findall(self.prose)

    def section(self, heading: str) -> str:
        """What stands under a heading, up to the next one of any level."""
        kept, inside, found = [], False, False
        for line in self.prose.splitlines():
            if match := HEADING.fullmatch(line):
                inside = match[2].strip() == heading
                found = found or inside
            elif inside:
                kept.append(line)
        assert found, f"{self.path.name} has no heading {heading!r}"
        return "\n".join(kept)

    def rows(self, heading: str) -> list[list[str]]:
        """The rows of the tables under a heading, without their head lines, as cells."""
        rows: list[list[str]] = []
        head = True
        for line in self.section(heading).splitlines():
            if not line.startswith("|"):
                head = True
                continue
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if set("".join(cells)) <= set("-: "):
                head = False
            elif not head:
                rows.append(cells)
        return rows

    def firsts(self, heading: str) -> list[str]:
        """All code spans of the first column under a heading."""
        return [span for row in self.rows(heading) for span in SPAN.findall(row[0])]

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks of a language."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)


def all_pages() -> Iterator[Page]:
    """Every page of documentation."""
    for path in [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]:
        yield Page(path)


@pytest.fixture(scope="session")
def pages() -> list[Page]:
    """Every page of documentation."""
    return list(all_pages())


@pytest.fixture(scope="session")
def reference() -> dict[str, Page]:
    """The pages of the reference by their names."""
    return {path.stem: Page(path) for path in REFERENCE.glob("*.md")}


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def spans() -> re.Pattern[str]:
    """What finds code spans."""
    return SPAN
