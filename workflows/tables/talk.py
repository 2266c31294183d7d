"""What officials say to each other about a case, to whom they showed it, and who watches it."""

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

remark = sa.Table(
    "remark",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), nullable=False),
    sa.Column("place_id", Id, sa.ForeignKey("organisation.id")),  # whose officials read it; null: all who handle the case
    sa.Column("author_id", Id, sa.ForeignKey("person.id"), nullable=False),
    sa.Column("text", sa.Text, nullable=False),  # empty once it is retracted
    sa.Column("at", Moment, nullable=False),
    sa.Column("retracted_at", Moment),
    sa.Index("ix_remark_case", "case_id", "at", "id"),
)

remark_mention = sa.Table(
    "remark_mention",
    metadata,
    sa.Column("remark_id", Id, sa.ForeignKey("remark.id"), primary_key=True),
    sa.Column("person_id", Id, sa.ForeignKey("person.id"), primary_key=True),
)

case_copy = sa.Table(
    "case_copy",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), nullable=False),
    sa.Column("task_id", Id),  # the step that was shown; its row may have moved to the archive
    sa.Column("sender_id", Id, sa.ForeignKey("person.id"), nullable=False),
    sa.Column("receiver_id", Id, sa.ForeignKey("person.id"), nullable=False),
    sa.Column("text", sa.String(500), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_case_copy_case", "case_id", "at", "id"),
)
