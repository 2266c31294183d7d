"""Rounds and their cases, arrivals by other channels, forwarding, progress of activities."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Moment
from engine.tables import Id, metadata

round_ = sa.Table(
    "round",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False),
    sa.Column("plan", sa.String(60), nullable=False),  # a key of the notice's `rounds`: its cadence
    sa.Column("occurrence", sa.String(60), nullable=False),  # 2023-05, 2023-H1
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("cutoff_at", Moment, nullable=False),  # half-open, as of windows
    sa.Column("closed_at", Moment, nullable=False),  # when it was rolled up; never decides what is in it
    sa.Column("publicity", sa.Text),  # what was done with the batch
    sa.Column("publicised_at", Moment),
    sa.Column("publicised_by", Id),
    sa.UniqueConstraint("campaign_id", "plan", "occurrence"),
)

round_case = sa.Table(
    "round_case",
    metadata,
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), primary_key=True),
    sa.Column("plan", sa.String(60), primary_key=True),  # of its round: a case is in one round of each cadence at most
    sa.Column("round_id", Id, sa.ForeignKey("round.id"), nullable=False, index=True),
    sa.Column("moment", Moment, nullable=False),  # what decided: `reported_at` or `accepted_at`
    sa.Column("decided_by", Id),  # who put it there, where no moment did
)

arrival = sa.Table(
    "arrival",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), nullable=False, index=True),
    sa.Column("channel", sa.String(60), nullable=False),  # a key of the notice's `channels`
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id"), nullable=False),  # where it arrived
    sa.Column("received_at", Moment, nullable=False),  # as the person says
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("by", Id, nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
)

forwarding = sa.Table(
    "forwarding",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("case_id", Id, sa.ForeignKey("case_.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # department | government | campaign
    sa.Column("name", sa.String(200), nullable=False),  # of the office or the campaign
    sa.Column("target_campaign_id", Id, sa.ForeignKey("campaign.id")),
    sa.Column("target_case_id", Id, sa.ForeignKey("case_.id"), unique=True),  # the case opened there
    sa.Column("remark", sa.Text, nullable=False),
    sa.Column("by", Id),
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("case_id", "kind", "name"),
)

activity_progress = sa.Table(
    "activity_progress",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False),
    sa.Column("activity", sa.String(60), nullable=False),  # a key of the notice's `activities`
    sa.Column("occurrence", sa.String(60), nullable=False),  # a day of a weekly one, else the key of its date
    sa.Column("state", sa.String(16), nullable=False),  # done | under_way | postponed | cancelled
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id"), nullable=False),
    sa.Column("by", Id, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_activity_progress_campaign", "campaign_id", "activity", "occurrence", "at"),
)
