"""The stage: a heap of what is going to happen, a virtual clock, and the loop that goes from one moment to the next.

The engine's own work (timers, messages) is done `LAG` after its moment, as by a scheduler that is a little late: whether
something is in time must never depend on it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.clock import VirtualClock
from engine.due import next_due, run_due
from engine.work import NoBackend, ProcessEngine

LAG = timedelta(seconds=12)
"""How late the scheduler of a replay is."""

Action = Callable[[], None]


@dataclass
class Stage:
    """Moves time. `notice_new` is called after everything that happened, so that people see their new tasks."""

    process_engine: ProcessEngine
    clock: VirtualClock
    notice_new: Action = field(default=lambda: None)
    tell_progress: Callable[[datetime], None] = field(default=lambda _: None)
    _heap: list[tuple[datetime, int, Action]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self.process_engine.clock = self.clock
        self.process_engine.backend = NoBackend()

    @property
    def now(self) -> datetime:
        """The virtual moment."""
        return self.clock.now()

    def at(self, moment: datetime, action: Action) -> None:
        """Plan an action; one whose moment has passed happens next. Equal moments keep the order of planning."""
        self._count += 1
        heapq.heappush(self._heap, (max(moment, self.now), self._count, action))

    def play(self, *, until: datetime | None = None) -> None:
        """Go on until nothing is planned and nothing is due any more, or to the moment `until`."""
        self.notice_new()
        while True:
            with self.process_engine.read() as work:
                due = next_due(work)
            engine_at = None if due is None else max(due + LAG, self.now)
            action_at = self._heap[0][0] if self._heap else None
            moments = [moment for moment in (engine_at, action_at) if moment is not None]
            if not moments or until is not None and min(moments) > until:
                break
            self.clock.move_to(min(moments))
            if action_at is None or engine_at is not None and engine_at <= action_at:
                run_due(self.process_engine)
            else:
                heapq.heappop(self._heap)[2]()
            self.notice_new()
            self.tell_progress(self.now)
        if until is not None:
            self.clock.move_to(max(until, self.now))
