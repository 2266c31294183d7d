"""Process instances: one document each, advanced by one operation per transaction (`engine.runs`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine import mirror
from engine.definitions import get_definition
from engine.kernel import Cancel, Operation, SetVariables, Start
from engine.model import list_initiators
from engine.runs import Run
from engine.states import read_state
from engine.tables import timer
from engine.work import Work


def start_instance(
    work: Work,
    definition_id: str,
    business_key: str,
    variables: Mapping[str, Any],
    *,
    belongs_to: str | None = None,
    element_id: str | None = None,
    detail: Mapping[str, Any] | None = None,
    moment: datetime | None = None,
) -> str:
    """Start an instance of a deployed definition and run it until every token waits; its id.

    `belongs_to` is what its tasks are listed with (a campaign).
    `element_id` is the event that has happened already: a start event, an instantiating receive task, or an event behind an
    instantiating gateway. `detail` goes into the history, `moment` is that of the event (a timer's due moment).
    Raises DefinitionUnknown, StepFailed, and whatever a handler raises.
    """
    run = Run.begin(work, get_definition(work, definition_id), business_key, belongs_to)
    process = run.own.model.processes[run.own.key]
    started_by = dict.fromkeys(list_initiators(run.own.model, process.node, element_id), work.by)
    run.step(Start({**dict.fromkeys(process.declared), **variables, **started_by}, element_id), moment=moment)
    run.settle()
    run.save("started", element_id=element_id, detail=detail)
    return run.place.instance_id


def advance_instance(
    work: Work,
    instance_id: str,
    operation: Operation,
    *,
    kind: str,
    element_id: str | None = None,
    detail: Mapping[str, Any] | None = None,
    moment: datetime | None = None,
) -> int:
    """Do one operation on a running instance: step, handlers, mirror rows, one history row of `kind`, new document.

    `moment` is the operation's own (a timer's due moment); else the present one. How many waits a `Deliver` reached.
    Raises InstanceUnknown, InstanceNotRunning, StepFailed, OperationNotSupported, and whatever a handler raises.
    """
    run = Run.load(work, instance_id)
    delivered = run.step(operation, moment=moment)
    run.settle()
    run.save(kind, element_id=element_id, token=getattr(operation, "token", None), detail=detail)
    return delivered


def cancel_instance(work: Work, instance_id: str, *, reason: str) -> None:
    """End an instance without further effect (终止); its tasks, timers and subscriptions go.

    Raises InstanceUnknown, InstanceNotRunning.
    """
    run = Run.load(work, instance_id, states=("running", "suspended"))
    run.step(Cancel())
    run.save("cancelled", detail={"reason": reason}, state="cancelled")


def set_variables(work: Work, instance_id: str, variables: Mapping[str, Any]) -> None:
    """Write variables of the process from outside; conditional events look again.

    Raises InstanceUnknown, InstanceNotRunning, StepFailed.
    """
    advance_instance(work, instance_id, SetVariables(variables), kind="variables_set", detail={"names": sorted(variables)})


def suspend_instance(work: Work, instance_id: str, *, reason: str) -> None:
    """Let an instance rest (挂起): timers that come due and messages wait, tasks cannot be completed.

    Raises InstanceUnknown, InstanceNotRunning.
    """
    run = Run.load(work, instance_id)
    run.save("suspended", detail={"reason": reason}, state="suspended")


def resume_instance(work: Work, instance_id: str, *, reason: str = "") -> None:
    """Let a suspended instance go on; what came due meanwhile happens now.

    Raises InstanceUnknown, InstanceNotRunning when it is not suspended.
    """
    run = Run.load(work, instance_id, states=("suspended",))
    run.save("resumed", detail={"reason": reason} if reason else None, state="running")
    due = work.connection.execute(
        timer.update()
        .where(timer.c.instance_id == instance_id, timer.c.state == "armed", timer.c.next_try_at <= work.now)
        .values(generation=timer.c.generation + 1)
        .returning(timer.c.id, timer.c.generation)
    ).all()
    for row in due:
        work.schedule("timer", row.id, row.generation, work.now)
    mirror.wake_all(work, run.place)


def instance_variables(work: Work, instance_id: str, *, token: str | None = None) -> dict[str, Any]:
    """The variables of the process; with `token` what that waiting token sees.

    Raises InstanceUnknown.
    """
    definition, state = read_state(work, instance_id)
    return definition.kernel.variables(definition.model, definition.key, state, token)


def instance_positions(work: Work, instance_id: str) -> list[tuple[str, str]]:
    """(token, element id) of all that is active now.

    Raises InstanceUnknown.
    """
    definition, state = read_state(work, instance_id)
    return definition.kernel.positions(definition.model, definition.key, state)
