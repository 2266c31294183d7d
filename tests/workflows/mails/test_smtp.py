"""Letters over a real connection: what arrives, what is refused, and what happens to the row."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.due import next_due, run_due
from engine.incidents import list_incidents, retry_incident
from engine.outbox import queue_mail
from engine.tables import outbox
from engine.work import ProcessEngine
from workflows.mails import AddressRefused, CredentialsUnprotected, SmtpMailer

CERTIFICATE = Path(__file__).with_name("localhost.pem")
OpenServer = Callable[..., Any]


def queue(process_engine: ProcessEngine, **changes: Any) -> str:
    values: dict[str, Any] = {
        "recipient": "expert@example.org",
        "subject": "请评审：检验检测促进经济社会创新发展优秀案例",
        "body": "张三：\n\n请在2022年10月31日24:00（北京时间）前完成。\n" + "长" * 2000 + "\n.\n结束\n",
        "about": "samr_2022_932",
        "unique_key": "letter:1",
    }
    with process_engine.begin() as work:
        mail_id = queue_mail(work, **(values | changes))
    assert mail_id is not None
    return mail_id


def state_of(process_engine: ProcessEngine, mail_id: str) -> sa.Row[Any]:
    with process_engine.read() as work:
        return work.connection.execute(sa.select(outbox).where(outbox.c.id == mail_id)).one()


def mailer(server: Any, **options: Any) -> SmtpMailer:
    return SmtpMailer("localhost", server.port, sender="linxuan@example.org", **options)


def test_a_chinese_letter_arrives_whole_and_once(process_engine: ProcessEngine, open_server: OpenServer) -> None:
    server = open_server()
    process_engine.extras["senders"] = {"mail": mailer(server, sender_name="遴选")}
    mail_id = queue(process_engine, headers={"X-Linxuan-About": "samr_2022_932"})
    run_due(process_engine)
    run_due(process_engine)
    [(sender, recipients, message)] = server.letters
    assert (sender, recipients) == ("linxuan@example.org", ["expert@example.org"])
    assert message["Subject"] == "请评审：检验检测促进经济社会创新发展优秀案例"
    assert message["From"].addresses[0].display_name == "遴选"
    assert message["Message-ID"] == f"<{mail_id}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Linxuan-About"] == "samr_2022_932"
    assert message["Date"].datetime.isoformat() == "2022-07-01T01:00:00+00:00"
    assert (
        message.get_content().replace("\r\n", "\n")
        == "张三：\n\n请在2022年10月31日24:00（北京时间）前完成。\n" + "长" * 2000 + "\n.\n结束\n"
    )
    row = state_of(process_engine, mail_id)
    assert (row.state, row.attempt) == ("sent", 0) and row.sent_at is not None


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_encrypted_connection_with_log_in(sqlite_engine: ProcessEngine, open_server: OpenServer, security: str) -> None:
    server = open_server(security=security, users={"linxuan": "geheim"} if security == "starttls" else None)
    user = {"user": "linxuan", "password": "geheim"} if security == "starttls" else {}
    sqlite_engine.extras["senders"] = {"mail": mailer(server, security=security, ca_file=str(CERTIFICATE), **user)}
    mail_id = queue(sqlite_engine)
    run_due(sqlite_engine)
    assert state_of(sqlite_engine, mail_id).last_error is None
    assert state_of(sqlite_engine, mail_id).state == "sent"
    assert server.secure == [True]


def test_a_certificate_that_nobody_vouches_for_is_refused(open_server: OpenServer, sqlite_engine: ProcessEngine) -> None:
    server = open_server(security="tls")
    row = state_of(sqlite_engine, queue(sqlite_engine))
    with pytest.raises(ssl.SSLCertVerificationError):
        mailer(server, security="tls")(row)
    assert server.letters == []


def test_starttls_does_not_fall_back_to_clear_text(open_server: OpenServer, sqlite_engine: ProcessEngine) -> None:
    server = open_server(security="none")
    row = state_of(sqlite_engine, queue(sqlite_engine))
    with pytest.raises(smtplib.SMTPNotSupportedError):
        mailer(server, security="starttls", ca_file=str(CERTIFICATE))(row)
    assert server.letters == []


def test_a_wrong_password_is_a_failure_and_says_so(open_server: OpenServer, sqlite_engine: ProcessEngine) -> None:
    server = open_server(security="starttls", users={"linxuan": "geheim"})
    wrong = mailer(server, security="starttls", ca_file=str(CERTIFICATE), user="linxuan", password="falsch")
    sqlite_engine.extras["senders"] = {"mail": wrong}
    mail_id = queue(sqlite_engine)
    run_due(sqlite_engine)
    row = state_of(sqlite_engine, mail_id)
    assert (row.state, row.attempt) == ("queued", 1)
    assert row.last_error is not None and row.last_error.startswith("SMTPAuthenticationError")
    assert "falsch" not in row.last_error


def test_a_password_never_leaves_the_machine_unprotected() -> None:
    with pytest.raises(CredentialsUnprotected):
        SmtpMailer("mail.example.org", 25, sender="a@example.org", user="u", password="p")
    SmtpMailer("mail.example.org", 25, sender="a@example.org", user="u", password="p", security="starttls")
    for local in ("localhost", "127.0.0.1", "::1"):
        SmtpMailer(local, 25, sender="a@example.org", user="u", password="p")


def test_a_refused_recipient_is_tried_with_pauses_then_reported_and_does_not_stop_others(
    sqlite_engine: ProcessEngine, open_server: OpenServer, virtual_clock: VirtualClock
) -> None:
    server = open_server()
    server.refused.add("gone@example.org")
    sqlite_engine.extras["senders"] = {"mail": mailer(server)}
    bad = queue(sqlite_engine, recipient="gone@example.org", unique_key="bad")
    good = queue(sqlite_engine, unique_key="good")
    run_due(sqlite_engine)
    assert state_of(sqlite_engine, good).state == "sent"
    row = state_of(sqlite_engine, bad)
    assert (row.state, row.attempt) == ("queued", 1) and "no such mailbox" in row.last_error
    for _ in range(20):
        with sqlite_engine.read() as work:
            moment = next_due(work)
        if moment is None:
            break
        virtual_clock.move_to(max(moment, virtual_clock.now()))
        run_due(sqlite_engine)
    assert state_of(sqlite_engine, bad).state == "dead"
    with sqlite_engine.read() as work:
        [incident] = list_incidents(work)
    assert (incident.kind, incident.row_id) == ("mail", bad)
    server.refused.clear()  # the mailbox exists now; an administrator tries again
    with sqlite_engine.begin() as work:
        retry_incident(work, incident.id)
    run_due(sqlite_engine)
    assert state_of(sqlite_engine, bad).state == "sent"
    assert len(server.letters) == 2


def test_a_server_that_is_down_delays_the_letter(
    sqlite_engine: ProcessEngine, open_server: OpenServer, virtual_clock: VirtualClock
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sqlite_engine.extras["senders"] = {"mail": SmtpMailer("127.0.0.1", port, sender="linxuan@example.org")}
    mail_id = queue(sqlite_engine)
    run_due(sqlite_engine)
    assert (state_of(sqlite_engine, mail_id).state, state_of(sqlite_engine, mail_id).attempt) == ("queued", 1)
    server = open_server()
    sqlite_engine.extras["senders"] = {"mail": mailer(server)}
    run_due(sqlite_engine)
    assert server.letters == []  # the pause is not over
    virtual_clock.move_to(virtual_clock.now() + timedelta(seconds=10))
    run_due(sqlite_engine)
    assert state_of(sqlite_engine, mail_id).state == "sent" and len(server.letters) == 1


def speak(lines: list[bytes]) -> tuple[int, threading.Thread]:
    """A server that answers with these lines, one for each thing it hears, and then hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def serve() -> None:
        with listener, listener.accept()[0] as connection, connection.makefile("rb") as heard:
            for line in lines:
                connection.sendall(line + b"\r\n")
                if line.startswith(b"354"):
                    while heard.readline() not in (b".\r\n", b""):
                        pass
                else:
                    heard.readline()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return port, thread


def test_a_bad_farewell_after_delivery_is_no_failure(sqlite_engine: ProcessEngine) -> None:
    port, thread = speak([b"220 hello", b"250 ok", b"250 sender", b"250 recipient", b"354 go on", b"250 taken", b"421 strange"])
    sqlite_engine.extras["senders"] = {"mail": SmtpMailer("127.0.0.1", port, sender="linxuan@example.org")}
    mail_id = queue(sqlite_engine)
    run_due(sqlite_engine)
    thread.join(5)
    assert (state_of(sqlite_engine, mail_id).state, state_of(sqlite_engine, mail_id).last_error) == ("sent", None)


def test_a_server_that_says_nothing_is_given_up(sqlite_engine: ProcessEngine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = SmtpMailer("127.0.0.1", listener.getsockname()[1], sender="linxuan@example.org", timeout=0.2)
        row = state_of(sqlite_engine, queue(sqlite_engine))
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            silent(row)


@pytest.mark.parametrize(
    "recipient",
    [
        "a@example.org\r\nBcc: all@example.org",
        "a@example.org\nBcc: all@example.org",
        "a@example.org, b@example.org",
        "<a@example.org>",
        "a@example.org\x00",
        "a b@example.org",
        "nobody",
        "@example.org",
        "a@",
        "a@b@c",
        "张三@example.org",
        "",
    ],
)
def test_what_is_not_one_address_is_refused(recipient: str, open_server: OpenServer, sqlite_engine: ProcessEngine) -> None:
    server = open_server()
    row = state_of(sqlite_engine, queue(sqlite_engine, recipient=recipient))
    with pytest.raises(AddressRefused):
        mailer(server)(row)
    assert server.letters == []


def test_a_header_cannot_be_smuggled_in(open_server: OpenServer, sqlite_engine: ProcessEngine) -> None:
    server = open_server()
    subject = "结果\r\nBcc: all@example.org\r\n\r\n正文"
    mailer(server)(state_of(sqlite_engine, queue(sqlite_engine, subject=subject, unique_key="s")))
    [(_, recipients, message)] = server.letters
    assert recipients == ["expert@example.org"]
    assert message["Bcc"] is None
    assert message["Subject"] == "结果 Bcc: all@example.org 正文"
    for headers in ({"X-A": "b\r\nBcc: c@d.e"}, {"X-A\r\nBcc": "c@d.e"}, {"To": "c@d.e"}, {"subject": "other"}):
        key = repr(headers)
        with pytest.raises(ValueError):
            mailer(server)(state_of(sqlite_engine, queue(sqlite_engine, headers=headers, unique_key=key)))
    assert len(server.letters) == 1


def test_a_chinese_domain_is_written_in_its_ascii_form(open_server: OpenServer, sqlite_engine: ProcessEngine) -> None:
    server = open_server()
    mailer(server)(state_of(sqlite_engine, queue(sqlite_engine, recipient="a@例子.测试")))
    assert server.letters[0][1] == ["a@xn--fsqu00a.xn--0zwm56d"]
