"""One advance of one instance: lock, step, call the handlers that the diagram names, mirror, history, store."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine import correlation, mirror
from engine.automatic import is_automatic, perform, raise_at
from engine.definitions import LoadedDefinition, get_definition
from engine.errors import BpmnThrow, Finding, InstanceNotRunning, InstanceUnknown, StepFailed, note_place
from engine.handlers import Call
from engine.history import Chain
from engine.ids import new_id
from engine.kernel import Closed, Complete, Document, Enter, Operation, Wait, WaitKind
from engine.listeners import tell_closed, tell_opened
from engine.messages import send_thrown
from engine.statements import ADD_INSTANCE, HOLD_INSTANCE, STORE_INSTANCE
from engine.states import FORMAT_VERSION, called_in, choose_called, link_called, read_document
from engine.work import Work

PERFORMED = (WaitKind.HANDLER, WaitKind.CALL)
"""What a run does by itself as soon as it waits."""


def start_lock(business_key: str) -> str:
    """The name that is locked while an instance of this key is started: nobody sees it yet, and messages may be on their way."""
    return f"start:{business_key}"


class Run:
    """One advance of one instance within a unit of work. Drop it after an exception: the transaction rolls back."""

    def __init__(self, work: Work, definition: LoadedDefinition, place: mirror.Place, chain: Chain) -> None:
        self.work, self.definition, self.place, self.chain = work, definition, place, chain
        self.own = definition  # without what it calls
        self.called: Sequence[str] = ()  # the versions that it has called
        self.known: correlation.Known = {}  # values of correlation keys that its first messages gave
        work.chains[place.instance_id] = chain
        self.state: Document = {}
        self.revision = 0
        self.status = "running"
        self.ended = False
        self.error: str | None = None
        self.steps = 0
        self.pending: deque[tuple[int, Wait]] = deque()  # handlers to call, with the step in which they began to wait
        self.opened: dict[tuple[Any, ...], Wait] = {}
        self.closed: list[Closed] = []
        self.passed: list[str] = []
        self.cancelled: list[str] = []  # but what only began in this advance
        self.entered: set[str] = set()
        self.decided: list[dict[str, Any]] = []  # which decisions were asked, and which of their rules held

    @classmethod
    def begin(cls, work: Work, definition: LoadedDefinition, business_key: str, belongs_to: str | None = None) -> Run:
        """A new instance; its row is written by `save`."""
        instance_id = new_id()
        return cls(work, definition, mirror.Place(instance_id, business_key, belongs_to), Chain(instance_id))

    @classmethod
    def load(cls, work: Work, instance_id: str, *, states: tuple[str, ...] | None = ("running",)) -> Run:
        """Lock and read an instance to change it. `states` are those it may be in (None: any).

        Raises InstanceUnknown, InstanceNotRunning.
        """
        work.writes.write(work.connection)
        row = work.connection.execute(HOLD_INSTANCE, {"of_id": instance_id}).one_or_none()
        if row is None:
            raise InstanceUnknown()
        return cls.resume(work, row, states=states)

    @classmethod
    def resume(cls, work: Work, row: sa.Row[Any], *, states: tuple[str, ...] | None = ("running",)) -> Run:
        """The same with a row that holds the columns `engine.statements.STATE` of a locked instance, its id, business key
        and what it belongs to.

        Raises InstanceNotRunning.
        """
        if states is not None and row.instance_state not in states:
            raise InstanceNotRunning(state=row.instance_state)
        chain = Chain(row.instance_id, row.history_count, row.history_hash)
        place = mirror.Place(row.instance_id, row.business_key, row.belongs_to)
        run = cls(work, get_definition(work, row.definition_id), place, chain)
        run.state, run.revision, run.status = read_document(row.document), row.instance_revision, row.instance_state
        run.called, run.known = called_in(row.document), row.document.get("correlated", {})
        run.definition = link_called(work, run.own, run.called)
        return run

    def tokens(self) -> set[str]:
        """All that is active now."""
        return {token for token, _ in self.definition.kernel.positions(self.definition.model, self.definition.key, self.state)}

    # ---- stepping ----------------------------------------------------------------------------------------------------
    def step(self, operation: Operation, *, moment: datetime | None = None) -> int:
        """One operation of the kernel; what it did is noted, nothing is written yet. How many waits it reached."""
        outcome = self.definition.kernel.step(
            self.definition.model,
            self.definition.key,
            self.state or None,
            operation,
            moment or self.work.now,
            workdays=self.work.workdays,
        )
        self.state, self.ended, self.error = outcome.document, outcome.ended, outcome.error
        self.steps += 1
        for closed in outcome.closed:
            if self.opened.pop((closed.kind, closed.token, closed.element_id, closed.name), None) is None:
                self.closed.append(closed)
            elif closed.kind in PERFORMED:
                gone = (closed.token, closed.element_id)
                self.pending = deque(item for item in self.pending if (item[1].token, item[1].element_id) != gone)
        for wait in outcome.opened:
            self.opened[(wait.kind, wait.token, wait.element_id, wait.name)] = wait
            if wait.kind in PERFORMED and is_automatic(self.definition.model, wait.element_id):
                self.pending.append((self.steps, wait))
        for line in outcome.log:
            if line.event == "completed":
                self.passed.append(line.element_id)
            elif line.event == "entered" and line.token is not None:
                self.entered.add(line.token)
            elif line.event == "cancelled" and line.token not in self.entered:
                self.cancelled.append(line.element_id)
        model = self.definition.model
        if model.correlates:
            self.known = correlation.learn(model, self.known, operation)
        for thrown in outcome.thrown:
            node = model.nodes[thrown.element_id]
            carried = send_thrown(self.work, self.place.business_key, self.place.instance_id, thrown, node)
            if model.correlates:
                self.known = correlation.learn_from(model, self.known, node.id, thrown.name, carried)
        return outcome.delivered

    def variables(self, token: str) -> dict[str, Any]:
        """What a waiting token sees now."""
        return self.definition.kernel.variables(self.definition.model, self.definition.key, self.state, token)

    def settle(self) -> None:
        """Do what waits for us (handlers, decisions, expressions, finding what is called), one by one, until nothing does."""
        while self.pending:
            began, wait = self.pending.popleft()
            if began != self.steps:  # another handler has acted since this one began to wait
                wait = replace(wait, variables=self.variables(wait.token))
            if wait.kind is WaitKind.CALL:
                self.enter(wait)
                continue
            if self.passes_over(wait.element_id):
                self.step(Complete(wait.token))
                continue
            node = self.definition.model.nodes[wait.element_id]
            call = self.call(wait.element_id, wait.token, "execute" if node.is_activity else "throw", wait.variables or {})
            try:
                result, decided = perform(self.own, node, call)
            except BpmnThrow as thrown:
                raise_at(self, wait.token, wait.element_id, thrown)
            except Exception as error:
                note_place(error, self.place.instance_id, wait.element_id)
                raise
            else:
                self.decided += [] if decided is None else [decided]
                self.step(Complete(wait.token, result))

    def passes_over(self, element_id: str) -> bool:
        """Whether what the engine would do at this element is left out (`engine.mending`); noted for the history."""
        if (self.place.instance_id, element_id) not in self.work.passing:
            return False
        self.work.passed.append(element_id)
        return True

    def enter(self, wait: Wait) -> None:
        """Find what a call activity calls, and begin it.

        Raises CallFailed.
        """
        node = self.definition.model.nodes[wait.element_id]
        self.called, process = choose_called(self.work, self.own, self.called, node, wait.variables or {})
        self.definition = link_called(self.work, self.own, self.called)
        self.step(Enter(wait.token, process))

    def call(
        self,
        element_id: str,
        token: str | None,
        event: str,
        variables: Mapping[str, Any],
        *,
        form: Mapping[str, Any] | None = None,
        task_id: str | None = None,
    ) -> Call:
        """What a handler of this element is given. It sees what has been gathered: that is written now."""
        self.work.writes.write(self.work.connection)
        node = self.definition.model.nodes[element_id]
        return Call(
            work=self.work,
            instance_id=self.place.instance_id,
            business_key=self.place.business_key,
            element_id=element_id,
            token=token,
            event=event,
            variables=variables,
            properties=node.camunda.properties,
            form=form or {},
            task_id=task_id,
        )

    def listen(
        self,
        element_id: str,
        token: str,
        event: str,
        variables: Mapping[str, Any],
        *,
        names: Sequence[str] | None = None,
        **given: Any,
    ) -> dict[str, Any]:
        """Call the task listeners of `event` (or those `names`); what they return, merged.

        Raises BpmnThrow on `complete` alone: where a task only begins, or is given back, nothing in the diagram could catch it,
        and StepFailed says so.
        """
        result: dict[str, Any] = {}
        if names is None:
            names = self.definition.model.nodes[element_id].camunda.listeners.get(event, ())
        if names and self.passes_over(element_id):
            return result
        for name in names:
            call = self.call(element_id, token, event, {**variables, **result}, **given)
            try:
                result.update(self.work.engine.handlers.call(name, call))
            except BpmnThrow as error:
                if event == "complete":
                    raise
                values = {"handler": name, "event": event, "code": error.code}
                raise StepFailed(element=element_id, reason=Finding("ErrorNotCatchable", values=values)) from error
            except Exception as error:
                note_place(error, self.place.instance_id, element_id)
                raise
        return result

    # ---- storing -----------------------------------------------------------------------------------------------------
    def save(
        self,
        kind: str,
        *,
        element_id: str | None = None,
        token: str | None = None,
        detail: Mapping[str, Any] | None = None,
        state: str | None = None,
    ) -> None:
        """Write the mirror rows, one history row and the document, all in this transaction."""
        work, writes = self.work, self.work.writes
        begun = self._begin() if self.revision == 0 else None
        for closed in self.closed:
            if closed.kind in mirror.CLOSE:
                mirror.CLOSE[closed.kind](work, self.place, closed)
        tell_closed(self)
        tasks = self._open_waits()
        if self.definition.model.correlates and not self.ended:
            writes.write(work.connection)
            digests = correlation.refresh(
                work, self.own, self.definition.model, self.place.instance_id, self.known, self.variables
            )
            mirror.wake_messages(work, correlation.waits_for(digests))
        for task_id, wait in tasks:
            tell_opened(self, task_id, wait)
        facts = {
            **(detail or {}),
            **{"passed": self.passed, "cancelled": self.cancelled, "decided": self.decided},
            "opened": [wait.element_id for _, wait in tasks],
        }
        self.chain.append(work, kind, element_id=element_id, token=token, detail={k: v for k, v in facts.items() if v})
        if self.ended and state is None:
            self.chain.append(work, "ended", detail={"error": self.error} if self.error is not None else {})
        self.chain.write(work)
        del work.chains[self.place.instance_id]
        stored = self._tell_stored(state or ("ended" if self.ended else self.status))
        if begun is not None and writes.holds(ADD_INSTANCE, begun):
            begun |= stored
        else:
            writes.add(STORE_INSTANCE, {"of_id": self.place.instance_id, **{f"to_{name}": each for name, each in stored.items()}})
        work.write()

    def _open_waits(self) -> list[tuple[str, Wait]]:
        """Gather the rows of all that has begun to wait; user tasks with their ids."""
        tasks, nodes = [], self.definition.model.nodes
        for wait in self.opened.values():
            match wait.kind:
                case WaitKind.TASK:
                    tasks.append((mirror.open_task(self.work, self.place, nodes[wait.element_id], wait), wait))
                case WaitKind.TIMER:
                    mirror.open_timer(self.work, self.place, wait)
                case WaitKind.SCRIPT:
                    mirror.open_timer(self.work, self.place, wait, kind="script")
                case WaitKind.HANDLER:  # a worker's
                    mirror.open_external(self.work, self.place, nodes[wait.element_id], wait)
                case WaitKind.MESSAGE | WaitKind.SIGNAL:
                    mirror.open_subscription(self.work, self.place, wait)
        return tasks

    def _begin(self) -> dict[str, Any]:
        """Gather the row of a new instance."""
        self.work.hold([start_lock(self.place.business_key)])
        row = {
            "id": self.place.instance_id,
            "definition_id": self.definition.id,
            "business_key": self.place.business_key,
            "belongs_to": self.place.belongs_to,
            "started_at": self.work.now,
            "started_by": self.work.by,
            **self._tell_stored("running"),
        }
        self.work.writes.add(ADD_INSTANCE, row)
        return row

    def _tell_stored(self, state: str) -> dict[str, Any]:
        """The columns of an instance that a step writes."""
        beside = {"called": self.called, "correlated": self.known}
        return {
            "state": state,
            "document": {"format_version": FORMAT_VERSION, "state": self.state} | {k: v for k, v in beside.items() if v},
            "revision": self.revision + 1,
            "error": self.error,
            "history_count": self.chain.count,
            "history_hash": self.chain.head,
            "ended_at": self.work.now if state in ("ended", "cancelled") else None,
        }
