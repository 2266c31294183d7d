"""The confirmed change: what was previewed and nothing else, or the new preview.

At once, in one transaction: the windows, the campaign's dates, the moments of all timers and tasks, the reminders, and the
campaign's own instance. The documents of the cases, their histories and the letters follow as a bulk job; no timer of theirs can
fire at its old moment meanwhile, since its row has the new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.bulk import BulkJob, BulkOperation, lock_instances, read_bulk, start_bulk
from engine.errors import Finding, InstanceNotRunning, Problem
from engine.history import record_entry
from engine.ids import new_id
from engine.moments import SHANGHAI
from engine.rescheduling import follow_rows, move_tasks, move_timers
from engine.runs import Run
from engine.tables import timer, user_task
from engine.work import Work
from workflows.campaigns.reading import Campaign, get_campaign
from workflows.campaigns.windows import APPLYING, list_windows
from workflows.deadlines import Bilingual, DateValue, Day, Instant, Range, dump_date, last_day, load_date, start_of_day
from workflows.extensions.asking import Asked, ExtensionRefused
from workflows.extensions.cutoffs import case_variables, read_cutoffs
from workflows.extensions.plans import ALIVE, Plan, find_moves, make_plan
from workflows.extensions.series import MARK, move_singles
from workflows.forms import clean_text
from workflows.mails import Letter, find_members, queue_letters
from workflows.people import Person
from workflows.reminders.moving import move_reminders
from workflows.reminders.recipients import find_recipients
from workflows.rules import campaign_subject, require
from workflows.tables import campaign, case, extension, organisation, person, recommending_body, report, window

FOLLOW = "extensions.follow"
KIND, LATE_KIND, RECOUNT_KIND = "deadline_moved", "late_policy_set", "recounted"
"""The history's names for it, of the campaign and of each case: a date moved, or what is late is treated otherwise."""
OWING = ("draft", "returned")
"""States of cases that wait for their institution: only then it is told."""
LONGEST_REASON, LONGEST_NUMBER = 500, 100
LOCKED = 5_000
"""Instances locked by one statement."""


class PreviewOutdated(Problem):
    """Something has moved since the preview: nothing was changed, and what would move now is shown anew."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Extension:
    """A change that was confirmed; `dates` are {name, old, new}, `organisation` the name of the one body or institution, `late`
    the settings of late submissions before and after (`old`, `new`)."""

    id: str
    organisation_id: str | None
    organisation: str | None
    dates: Sequence[Mapping[str, str]]
    late: Mapping[str, Any] | None
    recount: str | None
    reason: str
    document_number: str
    windows: int
    tasks: int
    timers: int
    sha256: str
    job_id: str | None
    by: str | None
    at: datetime


def preview_extension(work: Work, who: Person, campaign_id: str, asked: Asked) -> Plan:
    """What the change would move now; nothing is written.

    Raises CampaignUnknown, NotPermitted.
    """
    found = get_campaign(work, campaign_id, person=who)
    require(who, "campaign.manage", campaign_subject(work, campaign_id))
    return make_plan(work, found, asked, read_cutoffs(work, campaign_id))


def hold_campaign(work: Work, campaign_id: str) -> None:
    """Lock what a change of its deadlines moves, in the one order of locks: instances, windows, the campaign's row."""
    if work.connection.dialect.name == "postgresql":
        of_cases = sa.union_all(
            *(
                sa.select(table.c.instance_id).where(table.c.campaign_id == campaign_id, table.c.instance_id.is_not(None))
                for table in (case, report)
            )
        )
        own = sa.select(campaign.c.instance_id).where(campaign.c.id == campaign_id, campaign.c.instance_id.is_not(None))
        ids = sorted([*work.connection.execute(of_cases).scalars(), *work.connection.execute(own).scalars()])
        for start in range(0, len(ids), LOCKED):
            lock_instances(work, ids[start : start + LOCKED])
    windows = sa.select(window.c.id).where(window.c.campaign_id == campaign_id).order_by(window.c.id)
    work.connection.execute(windows.with_for_update()).all()
    work.connection.execute(sa.select(campaign.c.id).where(campaign.c.id == campaign_id).with_for_update()).all()


def extend(
    work: Work,
    who: Person,
    campaign_id: str,
    asked: Asked,
    *,
    digest: str,
    reason: str,
    document_number: str,
    decline: bool = False,
) -> Extension:
    """Do what the preview with this `digest` showed. The caller has called `hold_campaign` before it asked.

    With `decline` what was proposed after a change of the work days is not done, and not proposed again; that is recorded alike.

    Raises CampaignUnknown, NotPermitted, ExtensionRefused (no reason, no document number), PreviewOutdated.
    """
    plan = preview_extension(work, who, campaign_id, asked)
    reason, document_number = clean_text(reason, lines=True).strip(), clean_text(document_number).strip()
    findings = [
        Finding(code, path=path, values={"most": most})
        for code, path, text, most in (
            ("ExtensionReasonMissing", "reason", reason, LONGEST_REASON),
            ("ExtensionNumberMissing", "document_number", document_number, LONGEST_NUMBER),
        )
        if not 0 < len(text) <= most
    ]
    if findings:
        raise ExtensionRefused(findings=findings)
    if plan.digest != digest:
        raise PreviewOutdated()
    found = get_campaign(work, campaign_id)
    if decline and asked.counted is not None:
        return _decline(work, who, found, plan, reason, document_number)
    extension_id = new_id()
    _move_windows(work, found, plan)
    _move_dates(work, found, plan, f"{document_number} {reason}"[:500])
    _change_lateness(work, found, plan)
    for row in plan.reports:
        work.connection.execute(sa.update(report).where(report.c.id == row.id).values(due_at=row.new))
    move_timers(work, {row.id: row.new for row in plan.timers})
    move_tasks(work, {row.id: row.new for row in plan.tasks})
    move_reminders(work, found.id, plan.withdrawn, sorted({(row.element_id, row.new) for row in plan.tasks}))
    dates = [{"date": name, "old": old.isoformat(), "new": new.isoformat()} for name, old, new in plan.dates]
    told: dict[str, Any] = {"dates": dates, "reason": reason, "document_number": document_number, "extension": extension_id}
    told |= {} if asked.organisation_id is None else {"organisation": asked.organisation_id}
    told |= {} if asked.counted is None else {"recount": True}
    told |= {} if asked.late is None else {"late": {"old": plan.before.lateness.settings, "new": asked.late.settings}}
    if found.instance_id is not None:
        run = Run.load(work, found.instance_id, states=ALIVE)
        seen = run.definition.kernel.variables(run.definition.model, run.definition.key, run.state)
        counts = {"windows": len(plan.windows), "tasks": len(plan.tasks), "timers": len(plan.timers)}
        after = plan.after.of_campaign(None)
        variables = {**plan.variables, **after, "dates": {**seen.get("dates", {}), **after["dates"]}}
        detail = {**told, **counts, "sha256": plan.digest}
        follow_rows(run, variables, kind=_name_kind(told), detail=detail, replaced=plan.replaced)
    job_id = None
    if plan.instances:
        shared = {"campaign": found.id, "told": told}
        items = ({"instance": each} for each in plan.instances)
        job_id = start_bulk(work, FOLLOW, items, shared=shared, subject=found.key, unique_key=f"extension:{extension_id}")
    _tell_bodies(work, found, plan, told)
    values = {
        "id": extension_id,
        "campaign_id": found.id,
        "organisation_id": asked.organisation_id,
        "dates": dates,
        "late": told.get("late"),
        "recount": None if asked.counted is None else "confirmed",
        "reason": reason,
        "document_number": document_number,
        "windows": len(plan.windows),
        "tasks": len(plan.tasks),
        "timers": len(plan.timers),
        "sha256": plan.digest,
        "job_id": job_id,
        "by": who.id,
        "at": work.now,
    }
    work.connection.execute(sa.insert(extension).values(**values))
    return list_extensions(work, found.id)[0]


def _decline(work: Work, who: Person, found: Campaign, plan: Plan, reason: str, document_number: str) -> Extension:
    nothing = {"windows": 0, "tasks": 0, "timers": 0, "dates": [], "recount": "declined"}
    said = {"reason": reason, "document_number": document_number, "sha256": plan.digest}
    values = {"id": new_id(), "campaign_id": found.id, **nothing, **said, "by": who.id, "at": work.now}
    work.connection.execute(sa.insert(extension).values(**values))
    if found.instance_id is not None:
        record_entry(work, found.instance_id, "recount_declined", detail=said)
    return list_extensions(work, found.id)[0]


def list_extensions(work: Work, campaign_id: str) -> list[Extension]:
    """The changes of a campaign's deadlines, the latest first."""
    columns = [extension.c[name] for name in Extension.__slots__ if name not in ("organisation", "by")]
    query = (
        sa.select(*columns, organisation.c.name.label("organisation"), person.c.name.label("by"))
        .outerjoin(organisation, organisation.c.id == extension.c.organisation_id)
        .outerjoin(person, person.c.id == extension.c.by)
        .where(extension.c.campaign_id == campaign_id)
        .order_by(extension.c.at.desc(), extension.c.id.desc())
    )
    return [Extension(**row._mapping) for row in work.connection.execute(query)]


def read_job(work: Work, found: Extension) -> BulkJob | None:
    """How far a change has come to the cases; None when none was affected."""
    return None if found.job_id is None else read_bulk(work, found.job_id)


# ---- the campaign's own rows -----------------------------------------------------------------------------------------
def _move_windows(work: Work, found: Campaign, plan: Plan) -> None:
    opened = sa.select(window.c.opens_at).where(window.c.campaign_id == found.id, window.c.name == "collection")
    opens_at = work.connection.execute(opened).scalar()
    for each in plan.windows:
        state = "planned" if opens_at is None else "open"
        taken = plan.after.lateness.columns(each.new)
        if each.id is not None:
            moved = sa.update(window).where(window.c.id == each.id)
            work.connection.execute(moved.values(cutoff_at=each.new, state=state, **taken))
            continue
        values = {"name": each.name, "organisation_id": each.organisation_id, "cutoff_at": each.new, **taken}
        work.connection.execute(
            sa.insert(window).values(id=new_id(), campaign_id=found.id, opens_at=opens_at, state=state, **values)
        )


def _change_lateness(work: Work, found: Campaign, plan: Plan) -> None:
    """The campaign's settings and what its windows say of it."""
    if plan.asked.late is None:
        return
    settings = {**found.settings, **plan.asked.late.settings}
    work.connection.execute(sa.update(campaign).where(campaign.c.id == found.id).values(settings=settings))
    for each in list_windows(work, found.id):
        if each.name in APPLYING:
            taken = plan.asked.late.columns(each.cutoff_at)
            state = {} if plan.asked.late.close(each.cutoff_at) <= work.now or each.opens_at is None else {"state": "open"}
            work.connection.execute(sa.update(window).where(window.c.id == each.id).values(**taken, **state))


def _move_dates(work: Work, found: Campaign, plan: Plan, note: str) -> None:
    if plan.asked.organisation_id is not None or plan.asked.counted is not None or not plan.dates:
        return
    dates = dict(found.dates)
    for name, _old, new in plan.dates:
        date, mark, key = name.partition(MARK)
        before = load_date(dates[date])
        dates[date] = dump_date(move_singles(before, {key: new}, note) if mark else _rewrite(before, new, note))
    work.connection.execute(sa.update(campaign).where(campaign.c.id == found.id).values(dates=dates))


def _rewrite(before: DateValue, moment: datetime, note: str) -> DateValue:
    """The date with another moment: the notice's words belong to the old one and are left out."""
    stated: dict[str, Any] = {"label": before.label, "source": "ours", "note": Bilingual(zh=note, en=note)}
    day = last_day(moment, SHANGHAI.key)
    if start_of_day(moment.astimezone(SHANGHAI).date(), SHANGHAI.key) != moment:
        return Instant(value=moment.isoformat(), **stated)
    if isinstance(before, Range) and before.first <= day:
        return Range(first=before.first, last=day, **stated)
    return Day(value=day, **stated)


def _tell_bodies(work: Work, found: Campaign, plan: Plan, told: Mapping[str, Any]) -> None:
    """A letter to those who owe the moved tasks of the campaign itself, and to the bodies whose cut-off moved; none where no date
    did: then nobody has longer than before, or only who is late."""
    if not plan.dates:
        return
    ids = [row.id for row in plan.tasks if row.subject == found.key]
    rows = work.connection.execute(sa.select(user_task).where(user_task.c.id.in_(ids))).all() if len(ids) <= 500 else []
    owers = find_recipients(work, rows, ("candidates", "body"))
    people = {each.id: each for mine in owers.values() for each in mine.values()}
    bodies = [f"auditor@{each.organisation_id}" for each in plan.windows if each.name == "body"]
    people |= {each.id: each for each in find_members(work, bodies)}
    institutions = [f"applicant@{each.organisation_id}" for each in plan.windows if each.name == "institution"]
    people |= {each.id: each for each in find_members(work, institutions)}
    if plan.replaced:  # a series is everybody's: whoever reports by it is told
        all_ = sa.select(recommending_body.c.organisation_id).where(recommending_body.c.campaign_id == found.id)
        groups = [f"auditor@{each}" for each in work.connection.execute(all_).scalars()]
        people |= {each.id: each for each in find_members(work, groups)}
    queue_letters(work, [_letter(found.key, list(people.values()), told)], campaign_id=found.id)


def _name_kind(told: Mapping[str, Any]) -> str:
    if told.get("recount"):
        return RECOUNT_KIND
    return LATE_KIND if told.get("late") else KIND


def _letter(about: str, people: Sequence[Any], told: Mapping[str, Any]) -> Letter:
    first = told.get("own") or told["dates"][0]
    values = {
        "count": len(told["dates"]),
        "old_until": datetime.fromisoformat(first["old"]),
        "until": datetime.fromisoformat(first["new"]),
        "reason": told["reason"],
        "document_number": told["document_number"],
    }
    return Letter("deadline_moved", people, about, f"extension:{told['extension']}", values)


# ---- the cases -------------------------------------------------------------------------------------------------------
def follow(work: Work, item: Mapping[str, Any], shared: Any) -> Mapping[str, Any]:
    """A case's document, history and people learn of a change. It goes by the cut-offs as they are now, so that of two changes
    it does not matter which comes to the case first."""
    try:
        run = Run.load(work, item["instance"], states=ALIVE)
    except InstanceNotRunning:  # it has ended meanwhile
        return {"moved": 0}
    row = work.connection.execute(sa.select(case).where(case.c.instance_id == item["instance"])).one_or_none()
    if row is None and item["told"].get("recount"):  # its rows were moved; no date of its own has changed
        follow_rows(run, {}, kind=RECOUNT_KIND, detail=item["told"])
        return {"moved": 0}
    if row is None:
        return _follow_report(work, run, item)
    seen = run.definition.kernel.variables(run.definition.model, run.definition.key, run.state)
    wanted = case_variables(work, item["campaign"], row.id)
    wanted["dates"] = {**seen.get("dates", {}), **wanted["dates"]}
    moves = find_moves(work, run.definition.model, seen, {**seen, **wanted})
    moved = 0
    for kind, table, waiting in (("task", user_task, "open"), ("timer", timer, "armed")):
        ours = sa.select(table.c.id, table.c.element_id, table.c.due_at).where(
            table.c.instance_id == item["instance"], table.c.state == waiting
        )
        for each in work.connection.execute(ours).all():  # what has begun since the rows were moved
            old, new = moves.get((kind, each.element_id), (None, None))
            if old is not None and new is not None and each.due_at == old:
                moved += (move_tasks if kind == "task" else move_timers)(work, {each.id: new})
    told = dict(item["told"])
    if wanted.get("cutoff") and seen.get("cutoff") and wanted["cutoff"] != seen["cutoff"]:
        told["own"] = {"old": seen["cutoff"], "new": wanted["cutoff"]}
    follow_rows(run, wanted, kind=_name_kind(told), detail=told)
    told_of_date = bool(told["dates"])
    people = find_members(work, [f"applicant@{row.institution_id}"]) if told_of_date and row.state in OWING else []
    if people:
        queue_letters(work, [_letter(row.number, people, told)], campaign_id=item["campaign"])
    return {"moved": moved}


def _follow_report(work: Work, run: Run, item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A report's document, history and people learn of its new date, as it is now; its task was moved with the others."""
    row = work.connection.execute(sa.select(report).where(report.c.instance_id == item["instance"])).one()
    seen = run.definition.kernel.variables(run.definition.model, run.definition.key, run.state)
    wanted = {"due": None if row.due_at is None else row.due_at.isoformat(), "dates": read_cutoffs(work, item["campaign"]).dates}
    told = {**item["told"], "own": {"old": seen["due"], "new": wanted["due"]}}
    follow_rows(run, wanted, kind=KIND, detail=told)
    if row.received_at is None and seen["due"] != wanted["due"]:
        people = find_members(work, [f"auditor@{row.reporter_id}"])
        queue_letters(work, [_letter(row.number, people, told)], campaign_id=item["campaign"])
    return {"moved": 1}


OPERATIONS = {FOLLOW: BulkOperation(follow, lambda work, items: lock_instances(work, (item["instance"] for item in items)))}
"""The bulk operation that `api/wiring.py` registers with the engine."""
