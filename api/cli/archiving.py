"""`archive` and `unarchive`: a campaign that is over moves out of the way, and back."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from api.cli.opening import open_engine, read_options
from api.cli.parser import Verbs
from api.cli.people import find_person
from api.cli.words import Words

if TYPE_CHECKING:
    from engine.work import ProcessEngine

PAUSE = 1.0
"""Seconds until the job is looked at again when somebody else does the rest of it."""


def add_verbs(verbs: Verbs) -> None:
    """`archive` and `unarchive`."""
    archiving = verbs.add("archive", archive, json=True)
    archiving.add("campaign")
    archiving.add("--dry-run", action="store_true")
    archiving.add("--by")
    restoring = verbs.add("unarchive", unarchive)
    restoring.add("campaign")
    restoring.add("--by")


def archive(options: argparse.Namespace, words: Words) -> int:
    """Archive a campaign; with `--dry-run` tell what would move. Goes on where one that was killed stopped. 1 when a case was
    refused.

    Raises CampaignUnknown, CampaignNotEnded, NothingToArchive, PersonUnknown, NotPermitted.
    """
    from workflows.campaigns.archiving import preview_archive, start_archive
    from workflows.deadlines import say_moment

    process_engine = open_engine(read_options(options))
    try:
        if not options.dry_run:
            return run(process_engine, options, words, start_archive)
        with process_engine.read() as work:
            campaign_id = find_campaign(work, options.campaign)
            found = preview_archive(work, campaign_id)
    finally:
        process_engine.database.dispose()
    if options.json:
        told = {name: value for name, value in asdict(found).items() if name != "job"}
        print(json.dumps(told, default=datetime.isoformat, ensure_ascii=False, indent=1))
        return 0
    print(words.say("archive_would", instances=found.instances, kilobytes=found.characters // 1000))
    for name, count in found.rows.items():
        print(f"  {name:20} {count}")
    print(words.say("archive_stay", alive=found.alive, archived=found.archived))
    if found.due_at is not None:
        print(words.say("archive_due", at=say_moment(found.due_at, words.language)))
    return 0


def unarchive(options: argparse.Namespace, words: Words) -> int:
    """Put an archived campaign back. 1 when a case was refused.

    Raises CampaignUnknown, CampaignNotEnded, NothingToArchive, PersonUnknown, NotPermitted.
    """
    from workflows.campaigns.archiving import start_unarchive

    process_engine = open_engine(read_options(options))
    try:
        return run(process_engine, options, words, start_unarchive)
    finally:
        process_engine.database.dispose()


def run(process_engine: ProcessEngine, options: argparse.Namespace, words: Words, start: Callable[..., Any]) -> int:
    """Begin, and do it to its end; a server beside it may do some of it."""
    from engine.bulk import list_results, run_bulk
    from workflows.people import get_person

    with process_engine.begin() as work:
        person = None if options.by is None else get_person(work, find_person(work, options.by))
        work.by = None if person is None else person.id
        job = start(work, find_campaign(work, options.campaign), person=person)
    told = None
    while job.state == "running":
        job = run_bulk(process_engine, job.id)
        if (job.done, job.refused) != told:
            told = (job.done, job.refused)
            words.note("archive_progress", done=job.done, total=job.total)
        if job.state == "running":
            time.sleep(PAUSE)
    with process_engine.read() as work:
        results = list_results(work, job.id, limit=job.refused, refused=True) if job.refused else []
        rows = sum((each.result or {}).get("rows", 0) for each in list_results(work, job.id, limit=job.total))
    if getattr(options, "json", False):
        print(json.dumps({"job": job.id, "state": job.state, "done": job.done, "refused": job.refused, "rows": rows}, indent=1))
    else:
        print(words.say("archive_done", done=job.done, rows=rows, refused=job.refused, left=job.left))
    for each in results:
        assert each.problem is not None
        words.note("archive_refused", instance=each.item["instance"], reason=words.catalogue.tell(each.problem, words.language))
    return 0 if job.state == "done" and not job.refused else 1


def find_campaign(work: Any, given: str) -> str:
    """The id of the campaign with this key or id.

    Raises CampaignUnknown.
    """
    import sqlalchemy as sa

    from workflows.rules import CampaignUnknown
    from workflows.tables import campaign

    query = sa.select(campaign.c.id).where(sa.or_(campaign.c.key == given, campaign.c.id == given))
    found: str | None = work.connection.execute(query).scalar_one_or_none()
    if found is None:
        raise CampaignUnknown()
    return found
