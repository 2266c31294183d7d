"""Letters in the reader's language, queued in the transaction of the step that causes them.

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
from workflows.people import IN_GROUPS, name_groups
from workflows.tables import campaign, letter_task, membership, notice, person
from workflows.tables import letter as letter_table

CUTOFFS = ("until", "own_until", "old_until", "due")
"""Values of letters that are cut-offs; other moments are when something happened."""

RUNG = ("notified", "urged")
"""Letters whose recipients are told by the bell already."""

PART = 300
"""Groups asked for in one statement: SQLite bounds its values."""

SUBJECT_LENGTH = 200
"""Characters of a subject; titles can be longer."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody with a mailbox. A person without an address gets no letter: the inbox shows the same."""

    id: str
    name: str
    email: str
    language: Language


def find_persons(work: Work, ids: Iterable[str]) -> list[Recipient]:
    """Those of these persons who have an address and are not disabled, by log-in."""
    return _find(work, _PERSONS, {"persons": sorted(set(ids))})


def find_members(work: Work, groups: Iterable[str]) -> list[Recipient]:
    """Everybody in these groups (`role@organisation`) who has an address and is not disabled, by log-in."""
    named = name_groups(groups)
    return _find(work, _MEMBERS, named) if named["groups"] else []


def list_members(work: Work, groups: Iterable[str]) -> dict[str, list[Recipient]]:
    """For each of these groups what `find_members` says of it, in few queries however many groups there are."""
    found: dict[str, list[Recipient]] = {group: [] for group in sorted(set(groups))}
    wanted = list(found)
    for start in range(0, len(wanted), PART):
        named = name_groups(wanted[start : start + PART])
        for row in work.connection.execute(_BY_GROUP, named) if named["groups"] else ():
            if row.email.strip():
                found[f"{row.role}@{row.organisation_id}"].append(_recipient(row))
    return found


def _find(work: Work, query: sa.Select[Any], given: Mapping[str, Any]) -> list[Recipient]:
    return [_recipient(row) for row in work.connection.execute(query, given) if row.email.strip()]


_COLUMNS = (person.c.id, person.c.name, person.c.email, person.c.language)


def _reachable(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.where(sa.not_(person.c.disabled), person.c.email.is_not(None)).order_by(person.c.login)


_PERSONS = _reachable(sa.select(*_COLUMNS).where(person.c.id.in_(sa.bindparam("persons", expanding=True))))
_MEMBERS = _reachable(sa.select(*_COLUMNS).where(person.c.id.in_(sa.select(membership.c.person_id).where(IN_GROUPS))))
_BY_GROUP = _reachable(
    sa.select(membership.c.role, membership.c.organisation_id, *_COLUMNS)
    .join(person, person.c.id == membership.c.person_id)
    .where(IN_GROUPS)
)
_LETTERHEAD = (
    sa.select(campaign.c.title, campaign.c.demo, notice.c.content["identity"].label("identity"))
    .join(notice, notice.c.id == campaign.c.notice_id)
    .where(campaign.c.id == sa.bindparam("campaign"))
)


def _recipient(row: sa.Row[Any]) -> Recipient:
    return Recipient(row.id, row.name, row.email.strip(), "en" if row.language == "en" else "zh")


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
        mails = []
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
            mails.append(
                make_mail(
                    work,
                    recipient=recipient.email[:300],
                    subject=subject,
                    body=body,
                    about=letter.about,
                    unique_key=f"{letter.unique_key}:{recipient.id}",
                    held=head.demo,
                )
            )
        written = queue_mails(work, mails)
        queued += len(written)
        new = [(mail, *pair) for mail, pair in zip(mails, part, strict=True) if mail["unique_key"] in written]
        _record(work, [(mail["id"], letter, recipient) for mail, letter, recipient in new], campaign_id)
        rung = [(recipient.id, letter.name, mail["subject"]) for mail, letter, recipient in new if letter.name not in RUNG]
        ring_with_letters(work, rung, campaign_id)
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


def _record(work: Work, written: Sequence[tuple[str, Letter, Recipient]], campaign_id: str) -> None:
    rows = [_describe(work, mail_id, letter.name, campaign_id, recipient.id) for mail_id, letter, recipient in written]
    about = [
        {"task_id": task_id, "outbox_id": mail_id} for mail_id, letter, _ in written for task_id in dict.fromkeys(letter.tasks)
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
