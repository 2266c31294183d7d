"""One completed user task with all its rows, in one durable transaction: the engine beside what it could be at best and at worst.

All variants play the same part of `case.bpmn`: a case with a form of 20 fields that goes to and fro between audit and correction.
On PostgreSQL the timer's job is queued as well, as workers need it.

- *hand made*: a table-driven state machine that knows these two steps. It writes the same rows by the engine's own statements.
- *raw*: the same machine through the database's driver alone.
- *stock*: SpiffWorkflow as its documentation shows it, the whole workflow as JSON, loaded and stored at every step, with the rows
  that an inbox needs beside it; *bare* is the same without these rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.databases import Databases, each_database
from benchmarks.hand_made import HandMadeSteps, RawSteps
from benchmarks.measuring import Figure, Prepare, ratio_of, take_turns
from benchmarks.stock import BareSteps, StockSteps
from engine.backends.queue import QueueBackend, create_job_tables
from engine.definitions import deploy
from engine.instances import start_instance
from engine.tables import user_task
from engine.tasks import complete_task
from engine.work import ProcessEngine

DIAGRAM = Path(__file__).parent / "case.bpmn"
INSTANCES = 60
"""Running side by side, so that no step finds its rows warm by chance alone."""
FORM = {f"field_{number}": "检验检测促进产业优化升级" * 2 for number in range(20)}
ANSWER = {"audit_result": "return"}
VARIABLES = {"unit": "u1", "body": "b1", "panel": "p1", "office": "o1", "due": "2030-01-01T00:00:00+08:00", "channel": "body"}
"""What a case carries along beside its form of 20 fields, some 1.3 KB."""


class EngineSteps:
    """The engine, as a page or a client calls it."""

    def __init__(self, database: sa.Engine) -> None:
        self.engine = ProcessEngine(database)
        if database.dialect.name == "postgresql":
            with database.begin() as connection:
                create_job_tables(connection)
            self.engine.backend = QueueBackend()
        with self.engine.begin() as work:
            deployed = deploy(work, {DIAGRAM.name: DIAGRAM.read_bytes()}, name="bench")
        self.instances = []
        for number in range(INSTANCES):
            with self.engine.begin(by="anna") as work:
                definition_id = deployed.definitions["measured_case"]
                self.instances.append(start_instance(work, definition_id, f"case-{number}", {**VARIABLES, **ANSWER, **FORM}))
        self.turn = itertools.cycle(self.instances)
        for _ in self.instances:
            self.prepare()()  # the application: from now on it goes to and fro

    def prepare(self) -> Callable[[], object]:
        """Complete the open task of the next instance."""
        with self.engine.read() as work:
            open_task = sa.select(user_task.c.id).where(user_task.c.instance_id == next(self.turn), user_task.c.state == "open")
            task_id: str = work.connection.execute(open_task).scalar_one()

        def step() -> None:
            with self.engine.begin(by="anna") as work:
                complete_task(work, task_id, ANSWER, form=ANSWER)

        return step


def run(kinds: Sequence[str], *, server: str | None = None, turns: int = 20, steps: int = 30) -> dict[str, Any]:
    """Measure on each kind of database: `{kind: {"ms", "hand_made_ms", …}}`, times in ms.

    Raises LookupError when there is no PostgreSQL to start.
    """
    with each_database(kinds, server) as databases:
        return {each.kind: tell(measure_step(each, turns=turns, steps=steps)) for each in databases}


def measure_step(databases: Databases, *, turns: int, steps: int) -> dict[str, Figure]:
    """All variants on one kind of database, each in a database of its own that the engine has filled."""
    variants: dict[str, Prepare] = {}
    for name in ("engine", "hand_made", "raw", "stock", "bare"):
        ours = EngineSteps(databases.open(name))
        match name:
            case "engine":
                variants[name] = ours.prepare
            case "hand_made":
                variants[name] = HandMadeSteps(ours.engine, ours.instances).prepare
            case "raw":
                variants[name] = RawSteps(ours.engine, ours.instances).prepare
            case "stock":
                variants[name] = StockSteps(ours.engine, ours.instances, DIAGRAM, {**VARIABLES, **ANSWER, **FORM}).prepare
            case "bare":
                variants[name] = BareSteps(ours.engine, ours.instances, DIAGRAM, {**VARIABLES, **ANSWER, **FORM}).prepare
    return take_turns(variants, turns=turns, steps=steps)


def tell(figures: dict[str, Figure]) -> dict[str, Any]:
    """The figures of one database, as `--json` gives them."""
    engine = figures["engine"]
    return {
        "ms": round(engine.ms, 4),
        "hand_made_ms": round(figures["hand_made"].ms, 4),
        "stock_ms": round(figures["stock"].ms, 4),
        "stock_bare_ms": round(figures["bare"].ms, 4),
        "raw_ms": round(figures["raw"].ms, 4),
        "ratio_hand_made": round(ratio_of(engine, figures["hand_made"]), 3),
        "ratio_stock": round(ratio_of(figures["stock"], engine), 3),
        "ratio_stock_bare": round(ratio_of(figures["bare"], engine), 3),
        "cpu_ms": {name: round(figure.cpu_ms, 4) for name, figure in figures.items()},
        "noise": {name: round(figure.noise, 3) for name, figure in figures.items()},
    }
