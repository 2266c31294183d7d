"""Letters: written to the outbox with the step that causes them, read in the application, sent later by SMTP and to gateways."""

from workflows.mails.failures import Failure, hide_addresses, read_failure
from workflows.mails.gateways import Gateway, GatewaySender, GatewayUnusable, read_gateway
from workflows.mails.letters import (
    Letter,
    compose_letter,
    has_letter,
    is_wanted,
    queue_letter,
    queue_letters,
    record_letter,
    say,
)
from workflows.mails.recipients import Recipient, find_members, find_persons, list_members
from workflows.mails.smtp import AddressRefused, CredentialsUnprotected, SmtpMailer

__all__ = [
    "Letter",
    "AddressRefused",
    "CredentialsUnprotected",
    "Failure",
    "Gateway",
    "GatewaySender",
    "GatewayUnusable",
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
    "read_gateway",
    "record_letter",
    "say",
]
