"""What people say to each other about a case, and who watches it."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Moment
from engine.tables import Id, metadata

watch = sa.Table(
    "watch",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("business_key", sa.String(200), primary_key=True, index=True),  # the number of a case
    sa.Column("created_at", Moment, nullable=False),
)
