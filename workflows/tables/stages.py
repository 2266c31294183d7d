"""The lists of the stages that bodies run themselves."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Json, Moment
from engine.tables import Id, metadata

ranked_list = sa.Table(
    "ranked_list",
    metadata,
    sa.Column("stage_id", Id, sa.ForeignKey("campaign.id"), primary_key=True),
    sa.Column("cases", Json, nullable=False),  # ids of cases, the first is the first recommended
    sa.Column("dropped", Json, nullable=False),  # ids of cases that an upheld objection took out
    sa.Column("remark", sa.Text, nullable=False),
    sa.Column("ranked_by", Id),
    sa.Column("ranked_at", Moment, nullable=False),
    sa.Column("sha256", sa.String(64)),  # of the sealed list: its cases in order, each with the digest of its last version
    sa.Column("sealed_by", Id),
    sa.Column("sealed_at", Moment),
)
