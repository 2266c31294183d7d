"""The one place where the parts meet: database, clock, handlers, file store, senders, catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.engine import make_url

from api.settings import Settings
from engine.clock import Clock, SystemClock
from engine.database import HELD_SECONDS, PROGRAM, open_database
from engine.outbox import Sender
from engine.scripts import ScriptRunner
from engine.texts import Catalogue
from engine.work import Backend, NoBackend, ProcessEngine
from workflows import extensions
from workflows.campaigns import archiving
from workflows.handlers import install_handlers
from workflows.inbox import many
from workflows.mails import Gateway, GatewaySender, SmtpMailer, is_wanted, read_gateway
from workflows.mails.gateways import CHANNEL
from workflows.people import ROLES
from workflows.workdays import workdays_of


def build_engine(
    settings: Settings,
    *,
    clock: Clock | None = None,
    backend: Backend | None = None,
    program: str = PROGRAM,
    held_seconds: int = HELD_SECONDS,
) -> ProcessEngine:
    """The engine for these settings. Creates the folders it needs; neither creates nor changes tables.

    `backend` wakes up for due rows; without one, `engine.due.run_due` must be called. `program` and
    `held_seconds` are those of `open_database`.
    Raises OSError when a folder cannot be made, and what `make_senders` raises.
    """
    address = make_url(settings.database_url)
    if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
        Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
    settings.file_folder.mkdir(parents=True, exist_ok=True)
    process_engine = ProcessEngine(
        database=open_database(settings.database_url, program=program, held_seconds=held_seconds),
        clock=clock or SystemClock(),
        backend=backend or NoBackend(),
        roles=frozenset(ROLES),
        workdays=workdays_of,
    )
    install_handlers(process_engine.handlers)
    process_engine.bulk.update({**many.OPERATIONS, **archiving.OPERATIONS, **extensions.OPERATIONS})
    gateways = {
        name: read_gateway(name, each.url, each.secret.get_secret_value(), each.letters)
        for name, each in settings.gateways.items()
    }
    process_engine.extras.update(
        settings=settings,
        catalogue=Catalogue("engine", "workflows", "api"),
        files=settings.file_folder.absolute(),  # Flask reads a relative one from its own folder
        largest_file=settings.largest_file,
        base_url=settings.base_url,
        gateways=gateways,
        senders=make_senders(settings, gateways),
        mail_wanted=is_wanted,
        scripts=ScriptRunner(),
    )
    return process_engine


def make_senders(settings: Settings, gateways: Mapping[str, Gateway]) -> dict[str, Sender]:
    """What sends the rows of the outbox, by channel: mail where there is a server, the rest always (a gateway that is gone is
    told). Nothing leaves from a demonstration.

    Raises AddressRefused for the sender, CredentialsUnprotected when a password would leave this machine in clear text.
    """
    if settings.demo:
        return {}
    senders: dict[str, Sender] = {CHANNEL: GatewaySender(gateways)}
    if settings.smtp_host is not None:
        senders["mail"] = SmtpMailer(
            settings.smtp_host,
            settings.smtp_port,
            sender=settings.mail_from,
            security=settings.smtp_security,
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        )
    return senders
