"""A few script processes, shared by all threads: each runs one script at a time, and is replaced when it gets lost."""

from __future__ import annotations

import os
import signal
import threading
import weakref
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import Any, Self

import orjson

from engine.errors import BpmnError, BpmnEscalation, Finding
from engine.scripts.problems import ScriptFailed, ScriptsBusy
from engine.scripts.process import ProcessGone, ProcessSilent, ScriptProcess

MAX_SOURCE = 20_000
"""Characters of a script."""
MAX_VARIABLES = 8 * 1024 * 1024
"""Bytes of the variables that a script is given, as JSON."""
MAX_RESULT = 256 * 1024
"""Bytes of what a script assigns, as JSON: it becomes part of the instance's document."""
LIMIT_S = 2.0
LIMIT_MB = 64
GRACE_S = 0.5
"""The process stops a script by itself; when it cannot (native code), it is killed so much later."""
BUSY_S = 30.0
"""How long a caller waits for a process to be free."""
MAX_ASKED = 500
"""A process is replaced after so many scripts: whatever a library leaks, it ends."""

_RUNNERS: weakref.WeakSet[ScriptRunner] = weakref.WeakSet()


class ScriptRunner:
    """Runs scripts in `processes` children. Safe for many threads, and for servers that fork after it was made.

    Use as a context manager, or `close` it; what is forgotten is ended with the interpreter.
    """

    def __init__(self, *, processes: int = 2) -> None:
        self._size = processes
        self._reset()
        _RUNNERS.add(self)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(self._size)
        self._idle: list[ScriptProcess] = []
        self._all: set[ScriptProcess] = set()
        self._end = weakref.finalize(self, _kill_all, self._all, os.getpid())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Start the processes now, so that the first script need not wait for one."""
        with self._lock:
            while len(self._all) < self._size:
                self._idle.append(self._add())

    def close(self) -> None:
        """End all processes; those that are running a script, when it is over. A later script starts new ones."""
        with self._lock:
            idle = set(self._idle)
            self._idle.clear()
            self._all.clear()
        _kill_all(idle, os.getpid())

    def run(
        self, source: str, variables: Mapping[str, Any], *, limit_s: float = LIMIT_S, limit_mb: int = LIMIT_MB
    ) -> dict[str, Any]:
        """Run a script over JSON variables; what it assigns at its top level, and what it changed of the given in place.

        Loop variables, functions and names with an underscore stay its own. `limit_s` is wall time, `limit_mb` the memory
        that the script may take.
        Raises BpmnError or BpmnEscalation when the script throws one (with what it had assigned), ScriptFailed with the reason
        and the place, ScriptsBusy when no process was free for a long time.
        """
        request = {"do": "run", "source": _bounded(source), "variables": dict(variables)}
        return self._ask(request, limit_s=limit_s, limit_mb=limit_mb)

    def check(self, source: str) -> list[Finding]:
        """What keeps a script from being run at all, with line and column; it is parsed, not run."""
        try:
            self._ask({"do": "check", "source": _bounded(source)}, limit_s=LIMIT_S, limit_mb=LIMIT_MB)
        except ScriptFailed as problem:
            return [problem.values["reason"]]
        return []

    # ---- processes ---------------------------------------------------------------------------------------------------
    def _ask(self, request: dict[str, Any], *, limit_s: float, limit_mb: int) -> dict[str, Any]:
        body = orjson.dumps({**request, "limit_s": limit_s, "limit_mb": limit_mb, "limit_bytes": MAX_RESULT})
        if len(body) > MAX_VARIABLES:
            raise _failed("script_variables_too_large", size=len(body), limit=MAX_VARIABLES)
        if not self._free.acquire(timeout=BUSY_S):
            raise ScriptsBusy()
        free, process, healthy = self._free, self._take(), False
        try:
            answer = orjson.loads(process.ask(body, limit_s=limit_s + GRACE_S))
            healthy = not answer.get("spent")
        except ProcessSilent:
            raise _failed("script_too_slow", limit=limit_s) from None
        except ProcessGone as gone:
            raise _explain_end(gone.status, limit_mb) from None
        except orjson.JSONDecodeError:
            raise _failed("script_lost", status=0) from None
        finally:
            self._give_back(process, healthy=healthy)
            free.release()
        if "fault" in answer:
            raise _failed(answer["fault"], **answer["values"])
        assigned: dict[str, Any] = answer["assigned"]
        if thrown := answer.get("thrown"):
            kind = BpmnError if thrown["kind"] == "error" else BpmnEscalation
            raise kind(thrown["code"], assigned, message=thrown["message"])
        return assigned

    def _take(self) -> ScriptProcess:
        with self._lock:
            return self._idle.pop() if self._idle else self._add()

    def _give_back(self, process: ScriptProcess, *, healthy: bool) -> None:
        with self._lock:
            known = process in self._all  # not so when the runner was closed meanwhile
            if known and healthy and process.asked < MAX_ASKED:
                self._idle.append(process)
                return
            self._all.discard(process)
        process.kill()
        if known:
            with self._lock:
                self._idle.append(self._add())  # it starts while nobody waits

    def _add(self) -> ScriptProcess:
        process = ScriptProcess()
        self._all.add(process)
        return process

    def _forget(self) -> None:
        """After a fork: the processes belong to the parent, and so may be whoever held the lock."""
        self._end.detach()
        for process in self._all:
            process.forget()
        self._reset()


@cache
def _shared() -> ScriptRunner:
    return ScriptRunner(processes=1)


def check_script(source: str) -> list[Finding]:
    """What keeps a script from being run at all (`ScriptRunner.check`), in one process that all callers share."""
    return _shared().check(source)


def _bounded(source: str) -> str:
    if len(source) > MAX_SOURCE:
        raise _failed("script_too_long", size=len(source), limit=MAX_SOURCE)
    return source


def _failed(code: str, **values: Any) -> ScriptFailed:
    return ScriptFailed(reason=Finding(code, values=values))


def _explain_end(status: int, limit_mb: int) -> ScriptFailed:
    """Why a process ended: native code aborts when memory is refused, and overruns its stack when nested too deeply."""
    if status == -signal.SIGSEGV:
        return _failed("script_too_deep", line=None, column=None)
    if status in (-signal.SIGABRT, -signal.SIGKILL):
        return _failed("script_memory", limit=limit_mb)
    return _failed("script_lost", status=status)


def _kill_all(processes: set[ScriptProcess], owner: int) -> None:
    if os.getpid() != owner:
        return
    while processes:
        processes.pop().kill()


def _forget_all() -> None:
    for runner in list(_RUNNERS):
        runner._forget()


os.register_at_fork(after_in_child=_forget_all)
