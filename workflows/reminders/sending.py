"""The letters of a reminder, when its moment has come.

Everybody with such a task still open gets one letter that lists them. A task that is done is in no letter any more. What was
missed while nothing ran is made good once: the first row that fires late waits until all else that was due has happened (the
cut-offs take away what nobody can do any more), then tells what the others would have told, and puts them aside. At night it
waits for the morning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.handlers import Call
from engine.texts import LANGUAGES, Language
from engine.timers import arm_timer
from engine.work import Work
from workflows.campaigns.reading import get_campaign
from workflows.deadlines import say_cutoff
from workflows.mails import Letter, Recipient, find_members, has_letter, list_members, queue_letters, say
from workflows.reminders.plans import ESCALATED, Rule, end_quiet, read_rules
from workflows.reminders.recipients import find_above, find_recipients
from workflows.reminders.series import HANDLER, LATE, Series, arm_series, is_open, list_owing, postpone, read_open, take_missed

CHUNK = 500
"""Letters written in one transaction; more people get theirs in the next ones."""

ESCALATION = "reminder_escalated"
"""The letter to the next level."""

LISTED = 30
"""Tasks named in one letter; of more, only the number is told."""


@dataclass(slots=True)
class Share:
    """What one person's letter lists; `owed` are the tasks among them that the person owes."""

    recipient: Recipient
    tasks: list[sa.Row[Any]] = field(default_factory=list)
    owed: list[str] = field(default_factory=list)


def send(call: Call) -> None:
    """`reminders.send`: the moment of a reminder has come. Writes the letters; arms the next one where it repeats."""
    work, form = call.work, call.form
    series = Series(form["campaign"], form["task"], datetime.fromisoformat(form["due_at"]))
    at = datetime.fromisoformat(form["at"])
    if not form.get("after"):
        late = work.now - at > LATE and not form.get("postponed")
        until = end_quiet(work.now, series.due_at) or (work.now if late else None)
        if until is not None:
            postpone(work, HANDLER, form, until, key=f"{series.key}:{form['name']}")
            return
    row = get_campaign(work, series.campaign_id)
    rule = read_rules(work, row.notice_id).get(series.task)
    after = form.get("after") or ""
    escalates = form["name"] == ESCALATED
    page = (
        None
        if rule is None or escalates or "organiser" in rule.recipients
        else list_owing(work, is_open(work, series), after=after, limit=CHUNK + 1)
    )
    tasks = read_open(work, is_open(work, series), of=page)
    if rule is None or not (tasks or after):
        return  # the plan was changed, or everybody is done: nothing is sent, and nothing follows
    missed = [datetime.fromisoformat(moment) for moment in form.get("missed") or []]
    if not form.get("after"):
        missed = take_missed(work, series, at) if not escalates else [at] if work.now - at > LATE else []
    shares = share_above(work, tasks, row.managers) if escalates else share_tasks(work, rule, tasks, row.managers)
    waiting = sorted(person_id for person_id in shares if person_id > after) if page is None else page
    chosen = [shares[person_id] for person_id in waiting[:CHUNK] if person_id in shares]
    letters = (_write(work, share, rule, series, form["name"], missed, about=row.key) for share in chosen)
    queue_letters(work, letters, campaign_id=series.campaign_id)
    if len(waiting) > CHUNK:
        payload = {**form, "after": waiting[CHUNK - 1], "missed": [moment.isoformat() for moment in missed]}
        arm_timer(
            work,
            HANDLER,
            work.now,
            unique_key=f"{series.key}:{form['name']}:{waiting[CHUNK - 1]}",
            payload=payload,
            subject=f"reminders:{series.campaign_id}",
        )
    elif rule.overdue != "none" and not escalates:
        arm_series(work, series, {series.task: rule})


def share_tasks(work: Work, rule: Rule, tasks: Sequence[sa.Row[Any]], managers: str) -> dict[str, Share]:
    """Person → what the person's letter lists, for the recipients of a rule."""
    shares: dict[str, Share] = {}
    owers = find_recipients(work, tasks, rule.recipients)
    organisers = find_members(work, [managers]) if "organiser" in rule.recipients else []
    for task in tasks:
        for recipient in owers[task.id].values():
            share = shares.setdefault(recipient.id, Share(recipient))
            share.tasks.append(task)
            share.owed.append(task.id)
        for recipient in organisers:
            if recipient.id not in owers[task.id]:
                shares.setdefault(recipient.id, Share(recipient)).tasks.append(task)
    return shares


def share_above(work: Work, tasks: Sequence[sa.Row[Any]], managers: str) -> dict[str, Share]:
    """Person → what is overdue below: of institutions their body's auditors are told, of all others the organisers."""
    shares: dict[str, Share] = {}
    above = find_above(work, tasks, managers)
    members = list_members(work, set(above.values()))
    for task in tasks:
        for recipient in members[above[task.id]]:
            shares.setdefault(recipient.id, Share(recipient)).tasks.append(task)
    return shares


def list_tasks(tasks: Sequence[sa.Row[Any]], about: str) -> list[str]:
    """The lines of a letter about tasks; those of the campaign itself (`about`) need no number."""
    lines = [f"{task.name} {task.business_key}" if task.business_key != about else task.name for task in tasks[:LISTED]]
    return [*lines, *(["…"] if len(tasks) > LISTED else [])]


def say_missed(missed: Sequence[datetime], language: Language) -> str:
    """Which reminders a letter stands for; empty without any."""
    if not missed:
        return ""
    joint = say("letter_missed_joint", language)
    return say("letter_missed", language, moments=joint.join(say_cutoff(moment, language) for moment in missed))


def _write(work: Work, share: Share, rule: Rule, series: Series, name: str, missed: Sequence[datetime], *, about: str) -> Letter:
    letter = rule.letter if has_letter(rule.letter) else "reminder"
    if name == ESCALATED:
        letter = ESCALATION
    elif work.now >= series.due_at and has_letter(f"{letter}_overdue"):
        letter = f"{letter}_overdue"
    values = {
        "count": len(share.tasks),
        "tasks": list_tasks(share.tasks, about),
        "due": series.due_at,
        "missed": {language: say_missed(missed, language) for language in LANGUAGES},
    }
    return Letter(letter, [share.recipient], about, f"{series.key}:{name}", values, share.owed)
