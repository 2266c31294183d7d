"""What all pages of drafts share: the draft as its reader may see it, its findings with where they are mended, refusals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, url_for

from api.pages.errors import STATUS
from api.pages.present import process_engine, reader, words
from engine.errors import Finding, Problem
from engine.model import read_diagram
from engine.work import Work
from workflows.notices import drafts
from workflows.notices.drafts import Draft, DraftFileUnknown
from workflows.notices.source import NOTICE
from workflows.rules import DraftSubject, can, require

pages = Blueprint("drafts", __name__)
PLACE = re.compile(r"(?P<file>notice\.yaml|forms/\w+\.form|\w+\.(?:bpmn|dmn))(?::\s*(?P<place>.*))?", re.DOTALL)
"""The path of a finding: a file, and a place in it (a line, or the path of a value)."""


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as pages show it; `address` leads to where it is mended."""

    code: str
    severity: str
    label: str
    element: str | None
    path: str | None
    text: str
    address: str | None


def open_draft(work: Work, draft_id: str) -> Draft:
    """The draft, for readers who may see drafts.

    Raises NotPermitted, DraftUnknown.
    """
    require(reader(), "notice.review")
    return drafts.get_draft(work, draft_id)


def may_edit(draft: Draft) -> bool:
    """Whether the reader can change the draft now."""
    return draft.open and can(reader(), "notice.edit")


def may_release(draft: Draft) -> bool:
    """Whether the reader could release the draft, once it is handed over."""
    return can(reader(), "notice.release", DraftSubject(draft.id, draft.state, draft.writers))


def check(draft_id: str) -> tuple[Draft, list[Finding]]:
    """The draft and all findings of its latest version; takes a moment.

    Raises NotPermitted, DraftUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        return draft, drafts.check_draft(work, draft)


def tell_findings(draft: Draft, findings: Iterable[Finding]) -> list[Told]:
    """The findings in words, each with the address of the page where it is mended."""
    return [
        Told(
            code=found.code,
            severity=found.severity,
            label=words().say(f"finding.{found.severity}"),
            element=found.element,
            path=found.path,
            text=words().tell(found),
            address=mend_address(draft, found),
        )
        for found in findings
    ]


def mend_address(draft: Draft, found: Finding) -> str | None:
    """The page and place where a finding is mended; None for what concerns no file."""
    match = PLACE.fullmatch(found.path or "")
    if match is None:
        return None
    file, place = match["file"], match["place"] or ""
    if file.endswith(".bpmn"):
        return url_for("drafts.edit", draft_id=draft.id, path=file) + (f"#{found.element}" if found.element else "")
    if place.isdigit():  # a line: the file cannot be read, so only its text can be mended
        return url_for("drafts.edit", draft_id=draft.id, path=file, raw=1, line=place) + "#text"
    return url_for("drafts.edit", draft_id=draft.id, path=file, at=place or None)


def summarise(findings: Iterable[Finding]) -> tuple[str, str]:
    """One sentence about a check, and how it stands: bad, warn or good."""
    severities = [found.severity for found in findings]
    if "error" in severities:
        return words().say("draft.refused", count=severities.count("error")), "bad"
    if severities:
        return words().say("draft.fine_with_remarks", count=len(severities)), "warn"
    return words().say("draft.fine"), "good"


def name_file(path: str, content: bytes | None = None) -> str:
    """What a file is called on pages: the diagram's own name, the form's key, or what it is."""
    if path == NOTICE:
        return words().say("draft.notice")
    if path.endswith(".bpmn") and content is not None:
        model = read_diagram(content, name=path).definition
        names = [process.name for process in model.processes.values() if process.name] if model is not None else []
        if names:
            return str(names[0])
    if path.startswith("forms/"):
        key = path.removeprefix("forms/").removesuffix(".form")
        return words().say_or(f"form.name.{key}", key)
    return path


def refuse(problem: Problem, draft_id: str, template: str = "draft_refused.html", **more: Any) -> tuple[str, int]:
    """The page of a problem that leads back to the draft."""
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
    findings = tell_findings(draft, problem.findings)
    page = render_template(template, draft=draft, message=words().tell(problem), findings=findings, **more)
    return page, STATUS[problem.kind]


def open_file(draft_id: str, path: str) -> tuple[Draft, bytes]:
    """The draft and one of its files.

    Raises NotPermitted, DraftUnknown, DraftFileUnknown.
    """
    with process_engine().read(by=reader().id) as work:
        draft = open_draft(work, draft_id)
        files = drafts.read_files(work, draft_id, draft.version)
    if path not in files:
        raise DraftFileUnknown(path=path)
    return draft, files[path]


def list_uses(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Where each form of a folder is filled in: the steps' names by the form's path, in the order of the diagrams."""
    found: dict[str, list[str]] = {}
    for path, content in sorted(files.items()):
        model = read_diagram(content, name=path).definition if path.endswith(".bpmn") else None
        for node in model.nodes.values() if model is not None else ():
            key = node.camunda.form_key
            if key is not None and key.literal:
                names = found.setdefault(f"forms/{key.text}.form", [])
                names += [node.name or node.id] if (node.name or node.id) not in names else []
    return found
