"""Who reviews, what they said, and what was selected by it."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Json, Moment
from engine.tables import Id, metadata

Decimal = sa.String(40)
"""Exact decimals as text: SQLite has no decimal type, and scores are never floats."""

panel_member = sa.Table(
    "panel_member",
    metadata,
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),  # pool | drawn | reserve | dropped
    sa.Column("fields", Json, nullable=False),  # directions the expert knows
    sa.Column("reason", sa.Text),
    sa.Column("changed_at", Moment, nullable=False),
)

conflict = sa.Table(
    "conflict",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), nullable=False),
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id")),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id")),
    sa.Column("kind", sa.String(20), nullable=False),  # same_unit | same_province | declared | assigned
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", Id),
    sa.Column("at", Moment, nullable=False),
)

review_draw = sa.Table(
    "review_draw",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("seed", sa.String(64), nullable=False),
    sa.Column("input_hash", sa.String(64), nullable=False),
    sa.Column("experts_per_case", sa.Integer, nullable=False),
    sa.Column("by", Id),
    sa.Column("at", Moment, nullable=False),
)

review = sa.Table(
    "review",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), nullable=False),
    sa.Column("expert_id", Id, sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),  # assigned | submitted | dropped | closed
    sa.Column("scores", Json, nullable=False),  # {criterion: points}
    sa.Column("total", Decimal),
    sa.Column("comment", sa.Text),
    sa.Column("replaces_id", Id),
    sa.Column("assigned_at", Moment, nullable=False),
    sa.Column("submitted_at", Moment),
    sa.UniqueConstraint("case_id", "expert_id"),
)

selection = sa.Table(
    "selection",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("cut", sa.Integer, nullable=False),
    sa.Column("method", sa.String(20), nullable=False),  # mean | trimmed
    sa.Column("reason", sa.Text),
    sa.Column("by", Id),
    sa.Column("at", Moment, nullable=False),
)

selection_item = sa.Table(
    "selection_item",
    metadata,
    sa.Column("selection_id", Id, sa.ForeignKey("selection.id"), primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("score", Decimal),
    sa.Column("selected", sa.Boolean, nullable=False),
    sa.Column("note", sa.Text),
    sqlite_with_rowid=False,
)
