"""The findings of one reading, and the reading of texts that may be refused: every fault is noted, none is raised."""

from __future__ import annotations

from typing import Any

from lxml import etree

from engine.errors import Finding, Severity
from engine.expressions import Expression, ExpressionRefused, Template, parse, parse_template

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"


def local_name(element: etree._Element) -> str:
    """The name of an element of the BPMN namespace; empty for all others (comments, extensions)."""
    tag = element.tag
    return tag[len(BPMN) :] if isinstance(tag, str) and tag.startswith(BPMN) else ""


def child_text(element: etree._Element, name: str) -> str | None:
    """The stripped text of a BPMN child element; None when there is none."""
    found = element.find(BPMN + name)
    text = "" if found is None else "".join(str(part) for part in found.itertext()).strip()
    return text or None


def line_of(element: etree._Element) -> int:
    """The line of an element in its file, 1-based; 0 when it is not known."""
    line: Any = element.sourceline
    return line or 0


LONGEST_ID = 200
"""Characters of the ids of processes and elements, and of the names of messages and signals: what the columns hold."""
LONGEST_NAME = 400
"""Characters of the names of elements."""
LONGEST_SHOWN = 200
"""Characters of an expression in the text of a finding."""


class Report:
    """Collects findings with the id and the line of their element."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def fault(self, code: str, element: etree._Element, *, at: str | None = None, **values: Any) -> None:
        """Something that cannot run as drawn. `at` is the element to show it on (a node instead of its child)."""
        self.add(code, "error", element, at=at, **values)

    def warn(self, code: str, element: etree._Element, *, at: str | None = None, **values: Any) -> None:
        """Something that runs, but perhaps not as meant."""
        self.add(code, "warning", element, at=at, **values)

    def add(self, code: str, severity: Severity, element: etree._Element, *, at: str | None = None, **values: Any) -> None:
        """A finding of this severity."""
        self.findings.append(Finding(code, severity, at or element.get("id"), str(line_of(element)), values))

    def expression(self, text: str | None, element: etree._Element, where: str, *, at: str | None = None) -> Expression | None:
        """A parsed expression; None without text, and after a finding."""
        if text is None or not text.strip():
            return None
        try:
            return parse(text.strip())
        except ExpressionRefused as problem:
            self.refused(problem, element, where, at=at)
            return None

    def template(self, text: str | None, element: etree._Element, where: str, *, at: str | None = None) -> Template | None:
        """A parsed attribute text; None without text, and after a finding."""
        if text is None or not text.strip():
            return None
        try:
            return parse_template(text.strip())
        except ExpressionRefused as problem:
            self.refused(problem, element, where, at=at)
            return None

    def refused(self, problem: ExpressionRefused, element: etree._Element, where: str, *, at: str | None = None) -> None:
        """A text that is no expression, with the reason and the place in it."""
        text = str(problem.values["text"])
        shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
        self.fault("diagram_expression", element, at=at, where=where, **{**problem.values, "text": shown})
