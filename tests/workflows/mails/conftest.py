"""A real mail server for the tests: aiosmtpd in a thread, with and without TLS, with recipients it refuses."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

CERTIFICATE = Path(__file__).with_name("localhost.pem")


@dataclass
class Mailbox:
    """What the server took: (sender, recipients, message) each; `refused` recipients get a 550."""

    letters: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    users: dict[str, str] = field(default_factory=dict)
    secure: list[bool] = field(default_factory=list)
    host: str = "127.0.0.1"
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes) and envelope.mail_from is not None
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.letters.append((envelope.mail_from, envelope.rcpt_tos, message))
        assert server.transport is not None
        self.secure.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 taken"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=self.users.get(data.login.decode()) == data.password.decode(), handled=False)


class FreePort(Controller):
    """Listens on a port that the system chooses; aiosmtpd's own check at the start connects to the one that was asked for."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


OpenServer = Callable[..., Mailbox]


@pytest.fixture
def open_server() -> Iterator[OpenServer]:
    """Start mail servers: `open_server(security="none" | "starttls" | "tls", users={name: password})`."""
    running: list[FreePort] = []

    def start(*, security: str = "none", users: dict[str, str] | None = None) -> Mailbox:
        mailbox = Mailbox(users=users or {})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        options: dict[str, Any] = {}
        if security == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if users:
            options |= {"authenticator": mailbox.authenticate, "auth_required": True, "auth_require_tls": security == "starttls"}
        controller = FreePort(
            mailbox,
            hostname="127.0.0.1",
            port=0,
            ssl_context=context if security == "tls" else None,
            **options,
        )
        controller.start()
        running.append(controller)
        mailbox.port = controller.port
        return mailbox

    yield start
    for controller in running:
        controller.stop()
