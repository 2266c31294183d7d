"""Gateways: letters as signed POSTs to other systems of the authority, which hand them on as short messages or into a chat.

Only the installation's settings name gateways; nobody can make Linxuan call any other address. The format is that of Standard
Webhooks 1.0 (https://www.standardwebhooks.com): the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, so that
a receiver can check them by one of its libraries. As with SMTP a letter may come twice; its `webhook-id` is the same then.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import ipaddress
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import sqlalchemy as sa

from engine.errors import Problem

CHANNEL = "webhook"
TIMEOUT = 20.0
"""Seconds that each step of the exchange may take; well below the lease of a row."""
ANSWER = 300
"""Characters of a refusal that are kept."""
LEAST_KEY = 24
"""Bytes of a secret, as the standard asks."""


class GatewayUnusable(Problem):
    """A gateway of the settings cannot be used: `reason`."""


class GatewayUnknown(Problem):
    """The settings do not name this gateway any more."""


class GatewayRefused(Problem):
    """The gateway did not take the letter: `status` and the beginning of its `answer`. It is never followed elsewhere."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway: its address, the key that signs, and the names of letters that it gets (none named: all)."""

    name: str
    url: str
    key: bytes = field(repr=False)
    letters: frozenset[str] = frozenset()

    def takes(self, letter: str) -> bool:
        """Whether a letter of this name goes to it."""
        return not self.letters or letter in self.letters


def read_gateway(name: str, url: str, secret: str, letters: tuple[str, ...] = ()) -> Gateway:
    """A gateway of the settings. `secret` is `whsec_` and at least 24 bytes in base64. `http` may only be this machine.

    Raises GatewayUnusable.
    """
    parts = urlsplit(url)
    if parts.username or parts.password or parts.fragment or not parts.hostname:
        raise GatewayUnusable(name=name, reason="url")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_local(parts.hostname)):
        raise GatewayUnusable(name=name, reason="https")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as fault:
        raise GatewayUnusable(name=name, reason="secret") from fault
    if len(key) < LEAST_KEY:
        raise GatewayUnusable(name=name, reason="secret")
    return Gateway(name, url, key, frozenset(letters))


def sign(key: bytes, message_id: str, moment: int, body: bytes) -> str:
    """The value of `webhook-signature` for a body sent at `moment` (seconds since 1970)."""
    signed = f"{message_id}.{moment}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class GatewaySender:
    """Sends rows of the channel `webhook`. Keeps no connection; safe to use from many threads."""

    def __init__(
        self, gateways: Mapping[str, Gateway], *, timeout: float = TIMEOUT, context: ssl.SSLContext | None = None
    ) -> None:
        self.gateways, self.timeout = gateways, timeout
        self.context = context or ssl.create_default_context()

    def __call__(self, row: sa.Row[Any]) -> None:
        """Send this row; returns when the gateway has taken responsibility for it (any 2xx).

        Raises GatewayUnknown, GatewayRefused, http.client.HTTPException and OSError.
        """
        gateway = self.gateways.get(row.recipient)
        if gateway is None:
            raise GatewayUnknown(name=row.recipient)
        body = compose_post(row)
        moment = int(time.time())  # the wire's clock, not the campaign's: the receiver compares it with its own
        headers = {
            "content-type": "application/json",
            "user-agent": "linxuan",
            "webhook-id": row.id,
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(gateway.key, row.id, moment, body),
        }
        parts = urlsplit(gateway.url)
        address = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._connect(str(parts.hostname), parts.port, secure=parts.scheme == "https")
        try:
            connection.request("POST", address, body, headers)
            answer = connection.getresponse()
            if not 200 <= answer.status < 300:
                raise GatewayRefused(status=answer.status, answer=answer.read(ANSWER).decode("utf-8", "replace"))
        finally:
            connection.close()

    def _connect(self, host: str, port: int | None, *, secure: bool) -> http.client.HTTPConnection:
        if secure:
            return http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self.context)
        return http.client.HTTPConnection(host, port, timeout=self.timeout)


def compose_post(row: sa.Row[Any]) -> bytes:
    """What a gateway gets: JSON with `type`, `timestamp` and `data`, as the standard proposes."""
    data = {
        "person": row.headers["person"],
        "letter": row.headers["letter"],
        "campaign": row.headers["campaign"],
        "about": row.about,
        "subject": row.subject,
        "text": row.body,
    }
    return orjson.dumps({"type": "letter", "timestamp": row.created_at, "data": data})


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
