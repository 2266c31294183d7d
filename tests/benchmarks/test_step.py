"""The measured step: the machines beside the engine write the rows that it writes, by as many statements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks import step
from benchmarks.hand_made import HandMadeSteps, RawSteps
from engine.database import open_database
from engine.tables import candidate_set, history, instance, metadata, timer, user_task
from engine.work import NoBackend

OWN = {
    *("id", "instance_id", "task_id", "unique_key", "business_key", "subject", "hash", "history_hash"),
    *("document", "definition_id"),
}
"""Columns that differ from case to case, and the document, of which each machine has its own."""
ROWS = {
    "instance": sa.select(instance).where(instance.c.id == sa.bindparam("of")),
    "user_task": sa.select(user_task).where(user_task.c.instance_id == sa.bindparam("of")),
    "candidate": sa.select(candidate_set)
    .join(user_task, user_task.c.candidate_set == candidate_set.c.id)
    .where(user_task.c.instance_id == sa.bindparam("of")),
    "timer": sa.select(timer).where(timer.c.instance_id == sa.bindparam("of")),
    "history": sa.select(history).where(history.c.instance_id == sa.bindparam("of")),
}


@pytest.fixture
def database(database_url: str) -> Iterator[sa.Engine]:
    opened = open_database(database_url)
    metadata.create_all(opened)
    yield opened
    opened.dispose()


def read_rows(database: sa.Engine, instance_id: str) -> dict[str, list[list[str]]]:
    """All rows of an instance without what differs from case to case; of a moment whether there is one, in details no ids."""
    with database.connect() as connection:
        return {
            table: sorted(
                [_plain(name, value) for name, value in row.items() if name not in OWN]
                for row in connection.execute(query, {"of": instance_id}).mappings()
            )
            for table, query in ROWS.items()
        }


def _plain(name: str, value: Any) -> str:
    if name.endswith("_at") or name == "at":
        return "a moment" if value is not None else ""
    return repr({**value, "task": "a task"}) if name == "detail" and "task" in value else repr(value)


@pytest.mark.parametrize("machine", [HandMadeSteps, RawSteps])
def test_the_hand_made_machine_writes_what_the_engine_writes(
    database: sa.Engine, machine: type[HandMadeSteps], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "INSTANCES", 2)
    ours = step.EngineSteps(database)
    ours.prepare()()
    machine(ours.engine, ours.instances[1:]).prepare()()
    assert read_rows(database, ours.instances[1]) == read_rows(database, ours.instances[0])


def count_statements(database: sa.Engine, act: Any) -> list[str]:
    """What is sent to the database, each statement by its verb and table."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        words = statement.split()
        if words[0] in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            table = words[words.index("FROM") + 1] if words[0] == "SELECT" else words[2 if words[0] == "INSERT" else 1]
            sent.append(f"{words[0]} {table}")

    sa.event.listen(database, "before_cursor_execute", note)
    act()
    sa.event.remove(database, "before_cursor_execute", note)
    return sent


def test_a_step_sends_no_more_than_its_rows(database: sa.Engine) -> None:
    ours = step.EngineSteps(database)
    ours.engine.backend = NoBackend()
    assert count_statements(database, ours.prepare()) == [
        "SELECT instance",
        "UPDATE user_task",
        "UPDATE timer",
        "INSERT user_task",
        "INSERT timer",
        "INSERT history",
        "UPDATE instance",
    ]


def test_all_variants_are_told(tmp_path: Path) -> None:
    told = step.run(["sqlite"], turns=1, steps=1)
    assert set(told) == {"sqlite"}
    assert set(told["sqlite"]) == {
        *("ms", "hand_made_ms", "stock_ms", "stock_bare_ms", "raw_ms"),
        *("ratio_hand_made", "ratio_stock", "ratio_stock_bare", "cpu_ms", "noise"),
    }
