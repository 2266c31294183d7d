"""A case came by another channel, too: noted on its page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, request, url_for

from api.pages import cases
from api.pages.present import process_engine, read_key, reader, signed_in, tell_next
from engine.errors import Finding
from engine.idempotency import once
from engine.moments import SHANGHAI
from engine.work import Work
from workflows.arrivals import ArrivalInvalid, record_arrival
from workflows.rules import CaseUnknown, can, case_subject

pages = Blueprint("arrivals", __name__)


@pages.post("/cases/<case_id>/arrivals")
@signed_in
def record(case_id: str) -> Any:
    """Note an arrival; faults are shown beside the fields, nothing typed is lost.

    Raises CaseUnknown, NotPermitted.
    """
    who = reader()
    typed = {name: request.form.get(name, "").strip() for name in ("channel", "received_at", "note")}

    def note(work: Work) -> dict[str, Any]:
        if not can(who, "case.read", case_subject(work, case_id)):
            raise CaseUnknown()
        moment = read_local(typed["received_at"])
        arrival = record_arrival(work, who, case_id, channel=typed["channel"], received_at=moment, note=typed["note"])
        return {"arrival": arrival}

    try:
        with process_engine().begin(by=who.id) as work:
            once(work, read_key(), "arrival", {"case": case_id, **typed}, lambda: note(work))
    except ArrivalInvalid as problem:
        return cases.page(case_id, typed=typed, problem=problem), 422
    tell_next("arrival.recorded")
    return redirect(url_for("cases.show", case_id=case_id) + "#arrivals", 303)


def read_local(text: str) -> datetime:
    """A moment as browsers write it (`2023-06-30T09:15`), in Beijing.

    Raises ArrivalInvalid.
    """
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    except ValueError:
        raise ArrivalInvalid(findings=[Finding("ArrivalMomentUnreadable", path="received_at")]) from None
