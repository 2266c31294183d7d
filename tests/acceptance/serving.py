"""A running server for acceptance tests: started as a person would, stopped by a signal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A context: `command` with `--port` runs in `folder`, and answers."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, *, patience: int = 300
    ) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._command = [*command, "--port", str(self.port)]
        self._folder, self._patience = folder, patience
        self._environment = {**os.environ, "LANG": "C", "LC_ALL": "C", **(environment or {})}
        self.output = ""
        self.seconds = 0.0

    def __enter__(self) -> Server:
        self._log = (self._folder / f"server-{self.port}.log").open("w+")
        begun = time.monotonic()
        self.process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while time.monotonic() - begun < self._patience:
            if self.process.poll() is not None:
                break
            try:
                self.get("/health")
            except OSError:
                time.sleep(0.1)
                continue
            self.seconds = time.monotonic() - begun
            return self
        self.read_output()
        self.stop(signal.SIGKILL)
        raise AssertionError(f"the server did not come up:\n{self.output}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.stop(signal.SIGTERM)
        self._log.close()

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def stop(self, number: signal.Signals) -> int:
        """Send a signal to the process that was started; its exit code."""
        self.process.send_signal(number)
        try:
            code = self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        self.read_output()
        return code

    def read_output(self) -> str:
        """All that it has printed so far."""
        self._log.flush()
        self.output = Path(self._log.name).read_text()
        return self.output
