"""Why a letter did not leave, as an official may read it: what kind of failure, and the server's answer without addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["recipient", "address", "server", "gateway", "other"]

ADDRESS = re.compile(r"[^\s@<>()\[\]{},;:，；、。'\"“”]+(?:@[^\s@<>()\[\]{},;:，；、。'\"“”]+)+")
HIDDEN = "***@***"

_KINDS: dict[str, Kind] = {
    "GatewayRefused": "gateway",
    "GatewayUnknown": "gateway",
    "SMTPRecipientsRefused": "recipient",
    "SMTPDataError": "recipient",
    "AddressRefused": "address",
    "SMTPAuthenticationError": "server",
    "SMTPConnectError": "server",
    "SMTPHeloError": "server",
    "SMTPNotSupportedError": "server",
    "SMTPSenderRefused": "server",
    "SMTPServerDisconnected": "server",
    "ConnectionRefusedError": "server",
    "ConnectionResetError": "server",
    "TimeoutError": "server",
    "OSError": "server",
    "gaierror": "server",
    "SSLCertVerificationError": "server",
    "SSLError": "server",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """`recipient`: the server does not take letters to this mailbox; `address`: it is none; `server`: the way there is broken;
    `gateway`: it did not take it."""

    kind: Kind
    answer: str


def read_failure(last_error: str | None) -> Failure | None:
    """The failure of an outbox row (`last_error`); None where nothing failed."""
    if not last_error:
        return None
    name, _, answer = last_error.partition(":")
    return Failure(_KINDS.get(name.strip(), "other"), hide_addresses(answer.strip())[:300])


def hide_addresses(text: str) -> str:
    """`text` without mail addresses: they are personal, and have no place in logs and incidents."""
    return ADDRESS.sub(HIDDEN, text)
