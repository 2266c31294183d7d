"""A campaign that is over moves into the archive: the rows of its cases' and reports' instances, case by case, and back.

Cases, applications, receipts, reviews and letters stay where they are, and so does the campaign's own history, which tells who
archived it: what moves is history, tasks, timers and messages. All of it reads and verifies as before.

Who may does it when they like; what nobody has archived moves by itself, so many days after the campaign's end
(setting `archive_after_days`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.archiving import OVER, Contents, archive_instance, count_rows, restore_instance
from engine.bulk import BulkJob, BulkOperation, list_bulk, lock_instances, read_bulk, start_bulk
from engine.errors import Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.tables import archived_instance, bulk_job, instance, timer
from engine.timers import arm_timer
from engine.work import Work
from workflows.campaigns.settings import ARCHIVE_AFTER, ARCHIVE_DAYS
from workflows.people import Person
from workflows.rules import campaign_subject, require
from workflows.tables import attachment, campaign, case, draft, letter_task, report, urge

ARCHIVE, RESTORE = "campaigns.archive", "campaigns.unarchive"
HANDLER = "campaigns.archive"
ENDLESS = timedelta(days=20 * 365)
"""A campaign that has not ended so long after it was made is left to people (ours): nothing comes due for ever."""
CONTENTS = Contents((draft, letter_task, urge), sa.select(attachment.c.task_id).where(attachment.c.task_id.is_not(None)))
"""What goes with the tasks of an instance; a task that a file was uploaded for stays."""


class CampaignNotEnded(Problem):
    """Only a campaign whose process is over can be archived."""

    kind = "conflict"


class NothingToArchive(Problem):
    """No case of the campaign is there to be archived (or to be put back)."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class ArchivePreview:
    """What archiving would do: `instances` cases and reports with `rows` by table and about so many `characters`; `alive` are not
    over and stay; `archived` are in the archive already, with `archived_rows` in `archived_bytes`, since `archived_at`.

    `ended`: the campaign's process is over; before, nothing can be archived. So many `days` after its end it moves by itself (0:
    never), at `due_at` (None: it has not ended, or has moved). `job` is what is being done now, or was done last.
    """

    ended: bool
    instances: int
    rows: Mapping[str, int]
    characters: int
    alive: int
    archived: int
    archived_rows: int
    archived_bytes: int
    archived_at: datetime | None
    days: int
    due_at: datetime | None
    job: BulkJob | None


def preview_archive(work: Work, campaign_id: str, *, person: Person | None = None) -> ArchivePreview:
    """What moves, how many and how much; nothing is changed. `person` is None for the command line.

    Raises CampaignUnknown, NotPermitted.
    """
    subject = campaign_subject(work, campaign_id)
    if person is not None:
        require(person, "campaign.archive", subject)
    key = _key(work, campaign_id)
    ready = _list_ready(work, campaign_id)
    counted = count_rows(work, ready, CONTENTS)
    alive = sa.select(sa.func.count()).select_from(instance).where(_ours(campaign_id), instance.c.state.not_in(OVER))
    length = sa.func.coalesce(sa.func.sum(sa.func.length(archived_instance.c.content)), 0)
    stored = work.connection.execute(
        sa.select(
            sa.func.count().label("instances"),
            sa.func.coalesce(sa.func.sum(archived_instance.c.rows), 0).label("rows"),
            length.label("bytes"),
            sa.func.max(archived_instance.c.archived_at, type_=archived_instance.c.archived_at.type).label("at"),
        ).where(archived_instance.c.subject == key)
    ).one()
    jobs = _jobs(work, key)
    return ArchivePreview(
        ended=_is_over(work, campaign_id),
        instances=len(ready),
        rows={name: count for name, (count, _characters) in counted.items()},
        characters=sum(characters for _count, characters in counted.values()),
        alive=work.connection.execute(alive).scalar_one(),
        archived=stored.instances,
        archived_rows=int(stored.rows),
        archived_bytes=int(stored.bytes),
        archived_at=stored.at,
        days=_read_days(work, campaign_id),
        due_at=_find_due(work, campaign_id),
        job=jobs[0] if jobs else None,
    )


def start_archive(work: Work, campaign_id: str, *, person: Person | None = None) -> BulkJob:
    """Begin to archive a campaign that has ended; the job, which the background (or `run_bulk`) does. Noted in its history.

    One that is under way is given as it is.
    Raises CampaignUnknown, NotPermitted, CampaignNotEnded, NothingToArchive.
    """
    key = _enter(work, campaign_id, person)
    running = _running(work, key, ARCHIVE)
    if running is not None:
        return running
    return _start(work, campaign_id, ARCHIVE, key, _list_ready(work, campaign_id), "archived")


def start_unarchive(work: Work, campaign_id: str, *, person: Person | None = None) -> BulkJob:
    """Begin to put back what the archive holds of a campaign; the job. Noted in its history.

    Raises CampaignUnknown, NotPermitted, CampaignNotEnded, NothingToArchive.
    """
    key = _enter(work, campaign_id, person)
    running = _running(work, key, RESTORE)
    if running is not None:
        return running
    ours = sa.select(archived_instance.c.instance_id).where(archived_instance.c.subject == key)
    ids = work.connection.execute(ours.order_by(archived_instance.c.instance_id)).scalars().all()
    return _start(work, campaign_id, RESTORE, key, ids, "unarchived")


def arm_archive(work: Work, campaign_id: str) -> None:
    """A campaign begins: the clock looks after its archive from now on, unless its settings leave that to people (0)."""
    if days := _read_days(work, campaign_id):
        _arm(work, campaign_id, work.now + timedelta(days=days))


def archive_in_time(call: Call) -> None:
    """`campaigns.archive`: archive a campaign that ended so long ago. One that goes on cannot be due before as long from now, one
    that ended later is due as long from then: the clock comes again.
    """
    work, campaign_id = call.work, call.form["campaign"]
    days = _read_days(work, campaign_id)
    if not days:
        return
    ended_at = _find_end(work, campaign_id)
    due_at = (ended_at or work.now) + timedelta(days=days)
    if due_at <= work.now:
        with suppress(NothingToArchive):
            start_archive(work, campaign_id)
    elif ended_at is not None or work.now < _get(work, campaign_id).created_at + ENDLESS:
        _arm(work, campaign_id, due_at)


def _arm(work: Work, campaign_id: str, at: datetime) -> None:
    key = f"archive:{campaign_id}:{at:%Y%m%dT%H%M%S}"
    arm_timer(work, HANDLER, at, unique_key=key, payload={"campaign": campaign_id}, subject=f"archive:{campaign_id}")


def _read_days(work: Work, campaign_id: str) -> int:
    """How many days after its end a campaign is archived by itself; 0: never."""
    return int(_get(work, campaign_id).settings.get(ARCHIVE_AFTER, ARCHIVE_DAYS))


def _find_due(work: Work, campaign_id: str) -> datetime | None:
    """When a campaign that has ended is archived by itself; None when the clock has nothing to do any more."""
    armed = sa.select(timer.c.id).where(timer.c.subject == f"archive:{campaign_id}", timer.c.state == "armed")
    ended_at, days = _find_end(work, campaign_id), _read_days(work, campaign_id)
    if ended_at is None or not days or work.connection.execute(armed).first() is None:
        return None
    return max(ended_at + timedelta(days=days), work.now)


def _enter(work: Work, campaign_id: str, person: Person | None) -> str:
    """The campaign's key; its row is held, so that two who archive it follow each other."""
    subject = campaign_subject(work, campaign_id)
    if person is not None:
        require(person, "campaign.archive", subject)
    work.connection.execute(sa.select(campaign.c.id).where(campaign.c.id == campaign_id).with_for_update())
    if not _is_over(work, campaign_id):
        raise CampaignNotEnded()
    return _key(work, campaign_id)


def _is_over(work: Work, campaign_id: str) -> bool:
    return _find_end(work, campaign_id) is not None


def _find_end(work: Work, campaign_id: str) -> datetime | None:
    """When the campaign's process ended, in whatever way; None while it has not."""
    query = sa.select(instance.c.ended_at).join(campaign, campaign.c.instance_id == instance.c.id)
    ended_at: datetime | None = work.connection.execute(query.where(campaign.c.id == campaign_id)).scalar_one_or_none()
    return ended_at


def _start(work: Work, campaign_id: str, operation: str, key: str, ids: Sequence[str], kind: str) -> BulkJob:
    if not ids:
        raise NothingToArchive()
    instance_id = work.connection.execute(sa.select(campaign.c.instance_id).where(campaign.c.id == campaign_id)).scalar_one()
    job_id = start_bulk(work, operation, ({"instance": each} for each in ids), shared={"subject": key}, subject=key)
    if instance_id is not None:
        record_entry(work, instance_id, kind, detail={"instances": len(ids), "job": job_id})
    return read_bulk(work, job_id)


def _running(work: Work, key: str, operation: str) -> BulkJob | None:
    jobs = [job for job in _jobs(work, key) if job.state in ("running", "stuck")]
    return next((job for job in jobs if job.operation == operation), None)


def _jobs(work: Work, key: str) -> list[BulkJob]:
    ours = sa.and_(bulk_job.c.subject == key, bulk_job.c.operation.in_((ARCHIVE, RESTORE)))
    return list_bulk(work, ours, limit=10)


def _key(work: Work, campaign_id: str) -> str:
    return str(_get(work, campaign_id).key)


def _get(work: Work, campaign_id: str) -> sa.Row[Any]:
    return work.connection.execute(sa.select(campaign).where(campaign.c.id == campaign_id)).one()


def _ours(campaign_id: str) -> sa.ColumnElement[bool]:
    """Instances of the campaign's cases and reports."""
    of_cases = sa.select(case.c.instance_id).where(case.c.campaign_id == campaign_id, case.c.instance_id.is_not(None))
    of_reports = sa.select(report.c.instance_id).where(report.c.campaign_id == campaign_id, report.c.instance_id.is_not(None))
    return sa.or_(instance.c.id.in_(of_cases), instance.c.id.in_(of_reports))


def _list_ready(work: Work, campaign_id: str) -> list[str]:
    """Those that are over and not archived, by id."""
    archived = sa.select(archived_instance.c.instance_id).where(archived_instance.c.instance_id == instance.c.id).exists()
    query = sa.select(instance.c.id).where(_ours(campaign_id), instance.c.state.in_(OVER), ~archived)
    return list(work.connection.execute(query.order_by(instance.c.id)).scalars())


def _lock(work: Work, items: Sequence[Mapping[str, Any]]) -> None:
    lock_instances(work, (item["instance"] for item in items))


OPERATIONS = {
    ARCHIVE: BulkOperation(
        lambda work, item, _: {"rows": archive_instance(work, item["instance"], subject=item["subject"], contents=CONTENTS)},
        _lock,
    ),
    RESTORE: BulkOperation(lambda work, item, _: {"rows": restore_instance(work, item["instance"], contents=CONTENTS)}, _lock),
}
"""The bulk operations that `api/wiring.py` registers with the engine."""
