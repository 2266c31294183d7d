"""Letters in the reader's language, queued in the transaction of the step that causes them.

A letter takes every way that is open: mail where its person has an address, and the gateways of the installation.

A letter names the campaign, the step and the moment; it carries no personal data of others and no content of an application.
What a demonstration writes is held: it can be read in the outbox and never leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

import sqlalchemy as sa

from engine.outbox import make_mail, queue_mails
from engine.tables import user_task
from engine.texts import Catalogue, Language
from engine.work import Work
from workflows.deadlines import say_cutoff, say_moment
from workflows.desk.notifications import ring_with_letters
from workflows.forms import clean_text
from workflows.mails import gateways
from workflows.mails.recipients import Recipient, Way, list_ways
from workflows.tables import campaign, letter_task, notice
from workflows.tables import letter as letter_table

CUTOFFS = ("until", "own_until", "old_until", "due")
"""Values of letters that are cut-offs; other moments are when something happened."""

RUNG = ("case_terminated", "notified", "urged")
"""Letters whose recipients are told by the bell already."""

PART = 300
"""Letters written at once: nobody holds all of them."""

SUBJECT_LENGTH = 200
"""Characters of a subject; titles can be longer."""


_LETTERHEAD = (
    sa.select(campaign.c.key, campaign.c.title, campaign.c.demo, notice.c.content["identity"].label("identity"))
    .join(notice, notice.c.id == campaign.c.notice_id)
    .where(campaign.c.id == sa.bindparam("campaign"))
)


def queue_letter(
    work: Work,
    letter: str,
    recipients: Iterable[Recipient],
    *,
    campaign_id: str,
    about: str,
    unique_key: str,
    values: Mapping[str, Any] | None = None,
    tasks: Iterable[str] = (),
) -> int:
    """Write the letter `letter` (texts `letter_<name>_subject` and `letter_<name>_body`) to each recipient; how many are new.

    `about` is the business key it concerns; with `unique_key` each person gets a letter once. `values` fill the texts (see
    `show_value`), beside `campaign`, `name` and `address` of this installation. `tasks` are the ids of open tasks that the
    letter reminds its recipients of: when all of them are done before it leaves, it does not leave.
    Raises KeyError for a letter that the catalogue does not have.
    """
    return queue_letters(work, [Letter(letter, recipients, about, unique_key, values or {}, tasks)], campaign_id=campaign_id)


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to several people, for `queue_letters`; the fields are as of `queue_letter`."""

    name: str
    recipients: Iterable[Recipient]
    about: str
    unique_key: str
    values: Mapping[str, Any]
    tasks: Iterable[str] = ()


def queue_letters(work: Work, letters: Iterable[Letter], *, campaign_id: str) -> int:
    """As `queue_letter` for many letters of one campaign, in few statements; nobody holds all of them. How many are new."""
    head = work.connection.execute(_LETTERHEAD, {"campaign": campaign_id}).one()
    each = ((letter, recipient) for letter in letters for recipient in letter.recipients)
    queued = 0
    while part := list(islice(each, PART)):
        rows, about = [], []
        for letter, recipient in part:
            subject, body = compose_letter(
                work,
                letter.name,
                recipient,
                campaign_title=head.title,
                demo=head.demo,
                values=letter.values,
                identity=head.identity,
            )
            for way in list_ways(work, letter.name, recipient):
                headers = {"person": recipient.login, "letter": letter.name, "campaign": head.key}
                rows.append(
                    make_mail(
                        work,
                        recipient=way.recipient,
                        subject=subject,
                        body=body,
                        about=letter.about,
                        unique_key=f"{letter.unique_key}:{recipient.id}{way.suffix}",
                        headers=headers if way.channel == gateways.CHANNEL else None,
                        channel=way.channel,
                        held=head.demo,
                    )
                )
                about.append((letter, recipient, way))
        written = queue_mails(work, rows)
        new = [(row, *each) for row, each in zip(rows, about, strict=True) if row["unique_key"] in written]
        _record(work, [(row["id"], *each) for row, *each in new], campaign_id)
        told = {
            (letter.unique_key, recipient.id): (recipient.id, letter.name, row["subject"]) for row, letter, recipient, _ in new
        }
        queued += len(told)
        ring_with_letters(work, [each for each in told.values() if each[1] not in RUNG], campaign_id)
    return queued


def compose_letter(
    work: Work,
    letter: str,
    recipient: Recipient,
    *,
    campaign_title: str,
    demo: bool,
    values: Mapping[str, Any],
    identity: Mapping[str, Any] | None = None,
) -> tuple[str, str]:
    """Subject and text of a letter as this recipient gets it. `identity`: brand and slogan, which stand at its end.

    Raises KeyError for a letter that the catalogue does not have.
    """
    catalogue, language = _catalogue(), recipient.language
    facts = {
        "campaign": campaign_title,
        "name": recipient.name,
        "address": work.engine.extras.get("base_url") or "",
        **{name: show_value(value, language, cutoff=name in CUTOFFS) for name, value in values.items()},
    }
    subject = clean_line(catalogue.say(f"letter_{letter}_subject", language, facts))
    greeting = catalogue.say("letter_greeting", language, facts)
    body = catalogue.say(f"letter_{letter}_body", language, facts)
    closing = catalogue.say("letter_closing_demo" if demo else "letter_closing", language, facts)
    names = "\n".join(str(fact["value"]) for fact in (identity or {}).values() if fact)
    parts = [greeting, body.strip(), closing.strip(), names]
    return subject, clean_text("\n\n".join(part for part in parts if part), lines=True) + "\n"


def record_letter(
    work: Work,
    outbox_id: str,
    name: str,
    *,
    campaign_id: str,
    person_id: str,
    tasks: Iterable[str] = (),
    resent_of: str | None = None,
) -> None:
    """Note to which campaign and person a row of the outbox belongs, and of which tasks it reminds. `resent_of`: see there."""
    row = {**_describe(work, outbox_id, name, campaign_id, person_id), "resent_of": resent_of}
    work.connection.execute(_RECORD, {**row, "resent_by": None if resent_of is None else work.by})
    about = [{"task_id": task_id, "outbox_id": outbox_id} for task_id in dict.fromkeys(tasks)]
    if about:
        work.connection.execute(_RECORD_TASKS, about)


def _record(work: Work, written: Sequence[tuple[str, Letter, Recipient, Way]], campaign_id: str) -> None:
    rows = [_describe(work, mail_id, letter.name, campaign_id, recipient.id) for mail_id, letter, recipient, _ in written]
    about = [
        {"task_id": task_id, "outbox_id": mail_id} for mail_id, letter, *_ in written for task_id in dict.fromkeys(letter.tasks)
    ]
    if rows:
        work.connection.execute(_RECORD, rows)
    if about:
        work.connection.execute(_RECORD_TASKS, about)


def _describe(work: Work, outbox_id: str, name: str, campaign_id: str, person_id: str) -> dict[str, Any]:
    whose = {"outbox_id": outbox_id, "campaign_id": campaign_id, "person_id": person_id, "name": name}
    return {**whose, "written_at": work.now, "resent_of": None, "resent_by": None}


_RECORD = sa.insert(letter_table)
_RECORD_TASKS = sa.insert(letter_task)


def is_wanted(work: Work, row: sa.Row[Any]) -> bool:
    """Whether a row of the outbox should still leave: not a reminder of tasks that all have been done meanwhile."""
    query = sa.select(user_task.c.state).join(letter_task, letter_task.c.task_id == user_task.c.id)
    states = set(work.connection.execute(query.where(letter_task.c.outbox_id == row.id)).scalars())
    return not states or "open" in states


def say(code: str, language: Language, **values: Any) -> str:
    """A text of the catalogue, for parts of letters.

    Raises KeyError for a code that it does not have.
    """
    return _catalogue().say(code, language, values)


def has_letter(letter: str) -> bool:
    """Whether there are texts for a letter of this name."""
    return f"letter_{letter}_subject" in _catalogue().entries and f"letter_{letter}_body" in _catalogue().entries


def list_letter_names() -> tuple[str, ...]:
    """The names of all letters there are texts for."""
    subjects = (code for code in _catalogue().entries if code.startswith("letter_") and code.endswith("_subject"))
    names = (code.removeprefix("letter_").removesuffix("_subject") for code in subjects)
    return tuple(sorted(name for name in names if has_letter(name)))


def show_value(value: Any, language: Language, *, cutoff: bool = False) -> Any:
    """A value as the reader sees it: moments in Beijing time, of a mapping the language's text, lists with one entry a line.

    Midnight as a `cutoff` is 24:00 of the day that ends; as the moment when something came it is 0:00 of the next.
    """
    if isinstance(value, datetime):
        return say_cutoff(value, language) if cutoff else say_moment(value, language)
    if isinstance(value, Mapping):
        return value[language]
    if isinstance(value, (list, tuple)):
        return "\n".join(f"- {show_value(item, language)}" for item in value)
    return value


def clean_line(text: str) -> str:
    """One line for a header: no line breaks, no control and direction characters, of bounded length."""
    kept = clean_text(text)
    return kept if len(kept) <= SUBJECT_LENGTH else kept[: SUBJECT_LENGTH - 1] + "…"


@cache
def _catalogue() -> Catalogue:
    """Our own texts; they do not change while the process runs."""
    return Catalogue("workflows")
