"""The letters of a campaign: to whom, about what, what became of them; and writing one again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from engine.errors import Problem
from engine.incidents import settle_incidents
from engine.outbox import queue_mail
from engine.tables import outbox
from engine.work import Work
from workflows.mails import gateways
from workflows.mails.failures import Failure, read_failure
from workflows.mails.letters import is_wanted, record_letter
from workflows.mails.recipients import find_persons
from workflows.people import Person
from workflows.rules import CampaignSubject, can, mask_value, require
from workflows.tables import campaign, letter, letter_task, organisation, person

State = Literal["waiting", "retrying", "sent", "failed", "held", "withdrawn"]


class LetterUnknown(Problem):
    """The campaign has no such letter."""

    kind = "missing"


class LetterWaiting(Problem):
    """The letter has not been tried yet: it leaves by itself."""

    kind = "conflict"


class LetterResent(Problem):
    """The letter was written again before; the later attempt is the one to repeat."""

    kind = "conflict"


class LetterOutdated(Problem):
    """All that the letter reminds of has been done."""

    kind = "conflict"


class RecipientUnreachable(Problem):
    """The person has no mail address now, or is disabled."""

    kind = "conflict"


class LetterPageUnknown(Problem):
    """The mark of a page of letters was not given out by this list."""


@dataclass(frozen=True, slots=True)
class LetterLine:
    """One letter by one way (`channel`: `mail` or `webhook`). `recipient` and `address` (of a gateway its name) are masked
    for whoever need not know them; `about` is a business key.

    `state`: `retrying` waits for another try after a failure, `held` never leaves (demonstration), `withdrawn` was not wanted
    any more. `resent`: a later attempt repeats it; `resent_of` is the attempt that it repeats.
    """

    id: str
    recipient: str
    unit: str | None
    channel: str
    address: str
    subject: str
    about: str | None
    state: State
    attempts: int
    failure: Failure | None
    written_at: datetime
    sent_at: datetime | None
    next_try_at: datetime | None
    resent: bool
    resent_of: str | None
    resent_by: str | None
    can_resend: bool


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Some letters, the newest first; `next` is the mark of the next page, None on the last one."""

    rows: tuple[LetterLine, ...]
    next: str | None


_AGAIN = letter.alias("again")
_BY = person.alias("resender")
_STATES: dict[State, sa.ColumnElement[bool]] = {
    "waiting": sa.and_(outbox.c.state == "queued", outbox.c.attempt == 0),
    "retrying": sa.and_(outbox.c.state == "queued", outbox.c.attempt > 0),
    "sent": outbox.c.state == "sent",
    "failed": outbox.c.state == "dead",
    "held": outbox.c.state == "held",
    "withdrawn": outbox.c.state == "withdrawn",
}
STATES = tuple(_STATES)


def list_letters(
    work: Work,
    reader: Person,
    subject: CampaignSubject,
    *,
    state: State | None = None,
    limit: int = 50,
    after: str | None = None,
) -> LetterPage:
    """A page of the campaign's letters, of one state or all.

    Raises NotPermitted, LetterPageUnknown.
    """
    require(reader, "letter.read", subject)
    query = (
        sa.select(
            outbox,
            letter.c.written_at,
            letter.c.resent_of,
            person.c.name.label("person_name"),
            organisation.c.short_name.label("unit"),
            _AGAIN.c.outbox_id.is_not(None).label("resent"),
            _BY.c.name.label("resender"),
            sa.case(*((which, name) for name, which in _STATES.items()), else_="waiting").label("shown_state"),
        )
        .join(letter, letter.c.outbox_id == outbox.c.id)
        .join(person, person.c.id == letter.c.person_id)
        .outerjoin(organisation, organisation.c.id == person.c.organisation_id)
        .outerjoin(_AGAIN, _AGAIN.c.resent_of == outbox.c.id)
        .outerjoin(_BY, _BY.c.id == letter.c.resent_by)
        .where(letter.c.campaign_id == subject.id)
    )
    if state is not None:
        query = query.where(_STATES[state])
    if after:
        query = query.where(_beyond(after))
    rows = work.connection.execute(query.order_by(letter.c.written_at.desc(), outbox.c.id.desc()).limit(limit + 1)).all()
    plain, resend = can(reader, "letter.recipient", subject), can(reader, "letter.resend", subject)
    lines = tuple(_line(row, plain=plain, resend=resend) for row in rows[:limit])
    return LetterPage(lines, f"{lines[-1].written_at.isoformat()}~{lines[-1].id}" if len(rows) > limit else None)


def count_letters(work: Work, reader: Person, subject: CampaignSubject) -> dict[State, int]:
    """How many letters of the campaign there are by state; states without one are absent.

    Raises NotPermitted.
    """
    require(reader, "letter.read", subject)
    shown = sa.case(*((which, name) for name, which in _STATES.items()), else_="waiting")
    query = sa.select(shown.label("state"), sa.func.count()).join(letter, letter.c.outbox_id == outbox.c.id)
    rows = work.connection.execute(query.where(letter.c.campaign_id == subject.id).group_by(shown))
    counts: dict[Any, int] = {name: count for name, count in rows}
    return {name: counts[name] for name in _STATES if name in counts}


def resend_letter(work: Work, reader: Person, subject: CampaignSubject, letter_id: str) -> str:
    """Write a letter again, to the address that its person has now; the id of the new attempt. The old one is kept as it is, but
    that it is not tried any more.

    Raises NotPermitted, LetterUnknown, LetterWaiting, LetterResent, LetterOutdated, RecipientUnreachable.
    """
    require(reader, "letter.resend", subject)
    query = sa.select(outbox, letter.c.person_id, letter.c.name.label("letter_name")).join(
        letter, letter.c.outbox_id == outbox.c.id
    )
    chosen = query.where(outbox.c.id == letter_id, letter.c.campaign_id == subject.id).with_for_update(of=outbox)
    row = work.connection.execute(chosen).one_or_none()
    if row is None:
        raise LetterUnknown()
    if row.state == "queued" and (row.attempt == 0 or (row.lease_until is not None and row.lease_until > work.now)):
        raise LetterWaiting()
    if work.connection.execute(sa.select(letter.c.outbox_id).where(letter.c.resent_of == letter_id)).first() is not None:
        raise LetterResent()
    if not is_wanted(work, row):
        raise LetterOutdated()
    by_gateway = row.channel == gateways.CHANNEL
    address = _find_gateway(work, row.recipient) if by_gateway else _find_address(work, row.person_id)
    if address is None:
        raise RecipientUnreachable()
    if row.state == "queued":
        work.connection.execute(outbox.update().where(outbox.c.id == letter_id).values(state="withdrawn"))
    settle_incidents(work, letter_id)
    demo = work.connection.execute(sa.select(campaign.c.demo).where(campaign.c.id == subject.id)).scalar_one()
    new_id = queue_mail(
        work,
        recipient=address,
        subject=row.subject,
        body=row.body,
        about=row.about,
        unique_key=f"again:{letter_id}",
        headers=row.headers,
        channel=gateways.CHANNEL if by_gateway else "mail",
        held=demo,
    )
    if new_id is None:
        raise LetterResent()
    tasks = work.connection.execute(sa.select(letter_task.c.task_id).where(letter_task.c.outbox_id == letter_id)).scalars().all()
    name, person_id = row.letter_name, row.person_id
    record_letter(work, new_id, name, campaign_id=subject.id, person_id=person_id, tasks=tasks, resent_of=letter_id)
    return new_id


def _find_address(work: Work, person_id: str) -> str | None:
    found = find_persons(work, [person_id])
    return found[0].email[:300] or None if found else None


def _find_gateway(work: Work, name: str) -> str | None:
    return name if name in (work.engine.extras.get("gateways") or {}) else None


def _line(row: sa.Row[Any], *, plain: bool, resend: bool) -> LetterLine:
    return LetterLine(
        id=row.id,
        recipient=row.person_name if plain else mask_value("name", row.person_name),
        unit=row.unit,
        channel=row.channel,
        address=row.recipient if plain or row.channel != "mail" else mask_value("email", row.recipient),
        subject=row.subject,
        about=row.about,
        state=row.shown_state,
        attempts=row.attempt + (row.state == "sent"),
        failure=read_failure(row.last_error) if row.state in ("queued", "dead", "withdrawn") else None,
        written_at=row.written_at,
        sent_at=row.sent_at,
        next_try_at=row.next_try_at if row.shown_state == "retrying" else None,
        resent=row.resent,
        resent_of=row.resent_of,
        resent_by=row.resender if plain else mask_value("name", row.resender),
        can_resend=resend and not row.resent and row.shown_state != "waiting",
    )


def _beyond(after: str) -> sa.ColumnElement[bool]:
    try:
        moment, letter_id = after.split("~")
        at = datetime.fromisoformat(moment)
    except ValueError as fault:
        raise LetterPageUnknown() from fault
    if at.tzinfo is None:
        raise LetterPageUnknown()
    return sa.or_(letter.c.written_at < at, sa.and_(letter.c.written_at == at, outbox.c.id < letter_id))
