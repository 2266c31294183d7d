"""A bulk job whose workers are killed: others go on where they stopped, and each item is done once."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.bulk import read_bulk, run_bulk, start_bulk
from engine.tables import archived_instance, history, instance, user_task
from engine.verification import verify_history
from engine.work import ProcessEngine
from tests.engine.bulk_rows import chunks, complete_many, completions, effects, prepare, start_many, tasks_by_key
from tests.faults.programs import Program, wait_until
from tests.faults.wholeness import find_faults
from workflows.campaigns.archiving import ARCHIVE, OPERATIONS, RESTORE

COUNT = 400
"""Eight chunks: two workers that are killed twice end about four of them."""
DONE = ("done", 50)


def work_and_be_killed(process_engine: ProcessEngine, job: str, folder: Path, *, pause: float) -> None:
    """Let processes do a job, kill them twice in the middle, and let others finish it."""
    url = process_engine.database.url.render_as_string(hide_password=False)
    moment = process_engine.clock.now().isoformat()
    count = 1 if process_engine.database.dialect.name == "sqlite" else 2

    def left() -> int:
        with process_engine.read() as work:
            return read_bulk(work, job).left

    def start(stack: ExitStack, pause: float) -> list[Program]:
        command = ("-m", "tests.faults.bulking", url, moment, pause)
        return [stack.enter_context(Program(*command, folder=folder)) for _ in range(count)]

    chance = random.Random(5)
    for _ in range(2):
        before = left()
        with ExitStack() as stack:
            workers = start(stack, pause)
            wait_until(lambda before=before: left() < before, workers[0])  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.1))
            for worker in workers:
                worker.kill()
    assert 0 < left() < COUNT
    with ExitStack() as stack:
        workers = start(stack, 0)
        wait_until(lambda: not any(worker.runs for worker in workers))
        assert [worker.process.returncode for worker in workers] == [0] * count, workers[0].said()


def test_what_was_killed_is_done_again_and_nothing_twice(process_engine: ProcessEngine, tmp_path: Path) -> None:
    """Two processes at a time on PostgreSQL; one on SQLite, where one at a time has the role of the scheduler."""
    prepare(process_engine)
    names = [f"{'bad' if number % 100 == 42 else 'c'}{number:03}" for number in range(COUNT)]
    start_many(process_engine, names)
    job = complete_many(process_engine, list(tasks_by_key(process_engine).values()))
    work_and_be_killed(process_engine, job, tmp_path, pause=0.004)
    good = [name for name in names if not name.startswith("bad")]
    assert completions(process_engine) == Counter(good)
    assert effects(process_engine) == Counter([*(f"second/{name}" for name in good), f"end/{job}"])
    assert [(state, done + refused) for _, _, state, done, refused in chunks(process_engine, job)] == [DONE] * (COUNT // 50)
    with process_engine.read() as work:
        assert (read_bulk(work, job).refused, read_bulk(work, job).state) == (COUNT // 100, "done")
        assert work.connection.execute(sa.select(sa.func.count()).select_from(instance)).scalar_one() == COUNT
    assert find_faults(process_engine) == []


@pytest.mark.slow
def test_an_archive_that_was_killed_loses_nothing(sqlite_engine: ProcessEngine, tmp_path: Path) -> None:
    """What is killed is in the tables or in the archive, never in both and never in neither."""
    sqlite_engine.bulk.update(OPERATIONS)
    prepare(sqlite_engine)
    start_many(sqlite_engine, [f"c{number:03}" for number in range(COUNT)])

    def on_all(operation: str, **shared: str) -> str:
        with sqlite_engine.begin() as work:
            ids = work.connection.execute(sa.select(instance.c.id).order_by(instance.c.id)).scalars().all()
            return start_bulk(work, operation, ({"instance": each} for each in ids), shared=shared)

    def read() -> dict[str, list[tuple[object, ...]]]:
        with sqlite_engine.read() as work:
            return {
                table.name: [tuple(row) for row in work.connection.execute(sa.select(table).order_by(*table.primary_key))]
                for table in (history, user_task)
            }

    run_bulk(sqlite_engine, on_all("cancel", reason="-"))
    before = read()
    work_and_be_killed(sqlite_engine, on_all(ARCHIVE, subject="t"), tmp_path, pause=0.01)
    assert set(map(len, read().values())) == {0}
    with sqlite_engine.read() as work:
        assert work.connection.execute(sa.select(sa.func.count()).select_from(archived_instance)).scalar_one() == COUNT
        verified = verify_history(work)
    assert (verified.broken, verified.instances, verified.rows) == (None, COUNT, len(before["history"]))
    work_and_be_killed(sqlite_engine, on_all(RESTORE, subject="t"), tmp_path, pause=0.01)
    assert read() == before
    assert find_faults(sqlite_engine) == []
