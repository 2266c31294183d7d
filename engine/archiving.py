"""Moving the rows of instances that are over into the archive (`engine.archive`), and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import sqlalchemy as sa

from engine.archive import find_archived, load_row, pack, unpack
from engine.errors import InstanceUnknown, Problem
from engine.tables import (
    archived_instance,
    external_task,
    history,
    instance,
    message,
    message_key,
    timer,
    user_task,
)
from engine.verification import verify_chain
from engine.work import Work

OVER = ("ended", "cancelled")
"""States of instances that can be archived."""
SLICE = 500
"""Instances that are counted by one statement."""


class InstanceAlive(Problem):
    """Only an instance that is over can be archived. Values: `state`."""

    kind = "conflict"


class ChainBroken(Problem):
    """The history of the instance is not whole: it stays where it is, for whoever examines it. Values: `seq`."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Contents:
    """What the archive takes beside the engine's own rows: `dependents` are tables whose rows name a task by `task_id` and go
    with it; a task that `kept` (a select of task ids) names stays where it is."""

    dependents: tuple[sa.Table, ...] = ()
    kept: sa.Select[tuple[str | None]] | None = None


def archive_instance(work: Work, instance_id: str, *, subject: str, contents: Contents) -> int:
    """Move the rows of an instance that is over into the archive; how many. Rows that came after it was archived join the others.

    What is still on its way (a message that is kept for somebody, what gave up and waits for a person) stays.
    Raises InstanceUnknown, InstanceAlive, ChainBroken.
    """
    state = _lock(work, instance_id)
    if state not in OVER:
        raise InstanceAlive(state=state)
    broken = verify_chain(work, instance_id)
    if broken is not None:
        raise ChainBroken(seq=broken.seq)
    before = find_archived(work, instance_id)
    rows = {} if before is None else unpack(before.content)
    parts = _parts(sa.select(instance.c.id, instance.c.business_key).where(instance.c.id == instance_id), contents)
    moved = 0
    for table, which in reversed(list(parts)):  # first what refers to others
        taken = work.connection.execute(table.delete().where(which).returning(*table.c))
        lines = [dict(row._mapping) for row in taken]
        if lines:
            in_order = itemgetter(*(column.name for column in table.primary_key))
            rows.setdefault(table.name, []).extend(sorted(lines, key=in_order))
            moved += len(lines)
    content, size = pack(rows)
    values = {"subject": subject, "content": content, "rows": sum(map(len, rows.values())), "bytes": size}
    values |= {"archived_at": work.now, "archived_by": work.by}
    if before is None:
        work.connection.execute(archived_instance.insert().values(instance_id=instance_id, **values))
    else:
        mine = archived_instance.c.instance_id == instance_id
        work.connection.execute(archived_instance.update().where(mine).values(**values))
    return moved


def restore_instance(work: Work, instance_id: str, *, contents: Contents) -> int:
    """Put the rows of an archived instance back as they were; how many (none: it was not archived).

    Raises InstanceUnknown.
    """
    _lock(work, instance_id)
    before = find_archived(work, instance_id)
    if before is None:
        return 0
    rows, moved = unpack(before.content), 0
    for table, _which in _parts(sa.select(instance.c.id, instance.c.business_key), contents):
        lines = [load_row(table, line) for line in rows.pop(table.name, [])]
        if lines:
            work.connection.execute(table.insert(), lines)
        moved += len(lines)
    if rows:
        raise ValueError(f"the archive of {instance_id} has rows of other tables: {', '.join(rows)}")
    work.connection.execute(archived_instance.delete().where(archived_instance.c.instance_id == instance_id))
    return moved


def count_rows(work: Work, ids: Sequence[str], contents: Contents) -> dict[str, tuple[int, int]]:
    """What the archive would take of these instances: by table how many rows, and how many characters they hold."""
    counted: dict[str, tuple[int, int]] = {}
    for begin in range(0, len(ids), SLICE):
        some = sa.select(instance.c.id, instance.c.business_key).where(instance.c.id.in_(ids[begin : begin + SLICE]))
        for table, which in _parts(some, contents):
            texts = [sa.func.coalesce(sa.func.length(sa.cast(column, sa.Text)), 0) for column in table.c]
            size = sa.func.coalesce(sa.func.sum(sum(texts, start=sa.literal(0))), 0)
            count, characters = work.connection.execute(sa.select(sa.func.count(), size).where(which)).one()
            before = counted.get(table.name, (0, 0))
            counted[table.name] = (before[0] + count, before[1] + int(characters))
    return {name: found for name, found in counted.items() if found[0]}


def _parts(some: sa.Select[tuple[str, str]], contents: Contents) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """The tables with the conditions of the rows that belong to some instances (ids and business keys); first what others refer
    to."""
    ids, keys = some.with_only_columns(instance.c.id), some.with_only_columns(instance.c.business_key)
    over = sa.and_(user_task.c.instance_id.in_(ids), user_task.c.state != "open")
    if contents.kept is not None:
        over = sa.and_(over, ~sa.exists(contents.kept.where(contents.kept.selected_columns[0] == user_task.c.id)))
    tasks = sa.select(user_task.c.id).where(over)
    told = sa.and_(message.c.business_key.in_(keys), message.c.state == "delivered")
    yield history, history.c.instance_id.in_(ids)
    yield user_task, over
    for table in contents.dependents:
        yield table, table.c.task_id.in_(tasks)
    yield timer, sa.and_(timer.c.instance_id.in_(ids), timer.c.state.in_(("fired", "cancelled")))
    yield message, told
    yield message_key, message_key.c.message_id.in_(sa.select(message.c.id).where(told))
    yield external_task, sa.and_(external_task.c.instance_id.in_(ids), external_task.c.state.in_(("done", "cancelled")))


def _lock(work: Work, instance_id: str) -> str:
    query = sa.select(instance.c.state).where(instance.c.id == instance_id).with_for_update()
    state: str | None = work.connection.execute(query).scalar_one_or_none()
    if state is None:
        raise InstanceUnknown()
    return state
