"""A case that came late and was taken is refused by the organiser after all, for that reason alone."""

from __future__ import annotations

import sqlalchemy as sa

from engine.bulk import lock_instances
from engine.errors import Finding, Problem
from engine.history import record_entry
from engine.ids import new_id
from engine.instances import cancel_instance
from engine.messages import send_message
from engine.tables import subscription
from engine.work import Work
from workflows.applications.receiving import COLLECTION_CLOSED, LATENESS, last_version
from workflows.forms import clean_text
from workflows.mails import find_members, queue_letter
from workflows.people import Person
from workflows.rules import CaseUnknown, can, case_subject, require
from workflows.tables import audit, case

UNDECIDED = ("submitted", "returned", "audited", "recommended")
"""States in which nobody has gone on with a case: its body works on it, or it waits for the review."""
LONGEST_REASON = 500


class LateRefusalInvalid(Problem):
    """The reason is missing or too long."""


class CaseNotLate(Problem):
    """The case came in time, or its lateness is not marked."""

    kind = "conflict"


class LatenessDecided(Problem):
    """The case has gone on, has ended, or was refused already: that it is late is no reason any more."""

    kind = "conflict"


class LatenessDecidedThere(Problem):
    """The case waits at a step of the organiser's own: it is refused there."""

    kind = "conflict"


def refuse_late(work: Work, who: Person, case_id: str, reason: str) -> None:
    """Refuse a case that came late. Within the collection the diagram ends it, as by the collection's end; one that was
    recommended already ends where it waits. Recorded with the reason, and its institution is told.

    Raises CaseUnknown, NotPermitted, LateRefusalInvalid, CaseNotLate, LatenessDecided, LatenessDecidedThere.
    """
    subject = case_subject(work, case_id)
    if not can(who, "case.read", subject):
        raise CaseUnknown()
    require(who, "case.refuse_late", subject)
    reason = clean_text(reason, lines=True).strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        raise LateRefusalInvalid(findings=[Finding("LateRefusalReason", path="reason", values={"most": LONGEST_REASON})])
    found = sa.select(case).where(case.c.id == case_id)
    instance_id = work.connection.execute(found).one().instance_id
    lock_instances(work, [instance_id])
    row = work.connection.execute(found.with_for_update()).one()
    if row.late_at is None:
        raise CaseNotLate()
    earlier = sa.select(audit.c.id).where(audit.c.case_id == case_id, audit.c.kind == LATENESS)
    if row.state not in UNDECIDED or work.connection.execute(earlier).first() is not None:
        raise LatenessDecided()
    waits = sa.select(subscription.c.id).where(
        subscription.c.instance_id == instance_id, subscription.c.kind == "message", subscription.c.name == COLLECTION_CLOSED
    )
    within = work.connection.execute(waits.limit(1)).first() is not None
    if not within and row.state != "recommended":
        raise LatenessDecidedThere()
    version = last_version(work, case_id)
    values = {
        "id": new_id(),
        "case_id": case_id,
        "organisation_id": subject.organiser_id,
        "kind": LATENESS,
        "result": "reject",
        "opinion": reason,
        "application_version": 0 if version is None else version.version,
        "by": who.id,
        "at": work.now,
    }
    work.connection.execute(sa.insert(audit).values(**values))
    record_entry(work, instance_id, "late_refused", detail={"reason": reason})
    if within:
        send_message(work, COLLECTION_CLOSED, row.number, unique_key=f"{COLLECTION_CLOSED}:{row.number}")
    else:
        work.connection.execute(sa.update(case).where(case.c.id == case_id).values(state="rejected"))
        cancel_instance(work, instance_id, reason=reason)
    queue_letter(
        work,
        "application_rejected",
        find_members(work, [f"applicant@{row.institution_id}"]),
        campaign_id=row.campaign_id,
        about=row.number,
        unique_key=f"late_refused:{row.number}",
        values={"number": row.number, "title": row.title, "opinion": reason, "until": work.now},
    )
