"""Putting an agenda together: every date of every campaign as lines, each with how it stands at this moment."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from engine.moments import SHANGHAI
from engine.work import Work
from workflows.agenda.entries import Agenda, Entry, Wanted
from workflows.agenda.facts import Facts, read_facts
from workflows.agenda.lines import list_cutoffs, list_dates, list_own_tasks
from workflows.agenda.scope import Scope, read_scope
from workflows.agenda.standing import tell_standing
from workflows.people import Person
from workflows.tables import organisation, recommending_body
from workflows.workdays import read_calendar

HORIZON = timedelta(days=400)
"""Until when a series without an end is told."""


def read_agenda(work: Work, person: Person, wanted: Wanted | None = None, *, closed: bool = False) -> Agenda:
    """What the person may see of everything that is due. The number of statements does not depend on how much that is.

    With `closed` it has also the tasks that the person has done (`done`), for feeds that have to take them back.
    """
    wanted = wanted or Wanted()
    scope = read_scope(work, person, wanted.campaign_id)
    facts = read_facts(work, person, scope, closed=closed)
    today = work.now.astimezone(SHANGHAI).date()
    until = wanted.last or today + HORIZON
    lines = [
        line for row in scope.campaigns.values() for line in list_dates(row, scope.parts[row.notice_id], facts, until, today)
    ]
    lines += list_cutoffs(scope, facts)
    lines += list_own_tasks(scope, facts.tasks, done=False) + list_own_tasks(scope, facts.done, done=True)
    lines = [line for line in lines if _is_wanted(line, wanted, facts)]
    dated = [line for line in lines if line.state != "unknown"]
    stood = tell_standing(dated, work.now, today, read_calendar(work))
    bodies, within = _list_bodies(work, person, scope)
    return Agenda(
        entries=tuple(sorted(stood, key=lambda line: (line.last, line.first, line.cutoff_at is None, line.id))),
        unknown=tuple(line for line in lines if line.state == "unknown"),
        campaigns={each.id: each.title for each in scope.campaigns.values()},
        organisations=bodies,
        run=scope.run,
        boards=scope.run | within,
    )


def _is_wanted(line: Entry, wanted: Wanted, facts: Facts) -> bool:
    if wanted.role is not None and line.kind != "task" and wanted.role not in line.roles:
        return False
    if wanted.organisation_id is not None and line.kind in ("body", "institution") and line.places:
        own = {row.short_name for row in facts.windows if row.organisation_id == wanted.organisation_id}
        if not own & set(line.places):
            return False
    if line.state == "unknown":
        return True
    return (wanted.first is None or line.last >= wanted.first) and (wanted.last is None or line.first <= wanted.last)


def _list_bodies(work: Work, person: Person, scope: Scope) -> tuple[dict[str, str], frozenset[str]]:
    """The bodies of campaigns that the reader runs, to choose from; and the campaigns of which the reader's body is one."""
    own = person.organisations("auditor")
    which = sa.or_(recommending_body.c.campaign_id.in_(sorted(scope.run)), recommending_body.c.organisation_id.in_(sorted(own)))
    if not own and not scope.run:
        return {}, frozenset()
    query = (
        sa.select(organisation.c.id, organisation.c.short_name, recommending_body.c.campaign_id)
        .join(recommending_body, recommending_body.c.organisation_id == organisation.c.id)
        .where(which)
        .order_by(organisation.c.region.is_(None), organisation.c.region, organisation.c.short_name)
    )
    rows = work.connection.execute(query).all()
    within = frozenset(row.campaign_id for row in rows if row.id in own and row.campaign_id in scope.campaigns)
    return {row.id: row.short_name for row in rows if row.campaign_id in scope.run}, within
