"""The digest: on each work day at nine one letter to everybody who owes something dated in a campaign, if its organisers want it.

It lists what is overdue, what is due within the next work days, and counts the rest; who owes neither gets none. The series is
computed from its days, never from the last letter: one timer row for the next occurrence, under a key of its own. After downtime
one letter leaves and says what it stands for. It goes on while the campaign runs and is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.handlers import Call
from engine.history import record_entry
from engine.moments import SHANGHAI
from engine.tables import instance, user_task
from engine.texts import LANGUAGES
from engine.timers import arm_timer
from engine.work import Work
from workflows.campaigns.reading import get_campaign, of_campaign
from workflows.deadlines import say_cutoff
from workflows.mails import Letter, queue_letters, say
from workflows.people import Person
from workflows.reminders.ownership import planned_by_stages
from workflows.reminders.plans import end_quiet, nine
from workflows.reminders.recipients import find_recipients
from workflows.reminders.sending import CHUNK, LISTED, Share, say_missed
from workflows.reminders.series import LATE, list_owing, postpone, read_open
from workflows.rules import campaign_subject, require
from workflows.tables import campaign
from workflows.workdays import WorkCalendar, read_calendar

HANDLER = "reminders.send_digest"
SETTING = "daily_digest"
"""Setting of a campaign: whether its organisers want the digest."""

AHEAD = 5
"""Work days: what is due later is only counted, and gives nobody a letter (ours)."""


def next_digest(now: datetime, calendar: WorkCalendar) -> datetime:
    """Nine o'clock of the first work day on which that is to come. Pure."""
    today = now.astimezone(SHANGHAI).date()
    day = calendar.next_workday(today).day
    return nine(day) if nine(day) > now else nine(calendar.add_workdays(today, 1).day)


def set_digest(work: Work, person: Person, campaign_id: str, *, wanted: bool) -> None:
    """Whether the campaign has a digest from now on; recorded in the history of the campaign's instance.

    Raises CampaignUnknown, NotPermitted.
    """
    found = get_campaign(work, campaign_id, person=person)
    require(person, "campaign.manage", campaign_subject(work, campaign_id))
    if bool(found.settings.get(SETTING)) == wanted:
        return
    if found.instance_id is not None:
        record_entry(work, found.instance_id, "digest_set", detail={"wanted": wanted})
    locked = sa.select(campaign.c.settings).where(campaign.c.id == campaign_id).with_for_update()
    settings: Mapping[str, Any] = work.connection.execute(locked).scalar_one()
    values = {"settings": {**settings, SETTING: wanted}}
    work.connection.execute(sa.update(campaign).where(campaign.c.id == campaign_id).values(values))
    if wanted:
        _arm(work, campaign_id)


def send_digest(call: Call) -> None:
    """`reminders.send_digest`: a work day has come. Writes the letters and arms the next ones."""
    work, form = call.work, call.form
    campaign_id, at, after = form["campaign"], datetime.fromisoformat(form["at"]), form.get("after") or ""
    found = get_campaign(work, campaign_id)
    state = work.connection.execute(sa.select(instance.c.state).where(instance.c.id == found.instance_id)).scalar()
    if state not in ("running", "suspended") or not found.settings.get(SETTING):
        return
    if not after and state == "running" and (until := end_quiet(work.now)) is not None:
        postpone(work, HANDLER, form, until, key=_key(campaign_id, at))
        return
    calendar = read_calendar(work)
    near = nine(calendar.add_workdays(work.now.astimezone(SHANGHAI).date(), AHEAD + 1).day)
    dated = sa.and_(
        of_campaign(campaign_id),
        ~planned_by_stages(work, campaign_id),
        user_task.c.state == "open",
        user_task.c.due_at.is_not(None),
    )
    people = list_owing(work, sa.and_(dated, user_task.c.due_at < near), after=after, limit=CHUNK + 1)
    if state == "running" and people:
        missed = [datetime.fromisoformat(each) for each in form.get("missed") or []] or _list_missed(at, work.now, calendar)
        letters = _write(work, dated, people[:CHUNK], near, missed, key=_key(campaign_id, at), about=found.key)
        queue_letters(work, letters, campaign_id=campaign_id)
        if len(people) > CHUNK:
            payload = {**form, "after": people[CHUNK - 1], "missed": [moment.isoformat() for moment in missed]}
            key = f"{_key(campaign_id, at)}:{people[CHUNK - 1]}"
            arm_timer(work, HANDLER, work.now, unique_key=key, payload=payload, subject=f"reminders:{campaign_id}")
            return
    _arm(work, campaign_id)


def _arm(work: Work, campaign_id: str) -> None:
    at = next_digest(work.now, read_calendar(work))
    payload = {"campaign": campaign_id, "at": at.isoformat()}
    arm_timer(work, HANDLER, at, unique_key=_key(campaign_id, at), payload=payload, subject=f"reminders:{campaign_id}")


def _write(
    work: Work,
    dated: sa.ColumnElement[bool],
    people: Sequence[str],
    near: datetime,
    missed: Sequence[datetime],
    *,
    key: str,
    about: str,
) -> list[Letter]:
    """The letters of some people: each lists what the person owes, the earliest first."""
    tasks = sorted(read_open(work, dated, of=people), key=lambda task: (task.due_at, task.business_key, task.id))
    owers = find_recipients(work, tasks, ("assignee", "candidates"))
    shares: dict[str, Share] = {}
    for task in tasks:
        for recipient in owers[task.id].values():
            share = shares.setdefault(recipient.id, Share(recipient))
            share.tasks.append(task)
            share.owed.append(task.id)
    return [
        Letter("digest", [share.recipient], about, key, _describe(work, share.tasks, near, missed), share.owed)
        for person_id, share in sorted(shares.items())
        if person_id in people
    ]


def _describe(work: Work, tasks: Sequence[sa.Row[Any]], near: datetime, missed: Sequence[datetime]) -> dict[str, Any]:
    late = [task for task in tasks if task.due_at <= work.now]
    soon = [task for task in tasks if work.now < task.due_at < near]
    nothing = [{language: say("letter_board_nothing", language) for language in LANGUAGES}]

    def name_task(task: sa.Row[Any]) -> dict[str, str]:
        values = {"step": task.name, "number": task.business_key}
        return {
            language: say("letter_digest_task", language, **values, due=say_cutoff(task.due_at, language))
            for language in LANGUAGES
        }

    def list_some(some: Sequence[sa.Row[Any]]) -> list[Any]:
        return [*map(name_task, some[:LISTED]), *(["…"] if len(some) > LISTED else [])] or nothing

    return {
        "count": len(late) + len(soon),
        "overdue": len(late),
        "late": list_some(late),
        "soon": list_some(soon),
        "others": len(tasks) - len(late) - len(soon),
        "missed": {language: say_missed(missed, language) for language in LANGUAGES},
    }


def _list_missed(at: datetime, now: datetime, calendar: WorkCalendar) -> list[datetime]:
    """The occurrences for which a letter stands that leaves now instead of at `at`; none when it is in time."""
    if now - at <= LATE:
        return []
    missed = [at]
    while (following := next_digest(missed[-1], calendar)) <= now:
        missed.append(following)
    return missed


def _key(campaign_id: str, at: datetime) -> str:
    return f"digest:{campaign_id}:{at.astimezone(SHANGHAI):%Y%m%d}"
