"""What the step costs with SpiffWorkflow as its documentation shows it: load the JSON, run the task and what follows, store.

The library is used as it comes, with its own parser, serializer and script engine; the whole workflow is one JSON text.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from lxml import etree
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.util.task import TaskState

from benchmarks.hand_made import complete_by_table, find_open_task
from engine.work import ProcessEngine

TABLE = sa.Table(
    "stock",
    sa.MetaData(),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
)
READ = sa.select(TABLE.c.document).where(TABLE.c.id == sa.bindparam("of_id"))
STORE = TABLE.update().where(TABLE.c.id == sa.bindparam("of_id")).values(document=sa.bindparam("to_document"))


class StockSteps:
    """SpiffWorkflow, and beside its document the rows of the inbox, timers and history, by the hand-made machine."""

    rows = True

    def __init__(self, engine: ProcessEngine, instances: Sequence[str], diagram: Path, variables: Mapping[str, Any]) -> None:
        self.engine, self.database, self.serializer = engine, engine.database, BpmnWorkflowSerializer()
        database = self.database
        TABLE.create(database)
        parser = BpmnParser()
        text = diagram.read_text("utf-8").replace(">P30D<", '>"P30D"<')  # the library evaluates it as Python
        parser.add_bpmn_xml(etree.fromstring(text.encode()), filename=diagram.name)
        spec, others = parser.get_spec("measured_case"), parser.get_subprocess_specs("measured_case")
        with database.begin() as connection:
            for instance_id in instances:
                workflow = BpmnWorkflow(spec, others)
                workflow.do_engine_steps()
                task = workflow.get_next_task(state=TaskState.READY, manual=True)
                task.data.update(variables)
                task.run()
                workflow.do_engine_steps()
                document = self.serializer.serialize_json(workflow)
                connection.execute(TABLE.insert().values(id=instance_id, document=document))
        self.turn = itertools.cycle(instances)

    def prepare(self) -> Callable[[], object]:
        """Run the ready task of the next instance."""
        instance_id = next(self.turn)
        with self.database.connect() as connection:
            task_id = find_open_task(connection, instance_id)

        def step() -> None:
            with self.engine.begin(by="anna") as work:
                connection = work.connection
                workflow = self.serializer.deserialize_json(connection.execute(READ, {"of_id": instance_id}).scalar_one())
                task = workflow.get_next_task(state=TaskState.READY, manual=True)
                task.data["audit_result"] = "return"
                task.run()
                workflow.do_engine_steps()
                document = self.serializer.serialize_json(workflow)
                connection.execute(STORE, {"of_id": instance_id, "to_document": document})
                if self.rows:
                    work.scheduled.append(complete_by_table(connection, task_id, store=False))

        return step


class BareSteps(StockSteps):
    """SpiffWorkflow and its document alone."""

    rows = False
