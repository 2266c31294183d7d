"""Letters: written to the outbox with the step that causes them, sent later by SMTP."""

from workflows.mails.failures import Failure, hide_addresses, read_failure
from workflows.mails.letters import (
    Letter,
    Recipient,
    compose_letter,
    find_members,
    find_persons,
    has_letter,
    is_wanted,
    list_members,
    queue_letter,
    queue_letters,
    record_letter,
    say,
)
from workflows.mails.smtp import AddressRefused, CredentialsUnprotected, SmtpMailer

__all__ = [
    "Letter",
    "AddressRefused",
    "CredentialsUnprotected",
    "Failure",
    "Recipient",
    "SmtpMailer",
    "compose_letter",
    "find_members",
    "find_persons",
    "has_letter",
    "hide_addresses",
    "is_wanted",
    "list_members",
    "queue_letter",
    "queue_letters",
    "read_failure",
    "record_letter",
    "say",
]
