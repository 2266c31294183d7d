"""Who acts for whom (代办): the reader's substitutions, what to do for others, and appointing somebody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.errors import STATUS
from api.pages.present import person, process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows.campaigns.reading import list_campaigns
from workflows.desk import substitution
from workflows.desk.substitution import Substitution, SubstitutionInvalid

pages = Blueprint("substitutions", __name__)


@pages.app_context_processor
def offer() -> dict[str, Any]:
    """The inbox says who acts for whom now."""
    return {"show_acting": show_acting}


def show_acting() -> list[Substitution]:
    """The substitutions that count now in which the reader is away or acts."""
    who = person()
    if who is None:
        return []
    with process_engine().read(by=who.id) as work:
        return substitution.list_acting(work, who)


@pages.get("/substitutions")
@signed_in
def show() -> str:
    """The reader's substitutions, the tasks to do for others, and the form for a new one."""
    return page()


@pages.post("/substitutions")
@signed_in
def appoint() -> Any:
    """Let somebody act for the reader, or (administrators) for somebody else.

    Raises NotPermitted.
    """
    typed = {name: request.form.get(name, "") for name in ("person", "substitute", "begins_on", "last_on", "campaign")}

    def act(work: Work) -> dict[str, Any]:
        made = substitution.appoint_substitute(
            work,
            reader(),
            person_id=typed["person"] or reader().id,
            substitute_id=typed["substitute"],
            begins_on=read_day(typed["begins_on"]),
            last_on=read_day(typed["last_on"]),
            campaign_id=typed["campaign"] or None,
        )
        return {"substitution": made}

    try:
        with process_engine().begin(by=reader().id) as work:
            once(work, read_key(), "substitution.appoint", typed, lambda: act(work))
    except SubstitutionInvalid as problem:
        return page(typed=typed, problem=problem), STATUS[problem.kind]
    tell_next("substitution.done")
    return redirect(url_for("substitutions.show"), 303)


@pages.post("/substitutions/<substitution_id>/end")
@signed_in
def end(substitution_id: str) -> Any:
    """End one now.

    Raises SubstitutionUnknown.
    """
    with process_engine().begin(by=reader().id) as work:
        substitution.end_substitution(work, reader(), substitution_id)
    tell_next("substitution.over")
    return redirect(url_for("substitutions.show"), 303)


def page(*, typed: Mapping[str, str] | None = None, problem: Problem | None = None) -> str:
    """The page; with what was typed and what is wrong with it."""
    who = reader()
    with process_engine().read(by=who.id) as work:
        rows = substitution.list_substitutions(work, who)
        tasks = substitution.list_acted_tasks(work, who)
        people = substitution.list_managed(work, who)
        candidates = people or substitution.list_candidates(work, who)
        campaigns = list_campaigns(work, who)
    faults: dict[str, list[str]] = {}
    for finding in problem.findings if problem else ():
        faults.setdefault(finding.path or "", []).append(words().tell(finding))
    return render_template(
        "substitutions.html",
        rows=rows,
        tasks=tasks,
        people=people,
        candidates=candidates,
        campaigns=campaigns,
        typed=typed or {},
        faults=faults,
        problem=words().tell(problem) if problem else None,
    )


def read_day(text: str) -> date | None:
    """A day as a browser sends it; None for what is none."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
