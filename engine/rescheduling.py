"""Timers and tasks that are due at another moment than they were: a deadline is extended.

The rows are moved first, many at once: from then on no timer fires at the old moment. The documents follow their rows, one
instance at a time, together with the variables by which later steps compute their moments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from engine.kernel import Reschedule, WaitKind
from engine.runs import Run
from engine.tables import timer, user_task
from engine.work import Work

PART = 500
"""Rows of one statement: SQLite bounds its values."""


def move_timers(work: Work, moments: Mapping[str, datetime]) -> int:
    """Let armed timers, by their ids, be due at these moments; how many were moved.

    Each is of a new generation: who was told of the old moment finds nothing to do. The instances are locked by the caller.
    """
    moved = 0
    for due_at, ids in _by_moment(moments):
        changed = {"due_at": due_at, "next_try_at": due_at, "generation": timer.c.generation + 1}
        armed = timer.update().where(timer.c.id.in_(ids), timer.c.state == "armed").values(**changed)
        for row in work.connection.execute(armed.returning(timer.c.id, timer.c.generation)).all():
            work.schedule("timer", row.id, row.generation, due_at)
            moved += 1
    return moved


def move_tasks(work: Work, moments: Mapping[str, datetime]) -> int:
    """Let open user tasks, by their ids, be due at these moments; how many were moved. Their revision stays: what somebody is
    typing is not outdated by it. The instances are locked by the caller."""
    moved = 0
    for due_at, ids in _by_moment(moments):
        open_ = user_task.update().where(user_task.c.id.in_(ids), user_task.c.state == "open")
        moved += work.connection.execute(open_.values(due_at=due_at)).rowcount
    return moved


Replaced = Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]
"""Values (mappings) with what takes their place, wherever a variable is one or holds one."""


def replace_values(data: Any, replaced: Replaced) -> Any:
    """JSON data with other mappings in place of those that are equal to one of `replaced`; the data themselves stay."""
    if isinstance(data, Mapping):
        found = next((new for old, new in replaced if data == old), None)
        return dict(found) if found is not None else {key: replace_values(value, replaced) for key, value in data.items()}
    return [replace_values(each, replaced) for each in data] if isinstance(data, list | tuple) else data


def follow_rows(run: Run, variables: Mapping[str, Any], *, kind: str, detail: Mapping[str, Any], replaced: Replaced = ()) -> None:
    """Let the document of an instance say of its armed timers what their rows say, with `variables` of the process written,
    and note it in the history as `kind`. `replaced` are values that have changed wherever a scope or a loop holds them: the item
    of an instance of a multi-instance activity, and those that a sequential one has still to come to.

    Raises StepFailed.
    """
    if replaced:
        run.state = replace_values(run.state, replaced)
    ours = (timer.c.instance_id == run.place.instance_id, timer.c.kind == "event", timer.c.state == "armed")
    query = sa.select(timer.c.token, timer.c.element_id, timer.c.due_at).where(*ours)
    rows = run.work.connection.execute(query.order_by(timer.c.id)).all()
    run.step(Reschedule(tuple((row.token, row.element_id, row.due_at) for row in rows), variables))
    for closed in [each for each in run.closed if each.kind is WaitKind.TIMER]:
        if run.opened.pop((closed.kind, closed.token, closed.element_id, closed.name), None) is not None:
            run.closed.remove(closed)  # the same timer at another moment: its row was moved
    run.settle()
    run.save(kind, detail=detail)


def _by_moment(moments: Mapping[str, datetime]) -> Iterable[tuple[datetime, list[str]]]:
    found: dict[datetime, list[str]] = defaultdict(list)
    for row_id, due_at in sorted(moments.items()):
        found[due_at].append(row_id)
    for due_at, ids in found.items():
        for start in range(0, len(ids), PART):
            yield due_at, ids[start : start + PART]
