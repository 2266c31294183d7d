"""What belongs to somebody's desk: who acts for whom, and what a person is told."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Json, Moment
from engine.tables import Id, metadata

substitution = sa.Table(
    "substitution",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), nullable=False, index=True),  # who is away
    sa.Column("substitute_id", Id, sa.ForeignKey("person.id"), nullable=False, index=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id")),  # null: in all of them
    sa.Column("begins_at", Moment, nullable=False),  # midnight in Beijing,
    sa.Column("ends_at", Moment, nullable=False, index=True),  # and the one at which it is over
    sa.Column("appointed", sa.Boolean, nullable=False),  # by an administrator, perhaps across groups
    sa.Column("created_by", Id, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),  # before its time
    sa.Column("ended_by", Id),
)

notification = sa.Table(
    "notification",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), nullable=False),
    sa.Column("kind", sa.String(24), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", Id),  # null: the system
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id")),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id")),
    sa.Column("task_id", Id),  # its row may have moved to the archive
    sa.Column("values", Json, nullable=False),  # that fill the text of its kind
    sa.Column("read_at", Moment),
    sa.Index("ix_notification_person", "person_id", "at", "id"),
)

UNREAD = notification.c.read_at.is_(None)
"""What the bell counts."""
sa.Index("ix_notification_unread", notification.c.person_id, sqlite_where=UNREAD, postgresql_where=UNREAD)

saved_filter = sa.Table(
    "saved_filter",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), nullable=False, index=True),  # whose it is
    sa.Column("name", sa.String(60), nullable=False),
    sa.Column("shared_with", sa.String(80), index=True),  # a group that uses it, too
    sa.Column("asked", Json, nullable=False),  # the parameters of the inbox's address
    sa.Column("created_at", Moment, nullable=False),  # of what it asks for now
)
