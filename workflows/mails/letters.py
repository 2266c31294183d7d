"""Letters in the reader's language, queued in the transaction of the step that causes them.

A letter names the campaign, the step and the moment; it carries no personal data of others and no content of an application.
What a demonstration writes is held: it can be read in the outbox and never leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from engine.outbox import queue_mail
from engine.texts import Catalogue, Language
from engine.work import Work
from workflows.deadlines import say_cutoff, say_moment
from workflows.forms import clean_text
from workflows.tables import campaign, membership, person

CUTOFFS = ("until", "own_until", "due")
"""Values of letters that are cut-offs; other moments are when something happened."""

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
    return _find(work, person.c.id.in_(sorted(set(ids))))


def find_members(work: Work, groups: Iterable[str]) -> list[Recipient]:
    """Everybody in these groups (`role@organisation`) who has an address and is not disabled, by log-in."""
    pairs = [tuple(group.split("@", 1)) for group in sorted(set(groups)) if "@" in group]
    if not pairs:
        return []
    members = sa.select(membership.c.person_id).where(sa.tuple_(membership.c.role, membership.c.organisation_id).in_(pairs))
    return _find(work, person.c.id.in_(members))


def _find(work: Work, which: sa.ColumnElement[bool]) -> list[Recipient]:
    columns = (person.c.id, person.c.name, person.c.email, person.c.language)
    query = sa.select(*columns).where(which, sa.not_(person.c.disabled), person.c.email.is_not(None)).order_by(person.c.login)
    return [
        Recipient(row.id, row.name, row.email.strip(), "en" if row.language == "en" else "zh")
        for row in work.connection.execute(query)
        if row.email.strip()
    ]


def queue_letter(
    work: Work,
    letter: str,
    recipients: Iterable[Recipient],
    *,
    campaign_id: str,
    about: str,
    unique_key: str,
    values: Mapping[str, Any] | None = None,
) -> int:
    """Write the letter `letter` (texts `letter_<name>_subject` and `letter_<name>_body`) to each recipient; how many are new.

    `about` is the business key it concerns; with `unique_key` each person gets a letter once. `values` fill the texts (see
    `show_value`), beside `campaign`, `name` and `address` of this installation.
    Raises KeyError for a letter that the catalogue does not have.
    """
    row = work.connection.execute(sa.select(campaign.c.title, campaign.c.demo).where(campaign.c.id == campaign_id)).one()
    catalogue = _catalogue()
    queued = 0
    for recipient in recipients:
        facts = {
            "campaign": row.title,
            "name": recipient.name,
            "address": work.engine.extras.get("base_url") or "",
            **{name: show_value(value, recipient.language, cutoff=name in CUTOFFS) for name, value in (values or {}).items()},
        }
        subject = clean_line(catalogue.say(f"letter_{letter}_subject", recipient.language, facts))
        greeting = catalogue.say("letter_greeting", recipient.language, facts)
        body = catalogue.say(f"letter_{letter}_body", recipient.language, facts)
        closing = catalogue.say("letter_closing_demo" if row.demo else "letter_closing", recipient.language, facts)
        queued += (
            queue_mail(
                work,
                recipient=recipient.email[:300],
                subject=subject,
                body=clean_text(f"{greeting}\n\n{body.strip()}\n\n{closing.strip()}", lines=True) + "\n",
                about=about,
                unique_key=f"{unique_key}:{recipient.id}",
                held=row.demo,
            )
            is not None
        )
    return queued


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
