"""The conformance cases on the whole engine: instances, tasks, timers, messages and start events as rows of a database.

The same judges play the same cases as on the bare kernel (`engine.conformance`); what is completed is told by the kernel's log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from engine.clock import VirtualClock
from engine.conformance.cases import World
from engine.conformance.host import BEGIN, NeverQuiet
from engine.definitions import LoadedDefinition
from engine.delivery import start_on_conditions
from engine.due import next_due, run_due
from engine.errors import StepFailed
from engine.ids import new_id
from engine.instances import advance_instance, set_variables, start_instance
from engine.kernel import Complete, Deliver, Document, Fire, Kernel, Operation, Outcome
from engine.messages import send_message
from engine.model import Definition, Node, starting_nodes
from engine.scripts import ScriptRunner
from engine.starts import watch_starts
from engine.tables import definition, deployment, instance, metadata, subscription, timer, user_task
from engine.work import ProcessEngine

KEY = "case"
"""All instances of a case have one business key: its messages know no other address."""
ROUNDS = 2_000


class Recording:
    """A kernel that notes which elements were completed."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel, self.name = kernel, kernel.name
        self.completed: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kernel, name)

    def step(
        self, model: Definition, process_id: str, document: Document | None, operation: Operation, moment: Any, **given: Any
    ) -> Outcome:
        """As the kernel does."""
        outcome = self.kernel.step(model, process_id, document, operation, moment, **given)
        self.completed += [line.element_id for line in outcome.log if line.event == "completed"]
        return outcome


class StoredHost:
    """What `engine.conformance.host.Host` does, through the engine's own functions and rows."""

    def __init__(
        self, process_engine: ProcessEngine, model: Definition, kernel: Kernel, completes: Callable[[Node], bool]
    ) -> None:
        self.engine, self.definition, self.completes = process_engine, model, completes
        self.kernel = Recording(kernel)
        self.ids: dict[str, str] = {}
        with process_engine.begin() as work:
            connection = work.connection
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
            values = {"source": "folder", "name": "case", "sha256": "", "deployed_at": work.now}
            connection.execute(deployment.insert().values(id="d", **values))
            for key in model.processes:
                definition_id = self.ids[key] = new_id()
                row = {
                    "deployment_id": "d",
                    "key": key,
                    "version": 1,
                    "name": key,
                    "kernel": kernel.name,
                    "xml": b"",
                    "sha256": "",
                }
                connection.execute(definition.insert().values(id=definition_id, findings=[], draft=False, **row))
                loaded = LoadedDefinition(definition_id, key, 1, key, self.kernel, model, "d")
                process_engine.definitions[definition_id] = loaded
                watch_starts(work, loaded, None)

    @property
    def completed(self) -> list[str]:
        """Element ids, in order."""
        return self.kernel.completed

    @property
    def instances(self) -> list[Any]:
        """Rows with `ended` and `error`."""
        with self.engine.read() as work:
            ended = (instance.c.state == "ended").label("ended")
            return list(work.connection.execute(sa.select(instance.c.id, ended, instance.c.error)).all())

    def start(self, process_id: str, variables: Mapping[str, Any], element_id: str | None = None) -> None:
        """Start an instance, or wait for what starts it; then let everything come to rest."""
        waits = element_id is None and not starting_nodes(self.definition, self.definition.processes[process_id].node)
        with self.engine.begin() as work:
            if waits:
                start_on_conditions(work, KEY, variables)
            else:
                start_instance(work, self.ids[process_id], KEY, variables, element_id=element_id)
        self.settle()

    def settle(self) -> None:
        """Complete what completes by itself and deliver what is on its way, until nothing moves."""
        for _ in range(ROUNDS):
            moved = run_due(self.engine)
            self._look_for_failures()
            if not (moved or self._complete_one()):
                return
        raise NeverQuiet("does not come to rest")

    def _look_for_failures(self) -> None:
        """A timer or script that failed would be tried again; here it is over, as on the bare kernel.

        Raises StepFailed.
        """
        with self.engine.read() as work:
            row = work.connection.execute(sa.select(timer).where(timer.c.last_error.is_not(None))).first()
        if row is not None:
            raise StepFailed(element=row.element_id, reason=row.last_error)

    def _complete_one(self) -> bool:
        with self.engine.begin() as work:
            for row in work.connection.execute(
                _open(user_task).where(user_task.c.state == "open").order_by(user_task.c.id)
            ).all():
                if self.completes(self.definition.nodes[row.element_id]):
                    advance_instance(work, row.instance_id, Complete(row.token), kind="completed", element_id=row.element_id)
                    return True
        return False

    def advance(self, seconds: float) -> None:
        """Let time pass; what is due happens at its moment."""
        clock = self.engine.clock
        assert isinstance(clock, VirtualClock)
        until = clock.now() + timedelta(seconds=seconds)
        while True:
            with self.engine.read() as work:
                due = next_due(work)
            if due is None or due > until:
                break
            clock.move_to(max(due, clock.now()))
            self.settle()
        clock.move_to(until)

    def set_variables(self, values: Mapping[str, Any]) -> None:
        """Write variables in every running instance."""
        for row in self.instances:
            if not row.ended:
                with self.engine.begin() as work:
                    set_variables(work, row.id, values)
        self.settle()

    def trigger(self, element_id: str) -> bool:
        """Complete a held task or make a waiting event happen; whether anything waited there."""
        found = next(self._waiting(element_id), None)
        if found is None:
            return False
        with self.engine.begin() as work:
            advance_instance(work, found[0], found[1], kind="triggered", element_id=element_id)
        self.settle()
        return True

    def _waiting(self, element_id: str) -> Iterator[tuple[str, Operation]]:
        with self.engine.read() as work:
            execute = work.connection.execute
            for row in execute(_open(user_task).where(user_task.c.state == "open", user_task.c.element_id == element_id)):
                yield row.instance_id, Complete(row.token)
            for row in execute(_open(timer).where(timer.c.state == "armed", timer.c.element_id == element_id)):
                yield row.instance_id, Fire(row.token, element_id)
            for row in execute(_open(subscription).where(subscription.c.element_id == element_id)):
                yield row.instance_id, Deliver(row.kind, row.name, {}, row.token, element_id)

    def publish(self, name: str) -> None:
        """A message comes from outside."""
        with self.engine.begin() as work:
            send_message(work, name, KEY)
        self.settle()


def _open(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).join(instance, instance.c.id == table.c.instance_id).where(instance.c.state == "running")


@dataclass(frozen=True, slots=True)
class StoredWorld(World):
    """Judges play on a database."""

    process_engine: ProcessEngine | None = None

    def host(self, model: Definition, completes: Callable[[Node], bool]) -> Any:
        """A host with rows; virtual time begins anew."""
        assert self.process_engine is not None
        self.process_engine.clock = VirtualClock(BEGIN)
        return StoredHost(self.process_engine, model, self.kernel, completes)


def make_engine(database: sa.Engine) -> ProcessEngine:
    """An engine with scripts, on which every service task is done at once."""
    process_engine = ProcessEngine(database, VirtualClock(BEGIN), extras={"scripts": ScriptRunner()})
    process_engine.handlers.register("", lambda call: {})
    return process_engine
