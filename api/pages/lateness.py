"""A case that came late and was taken is refused after all, on its page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for

from api.pages import cases
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next
from engine.idempotency import once
from engine.work import Work
from workflows.applications import LateRefusalInvalid, refuse_late

pages = Blueprint("lateness", __name__)


@pages.post("/cases/<case_id>/late-refusal")
@signed_in
def refuse(case_id: str) -> Any:
    """Refuse a late case; without a reason the page comes back, nothing typed is lost.

    Raises CaseUnknown, NotPermitted, CaseNotLate, LatenessDecided, LatenessDecidedThere.
    """
    who = reader()
    typed = {"reason": request.form.get("reason", "")}

    def act(work: Work) -> dict[str, Any]:
        refuse_late(work, who, case_id, typed["reason"])
        return {"refused": case_id}

    try:
        with process_engine().begin(by=who.id) as work:
            once(work, read_key(), "case.refuse_late", {"case": case_id, **typed}, lambda: act(work))
    except LateRefusalInvalid as problem:
        return cases.page(case_id, typed=typed, problem=problem), 422
    tell_next("late.refused")
    return redirect(url_for("cases.show", case_id=case_id), 303)
