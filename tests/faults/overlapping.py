"""Two transactions that overlap, in a known order."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from engine.work import ProcessEngine, Work

MEETING = 0.5
"""Seconds for the second transaction to come to where it must wait for the first."""


def overlap(
    process_engine: ProcessEngine, first: Callable[[Work], Any], second: Callable[[], Any], *, by: str | None = None
) -> tuple[Any, Any]:
    """Do `first`, and before it is committed begin `second` in another thread; what both gave."""
    with ThreadPoolExecutor(1) as pool:
        with process_engine.begin(by=by) as work:
            one = first(work)
            waiting = pool.submit(second)
            let_meet(waiting)
        return one, waiting.result(20)


def let_meet(waiting: Future[Any]) -> None:
    """Until the other is done, or for as long as it needs to come to the place where it has to wait."""
    try:
        waiting.exception(MEETING)
    except TimeoutError:
        return
