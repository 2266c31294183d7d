"""Feeds of agendas: where calendar programs fetch them."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Moment
from engine.tables import Id, metadata

agenda_feed = sa.Table(
    "agenda_feed",
    metadata,
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),  # SHA-256 of the secret in the feed's address
    sa.Column("made_at", Moment, nullable=False),
)
