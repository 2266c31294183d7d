"""The token kernel behind the engine's interface: one operation in, one outcome out."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

from engine.kernel import (
    AddInstance,
    Cancel,
    CancelBranch,
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
    WaitKind,
)
from engine.model import Definition, EventKind
from engine.moments import Due, Workdays, count_weekdays
from engine.tokens import activities, events, operations, passing, timers
from engine.tokens.plan import plan_for
from engine.tokens.problems import InstanceOver, NothingWaits, StartUnknown
from engine.tokens.records import ROOT, Records
from engine.tokens.step import Step
from engine.tokens.waits import works


class TokenKernel:
    """Executes definitions: tokens are a few small records, joins count arrivals on flows, scopes own their variables.

    Stateless and safe to use from many threads. A document that is given to `step` is never changed: after an exception it
    is still the truth, after success it is worthless. A signal that is thrown has reached everything that waits in its own
    instance within the same step; it is to be brought to other instances only. Conditional events look after each token's
    move, so a condition that holds for a moment within a step is seen.
    """

    name = "tokens"

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

        Raises StepFailed and OperationNotSupported, as the classes of `engine.tokens.problems`.
        """
        step = Step(plan_for(definition), document, moment, workdays)
        if isinstance(operation, Start):
            _start(step, process_id, operation)
        elif document is None or document.get("ended"):
            raise InstanceOver()
        else:
            _do(step, operation)
        if step.final is None:
            step.run()
        return step.outcome()

    def variables(self, definition: Definition, process_id: str, document: Document, token: str | None = None) -> dict[str, Any]:
        """The variables of the process; with `token` what that waiting token sees.

        Raises NothingWaits for a token that is not there.
        """
        if "vars" in document and token is None:
            return dict(document["vars"])
        records = Records(document)
        if token is not None and token not in records:
            raise NothingWaits(token=token, element="")
        return dict(records.variables(token or ROOT))

    def positions(self, definition: Definition, process_id: str, document: Document) -> list[tuple[str, str]]:
        """(token, element id) of activities, waiting events, open scopes and tokens that wait at gateways.

        A multi-instance activity is there with its instances, the process itself is not.
        """
        return [
            (number, record["at"])
            for number, record in document["t"].items()
            if "mi" not in record and "reset" not in record and record["at"] not in definition.processes
        ]

    def dues(self, definition: Definition, process_id: str, document: Document) -> dict[tuple[str, str], Due]:
        """The armed timers, by (token, element id), with what they are counted from."""
        table = document.get("t", {})
        return {(number, at): Due.load(due) for number, record in table.items() for at, due in record.get("due", {}).items()}

    def behind(self, definition: Definition, process_id: str, document: Document, token: str) -> list[str] | None:
        """Completed steps of people that a token can go back to, latest first."""
        records = Records(document)
        return passing.behind(plan_for(definition), records, token) if token in records else []


def _start(step: Step, process_id: str, operation: Start) -> None:
    process = step.plan.definition.processes.get(process_id)
    if process is None:
        raise StartUnknown(element=process_id)
    root = step.add(process.node, None, vars=dict(operation.variables), past=[])
    step.note("entered", process.node, root)
    activities.open_scope(step, root, operation.element_id)


def _do(step: Step, operation: Operation) -> None:
    match operation:
        case Start():
            raise AssertionError("a start has no document")
        case Complete(token=token, variables=variables):
            _complete(step, token, dict(variables))
        case Enter(token=token, process=process):
            _enter(step, token, process)
        case Throw(token=token, code=code, kind=kind, variables=variables, message=message):
            _waiting_work(step, token)
            step.assign(token, variables)
            events.propagate(step, "escalation" if kind == "escalation" else "error", code, token, message=message)
        case Deliver():
            _deliver(step, operation)
        case Fire(token=token, element_id=element_id):
            timers.fire(step, token, element_id)
        case Move():
            operations.move(step, operation)
        case AddInstance(token=token, item=item, place=place):
            operations.add_instance(step, token, item, place)
        case CancelBranch(token=token):
            operations.cancel_branch(step, token)
        case RemoveInstance(token=token):
            operations.remove_instance(step, token)
        case Cancel():
            step.end()
        case SetVariables(variables=variables):
            step.assign(ROOT, variables)
        case Reschedule():
            for token, element_id, moment in operation.timers:
                timers.reschedule(step, token, element_id, moment)
            step.assign(ROOT, operation.variables)
        case _:
            assert_never(operation)


def _waiting_work(step: Step, token: str) -> WaitKind:
    """For whom the token waits.

    Raises NothingWaits.
    """
    record = step.records.table.get(token)
    kind = None if record is None else works(step.plan, record)
    if kind is None:
        raise NothingWaits(token=token, element="" if record is None else record["at"])
    return kind


def _complete(step: Step, token: str, variables: dict[str, Any]) -> None:
    kind = _waiting_work(step, token)
    node, container = step.node(token), step.records[token]["in"]
    step.reasons[kind, token, node.id, None] = "completed"
    step.assign(token, variables)
    if node.is_activity:
        activities.complete(step, token)
    else:
        step.records.remove(token)
        events.happen(step, node, container)
        step.settling.append(container)


def _enter(step: Step, token: str, process_id: str) -> None:
    process = step.plan.definition.callables.get(process_id)
    if _waiting_work(step, token) is not WaitKind.CALL or process is None:
        raise NothingWaits(token=token, element=process_id)
    step.reasons[WaitKind.CALL, token, step.node(token).id, None] = "completed"
    step.records.change(token, called=True)
    activities.begin_called(step, token, process)


def _deliver(step: Step, operation: Deliver) -> None:
    """Variables of a message are written where the event that catches it can see them, before it happens."""
    kind: EventKind = "signal" if operation.kind == "signal" else "message"
    step.delivered = events.deliver(
        step,
        kind,
        operation.name,
        variables=operation.variables,
        once=kind == "message",
        token=operation.token,
        element=operation.element_id,
    )
