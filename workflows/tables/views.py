"""Who saw what of a case."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Moment
from engine.tables import Id, metadata

case_view = sa.Table(
    "case_view",
    metadata,
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), primary_key=True),
    sa.Column("day_on", sa.Date, primary_key=True),  # of Beijing
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("what", sa.String(12), primary_key=True),  # page | task | file | export
    sa.Column("first_at", Moment, nullable=False),
    sa.Column("last_at", Moment, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
)
