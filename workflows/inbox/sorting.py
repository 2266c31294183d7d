"""Other orders than that of due dates, for as many tasks as can be sorted at once: by arrival, priority, case or step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa

from engine.tables import user_task
from workflows.inbox.picking import PageUnknown

Sort = Literal["due", "arrived", "priority", "case", "step"]
SORTS: tuple[Sort, ...] = get_args(Sort)

_KEYS = {"arrived": "created_at", "priority": "priority", "case": "business_key", "step": "name"}
_DOWN = ("arrived", "priority")
"""The newest first; the most urgent first."""


def in_sort(query: sa.Select[Any], sort: Sort, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.Select[Any]:
    """The order of a page."""
    key = columns[_KEYS[sort]]
    return query.order_by(key.desc() if sort in _DOWN else key, user_task.c.id)


def write_sorted(sort: Sort, row: Any) -> str:
    """Where the next page begins: after this task."""
    value = getattr(row, _KEYS[sort])
    return f"{sort}~{value.isoformat() if isinstance(value, datetime) else value}~{row.id}"


def is_behind(sort: Sort, after: str, columns: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[bool]:
    """What comes after a mark.

    Raises PageUnknown.
    """
    name, _, rest = after.partition("~")
    text, _, task_id = rest.rpartition("~")
    if name != sort or not task_id:
        raise PageUnknown()
    key = columns[_KEYS[sort]]
    value: Any = text
    try:
        if sort == "arrived":
            value = datetime.fromisoformat(text)
        elif sort == "priority":
            value = int(text)
    except ValueError as fault:
        raise PageUnknown() from fault
    if isinstance(value, datetime) and value.tzinfo is None:
        raise PageUnknown()
    mark = sa.literal(value, key.type)
    beyond = key < mark if sort in _DOWN else key > mark
    return sa.or_(beyond, sa.and_(key == mark, user_task.c.id > task_id))
