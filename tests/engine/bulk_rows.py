"""What the tests of bulk jobs share: a diagram of two steps, many instances of it, what became of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.bulk import run_bulk, start_bulk
from engine.bulk.operations import OPERATIONS
from engine.definitions import deploy
from engine.handlers import Call
from engine.tables import bulk_chunk, history, instance, user_task
from engine.work import ProcessEngine, Work
from tests.engine.tokens.drawing import draw

STEPS = """
process steps {
start s
user first camunda:assignee=bert
service second handler=effects.note
catch told message=told
end e
s -> first -> second -> told -> e
}
"""
effect = sa.Table("effect", sa.MetaData(), sa.Column("name", sa.String(100), nullable=False))
"""A table without any key: what happens twice is there twice."""


def note(call: Call) -> None:
    """A handler with an effect that can be counted; it fails for what is called `bad`."""
    call.work.connection.execute(effect.insert().values(name=f"{call.element_id}/{call.business_key}"))
    if call.business_key.startswith("bad"):
        raise LookupError(call.business_key)


def tell_end(process_engine: ProcessEngine) -> None:
    """Have the end of each job that completes tasks noted as an effect, too."""

    def finish(work: Work, job_id: str) -> None:
        work.connection.execute(effect.insert().values(name=f"end/{job_id}"))

    process_engine.bulk["complete"] = replace(OPERATIONS["complete"], finish=finish)


def prepare(process_engine: ProcessEngine) -> str:
    """The table of effects, the handler and the diagram; the definition's id."""
    effect.create(process_engine.database, checkfirst=True)
    process_engine.handlers.register("effects.note", note)
    with process_engine.begin() as work:
        return deploy(work, {"steps.bpmn": draw(STEPS)}, name="steps").definitions["steps"]


def start_many(process_engine: ProcessEngine, names: list[str], by: str = "anna") -> str:
    """A job that starts an instance for each of the names; done at once."""
    with process_engine.begin(by=by) as work:
        job = start_bulk(work, "start", ({"business_key": name} for name in names), shared={"process": "steps"})
    run_bulk(process_engine, job)
    return job


def tasks_by_key(process_engine: ProcessEngine) -> dict[str, str]:
    """Open tasks by business key, in the order of their making."""
    with process_engine.read() as work:
        query = sa.select(user_task.c.business_key, user_task.c.id).where(user_task.c.state == "open").order_by(user_task.c.id)
        return {row.business_key: row.id for row in work.connection.execute(query)}


def complete_many(process_engine: ProcessEngine, tasks: list[str], by: str = "bert") -> str:
    """A job that completes these tasks; not done yet."""
    with process_engine.begin(by=by) as work:
        return start_bulk(work, "complete", ({"task": task} for task in tasks))


def effects(process_engine: ProcessEngine) -> Counter[str]:
    """How often each effect happened."""
    with process_engine.read() as work:
        return Counter(work.connection.execute(sa.select(effect.c.name)).scalars())


def completions(process_engine: ProcessEngine) -> Counter[str]:
    """How often the first step of each instance was completed, by business key."""
    query = sa.select(instance.c.business_key).join(history, history.c.instance_id == instance.c.id)
    with process_engine.read() as work:
        return Counter(work.connection.execute(query.where(history.c.kind == "completed")).scalars())


def chunks(process_engine: ProcessEngine, job: str) -> list[tuple[Any, ...]]:
    """(first, size, state, done, refused) of each chunk."""
    columns = [bulk_chunk.c[name] for name in ("first", "size", "state", "done", "refused")]
    with process_engine.read() as work:
        rows = work.connection.execute(sa.select(*columns).where(bulk_chunk.c.job_id == job).order_by(bulk_chunk.c.first))
        return [tuple(row) for row in rows]
