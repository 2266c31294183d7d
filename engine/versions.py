"""Which version of something that is deployed in versions (a process, a decision) a diagram means by its binding."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

HIGHEST = 2**31 - 1
"""What the column holds; no version comes to it."""


def select_version(
    table: sa.Table, key: str, binding: str, *, wanted: Any = None, deployment_id: str | None = None
) -> sa.Select[Any]:
    """A query for (id, version) of at most one row: the latest version, that of a deployment, a version, or the latest one with
    a version tag (`engine.model.BINDINGS`). `wanted` is the number or tag. Drafts are never the latest.
    """
    column = table.c
    query = sa.select(column.id, column.version).where(column.key == key)
    if binding == "deployment":
        query = query.where(column.deployment_id == deployment_id)
    elif binding == "version":
        query = query.where(column.version == min(int(wanted), HIGHEST))
    elif binding == "versionTag":
        query = query.where(column.version_tag == str(wanted), ~column.draft)
    else:
        query = query.where(~column.draft)
    return query.order_by(column.version.desc()).limit(1)
