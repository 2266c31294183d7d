"""The row of a case, for those who show it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.work import Work, recalled
from workflows.tables import case


@recalled
def find_row(work: Work, number: str) -> sa.Row[Any] | None:
    """The row of the case whose instance has this business key; None when it is no case's."""
    return work.connection.execute(_CASE, {"number": number}).one_or_none()


_CASE = sa.select(case).where(case.c.number == sa.bindparam("number"))
