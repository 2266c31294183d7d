"""Notices as facts: every value beside the text's own words, how they are read, and who says so."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request

from api.pages.present import PUBLIC, person, process_engine
from engine.work import Work
from workflows import notices
from workflows.notices import NoticeSummary
from workflows.rules import can, notice_subject
from workflows.rules.subjects import NoticeUnknown

pages = Blueprint("notices", __name__)
FACTS = ("document", "recurrence", "recipients", "quota", "rules", "result", "scale")
"""Parts of a notice that are facts by name, in the order of the page."""


@pages.get("/notices")
def list_all() -> str:
    """The newest deployed version of each notice."""
    with process_engine().read() as work:
        return render_template("notices.html", notices=list_deployed(work))


def list_deployed(work: Work) -> list[NoticeSummary]:
    """The newest deployed version of each notice."""
    newest: dict[str, NoticeSummary] = {}
    for each in notices.list_notices(work):
        if each.state == "deployed":
            newest.setdefault(each.key, each)
    return list(newest.values())


@pages.get("/notices/<key>")
def show(key: str) -> str:
    """One notice, its newest deployed version or the one asked for.

    Raises NoticeUnknown.
    """
    with process_engine().read() as work:
        stored = notices.get_notice(work, find_version(work, key, request.args.get("version", type=int)))
    content = stored.notice.model_dump(mode="json", exclude_unset=True)
    return render_template(
        "notice.html",
        notice=stored,
        content=content,
        facts=[(part, list_facts(content[part])) for part in FACTS if content.get(part)],
        dates=list(stored.notice.dates.items()),
        edits=can(person() or PUBLIC, "notice.edit"),
    )


def find_version(work: Work, key: str, version: int | None) -> str:
    """The id of the version that the reader may see.

    Raises NoticeUnknown.
    """
    for each in notices.list_notices(work):
        wanted = each.state == "deployed" if version is None else each.version == version
        if each.key == key and wanted and can(person() or PUBLIC, "notice.read", notice_subject(work, each.id)):
            return each.id
    raise NoticeUnknown()


def list_facts(part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a part that are facts: a value with its source."""
    return [(name, fact) for name, fact in part.items() if isinstance(fact, dict) and "source" in fact and "value" in fact]
