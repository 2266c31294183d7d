"""What the step could cost at best: a machine that knows its two steps by a table, and writes what the engine writes.

It uses the engine's own statements, gathered and written as the engine does; through SQLAlchemy, or through the driver alone.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import sqlalchemy as sa
from procrastinate import SyncPsycopgConnector
from procrastinate.manager import JobManager

from engine.backends.queue import job_of
from engine.candidates import name_set
from engine.ids import new_id
from engine.statements import (
    ADD_HISTORY,
    CLOSE_TASK,
    CLOSE_TIMER,
    HOLD_TASK,
    OPEN_TASK,
    OPEN_TIMER,
    STORE_CHAIN,
    STORE_INSTANCE,
    Writes,
)
from engine.tables import user_task
from engine.work import ProcessEngine, Scheduled

JOBS = JobManager(SyncPsycopgConnector())
NEXT = {"correct": "audit", "audit": "correct"}
PASSED = {"correct": ["correct"], "audit": ["audit", "audit_gateway"]}
NAMES = {"correct": "补正材料", "audit": "省级审核"}
CANDIDATES = {"correct": {("group", "applicant@u1")}, "audit": {("group", "auditor@b1")}}
DUE_AT = datetime(2029, 12, 31, 16, tzinfo=UTC)
TOLD_AFTER = timedelta(days=30)


def find_open_task(connection: sa.Connection, instance_id: str) -> str:
    """The task that a person sees open; not measured."""
    query = sa.select(user_task.c.id).where(user_task.c.instance_id == instance_id, user_task.c.state == "open")
    return str(connection.execute(query).scalar_one())


class HandMadeSteps:
    """The machine on instances that the engine has started; it wakes up for timers as the engine does."""

    def __init__(self, engine: ProcessEngine, instances: Sequence[str]) -> None:
        self.engine, self.database = engine, engine.database
        self.turn = itertools.cycle(instances)

    def prepare(self) -> Callable[[], object]:
        """Complete the open task of the next instance."""
        with self.database.connect() as connection:
            task_id = find_open_task(connection, next(self.turn))

        def step() -> None:
            with self.engine.begin(by="anna") as work:
                work.scheduled.append(complete_by_table(work.connection, task_id, store=True))

        return step


def complete_by_table(connection: Any, task_id: str, *, store: bool) -> Scheduled:
    """Read, decide by the table, write; the machine's own document only if it is to be stored. Gives the timer that is armed."""
    now, writes = datetime.now(UTC), Writes()
    row = connection.execute(HOLD_TASK, {"of_id": task_id}).one()
    assert row.state == "open" and row.instance_state == "running"
    here, there, token = row.element_id, NEXT[row.element_id], row.token
    where = {"of_instance_id": row.instance_id, "of_token": token}
    number = str(int(token) + 1)
    writes.add(CLOSE_TASK, {**where, "of_element_id": here, "to_state": "completed", "to_closed_at": now, "to_closed_by": "anna"})
    writes.add(CLOSE_TIMER, {**where, "of_element_id": f"{here}_late", "to_done_at": now})
    new_task, new_timer, told_at = new_id(), new_id(), now + TOLD_AFTER
    task = {
        "id": new_task,
        "instance_id": row.instance_id,
        "business_key": row.business_key,
        "belongs_to": None,
        "token": number,
        "element_id": there,
        "name": NAMES[there],
        "state": "open",
        "revision": 1,
        "assignee": None,
        "candidate_set": name_set(CANDIDATES[there]),
        "form_key": None,
        "priority": 50,
        "due_at": DUE_AT,
        "follow_up_at": None,
        "created_at": now,
    }
    writes.add(OPEN_TASK, task)
    timer = {
        "id": new_timer,
        "unique_key": f"{row.instance_id}:{number}:{new_timer}",
        "kind": "event",
        "instance_id": row.instance_id,
        "token": number,
        "element_id": f"{there}_late",
        "payload": {},
        "subject": row.business_key,
        "due_at": told_at,
        "generation": 1,
        "state": "armed",
        "attempt": 0,
        "next_try_at": told_at,
        "created_at": now,
    }
    writes.add(OPEN_TIMER, timer)
    detail = {"task": task_id, "passed": PASSED[here], "opened": [there]}
    seq = row.history_count + 1
    content = [row.instance_id, seq, now.isoformat(), "completed", here, token, "anna", None, detail]
    digest = hashlib.sha256(row.history_hash.encode() + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()
    entry = {
        "instance_id": row.instance_id,
        "seq": seq,
        "at": now,
        "kind": "completed",
        "element_id": here,
        "token": token,
        "by": "anna",
        "on_behalf_of": None,
        "detail": detail,
        "hash": digest,
    }
    writes.add(ADD_HISTORY, entry)
    if store:
        state = row.document["state"]
        tokens = {key: record for key, record in state["t"].items() if key != token}
        tokens["1"] = {**tokens["1"], "vars": {**tokens["1"]["vars"], "audit_result": "return"}}
        tokens[number] = {"at": there, "in": "2", "due": {f"{there}_late": [told_at.isoformat()]}}
        stored = {
            "of_id": row.instance_id,
            "to_state": "running",
            "to_document": {"format_version": 1, "state": {"n": int(number), "t": tokens}},
            "to_revision": row.instance_revision + 1,
            "to_error": None,
            "to_history_count": seq,
            "to_history_hash": digest,
            "to_ended_at": None,
        }
        writes.add(STORE_INSTANCE, stored)
    else:
        writes.add(STORE_CHAIN, {"of_id": row.instance_id, "to_history_count": seq, "to_history_hash": digest})
    writes.write(connection)
    return Scheduled("timer", new_timer, 1, told_at, new=True)


class RawSteps(HandMadeSteps):
    """The same machine without SQLAlchemy: the statements' texts, through the driver."""

    def prepare(self) -> Callable[[], object]:
        """Complete the open task of the next instance."""
        with self.database.connect() as connection:
            task_id = find_open_task(connection, next(self.turn))

        def step() -> None:
            connection = self.database.raw_connection()
            try:
                raw = RawConnection(self.database.dialect, connection.driver_connection)
                raw.begin()
                armed = complete_by_table(raw, task_id, store=True)
                if self.database.dialect.name == "postgresql":
                    JOBS.batch_defer_jobs([job_of(armed)], connection=connection.driver_connection)
                connection.commit()
            finally:
                connection.close()

        return step


class RawConnection:
    """As much of a connection as the machine needs. Statements are compiled once for all."""

    compiled: dict[tuple[str, Any], tuple[str, dict[str, Any], list[tuple[str, Any]], bool, list[tuple[str, Any]]]] = {}

    def __init__(self, dialect: sa.Dialect, driver: Any) -> None:
        self.dialect, self.driver = dialect, driver
        self.connection = SimpleNamespace(driver_connection=driver)

    def begin(self) -> None:
        """PostgreSQL's driver begins by itself."""
        if self.dialect.name == "sqlite":
            self.driver.execute("BEGIN IMMEDIATE")

    def execute(self, statement: Any, rows: Any) -> Any:
        """One row, or a list of rows."""
        many = rows if isinstance(rows, list) else [rows]
        known = self.compiled.get((self.dialect.name, statement))
        if known is None:
            known = self.compiled[self.dialect.name, statement] = self._compile(statement, list(many[0]))
        text, constant, binds, positional, columns = known
        given = []
        for row in many:
            values = {**constant, **row}
            ready = [(name, values[name] if process is None else process(values[name])) for name, process in binds]
            given.append([value for _, value in ready] if positional else dict(ready))
        cursor = self.driver.cursor()
        if len(given) == 1:
            cursor.execute(text, given[0])
        else:
            cursor.executemany(text, given)
        return RawResult(cursor, columns) if columns else None

    def _compile(self, statement: Any, names: list[str]) -> Any:
        compiled = statement.compile(dialect=self.dialect, column_keys=names)
        constant = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        order = compiled.positiontup or list(compiled.binds)
        binds = [(name, _processor(compiled.binds[name].type, self.dialect)) for name in order]
        columns = [
            (column.name, column.type.dialect_impl(self.dialect).result_processor(self.dialect, None))
            for column in (statement.selected_columns if statement.is_select else ())
        ]
        return str(compiled), constant, binds, bool(compiled.positional), columns


def _processor(kind: Any, dialect: sa.Dialect) -> Any:
    return kind.dialect_impl(dialect).bind_processor(dialect)


class RawResult:
    """The one row of a result."""

    def __init__(self, cursor: Any, columns: list[tuple[str, Any]]) -> None:
        self.values, self.columns = cursor.fetchone(), columns

    def one(self) -> Any:
        """The row, by names."""
        pairs = zip(self.columns, self.values, strict=True)
        return SimpleNamespace(**{name: value if process is None else process(value) for (name, process), value in pairs})
