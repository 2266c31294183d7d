"""Urging (催办): those who owe something get a letter now, because a person says so, and the record says who and when.

What is chosen is first shown: who gets what, and who cannot be reached. Many tasks are done in parts, each its own transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.handlers import Call
from engine.history import record_entry
from engine.ids import new_id
from engine.tables import instance, user_task
from engine.texts import LANGUAGES, Language
from engine.timers import arm_timer
from engine.work import Work
from workflows.campaigns.reading import get_campaign
from workflows.deadlines import say_cutoff
from workflows.desk.notifications import Told, ring
from workflows.forms import clean_text
from workflows.mails import compose_letter, queue_letter, say
from workflows.people import Person, find_known, list_members
from workflows.reminders.missing import Choice, Owed, list_owed, select_owed
from workflows.reminders.recipients import OWING, find_recipients, read_candidates
from workflows.reminders.sending import LISTED, Share
from workflows.reminders.urges import read_urged
from workflows.rules import campaign_subject, require
from workflows.tables import case, urge

HANDLER = "reminders.urge"
LETTER = "urged"
PART = 200
"""Tasks urged in one transaction; of more, the rest follows in the next ones."""

LONGEST_REMARK = 500
"""Characters of the sentence that is added."""

SHOWN = 50
"""Recipients, and tasks without one, that a preview names."""


class NobodyChosen(Problem):
    """Nothing was chosen to be urged, or all of it has been done meanwhile."""


class RemarkTooLong(Problem):
    """The sentence to be added is longer than allowed."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What urging would do now: `shares` are the first recipients, `unreachable` tasks of which nobody has an address.

    `subject` and `body` are the letter of the first recipient, as it would leave; None where nobody would get one.
    """

    tasks: int
    letters: int
    shares: tuple[Share, ...]
    unreachable: tuple[Owed, ...]
    subject: str | None
    body: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done: tasks urged, letters written, tasks of which nobody could be reached, and tasks that follow in parts."""

    tasks: int
    letters: int
    unreachable: int
    following: int = 0


def preview_urge(work: Work, reader: Person, campaign_id: str, choice: Choice, remark: str = "") -> Preview:
    """Who would get what.

    Raises CampaignUnknown, NotPermitted, NobodyChosen, RemarkTooLong.
    """
    campaign = get_campaign(work, campaign_id, person=reader)
    remark = clean_remark(remark)
    tasks = _choose(work, reader, campaign_id, choice)
    shares, lost = _share(work, tasks)
    ordered = sorted(shares.values(), key=lambda share: (-len(share.tasks), share.recipient.name, share.recipient.id))
    subject = campaign_subject(work, campaign_id)
    unreachable = list_owed(work, reader, subject, Choice(task_ids=tuple(lost[:SHOWN]))).rows if lost else ()
    sample = None
    if ordered:
        first = ordered[0]
        values = _fill(first, campaign.key, remark)
        title, demo, names = campaign.title, campaign.demo, campaign.identity
        sample = compose_letter(work, LETTER, first.recipient, campaign_title=title, demo=demo, values=values, identity=names)
    return Preview(len(tasks), len(ordered), tuple(ordered[:SHOWN]), tuple(unreachable), *(sample or (None, None)))


def urge_owers(work: Work, reader: Person, campaign_id: str, choice: Choice, remark: str = "") -> Outcome:
    """Urge those who owe what is chosen: a letter to each, a row and an entry in the history for each task.

    Once for each call; the caller keeps its answer under the form's key.
    Raises CampaignUnknown, NotPermitted, NobodyChosen, RemarkTooLong.
    """
    get_campaign(work, campaign_id, person=reader)
    remark = clean_remark(remark)
    ids = [task.id for task in _choose(work, reader, campaign_id, choice)]
    action = new_id()
    for start in range(PART, len(ids), PART):
        payload = {
            "campaign": campaign_id,
            "action": action,
            "tasks": ids[start : start + PART],
            "remark": remark,
            "by": reader.id,
        }
        key = f"urge:{action}:{start}"
        arm_timer(work, HANDLER, work.now, unique_key=key, payload=payload, subject=f"reminders:{campaign_id}")
    done = urge_tasks(work, campaign_id, action, ids[:PART], remark)
    return replace(done, following=max(0, len(ids) - PART))


def urge_rest(call: Call) -> None:
    """`reminders.urge`: a further part of what a person chose to urge."""
    form = call.form
    work = replace(call.work, by=form["by"])
    urge_tasks(work, form["campaign"], form["action"], form["tasks"], form["remark"])


def clean_remark(text: str) -> str:
    """The sentence as it is kept.

    Raises RemarkTooLong.
    """
    cleaned = clean_text(text).strip()
    if len(cleaned) > LONGEST_REMARK:
        raise RemarkTooLong(length=len(cleaned), longest=LONGEST_REMARK)
    return cleaned


def _choose(work: Work, reader: Person, campaign_id: str, choice: Choice) -> Sequence[sa.Row[Any]]:
    subject = campaign_subject(work, campaign_id)
    require(reader, "campaign.remind", subject)
    query = select_owed(work, reader, subject, choice)
    found = work.connection.execute(query.order_by(user_task.c.element_id, user_task.c.business_key, user_task.c.id)).all()
    if not found:
        raise NobodyChosen()
    return found


def urge_tasks(work: Work, campaign_id: str, action: str, ids: Sequence[str], remark: str) -> Outcome:
    """Urge the owers of these tasks, of one action.

    The instances are locked first, in one order, so that what is urged is open until the end of the transaction.
    """
    own = user_task.c
    places = sa.select(own.instance_id).where(own.id.in_(ids))
    locked = sa.select(instance.c.id).where(instance.c.id.in_(places)).order_by(instance.c.id).with_for_update()
    work.connection.execute(locked).all()
    query = sa.select(user_task).where(own.id.in_(ids), own.state == "open").order_by(own.element_id, own.business_key, own.id)
    tasks = work.connection.execute(query).all()
    shares, lost = _share(work, tasks)
    about = get_campaign(work, campaign_id).key
    written = dict.fromkeys((task.id for task in tasks), 0)
    letters = 0
    for share in sorted(shares.values(), key=lambda share: share.recipient.id):
        letters += queue_letter(
            work,
            LETTER,
            [share.recipient],
            campaign_id=campaign_id,
            about=about,
            unique_key=f"urge:{action}:{ids[0]}",
            values=_fill(share, about, remark),
            tasks=share.owed,
        )
        for task_id in share.owed:
            written[task_id] += 1
    _ring_owers(work, campaign_id, tasks, remark)
    before = read_urged(work, [task.id for task in tasks])
    for task in sorted(tasks, key=lambda task: (task.instance_id, task.id)):
        number = 1 + (before[task.id].count if task.id in before else 0)
        row = {"task_id": task.id, "number": number, "at": work.now, "by": work.by, "remark": remark, "letters": written[task.id]}
        work.connection.execute(sa.insert(urge).values(row))
        detail = {"task": task.id, "number": number, "remark": remark, "letters": written[task.id]}
        record_entry(work, task.instance_id, "urged", element_id=task.element_id, token=task.token, detail=detail)
    return Outcome(len(tasks), letters, len(lost))


def _ring_owers(work: Work, campaign_id: str, tasks: Sequence[sa.Row[Any]], remark: str) -> None:
    """Who owes something is told by the bell, too, also without an address: of one task by its name, of several the number."""
    groups, users = read_candidates(work, tasks)
    members: dict[str, list[str]] = {}
    owed: dict[str, list[sa.Row[Any]]] = {}
    for task in tasks:
        people = [task.assignee] if task.assignee is not None else users.get(task.id, [])
        for group in () if people else groups.get(task.id, ()):
            if group not in members:
                members[group] = [each.id for each in list_members(work, [group])]
            people = [*people, *members[group]]
        for each in people:
            owed.setdefault(each, []).append(task)
    known = find_known(work, owed)
    numbers = sorted({task.business_key for task in tasks})
    found = work.connection.execute(sa.select(case.c.number, case.c.id).where(case.c.number.in_(numbers)))
    cases = {row.number: row.id for row in found}
    for person_id, mine in owed.items():
        if person_id in known and person_id != work.by:
            first = mine[0]
            number = first.business_key if len(mine) == 1 else f"×{len(mine)}"
            values = {"number": number, "step": first.name, "text": remark}
            case_id, task_id = (cases.get(first.business_key), first.id) if len(mine) == 1 else (None, None)
            ring(work, [person_id], Told("urged", campaign_id, case_id, task_id, values))


def _share(work: Work, tasks: Sequence[sa.Row[Any]]) -> tuple[dict[str, Share], list[str]]:
    """What each ower's letter lists, and the ids of the tasks of which nobody can be reached."""
    owers = find_recipients(work, tasks, OWING)
    shares: dict[str, Share] = {}
    for task in tasks:
        for recipient in owers[task.id].values():
            share = shares.setdefault(recipient.id, Share(recipient))
            share.tasks.append(task)
            share.owed.append(task.id)
    return shares, [task.id for task in tasks if not owers[task.id]]


def _fill(share: Share, about: str, remark: str) -> Mapping[str, Any]:
    def line(task: sa.Row[Any], language: Language) -> str:
        name = task.name if task.business_key == about else f"{task.name} {task.business_key}"
        return say("letter_urged_line", language, name=name, until=say_cutoff(task.due_at, language))

    lines = [{language: line(task, language) for language in LANGUAGES} for task in share.tasks[:LISTED]]
    added = {language: say("letter_urged_remark", language, text=remark) if remark else "" for language in LANGUAGES}
    more = ["…"] if len(share.tasks) > LISTED else []
    return {"count": len(share.tasks), "tasks": [*lines, *more], "remark": added}
