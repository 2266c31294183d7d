"""Notices as facts: every value beside the text's own words, how they are read, and who says so."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, render_template, request

from api.pages.present import PUBLIC, person, process_engine
from workflows.deadlines import load_date
from workflows.rules import can, notice_subject
from workflows.rules.subjects import NoticeUnknown
from workflows.tables import notice

pages = Blueprint("notices", __name__)
FACTS = ("document", "recurrence", "recipients", "quota", "rules", "result", "scale")
"""Parts of a notice that are facts by name, in the order of the page."""


@pages.get("/notices")
def list_all() -> str:
    """The newest deployed version of each notice."""
    with process_engine().read() as work:
        newest = (
            sa.select(notice.c.key, sa.func.max(notice.c.version).label("version"))
            .where(notice.c.state == "deployed")
            .group_by(notice.c.key)
            .subquery()
        )
        rows = work.connection.execute(
            sa.select(notice)
            .join(newest, sa.and_(newest.c.key == notice.c.key, newest.c.version == notice.c.version))
            .order_by(notice.c.key)
        ).all()
    return render_template("notices.html", notices=rows)


@pages.get("/notices/<key>")
def show(key: str) -> str:
    """One notice, its newest deployed version or the one asked for.

    Raises NoticeUnknown.
    """
    version = request.args.get("version", type=int)
    query = sa.select(notice).where(notice.c.key == key).order_by(notice.c.version.desc())
    query = query.where(notice.c.state == "deployed") if version is None else query.where(notice.c.version == version)
    with process_engine().read() as work:
        row = work.connection.execute(query.limit(1)).one_or_none()
        if row is None or not can(person() or PUBLIC, "notice.read", notice_subject(work, row.id)):
            raise NoticeUnknown()
    content = row.content
    return render_template(
        "notice.html",
        notice=row,
        content=content,
        facts=[(part, list_facts(content[part])) for part in FACTS if content.get(part)],
        dates=[(name, load_date(value)) for name, value in content.get("dates", {}).items()],
    )


def list_facts(part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a part that are facts: a value with its source."""
    return [(name, fact) for name, fact in part.items() if isinstance(fact, dict) and "source" in fact and "value" in fact]
