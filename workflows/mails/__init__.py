"""Letters: written to the outbox with the step that causes them, sent later by SMTP."""

from workflows.mails.letters import (
    Recipient,
    compose_letter,
    find_members,
    find_persons,
    has_letter,
    is_wanted,
    list_members,
    queue_letter,
    record_letter,
    say,
)
from workflows.mails.smtp import AddressRefused, CredentialsUnprotected, SmtpMailer

__all__ = [
    "AddressRefused",
    "CredentialsUnprotected",
    "Recipient",
    "SmtpMailer",
    "compose_letter",
    "find_members",
    "find_persons",
    "has_letter",
    "is_wanted",
    "list_members",
    "queue_letter",
    "record_letter",
    "say",
]
