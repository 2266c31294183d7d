"""Suspending, resuming and terminating a case: first what would stop, then a reason and the decision."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from api.pages.errors import STATUS
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next, words
from engine.errors import Problem
from engine.idempotency import once
from engine.work import Work
from workflows import cases
from workflows.cases import stopping
from workflows.cases.stopping import How

pages = Blueprint("stopping", __name__)
HOW: tuple[How, ...] = ("suspend", "resume", "terminate")


@pages.get("/cases/<case_id>/stop")
@signed_in
def show(case_id: str) -> str:
    """What would stop, and the form that does it.

    Raises CaseUnknown, NotPermitted.
    """
    return page(case_id)


@pages.post("/cases/<case_id>/stop")
@signed_in
def stop(case_id: str) -> Any:
    """Suspend, resume or terminate the case.

    Raises CaseUnknown, NotPermitted.
    """
    how, reason = request.form.get("how", ""), request.form.get("reason", "")

    def act(work: Work) -> dict[str, Any]:
        if how not in HOW:
            raise stopping.StopUnfit()
        stopping.stop_case(work, reader(), case_id, how, reason)
        return {}

    try:
        with process_engine().begin(by=reader().id) as work:
            once(work, read_key(), "case.stop", {"case": case_id, "how": how, "reason": reason}, lambda: act(work))
    except (stopping.StopInvalid, stopping.StopTooLate, stopping.StopUnfit) as problem:
        return page(case_id, typed=reason, problem=problem), STATUS[problem.kind]
    tell_next(f"stopping.done.{how}")
    return redirect(url_for("cases.show", case_id=case_id), 303)


def page(case_id: str, *, typed: str = "", problem: Problem | None = None) -> str:
    """The page; with the reason that was typed, and why it was refused."""
    with process_engine().read(by=reader().id) as work:
        seen = stopping.preview_stop(work, reader(), case_id)
        view = cases.get_case(work, reader(), case_id)
    faults = [words().tell(each) for each in problem.findings] if problem else []
    return render_template(
        "case_stop.html",
        case=view,
        seen=seen,
        typed=typed,
        faults=faults,
        problem=words().tell(problem) if problem else None,
        demo_page=view.campaign.demo,
        longest=stopping.LONGEST_REASON,
    )
