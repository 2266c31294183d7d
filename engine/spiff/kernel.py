"""SpiffWorkflow behind the kernel interface: the second opinion on every diagram, and selectable to execute one."""

from __future__ import annotations

from datetime import datetime
from threading import Lock
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

from engine.errors import Finding, OperationNotSupported
from engine.kernel import (
    AddInstance,
    Cancel,
    CancelBranch,
    Closed,
    Complete,
    Deliver,
    Document,
    Enter,
    Fire,
    Move,
    Operation,
    Outcome,
    RemoveInstance,
    Reschedule,
    SetVariables,
    Start,
    Throw,
    Wait,
)
from engine.model import Definition
from engine.moments import Due, Workdays, count_weekdays
from engine.spiff.document import dump_instance, load_instance
from engine.spiff.language import ENGINE
from engine.spiff.limits import limits
from engine.spiff.operations import WORK, add_instance, find_task, move, remove_instance, waiting_task
from engine.spiff.parser import DiagramParser, build_specs, parse_diagram
from engine.spiff.process import Instance
from engine.spiff.scopes import WaitKey
from engine.spiff.subprocesses import open_scope

Specs = tuple[Any, dict[str, Any]]


class SpiffKernel:
    """Executes definitions by SpiffWorkflow 3.2.0. Pure, and safe for threads: only parsed specs are kept, and never changed."""

    name = "spiff"

    def __init__(self) -> None:
        self._lock = Lock()
        self._parsers: WeakKeyDictionary[Definition, DiagramParser] = WeakKeyDictionary()
        self._specs: WeakKeyDictionary[Definition, dict[str, Specs]] = WeakKeyDictionary()

    # ---- the interface -----------------------------------------------------------------------------------------------
    def step(
        self,
        definition: Definition,
        process_id: str,
        document: Document | None,
        operation: Operation,
        moment: datetime,
        *,
        workdays: Workdays = count_weekdays,
    ) -> Outcome:
        """Do one operation and run on until every token waits.

        Raises StepFailed, and OperationNotSupported for what this kernel cannot do: a definition with `limits` included.
        """
        specs = self.specs(definition, process_id)
        instance = load_instance(*specs, document, moment) if document else Instance(*specs, ENGINE, moment)
        instance.workdays = workdays
        if instance.ended:
            raise OperationNotSupported(reason=Finding("spiff_ended"))
        before = instance.waiting() if document else {}
        delivered = self._perform(instance, definition, operation)
        instance.do_engine_steps()
        return self._outcome(instance, before, delivered)

    def variables(self, definition: Definition, process_id: str, document: Document, token: str | None = None) -> dict[str, Any]:
        """The variables of the process; with `token` what that waiting token sees.

        Raises OperationNotSupported for a token that is not there.
        """
        if token is None:
            return dict(document["vars"])
        instance = load_instance(*self.specs(definition, process_id), document)
        return instance.environment(find_task(instance, token))

    def positions(self, definition: Definition, process_id: str, document: Document) -> list[tuple[str, str]]:
        """(token, element id) of activities, waiting events, open scopes and tokens that wait at gateways."""
        instance = load_instance(*self.specs(definition, process_id), document)
        return [
            (task.internal_data["token"], task.task_spec.bpmn_id)
            for task in instance.all_live()
            if not task.internal_data.keys() & {"host", "instances", "reset"}
        ]

    def dues(self, definition: Definition, process_id: str, document: Document) -> dict[tuple[str, str], Due]:
        """The armed timers, by (token, element id), with what they are counted from."""
        instance = load_instance(*self.specs(definition, process_id), document)
        return {
            (instance.wait_token(task), element_id): Due.load(due)
            for task, _ in instance.listening()
            for element_id, due in task.internal_data.get("due", {}).items()
        }

    def behind(self, definition: Definition, process_id: str, document: Document, token: str) -> list[str] | None:
        """This kernel does not note what was completed: the history tells."""
        return None

    def limits(self, definition: Definition, process_id: str) -> list[Finding]:
        """What in a process, and in those that it calls, this kernel cannot run: a warning for each element."""
        return limits(definition, process_id)

    # ---- specs -------------------------------------------------------------------------------------------------------
    def specs(self, definition: Definition, process_id: str) -> Specs:
        """The specs of a process and of all that is inside it, parsed once per definition.

        Raises OperationNotSupported when the process, or one that it calls, has elements that this kernel cannot run.
        """
        known = self._specs.setdefault(definition, {})
        if process_id in known:
            return known[process_id]
        with self._lock:  # a spec is there before it is finished
            if process_id not in definition.processes:
                raise OperationNotSupported(reason=Finding("spiff_no_process", values={"process": process_id}))
            found = limits(definition, process_id)
            if found:
                elements = ", ".join(dict.fromkeys(str(finding.element) for finding in found))
                raise OperationNotSupported(findings=found, reason=Finding("spiff_limits", values={"elements": elements}))
            parser = self._parsers.get(definition)
            if parser is None:
                parser = self._parsers[definition] = parse_diagram(definition.xml, definition.name)
            known[process_id] = build_specs(parser, process_id)
        return known[process_id]

    # ---- operations --------------------------------------------------------------------------------------------------
    def _perform(self, instance: Instance, definition: Definition, operation: Operation) -> int:
        """Do the operation itself; how many waits a Deliver reached."""
        match operation:
            case Start(variables, element_id):
                instance.data = dict(variables)
                instance.note("entered", instance.spec.name)
                open_scope(instance, element_id)
            case Complete(token, variables):
                task = waiting_task(instance, token)
                instance.assign(task, variables)
                task.complete()
            case Throw(token, code, kind, variables, message):
                task = waiting_task(instance, token)
                instance.assign(task, variables)
                instance.raise_code(task, kind, code, message)
            case Deliver(kind, name, variables, token, element_id):
                return instance.deliver(kind, name, variables, token, element_id)
            case Fire(token, element_id):
                if not instance.fire(token, element_id):
                    raise OperationNotSupported(reason=Finding("spiff_nothing_waits", values={"token": token}))
            case SetVariables(variables):
                instance.assign_inside(instance, variables)
            case Reschedule(timers, variables):
                for token, element_id, moment in timers:
                    if not instance.reschedule(token, element_id, moment):
                        raise OperationNotSupported(reason=Finding("spiff_nothing_waits", values={"token": token}))
                instance.assign_inside(instance, variables)
            case Cancel():
                instance.end()
            case Move(straight=True):
                raise OperationNotSupported(reason=Finding("spiff_no_straight"))
            case Move(tokens, target, variables):
                move(instance, definition, tokens, target, variables)
            case AddInstance(token, item, place):
                add_instance(instance, token, item, place)
            case RemoveInstance(token):
                remove_instance(instance, token)
            case CancelBranch():
                raise OperationNotSupported(reason=Finding("spiff_no_branches"))
            case Enter(token):  # limit_call_other: no call waits here
                raise OperationNotSupported(reason=Finding("spiff_nothing_waits", values={"token": token}))
        return 0

    def _outcome(self, instance: Instance, before: dict[WaitKey, datetime | None], delivered: int) -> Outcome:
        after = instance.waiting()
        opened = [key for key, due in after.items() if key not in before or before[key] != due]
        closed = [key for key, due in before.items() if key not in after or after[key] != due]
        return Outcome(
            document=dump_instance(instance),
            log=instance.log,
            opened=[see(instance, key, after[key]) for key in opened],
            closed=[
                Closed(kind, token, element_id, instance.reasons.get((kind, token, element_id, name), "cancelled"), name)
                for kind, token, element_id, name in closed
            ],
            thrown=instance.thrown,
            ended=instance.ended,
            error=instance.error,
            delivered=delivered,
        )


def see(instance: Instance, key: WaitKey, due_at: datetime | None) -> Wait:
    """A wait that has begun, with what its element sees."""
    kind, token, element_id, name = key
    seen = MappingProxyType(instance.environment(find_task(instance, token))) if kind in WORK else None
    return Wait(kind, token, element_id, seen, due_at, name)
