"""`/cases/{id}/late-refusal`: a case that came late and was taken is refused after all."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import StringConstraints

from api.pages.present import reader
from api.rest.cases import see_case
from api.rest.operations import Resource, act
from api.rest.shapes import Asked, Told
from engine.work import Work
from workflows.applications import CaseNotLate, LatenessDecided, LatenessDecidedThere, refuse_late
from workflows.applications.refusing import LONGEST_REASON

resource = Resource("lateness")


class LateRefusalAsked(Asked):
    """Why what was late is refused."""

    reason: Annotated[str, StringConstraints(max_length=LONGEST_REASON)]


class LateRefusalTold(Told):
    """The case is refused; within the collection its process ends a moment later."""

    number: str


@resource.post(
    "/cases/<case_id>/late-refusal",
    LateRefusalTold,
    takes=LateRefusalAsked,
    raises=(CaseNotLate, LatenessDecided, LatenessDecidedThere),
)
def refuse(case_id: str, body: LateRefusalAsked, key: str) -> Any:
    """Refuse a case that came late and was taken.

    Raises CaseUnknown, NotPermitted, LateRefusalInvalid, CaseNotLate, LatenessDecided, LatenessDecidedThere.
    """

    def refuse_it(work: Work) -> LateRefusalTold:
        number = see_case(work, case_id).number
        refuse_late(work, reader(), case_id, body.reason)
        return LateRefusalTold(number=number)

    return act(key, "case.refuse_late", {"case": case_id, **body.model_dump()}, refuse_it)
