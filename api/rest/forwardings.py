"""`/cases/{id}/forwardings`: whereto a published case went on."""

from __future__ import annotations

from datetime import datetime

from api.pages.present import process_engine, reader
from api.rest.cases import see_case
from api.rest.operations import Resource
from api.rest.shapes import Told
from engine.work import Work
from workflows import forwardings
from workflows.rules import can, case_subject, require

resource = Resource("forwardings")


class ForwardingTold(Told):
    """Whereto a case went: a `department`, a `government`, or a `campaign`, then with the case there if the caller may see it."""

    kind: str
    name: str
    at: datetime
    remark: str
    case_id: str | None
    number: str | None


class ForwardingsTold(Told):
    """Whereto a case was forwarded, and where it comes from. One is made by completing the task that the diagram has for it."""

    items: list[ForwardingTold]
    origin: ForwardingTold | None


@resource.get("/cases/<case_id>/forwardings", ForwardingsTold)
def show(case_id: str) -> ForwardingsTold:
    """Whereto a case was forwarded, and where it comes from.

    Raises CaseUnknown, NotPermitted.
    """
    with process_engine().read(by=reader().id) as work:
        require(reader(), "case.identity", see_case(work, case_id))
        away, origin = forwardings.list_forwardings(work, case_id)
        return ForwardingsTold(
            items=[tell_forwarding(work, each) for each in away],
            origin=None if origin is None else tell_forwarding(work, origin),
        )


def tell_forwarding(work: Work, each: forwardings.Forwarding) -> ForwardingTold:
    """A forwarding; the other case only for who may read it."""
    told = ForwardingTold.model_validate(each)
    seen = each.case_id is not None and can(reader(), "case.read", case_subject(work, each.case_id))
    return told if seen else told.model_copy(update={"case_id": None})
