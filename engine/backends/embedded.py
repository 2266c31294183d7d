"""The embedded backend: APScheduler as the alarm clock of a single process, beside SQLite."""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import IO

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from engine.due import next_due, run_due
from engine.work import ProcessEngine, Scheduled, Work

log = logging.getLogger(__name__)

SAFETY_INTERVAL = timedelta(seconds=5)
"""How often the rows are looked at without being called: finds what short commands in other processes wrote."""


class EmbeddedBackend:
    """Wakes at the next due moment, after each commit that wrote a due row, and every `SAFETY_INTERVAL`.

    One process at a time has the role: it holds a lock on `lock_file` until it ends, however it ends; others try again at every
    safety interval. The scheduler keeps its jobs in memory only: they are computed from the rows, so none can be lost or doubled.
    Real time only: under a virtual clock use `engine.work.NoBackend` and call `engine.due.run_due`.
    """

    def __init__(self, lock_file: Path) -> None:
        self._lock_file = lock_file
        self._role: IO[str] | None = None
        self._scheduler: BackgroundScheduler | None = None
        self._engine: ProcessEngine | None = None
        self._turn = Lock()
        self._planning = Lock()
        self._wakes_at: datetime | None = None

    @property
    def leads(self) -> bool:
        """Whether this process has the role of the scheduler."""
        return self._role is not None

    def start(self, process_engine: ProcessEngine) -> None:
        """Begin to watch the rows, in threads of this process; call it after the process has forked for the last time."""
        self._engine = process_engine
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(3)},
            job_defaults={"coalesce": True, "max_instances": 3, "misfire_grace_time": None},
        )
        now = datetime.now(UTC)
        regularly = IntervalTrigger(seconds=SAFETY_INTERVAL.seconds, start_date=now)
        self._scheduler.add_job(self._run, regularly, id="safety", next_run_time=now)
        self._scheduler.start()

    def stop(self) -> None:
        """Finish what is running and give up the role."""
        with self._planning:
            scheduler, self._scheduler = self._scheduler, None  # from here on nobody plans
        with self._turn:
            pass  # the turn that runs is over: APScheduler's shutdown and a job that adds a job would wait for each other
        if scheduler is not None:
            scheduler.remove_all_jobs()  # its thread fails when it looks for a job that is due while it shuts down
            scheduler.shutdown(wait=True)
        if self._role is not None:
            self._role.close()
            self._role = None

    def schedule(self, work: Work, rows: Sequence[Scheduled]) -> None:
        """Wake at the first of their moments, at once if it has passed; after the commit, so that the rows can be seen."""
        first = min(row.due_at for row in rows)
        work.after_commit.append(lambda: self._wake(first))

    def forget(self, work: Work, kind: str, rows: Sequence[tuple[str, int]]) -> None:
        """Nothing is kept that would have to be forgotten."""

    def _wake(self, moment: datetime) -> None:
        with self._planning:
            if self._scheduler is None or self._role is None:
                return  # the process that has the role sees the row at its safety interval
            if self._wakes_at is not None and self._wakes_at <= moment:
                return
            self._wakes_at = moment
            self._scheduler.add_job(self._run, DateTrigger(max(moment, datetime.now(UTC))), id="wake", replace_existing=True)

    def _run(self) -> None:
        """Do what is due, then plan the next wake-up. Turns do not overlap: one that comes meanwhile waits and looks again."""
        with self._turn:
            process_engine = self._engine
            if process_engine is None or self._scheduler is None or not self._take_role():
                return
            began = datetime.now(UTC)
            with self._planning:
                self._wakes_at = None  # whoever commits from here on plans anew
            try:
                run_due(process_engine)
                with process_engine.read() as work:
                    moment = next_due(work)
            except Exception:
                log.exception("The scheduler's turn failed; it is tried again in %s", SAFETY_INTERVAL)
                return
            if moment is not None and moment > began:  # an older one could not be done now; the safety interval looks again
                self._wake(moment)

    def _take_role(self) -> bool:
        if self._role is not None:
            return True
        file = self._lock_file.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._role = file
        return True
