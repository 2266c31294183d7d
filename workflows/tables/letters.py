"""Letters and the tasks that they remind of, and who was urged."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Moment
from engine.tables import Id, metadata

letter = sa.Table(
    "letter",
    metadata,
    sa.Column("outbox_id", Id, sa.ForeignKey("outbox.id"), primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),  # of its texts: reminder, result_selected, ...
    sa.Column("written_at", Moment, nullable=False),
    sa.Column("resent_of", Id, sa.ForeignKey("outbox.id")),  # the attempt that this one repeats
    sa.Column("resent_by", Id),
    sa.Index("ix_letter_campaign", "campaign_id", "written_at", "outbox_id"),
    sqlite_with_rowid=False,
)

RESENT = letter.c.resent_of.is_not(None)
"""The few letters that repeat another one."""
sa.Index("ix_letter_resent_of", letter.c.resent_of, sqlite_where=RESENT, postgresql_where=RESENT)

letter_task = sa.Table(
    "letter_task",
    metadata,
    sa.Column("task_id", Id, sa.ForeignKey("user_task.id"), primary_key=True),
    sa.Column("outbox_id", Id, sa.ForeignKey("outbox.id"), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

urge = sa.Table(
    "urge",
    metadata,
    sa.Column("task_id", Id, sa.ForeignKey("user_task.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 1 for the first time
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", Id),
    sa.Column("remark", sa.Text, nullable=False),  # the sentence added by hand, perhaps empty
    sa.Column("letters", sa.Integer, nullable=False),  # how many were written; 0: nobody could be reached
)
