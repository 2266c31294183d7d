"""Mail that is to leave: rows written with the step that causes them, sent later, at least once.

`process_engine.extras["senders"]` names for each channel what sends one of its rows: a callable that raises when it is not taken.
Rows of a channel without a sender wait.
`process_engine.extras["mail_wanted"]`, where there is one, is asked in the last moment whether a row should still leave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engine.attempts import record_failure
from engine.database import insert_all_once
from engine.ids import new_id
from engine.tables import outbox
from engine.work import ProcessEngine, Work

LEASE = timedelta(minutes=2)
"""How long one sender may take; afterwards another may try."""

Sender = Callable[[sa.Row[Any]], None]
Wanted = Callable[[Work, sa.Row[Any]], bool]


def is_sent(work: Work) -> sa.ColumnElement[bool]:
    """Whether a row is of a channel that has a sender here."""
    return outbox.c.channel.in_(sorted(work.engine.extras.get("senders") or ()))


def queue_mail(
    work: Work,
    *,
    recipient: str,
    subject: str,
    body: str,
    about: str | None,
    unique_key: str,
    headers: Mapping[str, str] | None = None,
    channel: str = "mail",
    held: bool = False,
) -> str | None:
    """Write a mail that leaves after the commit; the row's id. None when one with this key was written before.

    `held` rows never leave (demonstrations); an administrator sees them.
    """
    values = make_mail(
        work,
        recipient=recipient,
        subject=subject,
        body=body,
        about=about,
        unique_key=unique_key,
        headers=headers,
        channel=channel,
        held=held,
    )
    return values["id"] if queue_mails(work, [values]) else None


def make_mail(
    work: Work,
    *,
    recipient: str,
    subject: str,
    body: str,
    about: str | None,
    unique_key: str,
    headers: Mapping[str, str] | None = None,
    channel: str = "mail",
    held: bool = False,
) -> dict[str, Any]:
    """The row of a mail, for `queue_mails`."""
    return {
        "id": new_id(),
        "unique_key": unique_key,
        "channel": channel,
        "recipient": recipient,
        "subject": subject,
        "body": body,
        "headers": dict(headers or {}),
        "about": about,
        "generation": 1,
        "state": "held" if held else "queued",
        "attempt": 0,
        "next_try_at": work.now,
        "created_at": work.now,
    }


def queue_mails(work: Work, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Write several mails at once; the unique keys of those that are new."""
    written = insert_all_once(work.connection, outbox, rows)
    for row in rows:
        if row["unique_key"] in written and row["state"] == "queued":
            work.schedule("mail", row["id"], 1, work.now, new=True)
    return written


def send_mail(process_engine: ProcessEngine, mail_id: str, generation: int | None = None) -> bool:
    """Send one queued mail; whether this call did. The row is leased while the server is asked, so two senders do not both.
    What is no longer wanted is withdrawn.

    A failure is counted (`engine.attempts`) and not raised.
    """
    senders: Mapping[str, Sender] = process_engine.extras.get("senders") or {}
    wanted: Wanted | None = process_engine.extras.get("mail_wanted")
    token = new_id()
    with process_engine.begin() as work:
        row = work.connection.execute(sa.select(outbox).where(outbox.c.id == mail_id).with_for_update()).one_or_none()
        if row is None or row.state != "queued" or generation not in (None, row.generation) or row.next_try_at > work.now:
            return False
        if row.channel not in senders:
            return False
        if row.lease_until is not None and row.lease_until > work.now:
            return False
        if wanted is not None and not wanted(work, row):
            work.connection.execute(outbox.update().where(outbox.c.id == mail_id).values(state="withdrawn"))
            return False
        work.connection.execute(
            outbox.update().where(outbox.c.id == mail_id).values(lease_by=token, lease_until=work.now + LEASE)
        )
    try:
        senders[row.channel](row)
    except Exception as error:  # whatever the server or network did
        record_failure(process_engine, "mail", outbox, mail_id, "queued", error)
        return False
    with process_engine.begin() as work:
        work.connection.execute(
            outbox.update().where(outbox.c.id == mail_id, outbox.c.lease_by == token).values(state="sent", sent_at=work.now)
        )
    return True
