"""What people like: one value by name."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Json, Moment
from engine.tables import Id, metadata

preference = sa.Table(
    "preference",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("name", sa.String(60), primary_key=True),
    sa.Column("value", Json, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
)
