"""The statements of a step, built once: what is built anew each time costs more than the database's own work.

`Writes` gathers the rows of a step and writes them together, one statement for all rows of a kind, in the order of `ORDER`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.candidates import ADD_CANDIDATE
from engine.database import one_round_trip
from engine.tables import external_task, history, instance, message, subscription, timer, user_task


def given(column: sa.Column[Any]) -> sa.BindParameter[Any]:
    """The value `of_<column>` of the row that is written."""
    return sa.bindparam(f"of_{column.name}", type_=column.type)


def these(*columns: sa.Column[Any]) -> list[sa.ColumnElement[bool]]:
    """The rows that have the given values in these columns."""
    return [column == given(column) for column in columns]


def to(*columns: sa.Column[Any]) -> dict[str, sa.BindParameter[Any]]:
    """These columns get the given values."""
    return {column.name: sa.bindparam(f"to_{column.name}", type_=column.type) for column in columns}


# ---- reading ---------------------------------------------------------------------------------------------------------
STATE = (
    instance.c.definition_id,
    instance.c.state.label("instance_state"),
    instance.c.document,
    instance.c.revision.label("instance_revision"),
    instance.c.history_count,
    instance.c.history_hash,
)
"""What is read of an instance to advance it."""
HOLD_INSTANCE: sa.Select[Any] = (
    sa.select(instance.c.id.label("instance_id"), instance.c.business_key, instance.c.belongs_to, *STATE)
    .where(*these(instance.c.id))
    .with_for_update()
)
"""An instance, locked."""
HOLD_TASK: sa.Select[Any] = (
    sa.select(user_task, *STATE)
    .select_from(instance.join(user_task, user_task.c.instance_id == instance.c.id))
    .where(*these(user_task.c.id))
    .with_for_update()
)
"""A user task with its instance, both locked: the instance first, as it stands first. After waiting for a lock PostgreSQL gives
the rows as they are then, of all that is locked."""
HOLD_TASKS: sa.Select[Any] = (
    sa.select(user_task, *STATE)
    .select_from(instance.join(user_task, user_task.c.instance_id == instance.c.id))
    .where(user_task.c.id.in_(sa.bindparam("of_ids", expanding=True)))
    .order_by(instance.c.id, user_task.c.id)
    .with_for_update()
)
"""The same of several."""
HOLD_CHAIN: sa.Select[Any] = (
    sa.select(instance.c.history_count, instance.c.history_hash).where(*these(instance.c.id)).with_for_update()
)
READ_TASK: sa.Select[Any] = sa.select(user_task).where(*these(user_task.c.id))

# ---- writing ---------------------------------------------------------------------------------------------------------
_TASK, _TIMER, _SUBSCRIPTION, _EXTERNAL = user_task.c, timer.c, subscription.c, external_task.c

ADD_INSTANCE = instance.insert()
FIRE_TIMER = timer.update().where(*these(_TIMER.id)).values(**to(_TIMER.done_at), state="fired")
DELIVER_MESSAGE = message.update().where(*these(message.c.id)).values(**to(message.c.done_at), state="delivered")
CLOSE_TASK = (
    user_task.update()
    .where(*these(_TASK.instance_id, _TASK.token, _TASK.element_id), _TASK.state == "open")
    .values(**to(_TASK.state, _TASK.closed_at, _TASK.closed_by), revision=_TASK.revision + 1)
)
CLOSE_TIMER = (
    timer.update()
    .where(*these(_TIMER.instance_id, _TIMER.token, _TIMER.element_id), _TIMER.state == "armed")
    .values(**to(_TIMER.done_at), state="cancelled")
)
CLOSE_SUBSCRIPTION = subscription.delete().where(
    *these(_SUBSCRIPTION.instance_id, _SUBSCRIPTION.token, _SUBSCRIPTION.element_id, _SUBSCRIPTION.name)
)
CLOSE_EXTERNAL = (
    external_task.update()
    .where(*these(_EXTERNAL.instance_id, _EXTERNAL.token, _EXTERNAL.element_id), _EXTERNAL.state.in_(("open", "dead")))
    .values(**to(_EXTERNAL.state, _EXTERNAL.done_at))
)
WAKE = (
    message.update()
    .where(message.c.state == "unmatched")
    .values(**to(message.c.next_try_at), state="waiting", generation=message.c.generation + 1)
    .returning(message.c.id, message.c.generation)
)
"""Messages that came when nobody could take them are tried again; which of them is added."""
WAKE_EARLY = WAKE.where(*these(message.c.business_key, message.c.name))
OPEN_TASK = user_task.insert()
OPEN_TIMER = timer.insert()
OPEN_SUBSCRIPTION = subscription.insert()
OPEN_EXTERNAL = external_task.insert()
ADD_HISTORY = history.insert()
STORE_INSTANCE = (
    instance.update()
    .where(*these(instance.c.id))
    .values(
        **to(
            instance.c.state,
            instance.c.document,
            instance.c.revision,
            instance.c.error,
            instance.c.history_count,
            instance.c.history_hash,
            instance.c.ended_at,
        )
    )
)
STORE_CHAIN = instance.update().where(*these(instance.c.id)).values(**to(instance.c.history_count, instance.c.history_hash))

ORDER: tuple[sa.UpdateBase, ...] = (
    ADD_INSTANCE,
    DELIVER_MESSAGE,
    FIRE_TIMER,  # before those that are still armed are closed
    CLOSE_TASK,
    CLOSE_TIMER,
    CLOSE_SUBSCRIPTION,
    CLOSE_EXTERNAL,
    OPEN_TASK,
    ADD_CANDIDATE,
    OPEN_TIMER,
    OPEN_SUBSCRIPTION,
    OPEN_EXTERNAL,
    ADD_HISTORY,
    STORE_INSTANCE,
    STORE_CHAIN,
)
"""What another row names comes before that row."""


_RANK = {statement: rank for rank, statement in enumerate(ORDER)}


class Writes:
    """The rows that a unit of work has gathered, by statement."""

    def __init__(self) -> None:
        self._rows: dict[sa.UpdateBase, list[dict[str, Any]]] = {}

    def add(self, statement: sa.UpdateBase, row: dict[str, Any]) -> None:
        """Gather a row for a statement of `ORDER`; until it is written the dictionary can still be changed."""
        self._rows.setdefault(statement, []).append(row)

    def holds(self, statement: sa.UpdateBase, row: dict[str, Any]) -> bool:
        """Whether this very row still waits to be written."""
        return any(each is row for each in self._rows.get(statement, ()))

    def write(self, connection: sa.Connection) -> None:
        """Write all that was gathered; on PostgreSQL in one round trip."""
        rows, self._rows = self._rows, {}
        if not rows:
            return
        with one_round_trip(connection):
            for statement in sorted(rows, key=_RANK.__getitem__):
                many = rows[statement]
                connection.execute(statement, many if len(many) > 1 else many[0])
