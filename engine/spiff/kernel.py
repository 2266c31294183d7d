"""SpiffWorkflow behind the kernel interface: the second opinion on every diagram, and selectable to execute one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from SpiffWorkflow.task import Task

from engine.errors import OperationNotSupported, StepFailed
from engine.kernel import (
    AddInstance,
    Cancel,
    Closed,
    Complete,
    Deliver,
    Document,
    Fire,
    Move,
    Operation,
    Outcome,
    RemoveInstance,
    SetVariables,
    Start,
    Throw,
    Wait,
    WaitKind,
)
from engine.model import Definition
from engine.spiff.document import dump_instance, load_instance
from engine.spiff.elements import open_scope
from engine.spiff.instances import MultiInstance
from engine.spiff.language import ENGINE
from engine.spiff.limits import limits
from engine.spiff.parser import DiagramParser, parse_diagram
from engine.spiff.scopes import Instance, WaitKey

SEES = (WaitKind.TASK, WaitKind.HANDLER, WaitKind.SCRIPT)
"""Waits that are told what variables they see."""

Specs = tuple[Any, dict[str, Any]]


class SpiffKernel:
    """Executes definitions by SpiffWorkflow 3.2.0. Pure, and safe for threads: only parsed specs are kept, and never changed."""

    name = "spiff"

    def __init__(self) -> None:
        self._parsers: WeakKeyDictionary[Definition, DiagramParser] = WeakKeyDictionary()
        self._specs: WeakKeyDictionary[Definition, dict[str, Specs]] = WeakKeyDictionary()

    # ---- the interface -----------------------------------------------------------------------------------------------
    def step(
        self, definition: Definition, process_id: str, document: Document | None, operation: Operation, moment: datetime
    ) -> Outcome:
        """Do one operation and run on until every token waits.

        Raises StepFailed, and OperationNotSupported for what this kernel cannot do: a definition with `limits` included.
        """
        specs = self.specs(definition, process_id)
        instance = load_instance(*specs, document) if document else Instance(*specs, ENGINE)
        before = instance.waiting()
        instance.moment = moment
        delivered = self._perform(instance, operation)
        instance.do_engine_steps()
        return self._outcome(instance, before, operation, delivered)

    def variables(
        self, definition: Definition, process_id: str, document: Document, token: str | None = None
    ) -> dict[str, Any]:
        """The variables of the process; with `token` what that waiting token sees."""
        if token is None:
            return dict(document["vars"])
        instance = load_instance(*self.specs(definition, process_id), document)
        return dict(instance.environment(self._waiting_task(instance, token)))

    def positions(self, definition: Definition, process_id: str, document: Document) -> list[tuple[str, str]]:
        """(token, element id) of all that is active now."""
        instance = load_instance(*self.specs(definition, process_id), document)
        return [
            (instance.token(task), task.task_spec.bpmn_id)
            for task in instance.all_live()
            if "host" not in task.internal_data and "instances" not in task.internal_data
        ]

    # ---- specs -------------------------------------------------------------------------------------------------------
    def specs(self, definition: Definition, process_id: str) -> Specs:
        """The specs of a process and of all that is inside it, parsed once per definition.

        Raises OperationNotSupported when the diagram has elements that this kernel cannot run.
        """
        known = self._specs.setdefault(definition, {})
        if process_id not in known:
            found = [finding for finding in limits(definition) if finding.values["process"] == process_id]
            if found:
                reason = "; ".join(f"{finding.element}: {finding.values['reason']}" for finding in found)
                raise OperationNotSupported(reason=reason)
            known[process_id] = self._parse(definition, process_id)
        return known[process_id]

    def _parse(self, definition: Definition, process_id: str) -> Specs:
        parser = self._parsers.get(definition)
        if parser is None:
            parser = self._parsers[definition] = parse_diagram(definition.xml, definition.name)
        return parser.get_spec(process_id), parser.get_subprocess_specs(process_id)

    # ---- operations --------------------------------------------------------------------------------------------------
    def _perform(self, instance: Instance, operation: Operation) -> int:
        """Do the operation itself; how many waits a Deliver reached."""
        match operation:
            case Start(variables, element_id):
                instance.data = dict(variables)
                open_scope(instance, element_id)
            case Complete(token, variables):
                task = self._waiting_task(instance, token)
                instance.assign(task, variables)
                task.complete()
            case Throw(token, code, kind, variables):
                task = self._waiting_task(instance, token)
                instance.assign(task, variables)
                instance.raise_code(task, kind, code)
            case Deliver(kind, name, variables, token, element_id):
                place = (token, element_id) if token is not None and element_id is not None else None
                return instance.deliver(kind, name, variables, place)
            case Fire(token, element_id):
                if not instance.fire(token, element_id):
                    raise StepFailed(element=element_id, reason=f"no timer waits there for the token {token}")
            case SetVariables(variables):
                instance.assign(None, variables)
            case Cancel():
                instance.clear(instance)
            case Move():
                self._move(instance, operation)
            case AddInstance(token, item):
                self._add_instance(instance, self._open_instance(instance, token), item)
            case RemoveInstance(token):
                self._remove_instance(instance, self._open_instance(instance, token))
        return 0

    def _waiting_task(self, instance: Instance, token: str) -> Task:
        """The task that waits to be completed under this token. Raises StepFailed."""
        task = instance.find(token)
        if task is None or not any(row[0] in SEES for row in task.task_spec.waits(task)):
            raise StepFailed(element=None, reason=f"nothing waits to be completed for the token {token}")
        return task

    def _move(self, instance: Instance, operation: Move) -> None:
        """Take tokens of one scope away and put one before the target in that scope or in one around it.

        Raises StepFailed for unknown tokens, OperationNotSupported where the target is inside another scope.
        """
        tasks = []
        for token in operation.tokens:
            task = instance.find(token)
            if task is None:
                raise StepFailed(element=None, reason=f"there is no token {token}")
            tasks.append(task.parent if "instances" in task.parent.internal_data else task)
        scope = tasks[0].workflow
        while operation.target not in scope.spec.task_specs:
            if scope is instance:
                raise OperationNotSupported(reason=f"{operation.target} is not in a scope around the tokens")
            tasks.append(scope.holder)
            scope = scope.holder.workflow
        if isinstance(tasks[-1].parent.task_spec, MultiInstance):
            raise OperationNotSupported(reason="a token cannot leave a multi-instance sub-process")
        for task in reversed(tasks):
            if task.id in task.workflow.tasks:
                instance.cancel_task(task)
        instance.assign(scope.holder if scope is not instance else None, operation.variables)
        scope.add(scope.spec.task_specs[operation.target])

    def _open_instance(self, instance: Instance, token: str) -> Task:
        """The instance of a parallel multi-instance activity with this token. Raises StepFailed, OperationNotSupported."""
        task = instance.find(token)
        if task is None:
            raise StepFailed(element=None, reason=f"there is no token {token}")
        spec = task.parent.task_spec
        if not isinstance(spec, MultiInstance):
            raise StepFailed(element=task.task_spec.bpmn_id, reason="this is no instance of a multi-instance activity")
        if spec.sequential:
            raise OperationNotSupported(reason="instances are added and removed only while all are open")
        return task

    def _add_instance(self, instance: Instance, task: Task, item: Any) -> None:
        body = task.parent
        state = body.internal_data["instances"]
        if state["items"] is not None:
            state["items"].append(item)
        state["n"] += 1
        body.task_spec.start_next(body)

    def _remove_instance(self, instance: Instance, task: Task) -> None:
        body = task.parent
        state = body.internal_data["instances"]
        instance.cancel_task(task)
        state["n"] -= 1
        if state["done"] >= state["n"]:
            body.task_spec.finish(body)

    # ---- the outcome -------------------------------------------------------------------------------------------------
    def _outcome(
        self, instance: Instance, before: dict[WaitKey, datetime | None], operation: Operation, delivered: int
    ) -> Outcome:
        after = instance.waiting()
        ended = not instance.live()
        opened = [key for key, due in after.items() if key not in before or before[key] != due]
        closed = [key for key, due in before.items() if key not in after or after[key] != due]
        tokens = {instance.token(task): task for task in instance.all_live()}
        return Outcome(
            document=dump_instance(instance, ended=ended),
            log=instance.log,
            opened=[self._wait(instance, key, after[key], tokens) for key in opened],
            closed=[
                Closed(kind, token, element_id, instance.reasons.get((token, element_id), "cancelled"), name)
                for kind, token, element_id, name in closed
            ],
            thrown=instance.thrown,
            ended=ended,
            error=instance.error,
            delivered=delivered,
        )

    @staticmethod
    def _wait(instance: Instance, key: WaitKey, due_at: datetime | None, tokens: dict[str, Task]) -> Wait:
        kind, token, element_id, name = key
        seen = instance.environment(tokens[token]) if kind in SEES else None
        return Wait(kind, token, element_id, seen, due_at, name)
