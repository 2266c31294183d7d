"""The web application inside gunicorn."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from api.app import create_app
from api.cli.logs import configure_logs
from api.settings import Settings
from api.wiring import build_engine
from engine.backends.embedded import EmbeddedBackend
from engine.backends.queue import QueueBackend

GRACE_SECONDS = 30
"""How long requests that run may take after the signal to stop."""


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with these options; each of its processes makes its own engine and application after it was forked."""

    def __init__(self, options: dict[str, Any], load: Callable[[], Any]) -> None:
        self._options = options
        self._load = load
        super().__init__()

    def load_config(self) -> None:
        """Take our options, and nothing from gunicorn's own files or environment."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The WSGI application, in a process that was just forked."""
        return self._load()


def serve_application(
    settings: Settings, *, bind: str, workers: int, threads: int, scheduler_lock: Path | None, announcement: str
) -> None:
    """Serve until SIGTERM or SIGINT; running requests are finished. `announcement` is printed when the first can come.

    With `scheduler_lock` the embedded scheduler runs inside (SQLite, one worker); without, jobs are put into PostgreSQL's queue.
    """
    embedded = None if scheduler_lock is None else EmbeddedBackend(scheduler_lock)

    def load() -> Any:
        configure_logs()
        process_engine = build_engine(settings, backend=embedded or QueueBackend())
        app = create_app(process_engine)
        if embedded is not None:
            embedded.start(process_engine)
        return app

    def announce(_server: Any) -> None:
        print(announcement, file=sys.stderr, flush=True)

    def stop_scheduler(_server: Any, _worker: Any) -> None:
        if embedded is not None:
            embedded.stop()

    Server(
        {
            "bind": bind,
            "worker_class": "gthread",
            "workers": workers,
            "threads": threads,
            "timeout": 120,
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": 5,
            "loglevel": "warning",
            "proc_name": "linxuan",
            "control_socket_disable": True,
            "when_ready": announce,
            "worker_exit": stop_scheduler,
        },
        load,
    ).run()
