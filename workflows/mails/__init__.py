"""Letters: written to the outbox with the step that causes them, sent later by SMTP."""

from workflows.mails.letters import Recipient, find_members, find_persons, has_letter, queue_letter, say
from workflows.mails.smtp import AddressRefused, CredentialsUnprotected, SmtpMailer

__all__ = [
    "AddressRefused",
    "CredentialsUnprotected",
    "Recipient",
    "SmtpMailer",
    "find_members",
    "find_persons",
    "has_letter",
    "queue_letter",
    "say",
]
