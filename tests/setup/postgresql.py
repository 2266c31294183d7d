"""A PostgreSQL server for one run of the tests: made in a temporary folder, reached by a socket in it, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

USER = "linxuan"
OPTIONS = ("listen_addresses=", "max_connections=200", "fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Nothing in it must outlive the run, so it need not wait for the disk."""


def find_binaries() -> Path | None:
    """The folder with `initdb` and `pg_ctl` of the newest installed server; None when there is none."""
    on_path = shutil.which("initdb")
    places = [Path(on_path).parent] if on_path else []
    for pattern in ("usr/lib/postgresql/*/bin", "opt/homebrew/opt/postgresql*/bin", "usr/local/opt/postgresql*/bin"):
        places += sorted(Path("/").glob(pattern), key=lambda place: [int(part) for part in place.parts if part.isdigit()])
    complete = [place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()]
    return complete[-1] if complete else None


class TemporaryServer:
    """A context: the server runs inside it, and `url` leads to it. PostgreSQL refuses root, so for root another user runs it."""

    def __init__(
        self, binaries: Path, *, options: tuple[str, ...] = OPTIONS, within: tuple[str, ...] = (), trusted: str | None = None
    ) -> None:
        """`within` is the beginning of a command that runs the rest elsewhere (another network, which takes root); connections
        over TCP from the network `trusted` are let in."""
        self.binaries, self.options, self.within, self.trusted = binaries, options, within, trusted
        self.folder = Path(tempfile.mkdtemp(prefix="linxuan-pg-"))
        self.user = next((name for name in ("postgres", "nobody") if _exists(name)), None) if os.geteuid() == 0 else None
        self.url = f"postgresql://{USER}@/postgres?host={self.folder}"

    def __enter__(self) -> TemporaryServer:
        if self.user:
            shutil.chown(self.folder, self.user)
        data = str(self.folder / "data")
        self._run("initdb", "--pgdata", data, "--username", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        if self.trusted:
            with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {self.trusted} trust\n")
        options = " ".join(f"-c {option}" for option in (*self.options, f"unix_socket_directories={self.folder}"))
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "--wait", "--silent", "--pgdata", data, "--log", log, "--options", options)
        return self

    def restart(self) -> None:
        """As after a crash: every connection is cut in the middle of what it does, and the log is replayed."""
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "restart", "--wait", "--silent", "--mode", "immediate", "--pgdata", data, "--log", log)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._run("pg_ctl", "stop", "--silent", "--mode", "immediate", "--pgdata", str(self.folder / "data"))
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        user = None if self.within else self.user
        command = [*self.within, "runuser", "-u", str(self.user), "--"] if self.within else []
        subprocess.run(
            [*command, str(self.binaries / program), *arguments],
            check=True,
            cwd=self.folder,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
