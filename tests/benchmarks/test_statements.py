"""How many statements each step of the pages' own path makes, from the inbox to the published list: no more than it needs.

Whoever adds one sees it here. What grows with the cases (lists, draws, letters to all) makes hardly more for three times as many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.national.phases import PHASES
from benchmarks.national.timing import Tally
from benchmarks.national.workers import Place, RunningClock, Worker, open_place
from benchmarks.national.world import write_world

HOT = {
    "open a case": 25,
    "inbox": 6,
    "open apply": 21,
    "upload": 6,
    "complete apply": 28,
    "open audit": 24,
    "complete audit": 18,
    "message list_decided": 8,
    "message review_opened": 12,
    "open review": 20,
    "complete review": 17,
}
"""The most that the commonest case of a step makes on SQLite, with `BEGIN`."""
GROWING = ("complete recommend", "complete organise_review", "complete select_cases", "complete publish")
DAYS = timedelta(days=1)


class Counted(Tally):
    """Counts the statements of each operation."""

    def __init__(self, counts: dict[str, list[int]], seen: list[str]) -> None:
        super().__init__()
        self.counts, self.seen = counts, seen

    @contextmanager
    def time(self, name: str, *, things: int = 1) -> Iterator[None]:
        """One operation."""
        before = len(self.seen)
        with super().time(name, things=things):
            yield
        self.counts[name].append(-(-(len(self.seen) - before) // things))


def play(folder: Path, institutions: int) -> dict[str, list[int]]:
    """The statements of each operation of a whole campaign."""
    place = Place(f"sqlite:///{folder}/counted.sqlite3", folder)
    here = open_place(place, RunningClock())
    world = write_world(
        here, institutions=institutions, experts=20, listed=1.0, settings={"cut": institutions // 2, "experts_per_case": 3}
    )
    here.database.dispose()
    worker, counts, seen = Worker(place, world), defaultdict[str, list[int]](list), list[str]()
    sa.event.listen(worker.process_engine.database, "before_cursor_execute", lambda *given: seen.append(given[2]))
    until, cutoff_at = world.calendar.sending_until, world.calendar.cutoff_at
    steps: list[tuple[str, datetime, dict[str, Any]]] = [
        ("issue", world.calendar.issued_at, {}),
        ("open", until - 2 * DAYS, {}),
        ("send", until - DAYS / 2, {"late": False}),
        ("audit", until + DAYS, {}),
        ("list", until + 5 * DAYS, {}),
        ("background", cutoff_at + DAYS, {}),
        ("organise", cutoff_at + 2 * DAYS, {}),
        ("background", cutoff_at + 3 * DAYS, {}),
        ("review", cutoff_at + 5 * DAYS, {}),
        ("background", cutoff_at + 6 * DAYS, {}),
        ("select", cutoff_at + 8 * DAYS, {}),
        ("background", cutoff_at + 25 * DAYS, {}),
        ("settle", cutoff_at + 26 * DAYS, {}),
        ("publish", cutoff_at + 27 * DAYS, {}),
    ]
    for phase, moment, given in steps:
        worker.clock.ahead, worker.people.tally = moment - datetime.now(UTC), Counted(counts, seen)
        PHASES[phase](worker, **given)
    worker.process_engine.database.dispose()
    return counts


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """One institution for each body."""
    return play(tmp_path_factory.mktemp("few"), 33)


def test_a_step_makes_no_more_statements_than_it_needs(few: dict[str, list[int]]) -> None:
    assert {name: sorted(few[name])[len(few[name]) // 2] for name in HOT} == HOT


def test_what_grows_with_the_cases_is_written_in_few_statements(few: dict[str, list[int]], tmp_path: Path) -> None:
    many = play(tmp_path, 99)
    grown = {name: max(many[name]) - max(few[name]) for name in GROWING}
    assert {name: more for name, more in grown.items() if more > 5} == {}
