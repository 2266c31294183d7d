"""The weekly letter: every Monday each organiser of a running campaign gets its board in words.

The series is computed from its Mondays, never from the last letter: one timer row for the next occurrence, under a key of its
own. After downtime one letter leaves and says what it stands for. The series begins with the first task that has a due date, and
stops when the campaign has ended or nothing dated is near; the next dated task begins it again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from engine.handlers import Call
from engine.history import record_entry
from engine.moments import SHANGHAI
from engine.tables import instance, timer, user_task
from engine.texts import LANGUAGES, Language
from engine.timers import arm_timer
from engine.work import Work
from workflows.campaigns.reading import get_campaign, of_campaign
from workflows.deadlines import say_cutoff
from workflows.mails import find_members, queue_letter, say
from workflows.people import Person, list_members
from workflows.reminders.missing import OwedCount, count_owed
from workflows.reminders.plans import end_quiet, nine
from workflows.reminders.sending import say_missed
from workflows.reminders.series import LATE, postpone
from workflows.rules import campaign_subject, require
from workflows.tables import campaign, case
from workflows.workdays import WorkCalendar, read_calendar

HANDLER = "reminders.send_board"
WEEK = timedelta(days=7)
NEAR = 26 * WEEK
"""A campaign in which nothing was due for so long, and nothing is to come, is told of no more (ours)."""

OFF = "weekly_letter_off"
"""Setting of a campaign: ids of the persons who do not want the letter."""


@dataclass(frozen=True, slots=True)
class Board:
    """One occurrence: `week` is its Monday, `at` nine o'clock of that day or of the next work day."""

    week: date
    at: datetime


def next_board(now: datetime, calendar: WorkCalendar) -> Board:
    """The first occurrence after `now`. A week without a work day has none. Pure."""
    today = now.astimezone(SHANGHAI).date()
    monday = today - timedelta(days=today.weekday())
    while True:
        day = calendar.next_workday(monday).day
        if day < monday + WEEK and nine(day) > now:
            return Board(monday, nine(day))
        monday += WEEK


def arm_board(work: Work, campaign_id: str) -> bool:
    """Arm the next weekly letter of a campaign; whether it was not armed before."""
    board = next_board(work.now, read_calendar(work))
    key = f"board:{campaign_id}:{board.week:%Y%m%d}"
    if work.connection.execute(_ARMED, {"key": key}).first() is not None:
        return False
    payload = {"campaign": campaign_id, "at": board.at.isoformat()}
    subject = f"reminders:{campaign_id}"
    return arm_timer(work, HANDLER, board.at, unique_key=key, payload=payload, subject=subject) is not None


_ARMED = sa.select(timer.c.id).where(timer.c.unique_key == sa.bindparam("key"))


def send_board(call: Call) -> None:
    """`reminders.send_board`: a Monday has come. Writes the letters and arms the next ones, while the campaign runs."""
    work, campaign_id = call.work, call.form["campaign"]
    found = get_campaign(work, campaign_id)
    state = work.connection.execute(sa.select(instance.c.state).where(instance.c.id == found.instance_id)).scalar()
    if state not in ("running", "suspended") or not _is_near(work, campaign_id, found.dates):
        return
    if state == "running" and (until := end_quiet(work.now)) is not None:
        at = datetime.fromisoformat(call.form["at"])
        postpone(work, HANDLER, call.form, until, key=f"board:{campaign_id}:{at:%Y%m%d}")
        return
    if state == "running":
        at = datetime.fromisoformat(call.form["at"])
        off: Collection[str] = found.settings.get(OFF) or ()
        recipients = [each for each in find_members(work, [found.managers]) if each.id not in off]
        queue_letter(
            work,
            "board",
            recipients,
            campaign_id=campaign_id,
            about=found.key,
            unique_key=f"board:{campaign_id}:{at:%Y%m%d}",
            values=_describe(work, campaign_id, _list_missed(at, work.now, read_calendar(work))),
        )
    arm_board(work, campaign_id)


def list_receivers(work: Work, campaign_id: str) -> list[tuple[Person, bool]]:
    """The organisers of a campaign, each with whether the weekly letter is wanted.

    Raises CampaignUnknown.
    """
    found = get_campaign(work, campaign_id)
    off: Collection[str] = found.settings.get(OFF) or ()
    return [(each, each.id not in off) for each in list_members(work, [found.managers])]


def set_receivers(work: Work, person: Person, campaign_id: str, wanted: Collection[str]) -> None:
    """Only these organisers get the weekly letter from now on; recorded in the history of the campaign's instance.

    Raises CampaignUnknown, NotPermitted.
    """
    found = get_campaign(work, campaign_id, person=person)
    require(person, "campaign.manage", campaign_subject(work, campaign_id))
    if found.instance_id is not None:
        off = sorted(each.id for each, _ in list_receivers(work, campaign_id) if each.id not in wanted)
        record_entry(work, found.instance_id, "weekly_letter_set", detail={"off": off})
        locked = sa.select(campaign.c.settings).where(campaign.c.id == campaign_id).with_for_update()
        settings: Mapping[str, Any] = work.connection.execute(locked).scalar_one()
        values = {"settings": {**settings, OFF: off}}
        work.connection.execute(sa.update(campaign).where(campaign.c.id == campaign_id).values(values))


def _is_near(work: Work, campaign_id: str, dates: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a date of the campaign or of one of its open tasks is to come, or has not long passed."""
    latest = sa.func.max(user_task.c.due_at, type_=user_task.c.due_at.type)
    query = sa.select(latest).where(of_campaign(campaign_id), user_task.c.state == "open")
    owed_at = work.connection.execute(query).scalar()
    moments = [datetime.fromisoformat(value["cutoff_at"]) for value in dates.values() if value.get("cutoff_at")]
    return any(moment > work.now - NEAR for moment in (*moments, *([owed_at] if owed_at else [])))


def _list_missed(at: datetime, now: datetime, calendar: WorkCalendar) -> list[datetime]:
    """The occurrences for which a letter stands that leaves now instead of at `at`; none when it is in time."""
    if now - at <= LATE:
        return []
    missed = [at]
    while (following := next_board(missed[-1], calendar).at) <= now:
        missed.append(following)
    return missed


def _describe(work: Work, campaign_id: str, missed: list[datetime]) -> dict[str, Any]:
    counts = count_owed(work, None, campaign_subject(work, campaign_id))
    states = sa.select(case.c.state, sa.func.count().label("cases")).where(case.c.campaign_id == campaign_id)
    rows = work.connection.execute(states.group_by(case.c.state).order_by(case.c.state)).all()

    def both(code: str, **values: Any) -> dict[Language, str]:
        return {language: say(code, language, **values) for language in LANGUAGES}

    def name_state(row: sa.Row[Any]) -> dict[Language, str]:
        return {
            language: say("letter_board_state", language, state=say(f"case.state.{row.state}", language), count=row.cases)
            for language in LANGUAGES
        }

    def name_owed(row: OwedCount) -> dict[Language, str]:
        until = {language: say_cutoff(row.earliest_at, language) for language in LANGUAGES}
        who = f"{row.body}，{row.step}" if row.body else row.step
        return {
            language: say("letter_board_owed", language, who=who, count=row.count, overdue=row.overdue, until=until[language])
            for language in LANGUAGES
        }

    soon = [row for row in counts if work.now < row.earliest_at <= work.now + WEEK]
    late = [row for row in counts if row.overdue]
    nothing = [both("letter_board_nothing")]
    return {
        "count": sum(row.count for row in counts),
        "overdue": sum(row.overdue for row in counts),
        "states": [name_state(row) for row in rows] or nothing,
        "late": [name_owed(row) for row in late] or nothing,
        "soon": [name_owed(row) for row in soon] or nothing,
        "later": [name_owed(row) for row in counts if row not in soon and row not in late] or nothing,
        "page": f"{work.engine.extras.get('base_url') or ''}/campaigns/{campaign_id}/missing",
        "missed": {language: say_missed(missed, language) for language in LANGUAGES},
    }
