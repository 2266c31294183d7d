"""The first check of a case in a body's own stage, by its prefecture: no more pass than the prefecture is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from engine.errors import Problem
from engine.handlers import Call
from workflows.audits import store_result
from workflows.recommendations import get_body
from workflows.tables import case


class QuotaUsedUp(Problem):
    """As many cases as the stage asks the prefecture for have passed already; `passed` and `quota` are the figures."""

    kind = "conflict"


def check(call: Call) -> Mapping[str, Any]:
    """`stages.check`: the prefecture's result; returns `check_result` and `checked`, and `outcome` "rejected" where it rejects.

    Raises QuotaUsedUp with the figures.
    """
    row, result = store_result(call, "check")
    if result == "pass":
        _take_place(call, row)
        _set(call, checked_at=call.now)
    else:
        _set(call, state={"return": "returned", "reject": "rejected"}[result])
    return {"check_result": result, "checked": result == "pass", **({"outcome": "rejected"} if result == "reject" else {})}


def _take_place(call: Call, row: sa.Row[Any]) -> None:
    """Under the lock of the prefecture's row: two that pass at once are counted one after the other."""
    quota = get_body(call.work, row.stage_id, row.prefecture_id, lock=True).quota_max
    query = sa.select(sa.func.count()).where(
        case.c.stage_id == row.stage_id,
        case.c.prefecture_id == row.prefecture_id,
        case.c.checked_at.is_not(None),
        case.c.state != "rejected",
    )
    passed = call.work.connection.execute(query).scalar_one()
    if quota is not None and passed >= quota:
        raise QuotaUsedUp(passed=passed, quota=quota)


def _set(call: Call, **values: Any) -> None:
    call.work.connection.execute(sa.update(case).where(case.c.id == call.variables["case"]).values(**values))
