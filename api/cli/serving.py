"""`serve`: the pages by gunicorn, with the embedded scheduler inside when the database is SQLite."""

from __future__ import annotations

import argparse
import errno
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.faults import AddressUnusable, PortTaken, WorkersOnSqlite
from api.cli.opening import is_sqlite, open_engine, read_options, sqlite_file
from api.cli.parser import Verbs
from api.cli.words import Words

if TYPE_CHECKING:
    from api.settings import Settings
    from engine.work import ProcessEngine

EVERYWHERE = ("", "0.0.0.0", "::")
"""Hosts that stand for every address of the machine, and for none that a letter could name."""
DEMO_DATABASE = "sqlite:///var/demo.sqlite3"


def add_verbs(verbs: Verbs) -> None:
    """`serve` and `demo`."""
    serving = verbs.add("serve", serve)
    serving.add("--demo", action="store_true")
    serving.add("--host", default="127.0.0.1")
    serving.add("--port", type=int, default=8000)
    serving.add("--workers", type=int, default=1, metavar="N")
    serving.add("--threads", type=int, default=8, metavar="N")
    verbs.add("demo", make_demo)


def serve(options: argparse.Namespace, words: Words) -> int:
    """Serve until a signal says stop.

    Raises PortTaken, AddressUnusable, WorkersOnSqlite, DatabaseInUse and what opening a database raises.
    """
    from api.cli.server import serve_application

    settings = name_address(read_settings_for(options, demo=options.demo), options.host, options.port)
    if is_sqlite(settings) and options.workers != 1:
        raise WorkersOnSqlite(workers=options.workers)
    require_port(options.host, options.port)
    process_engine = open_engine(settings)
    lines = prepare(process_engine, settings, words)
    settings = mark_demo(process_engine, settings)
    process_engine.database.dispose()  # the server's processes are children of this one and open their own connections
    bind = name_host(options.host, options.port)
    if not is_sqlite(settings):
        lines.append(words.say("worker_hint"))
    lines = ["", words.say("ready", address=f"http://{bind}"), *lines, words.say("stop_hint")]
    serve_application(
        settings,
        bind=bind,
        workers=options.workers,
        threads=options.threads,
        scheduler_lock=scheduler_lock(settings),
        announcement="\n".join(lines),
    )
    return 0


def make_demo(options: argparse.Namespace, words: Words) -> int:
    """Make the demonstration without serving it.

    Raises DatabaseInUse for a database with other data.
    """
    settings = read_settings_for(options, demo=True)
    process_engine = open_engine(settings)
    print("\n".join(prepare(process_engine, settings, words)))
    process_engine.database.dispose()
    return 0


def read_settings_for(options: argparse.Namespace, *, demo: bool) -> Settings:
    """The settings; a demonstration has a database of its own unless one is named.

    Raises SettingsInvalid, DatabaseInMemory.
    """
    settings = read_options(options, demo=demo or None)
    if settings.demo and "database_url" not in settings.model_fields_set:
        settings = settings.model_copy(update={"database_url": DEMO_DATABASE})
    return settings


def name_host(host: str, port: int) -> str:
    """Host and port as they stand in an address."""
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def name_address(settings: Settings, host: str, port: int) -> Settings:
    """Letters and the description of the REST interface name the address of this server, unless a setting names another one."""
    if "base_url" in settings.model_fields_set:
        return settings
    here = "127.0.0.1" if host in EVERYWHERE else host
    return settings.model_copy(update={"base_url": f"http://{name_host(here, port)}"})


def mark_demo(process_engine: ProcessEngine, settings: Settings) -> Settings:
    """A database that was made as a demonstration stays one, however it is served."""
    from workflows.demo import is_demo

    return settings.model_copy(update={"demo": True}) if is_demo(process_engine) else settings


def prepare(process_engine: ProcessEngine, settings: Settings, words: Words) -> list[str]:
    """Make the demonstration where it is wanted, and deploy the notices that come with the software; what is to be told about it.

    A database that a replay made is served as it is, with its log-ins told.
    Raises DatabaseInUse when a demonstration is wanted in a database with other data.
    """
    from workflows.demo import ensure_demo
    from workflows.replay.setting import PASSWORD

    made_for = read_purpose(process_engine)
    if settings.demo or made_for is not None:
        if made_for not in ("demo", "replay"):
            words.note("making_demo")
        logins = ensure_demo(process_engine)
        width = max((len(login.login) for login in logins), default=0)
        named = [f"  {login.login:<{width}}  {words.say('role.' + login.role)}" for login in logins]
        deployed = [] if made_for == "replay" else deploy_bundled(process_engine, settings, words)
        return [*deployed, words.say("demo_logins", password=PASSWORD), *named]
    return deploy_bundled(process_engine, settings, words)


def read_purpose(process_engine: ProcessEngine) -> str | None:
    """What the database was made for, when that was a demonstration or a replay; None for an ordinary installation."""
    import sqlalchemy as sa

    from engine.tables import installation

    with process_engine.read() as work:
        query = sa.select(installation.c.value).where(installation.c.key == "purpose")
        found: str | None = work.connection.execute(query).scalar_one_or_none()
    return found


def deploy_bundled(process_engine: ProcessEngine, settings: Settings, words: Words) -> list[str]:
    """Deploy the bundled notices whose content was never deployed; nothing starts by it."""
    from workflows.notices import bundled_notices, deploy_folder, get_notice, list_notices

    with process_engine.begin() as work:
        known = {summary.id for summary in list_notices(work)}
        found = [deploy_folder(work, files, key=key, kernel=settings.kernel) for key, files in bundled_notices().items()]
        new = [get_notice(work, notice_id) for notice_id in found if notice_id not in known]
    return [words.say("deployed", key=each.key, version=each.version, state=words.say(f"state.{each.state}")) for each in new]


def require_port(host: str, port: int) -> None:
    """Find out before anything is made whether the server can listen.

    Raises PortTaken, AddressUnusable.
    """
    if not 0 < port < 65536:
        raise AddressUnusable(host=host, port=port, reason="1-65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise PortTaken(host=host, port=port, other=port + 1) from fault
        raise AddressUnusable(host=host, port=port, reason=fault.strerror or str(fault)) from fault


def scheduler_lock(settings: Settings) -> Path | None:
    """Where the lock on the scheduler's role stands: beside the SQLite database; None for PostgreSQL, which needs none."""
    file = sqlite_file(settings) if is_sqlite(settings) else None
    return None if file is None else file.with_name(f"{file.name}-scheduler")
