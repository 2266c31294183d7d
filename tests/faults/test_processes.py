"""Several processes do what is due in one PostgreSQL database at the same time, and some of them are killed."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.backends.queue import QueueBackend
from engine.clock import SystemClock, VirtualClock
from engine.database import open_database
from engine.definitions import deploy
from engine.due import run_due
from engine.incidents import list_incidents
from engine.instances import start_instance
from engine.messages import send_message
from engine.outbox import queue_mail
from engine.tables import instance, message, metadata, outbox, timer, user_task
from engine.tasks import complete_task
from engine.timers import arm_timer
from engine.work import ProcessEngine
from tests.faults.firing import effect, note
from tests.faults.programs import Program, wait_until
from tests.faults.wholeness import find_faults
from workflows.schema import upgrade_schema

pytestmark = pytest.mark.postgresql

DIAGRAMS = Path(__file__).parent.parent / "engine" / "diagrams"
COUNT = 60


@pytest.fixture
def shared(postgresql_url: str, virtual_clock: VirtualClock) -> Iterator[ProcessEngine]:
    """`COUNT` rows of every kind that are all due at the same moment."""
    process_engine = ProcessEngine(open_database(postgresql_url), virtual_clock)
    metadata.create_all(process_engine.database)
    effect.create(process_engine.database)
    process_engine.handlers.register("effects.note", note)
    cutoff = virtual_clock.now() + timedelta(hours=1)
    fill(process_engine, cutoff)
    virtual_clock.move_to(cutoff)
    yield process_engine
    process_engine.database.dispose()


def fill(process_engine: ProcessEngine, cutoff: datetime) -> None:
    """Instances whose time runs out, instances that are told something, timers of handlers, letters."""
    with process_engine.begin() as work:
        definitions = {}
        for name in ("deadline", "message"):
            definitions |= deploy(work, {f"{name}.bpmn": (DIAGRAMS / f"{name}.bpmn").read_bytes()}, name=name).definitions
        for number in range(COUNT):
            start_instance(
                work, definitions["deadline_process"], f"late-{number}", {"person": "anna", "cutoff": cutoff.isoformat()}
            )
            start_instance(work, definitions["message_process"], f"told-{number}", {"recommended": None})
            arm_timer(work, "effects.note", cutoff, unique_key=f"note/{number}", payload={"name": f"note/{number}"})
            queue_mail(work, recipient=f"{number}@example.org", subject="s", body="b", about=None, unique_key=f"mail/{number}")
    with process_engine.begin() as work:
        for task_id in work.connection.execute(sa.select(user_task.c.id).where(user_task.c.element_id == "prepare")).scalars():
            complete_task(work, task_id, {})
        for number in range(COUNT):
            send_message(work, "list_decided", f"told-{number}", {"recommended": number % 2 == 0})


def judge(process_engine: ProcessEngine, *, letters: bool) -> None:
    """Every effect once."""
    assert find_faults(process_engine) == []
    with process_engine.read() as work:
        assert list_incidents(work) == []
        noted = Counter(work.connection.execute(sa.select(effect.c.name)).scalars())
        assert noted == Counter(f"note/{number}" for number in range(COUNT))
        for table, states in ((instance, {"ended"}), (timer, {"fired"}), (message, {"delivered"}), (outbox, {"sent"})):
            if table is not outbox or letters:
                assert set(work.connection.execute(sa.select(table.c.state)).scalars()) == states


def start(process_engine: ProcessEngine, folder: Path, name: str) -> Program:
    """A process that is ready to do what is due."""
    url = process_engine.database.url.render_as_string(hide_password=False)
    program = Program("-m", "tests.faults.firing", url, process_engine.clock.now().isoformat(), folder, name, folder=folder)
    wait_until((folder / f"{name}.ready").exists, program)
    return program


def test_each_effect_happens_once_whoever_does_it(shared: ProcessEngine, tmp_path: Path) -> None:
    names = ("one", "two", "three")
    programs = [start(shared, tmp_path, name) for name in names]
    (tmp_path / "go").touch()
    for program in programs:
        assert program.process.wait(120) == 0, program.said()
    judge(shared, letters=True)
    done = [int((tmp_path / f"{name}.done").read_text()) for name in names]
    assert sum(done) == 4 * COUNT and sum(count > 0 for count in done) > 1  # they shared the work
    assert sorted((tmp_path / "sent").read_text().split()) == sorted(f"{number}@example.org" for number in range(COUNT))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 21))])
def test_what_a_killed_process_had_begun_is_done_once_by_another(seed: int, shared: ProcessEngine, tmp_path: Path) -> None:
    dice = random.Random(seed)
    programs = [start(shared, tmp_path, name) for name in ("victim", "other")]
    (tmp_path / "go").touch()
    time.sleep(dice.uniform(0, 0.8))
    programs[0].kill()
    assert programs[1].process.wait(120) == 0, programs[1].said()
    run_due(shared)  # what the victim held when the other one looked
    judge(shared, letters=False)  # a letter may have left before its sender died: it is sent again, when its lease is over


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_killed_worker_is_replaced_by_another(seed: int, postgresql_url: str, tmp_path: Path) -> None:
    """The program itself, in real time: jobs of the dead worker are taken over within the promised half minute."""
    dice = random.Random(seed)
    process_engine = ProcessEngine(open_database(postgresql_url), SystemClock(), backend=QueueBackend())
    upgrade_schema(process_engine.database)
    files = {"deadline.bpmn": (DIAGRAMS / "deadline.bpmn").read_bytes()}
    with process_engine.begin() as work:
        definition = deploy(work, files, name="deadline").definitions["deadline_process"]
        cutoff = work.now + timedelta(seconds=12)
        for number in range(400):
            start_instance(work, definition, f"late-{number}", {"person": "anna", "cutoff": cutoff.isoformat()})

    def fired() -> int:
        with process_engine.read() as work:
            query = sa.select(sa.func.count()).where(timer.c.state == "fired")
            return int(work.connection.execute(query).scalar_one())

    command = ("-m", "api.cli", "worker", "--database", postgresql_url)
    with Program(*command, folder=tmp_path) as worker:
        goal = dice.randrange(20, 300)
        wait_until(lambda: fired() >= goal, worker)
        worker.kill()
    assert fired() < 400
    began = time.monotonic()
    with Program(*command, folder=tmp_path) as worker:
        wait_until(lambda: fired() == 400, worker)
        assert time.monotonic() - began < 75  # with the start of the program on a busy machine
        assert worker.stop() == 0
    assert find_faults(process_engine) == []
    with process_engine.read() as work:
        assert set(work.connection.execute(sa.select(instance.c.state)).scalars()) == {"ended"}
    process_engine.database.dispose()
