"""The program in processes of its own, so that it can be killed: started, watched, ended without mercy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 240
"""Seconds after which something that should have happened never will, even on a busy machine."""


class Program:
    """A verb in a process group of its own; `log` holds what it prints. Killed at the end of the context, if it still runs."""

    def __init__(
        self, *arguments: object, folder: Path, environment: Mapping[str, str] | None = None, within: Sequence[str] = ()
    ) -> None:
        self.log = folder / "program.log"
        quiet = {name: value for name, value in os.environ.items() if not name.startswith(("LINXUAN_", "LC_", "LANG"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*within, sys.executable, *map(str, arguments)],
                cwd=ROOT,
                env=quiet | {"LINXUAN_FILE_FOLDER": str(folder / "files")} | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.kill()

    @property
    def runs(self) -> bool:
        """Whether it still does."""
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL to it and all its children at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def pause(self) -> None:
        """SIGSTOP to it and all its children: it does nothing any more, and does not know."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """After `pause`."""
        os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def children(self) -> list[int]:
        """The ids of the processes that it started."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(word) for word in found.split()]

    def said(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-4000:]


def wait_until(condition: Callable[[], bool], program: Program | None = None, *, pause: float = 0.03) -> None:
    """Look again and again until the condition holds.

    Raises AssertionError when it takes too long, or the program has ended before.
    """
    until = time.monotonic() + PATIENCE
    while not condition():
        assert program is None or program.runs, f"the program ended: {program.said()}"
        assert time.monotonic() < until, "it takes too long"
        time.sleep(pause)
