"""Sending one outbox row by SMTP: TLS where it is asked for, bounded time, one stable Message-ID per row.

The engine leases the row, calls the mailer and marks it sent; whatever is raised here is a failure that is tried again later.
SMTP cannot promise "exactly once": when the connection breaks after the server took the text, the same Message-ID comes again.
"""

from __future__ import annotations

import ipaddress
import re
import smtplib
import ssl
from contextlib import suppress
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Literal

import sqlalchemy as sa

from engine.errors import Problem
from workflows.mails.failures import HIDDEN, hide_addresses
from workflows.mails.letters import clean_line

Security = Literal["none", "starttls", "tls"]

HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
"""Checked by us: Python refuses line breaks in a header's value, not in its name."""

TIMEOUT = 20.0
"""Seconds that each answer of the server may take; well below the lease of a row."""


class AddressRefused(Problem):
    """This is not one mail address: several, a line break, no domain, or a local part outside ASCII."""


class CredentialsUnprotected(Problem):
    """A password would go over the network in clear text."""


class SmtpMailer:
    """Sends rows of `engine.tables.outbox`. Keeps no connection; safe to use from many threads."""

    def __init__(
        self,
        host: str,
        port: int = 25,
        *,
        sender: str,
        sender_name: str = "",
        security: Security = "none",
        user: str | None = None,
        password: str | None = None,
        ca_file: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """`security`: `starttls` begins in clear text and refuses to go on without TLS, `tls` is encrypted from the first byte.

        Certificates are verified, against `ca_file` where it is given. `sender` is a plain address.
        Raises AddressRefused for the sender, CredentialsUnprotected when a password would leave this machine without TLS.
        """
        if user is not None and security == "none" and not _is_local(host):
            raise CredentialsUnprotected(host=host)
        self.host, self.port, self.security, self.timeout = host, port, security, timeout
        self.user, self.password = user, password
        self.sender = read_address(sender, name=sender_name)
        self.context = None if security == "none" else ssl.create_default_context(cafile=ca_file)

    def __call__(self, row: sa.Row[Any]) -> None:
        """Send this row; returns when the server has taken responsibility for it.

        What it raises names no mail address of a recipient: it goes into the log and to administrators.
        Raises AddressRefused, ValueError for headers that are not one line, smtplib.SMTPException and OSError.
        """
        try:
            self._send(row)
        except AddressRefused:
            raise AddressRefused(address=HIDDEN) from None
        except smtplib.SMTPRecipientsRefused as error:
            answers = [_hide_answer(*answer) for answer in error.recipients.values()]
            raise smtplib.SMTPRecipientsRefused({HIDDEN: answers[0]}) from None
        except smtplib.SMTPDataError as error:
            raise smtplib.SMTPDataError(*_hide_answer(error.smtp_code, error.smtp_error)) from None

    def _send(self, row: sa.Row[Any]) -> None:
        message = self.compose(row)
        recipient = read_address(row.recipient)
        with self._connect() as server:
            if self.security == "starttls":
                server.starttls(context=self.context)
            if self.user is not None:
                server.login(self.user, self.password or "")
            server.send_message(message, from_addr=self.sender.addr_spec, to_addrs=[recipient.addr_spec])
            with suppress(smtplib.SMTPException, OSError):  # the letter is delivered; a bad farewell must not send it twice
                server.quit()

    def compose(self, row: sa.Row[Any]) -> EmailMessage:
        """The message of a row. Its text is base64, so that every server on the way can carry it.

        Raises AddressRefused and ValueError.
        """
        message = EmailMessage(policy=SMTP)
        message["From"] = self.sender
        message["To"] = read_address(row.recipient)
        message["Subject"] = clean_line(row.subject)
        message["Date"] = format_datetime(row.created_at)
        message["Message-ID"] = f"<{row.id}@{self.sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers, please
        for name, value in row.headers.items():
            if not HEADER_NAME.fullmatch(name) or name in message:
                raise ValueError(f"header {name[:60]!r} cannot be set")
            message[name] = value
        message.set_content(row.body, charset="utf-8", cte="base64")
        return message

    def _connect(self) -> _Connection:
        name = self.sender.domain if "." in self.sender.domain else "localhost"
        if self.security == "tls":
            assert self.context is not None
            return _Connection(
                smtplib.SMTP_SSL(self.host, self.port, local_hostname=name, timeout=self.timeout, context=self.context)
            )
        return _Connection(smtplib.SMTP(self.host, self.port, local_hostname=name, timeout=self.timeout))


class _Connection:
    """Closes the socket in any case; smtplib's own context manager raises when the server's farewell is odd."""

    def __init__(self, server: smtplib.SMTP) -> None:
        self.server = server

    def __enter__(self) -> smtplib.SMTP:
        return self.server

    def __exit__(self, *_: object) -> None:
        self.server.close()


def read_address(text: str, *, name: str = "") -> Address:
    """One mail address; the domain may be in Chinese (IDNA).

    Raises AddressRefused.
    """
    if any(ord(sign) < 33 or sign in "<>,;:\"'()[]\\" or ord(sign) == 127 for sign in text) or text.count("@") != 1:
        raise AddressRefused(address=text[:100])
    local, domain = text.split("@")
    try:
        local.encode("ascii")
        address = Address(display_name=clean_line(name), username=local, domain=domain.encode("idna").decode("ascii"))
        if not local or not domain or address.addr_spec.count("@") != 1:
            raise AddressRefused(address=text[:100])
        Address(addr_spec=address.addr_spec)  # parses strictly
    except (UnicodeError, ValueError, HeaderParseError, IndexError) as error:
        raise AddressRefused(address=text[:100]) from error
    return address


def _hide_answer(code: int, answer: bytes | str) -> tuple[int, bytes]:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return code, hide_addresses(text).encode()


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
