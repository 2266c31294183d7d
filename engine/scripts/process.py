"""One script process as its parent sees it: ask with a deadline, and kill."""

from __future__ import annotations

import importlib.util
import os
import select
import signal
import struct
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import IO

MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of an answer: a process that says more has gone wrong."""
START_S = 30.0
"""How long a process may take to start, on a machine that is very busy."""
_PIECE = 65_536


class ProcessSilent(Exception):  # noqa: N818
    """The process did not answer in time."""


class ProcessGone(Exception):  # noqa: N818
    """The process ended instead of answering. `status` is its exit status, negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@cache
def _command() -> tuple[str, ...]:
    found = importlib.util.find_spec("starlark")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("starlark-pyo3 is not installed")
    site = Path(found.origin).parent.parent
    return (sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("child.py")), str(site))


class ScriptProcess:
    """A running script process. For one thread at a time."""

    def __init__(self) -> None:
        self.asked = 0
        self._ready = False
        self._process = subprocess.Popen(
            _command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            env={"LANG": "C.UTF-8"},
            start_new_session=True,  # a Ctrl-C at the terminal is not for it
        )
        for stream in (self._input, self._output):
            os.set_blocking(stream.fileno(), False)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def ask(self, request: bytes, *, limit_s: float) -> bytes:
        """Its answer to a request, within `limit_s` seconds from when it is ready.

        Raises ProcessSilent and ProcessGone; the process is to be killed then.
        """
        if not self._ready:
            self._read_frame(time.monotonic() + START_S)
            self._ready = True
        self.asked += 1
        stop_at = time.monotonic() + limit_s
        self._write(struct.pack(">I", len(request)) + request, stop_at)
        return self._read_frame(stop_at)

    def kill(self) -> None:
        """End it at once and take its exit status, so that nothing of it stays in the system's table."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._close()

    def forget(self) -> None:
        """Let go of a process that belongs to the process we were forked from: it must not be killed or waited for here."""
        self._process.returncode = 0
        self._close()

    def _close(self) -> None:
        self._input.close()
        self._output.close()

    def _read_frame(self, stop_at: float) -> bytes:
        (length,) = struct.unpack(">I", self._read(4, stop_at))
        if length > MAX_ANSWER:
            raise ProcessSilent(f"an answer of {length} bytes")
        return self._read(length, stop_at)

    def _read(self, length: int, stop_at: float) -> bytes:
        parts: list[bytes] = []
        while length:
            self._wait(self._output.fileno(), select.POLLIN, stop_at)
            try:
                part = os.read(self._output.fileno(), min(length, _PIECE))
            except BlockingIOError:
                continue
            if not part:
                raise self._gone(stop_at)
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _write(self, data: bytes, stop_at: float) -> None:
        rest = memoryview(data)
        while rest:
            self._wait(self._input.fileno(), select.POLLOUT, stop_at)
            try:
                rest = rest[os.write(self._input.fileno(), rest[:_PIECE]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._gone(stop_at) from None

    def _wait(self, number: int, event: int, stop_at: float) -> None:
        poll = select.poll()
        poll.register(number, event)
        left = stop_at - time.monotonic()
        if left <= 0 or not poll.poll(max(1, left * 1000)):
            raise ProcessSilent

    def _gone(self, stop_at: float) -> ProcessGone | ProcessSilent:
        try:
            return ProcessGone(self._process.wait(max(1.0, stop_at - time.monotonic())))
        except subprocess.TimeoutExpired:
            return ProcessSilent()
