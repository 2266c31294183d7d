"""Alembic's entry: runs on the connection that `workflows.schema` hands over, within its transaction."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

import workflows.tables  # noqa: F401 - its tables join the engine's metadata
from engine.database import Moment
from engine.tables import metadata


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column type by its name into new revisions."""
    if kind == "type" and isinstance(item, Moment):
        autogen.imports.add("from engine.database import Moment")
        return "Moment()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=render_item,
    compare_type=False,
    transaction_per_migration=False,
)
context.run_migrations()
