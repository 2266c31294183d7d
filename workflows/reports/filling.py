"""The roll-up of the reports below one, on demand, in the draft of whoever writes it."""

from __future__ import annotations

import sqlalchemy as sa

from engine.tables import user_task
from engine.work import Work
from workflows.inbox.acting import save_draft
from workflows.people import Person
from workflows.reports.figures import roll_up
from workflows.reports.reading import latest_versions
from workflows.rules import ReportUnknown, can, report_subject, require
from workflows.tables import draft, report


def fill_draft(work: Work, who: Person, report_id: str) -> str:
    """Put the roll-up into the person's draft of the report, over its numbers and tables; texts stay. The id of its task.

    Raises ReportUnknown, NotPermitted, and what `inbox.save_draft` raises.
    """
    subject = report_subject(work, report_id)
    if not can(who, "report.read", subject):
        raise ReportUnknown()
    require(who, "report.collect", subject)
    query = sa.select(user_task.c.id, user_task.c.revision).join(report, report.c.number == user_task.c.business_key)
    task = work.connection.execute(query.where(report.c.id == report_id, user_task.c.state == "open")).one()
    kept = sa.select(draft.c.data).where(draft.c.task_id == task.id, draft.c.person_id == who.id)
    typed = work.connection.execute(kept).scalar_one_or_none()
    before = typed if typed is not None else latest_versions(work, [report_id]).get(report_id, {})
    save_draft(work, who, task.id, {**before, **roll_up(work, report_id).values}, revision=task.revision)
    return str(task.id)
