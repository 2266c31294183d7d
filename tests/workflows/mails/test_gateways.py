"""Letters to a real HTTP server: signed as the standard says, tried again, never followed elsewhere, once by its id."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa

from engine.due import run_due
from engine.outbox import queue_mail
from engine.tables import outbox
from engine.work import ProcessEngine
from tests.workflows.mails.conftest import CERTIFICATE
from tests.workflows.world import BEIJING, World
from workflows import reminders
from workflows.mails import GatewaySender, GatewayUnusable, is_wanted, read_gateway, register
from workflows.reminders import Choice
from workflows.rules import campaign_subject
from workflows.tables import campaign, letter, person

KEY = b"a key of at least twenty-four bytes"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@dataclass
class Received:
    """What a gateway got: (headers, body) each; it answers `answers` in turn, then 204."""

    url: str = ""
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    pause: float = 0

    @property
    def data(self) -> list[dict[str, Any]]:
        return [json.loads(body)["data"] for _, body in self.posts]


@pytest.fixture
def gateway() -> Iterator[Callable[..., Received]]:
    """Start gateways on this machine, with or without TLS."""
    running = []

    def start(*, tls: bool = False) -> Received:
        received = Received()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802 - http.server's name
                body = self.rfile.read(int(self.headers["content-length"]))
                received.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                time.sleep(received.pause)
                status, headers, answer = received.answers.pop(0) if received.answers else (204, {}, b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(ConnectionError):  # the other side has read enough
                    self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        received.url = f"{'https' if tls else 'http'}://localhost:{server.server_port}/send?to=all"
        return received

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def attach(process_engine: ProcessEngine, received: Received, **options: Any) -> None:
    """Let the engine know the gateway `sms`."""
    gateways = {"sms": read_gateway("sms", received.url, SECRET, options.pop("letters", ()))}
    process_engine.extras.update(
        gateways=gateways, senders={"webhook": GatewaySender(gateways, **options)}, mail_wanted=is_wanted, base_url="https://l"
    )


def queue(process_engine: ProcessEngine) -> str:
    """A letter to the gateway."""
    with process_engine.begin() as work:
        written = queue_mail(
            work,
            recipient="sms",
            subject="办理提醒",
            body="请办理。\n",
            about="samr-2022",
            unique_key="k",
            headers={"person": "zhang", "letter": "reminder", "campaign": "samr-2022"},
            channel="webhook",
        )
    assert written is not None
    return written


def row_of(process_engine: ProcessEngine, row_id: str) -> Any:
    with process_engine.read() as work:
        return work.connection.execute(sa.select(outbox).where(outbox.c.id == row_id)).one()


def test_a_letter_is_posted_once_and_can_be_checked(process_engine: ProcessEngine, gateway: Callable[..., Received]) -> None:
    received = gateway()
    attach(process_engine, received)
    row_id = queue(process_engine)
    run_due(process_engine)
    run_due(process_engine)
    [(headers, body)] = received.posts
    assert row_of(process_engine, row_id).state == "sent"
    assert json.loads(body) == {
        "type": "letter",
        "timestamp": row_of(process_engine, row_id).created_at.isoformat(),
        "data": {
            "person": "zhang",
            "letter": "reminder",
            "campaign": "samr-2022",
            "about": "samr-2022",
            "subject": "办理提醒",
            "text": "请办理。\n",
        },
    }
    # as a receiver checks it (Standard Webhooks 1.0)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}" and headers["webhook-id"] == row_id
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 60


def test_a_failure_is_tried_again_with_the_same_id(
    sqlite_engine: ProcessEngine, virtual_clock: Any, gateway: Callable[..., Received]
) -> None:
    received = gateway()
    received.answers = [(503, {}, "忙".encode())]
    attach(sqlite_engine, received)
    row_id = queue(sqlite_engine)
    run_due(sqlite_engine)
    row = row_of(sqlite_engine, row_id)
    assert (row.state, row.attempt) == ("queued", 1) and "503" in row.last_error and "忙" in row.last_error
    virtual_clock.move_to(virtual_clock.now() + timedelta(seconds=10))
    run_due(sqlite_engine)
    assert row_of(sqlite_engine, row_id).state == "sent"
    assert [headers["webhook-id"] for headers, _ in received.posts] == [row_id, row_id]


def test_a_letter_is_never_led_elsewhere(sqlite_engine: ProcessEngine, gateway: Callable[..., Received]) -> None:
    received, other = gateway(), gateway()
    received.answers = [(307, {"location": other.url}, b"")]
    attach(sqlite_engine, received)
    row_id = queue(sqlite_engine)
    run_due(sqlite_engine)
    assert other.posts == [] and "307" in row_of(sqlite_engine, row_id).last_error


def test_what_answers_too_slowly_or_too_much_is_left(sqlite_engine: ProcessEngine, gateway: Callable[..., Received]) -> None:
    received = gateway()
    received.answers = [(500, {}, b"x" * 5_000_000)]
    attach(sqlite_engine, received)
    row_id = queue(sqlite_engine)
    run_due(sqlite_engine)
    assert len(row_of(sqlite_engine, row_id).last_error) < 500
    received.pause = 1
    attach(sqlite_engine, received, timeout=0.1)
    with sqlite_engine.begin() as work:
        work.connection.execute(outbox.update().values(next_try_at=work.now))
    run_due(sqlite_engine)
    assert row_of(sqlite_engine, row_id).last_error.startswith("TimeoutError")


def test_certificates_are_verified(sqlite_engine: ProcessEngine, gateway: Callable[..., Received]) -> None:
    received = gateway(tls=True)
    attach(sqlite_engine, received)
    row_id = queue(sqlite_engine)
    run_due(sqlite_engine)
    assert row_of(sqlite_engine, row_id).last_error.startswith("SSLCertVerificationError") and received.posts == []
    attach(sqlite_engine, received, context=ssl.create_default_context(cafile=str(CERTIFICATE)))
    with sqlite_engine.begin() as work:
        work.connection.execute(outbox.update().values(next_try_at=work.now))
    run_due(sqlite_engine)
    assert row_of(sqlite_engine, row_id).state == "sent" and len(received.posts) == 1


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "https:///x", "file:///etc/passwd", "https://u:p@gateway.example/"])
def test_an_address_that_is_not_safe_is_refused(url: str) -> None:
    with pytest.raises(GatewayUnusable):
        read_gateway("sms", url, SECRET)


# ---- in a campaign ---------------------------------------------------------------------------------------------------
def urge_east(world: World) -> reminders.Urging:
    with world.process_engine.begin(by=world["organiser"].id) as work:
        chosen = Choice(task_ids=(world.find_task("recommend", body="east"),))
        return reminders.urge_owers(work, world["organiser"], world.campaign_id, chosen)


def test_a_letter_goes_every_way_that_is_open(world: World, gateway: Callable[..., Received]) -> None:
    """One with an address, one without: both are reached by the gateway."""
    received = gateway()
    attach(world.process_engine, received, letters=("urged",))
    with world.process_engine.begin() as work:
        work.connection.execute(
            sa.update(person).where(person.c.login == "east_auditor").values(email="auditor@beijing.example.org")
        )
    urged = urge_east(world)
    assert (urged.tasks, urged.letters, urged.unreachable) == (1, 2, 0)
    run_due(world.process_engine)
    assert sorted(each["person"] for each in received.data) == ["east_auditor", "east_colleague"]
    assert {each["campaign"] for each in received.data} == {"samr-2022"}
    query = (
        sa.select(person.c.login, outbox.c.channel, outbox.c.state)
        .join(letter, letter.c.outbox_id == outbox.c.id)
        .join(person, person.c.id == letter.c.person_id)
        .where(letter.c.name == "urged")
    )
    assert sorted(map(tuple, world.rows(query))) == [
        ("east_auditor", "mail", "queued"),
        ("east_auditor", "webhook", "sent"),
        ("east_colleague", "webhook", "sent"),
    ]


def test_a_letter_to_a_gateway_is_seen_and_sent_again(world: World, gateway: Callable[..., Received]) -> None:
    received = gateway()
    received.answers = [(400, {}, b"no number")] * 16
    attach(world.process_engine, received, letters=("urged",))
    world.at(datetime(2022, 7, 20, 10, tzinfo=BEIJING))
    urge_east(world)
    for minutes in range(1, 200, 10):
        world.at(datetime(2022, 7, 20, 10, tzinfo=BEIJING) + timedelta(minutes=minutes))
    with world.process_engine.begin(by=world["organiser"].id) as work:
        subject = campaign_subject(work, world.campaign_id)
        failed = register.list_letters(work, world["organiser"], subject, state="failed").rows
        assert [(line.channel, line.address, line.attempts) for line in failed] == [("webhook", "sms", 8)] * 2
        assert failed[0].failure is not None and failed[0].failure.kind == "gateway"
        register.resend_letter(work, world["organiser"], subject, failed[0].id)
    before = len(received.posts)
    received.answers.clear()
    run_due(world.process_engine)
    assert len(received.posts) == before + 1
    world.process_engine.extras["gateways"] = {}
    with world.process_engine.begin(by=world["organiser"].id) as work, pytest.raises(register.RecipientUnreachable):
        register.resend_letter(work, world["organiser"], campaign_subject(work, world.campaign_id), failed[1].id)


def test_nothing_leaves_a_demonstration(world: World, gateway: Callable[..., Received]) -> None:
    received = gateway()
    attach(world.process_engine, received)
    with world.process_engine.begin() as work:
        work.connection.execute(sa.update(campaign).values(demo=True))
    urge_east(world)
    run_due(world.process_engine)
    assert received.posts == []
