"""Timers are rows. Whoever wakes up calls `fire_timer`; its guarded update makes the effect happen once.

When many are due at once, `fire_timers` fires a chunk of them in one transaction.

Kinds: `event` (of a diagram), `start` (of a process, by its start event), `handler` (calls a registered handler: reminders),
`script` (runs a script task outside any lock).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.attempts import record_failure
from engine.automatic import raise_at
from engine.chunks import advance_many
from engine.database import insert_once
from engine.definitions import find_latest
from engine.errors import BpmnThrow
from engine.handlers import Call
from engine.ids import new_id
from engine.instances import advance_instance, start_instance
from engine.kernel import Complete, Fire, Wait, WaitKind
from engine.listeners import arm_timeout
from engine.moments import Due, next_due
from engine.runs import Run
from engine.starts import arm_following, lock_starts, name_occurrence, timer_starts
from engine.statements import FIRE_TIMER, STATE
from engine.states import script_of
from engine.tables import instance, timer, user_task
from engine.work import ProcessEngine, Work

HOLD_DUE: sa.Select[Any] = (
    sa.select(timer, timer.c.id.label("row_id"), instance.c.business_key, instance.c.belongs_to, *STATE)
    .select_from(instance.join(timer, timer.c.instance_id == instance.c.id))
    .where(timer.c.state == "armed", timer.c.next_try_at <= sa.bindparam("of_now", type_=timer.c.next_try_at.type))
    .where(timer.c.kind == "event", instance.c.state == "running")
    .order_by(timer.c.next_try_at, timer.c.id)
    .with_for_update(skip_locked=True)
)
"""Event timers that are due, with their instances, both locked: those that nobody else has locked."""


def arm_timer(
    work: Work, handler: str, due_at: datetime, *, unique_key: str, payload: Mapping[str, Any], subject: str | None = None
) -> str | None:
    """Arm a timer that will call a registered handler with `payload` as its form; the row's id.

    None when a timer with this `unique_key` exists already, whatever became of it: each occurrence happens once.
    """
    timer_id = new_id()
    values = {
        "id": timer_id,
        "unique_key": unique_key,
        "kind": "handler",
        "handler": handler,
        "payload": dict(payload),
        "subject": subject,
        "due_at": due_at,
        "generation": 1,
        "state": "armed",
        "attempt": 0,
        "next_try_at": due_at,
        "created_at": work.now,
    }
    if not insert_once(work.connection, timer, values):
        return None
    work.schedule("timer", timer_id, 1, due_at, new=True)
    return timer_id


def fire_timer(process_engine: ProcessEngine, timer_id: str, generation: int | None = None) -> bool:
    """Fire one timer that is due; whether this call did it. Quiet for a row that is done, early or of another generation.

    A failure rolls everything back, is counted (`engine.attempts`) and not raised.
    """
    try:
        with process_engine.read() as work:
            row = work.connection.execute(sa.select(timer).where(timer.c.id == timer_id)).one_or_none()
        if row is None or row.state != "armed" or generation not in (None, row.generation):
            return False
        result = _run_script(process_engine, row) if row.kind == "script" else {}
        if row.kind == "start":
            _go_on(process_engine, row)
        with process_engine.begin() as work:
            return _fire(work, row, result)
    except Exception as error:  # one bad timer never stops the sweep
        record_failure(process_engine, "timer", timer, timer_id, "armed", error)
        return False


def fire_timers(process_engine: ProcessEngine, ids: Sequence[str] | None = None) -> int:
    """Fire event timers that are due, the earliest first, in one transaction (`engine.chunks`); how many. With `ids` these."""
    query = HOLD_DUE if ids is None else HOLD_DUE.where(timer.c.id.in_(ids))
    return advance_many(process_engine, "timer", query, _fire_one, fire_timer)[0]


def _fire_one(run: Run, row: sa.Row[Any]) -> None:
    run.work.writes.add(FIRE_TIMER, {"of_id": row.id, "to_done_at": run.work.now})
    run.step(Fire(row.token, row.element_id), moment=row.due_at)
    run.settle()
    run.save("fired", element_id=row.element_id, token=row.token, detail={"due_at": row.due_at.isoformat()})


def _fire(work: Work, row: sa.Row[Any], result: Mapping[str, Any] | BpmnThrow) -> bool:
    if row.instance_id is not None:  # always the instance first, then its rows: no deadlock with a person's step
        locked = sa.select(instance.c.state).where(instance.c.id == row.instance_id).with_for_update()
        state = work.connection.execute(locked).scalar_one()
        if state != "running":
            return False
    if row.kind == "start":
        lock_starts(work, row.subject)
    done = work.connection.execute(
        timer.update()
        .where(
            timer.c.id == row.id,
            timer.c.state == "armed",
            timer.c.generation == row.generation,
            timer.c.next_try_at <= work.now,
        )
        .values(state="fired", done_at=work.now)
    )
    if done.rowcount != 1:
        return False
    return take_effect(work, row, result)


def take_effect(work: Work, row: sa.Row[Any], result: Mapping[str, Any] | BpmnThrow | None = None) -> bool:
    """What a timer does when its time has come; its row is done by the caller. `result` is that of a script.

    Raises whatever the step raises.
    """
    if row.kind == "event":
        advance_instance(
            work,
            row.instance_id,
            Fire(row.token, row.element_id),
            kind="fired",
            element_id=row.element_id,
            detail={"due_at": row.due_at.isoformat()},
            moment=row.due_at,
        )
    elif row.kind == "start":
        return _start(work, row)
    elif row.kind == "listener":
        _fire_timeout(work, row)
    elif row.kind == "script":
        _take_over(work, row, result or {})
    else:
        work.engine.handlers.call(
            row.handler,
            Call(
                work=work,
                instance_id="",
                business_key=row.subject or "",
                element_id="",
                token=None,
                event="timer",
                variables={},
                properties={},
                form=row.payload,
            ),
        )
    return True


def _go_on(process_engine: ProcessEngine, row: sa.Row[Any]) -> None:
    """Arm what follows a start timer that is due, in a transaction of its own: one that fails does not stop the series."""
    with process_engine.begin() as work:
        lock_starts(work, row.subject)
        latest = find_latest(work, row.subject)
        if latest is not None and row.next_try_at <= work.now:
            arm_following(work, latest.model, row)


def _start(work: Work, row: sa.Row[Any]) -> bool:
    """Start an instance of the latest version at the timer's event, if it still has it; whether it has."""
    latest = find_latest(work, row.subject)
    if latest is None or row.element_id not in timer_starts(latest.model, row.subject):
        work.connection.execute(timer.update().where(timer.c.id == row.id).values(state="cancelled"))
        return False
    start_instance(
        work,
        latest.id,
        name_occurrence(row.subject, row.due_at),
        {},
        element_id=row.element_id,
        detail={"due_at": row.due_at.isoformat()},
        moment=row.due_at,
    )
    return True


def _take_over(work: Work, row: sa.Row[Any], result: Mapping[str, Any] | BpmnThrow) -> None:
    """Write what a script has assigned and go on, or raise what it has thrown."""
    run = Run.load(work, row.instance_id)
    if isinstance(result, BpmnThrow):
        raise_at(run, row.token, row.element_id, result)
    else:
        run.step(Complete(row.token, result))
    run.settle()
    detail = {"code": result.code, "message": result.message} if isinstance(result, BpmnThrow) else {}
    run.save("thrown" if detail else "script_run", element_id=row.element_id, token=row.token, detail=detail)


def _run_script(process_engine: ProcessEngine, row: sa.Row[Any]) -> Mapping[str, Any] | BpmnThrow:
    """Run a script task's text in its own process, while nothing is locked: what it assigns, or what it throws."""
    with process_engine.read() as work:
        source, variables = script_of(work, row.instance_id, row.token, row.element_id)
    runner = process_engine.extras["scripts"]
    try:
        answer: Mapping[str, Any] = runner.run(source, variables)
    except BpmnThrow as thrown:
        return thrown
    return answer


def _fire_timeout(work: Work, row: sa.Row[Any]) -> None:
    """The time of a timeout listener has come: call it, and arm its next occurrence after now; what was missed is past.

    Raises StepFailed, and whatever the handler raises.
    """
    run = Run.load(work, row.instance_id)
    here = sa.and_(user_task.c.instance_id == row.instance_id, user_task.c.token == row.token, user_task.c.state == "open")
    task_id = work.connection.execute(sa.select(user_task.c.id).where(here)).scalar_one()
    timeout = run.definition.model.nodes[row.element_id].camunda.timeouts[row.payload["listener"]]
    form = {"listener": timeout.id, "due_at": row.due_at.isoformat()}
    variables = run.variables(row.token)
    run.listen(row.element_id, row.token, "timeout", variables, names=(timeout.handler,), form=form, task_id=task_id)
    due = next_due(Due.load(row.payload["due"]), workdays=work.workdays)
    while due is not None and due.at <= work.now:
        due = next_due(due, workdays=work.workdays)
    if due is not None:
        arm_timeout(run, Wait(WaitKind.TIMER, row.token, row.element_id), row.payload["listener"], due)
    detail = {"event": "timeout", "listener": timeout.id, "task": task_id}
    run.save("listened", element_id=row.element_id, token=row.token, detail=detail)
