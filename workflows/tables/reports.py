"""Reports with their versions and examinations, and unknown dates that an official confirmed."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Json, Moment
from engine.tables import Id, metadata

report = sa.Table(
    "report",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("number", sa.String(200), nullable=False, unique=True),  # business key of its instance
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False),
    sa.Column("plan", sa.String(60), nullable=False),  # key in the notice's `reports`
    sa.Column("period", sa.String(40), nullable=False),  # of its date (2022-11-18, 2023-05); of unscheduled ones a number
    sa.Column("reporter_id", Id, sa.ForeignKey("organisation.id"), nullable=False, index=True),
    sa.Column("recipient_id", Id, sa.ForeignKey("organisation.id"), nullable=False, index=True),
    sa.Column("parent_id", Id, sa.ForeignKey("report.id"), index=True),  # the report that it is rolled up into
    sa.Column("instance_id", Id, sa.ForeignKey("instance.id")),
    sa.Column("due_at", Moment),  # None: unscheduled, or its date is not known; late means received_at >= due_at
    sa.Column("state", sa.String(16), nullable=False),  # draft | submitted | returned | accepted | closed (not handed in)
    sa.Column("received_at", Moment),  # when its first version was with us: decides whether it was late
    sa.Column("ended_at", Moment),  # accepted or closed
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", Id),
    sa.Index("ix_report_campaign", "campaign_id", "plan", "period", "reporter_id"),
)

report_version = sa.Table(
    "report_version",
    metadata,
    sa.Column("report_id", Id, sa.ForeignKey("report.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("form_key", sa.String(200), nullable=False),
    sa.Column("data", Json, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),  # of the canonical JSON of data: printed on the receipt
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("submitted_by", Id),
)

report_examination = sa.Table(
    "report_examination",
    metadata,
    sa.Column("report_id", Id, sa.ForeignKey("report.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("result", sa.String(16), nullable=False),  # accept | return
    sa.Column("opinion", sa.Text, nullable=False),
    sa.Column("by", Id),
    sa.Column("at", Moment, nullable=False),
)

date_confirmation = sa.Table(
    "date_confirmation",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("name", sa.String(60), nullable=False),  # of the date
    sa.Column("date", Json, nullable=False),  # the date value that was chosen
    sa.Column("candidate", sa.Boolean, nullable=False),  # one of the candidates; else `reason` says why not
    sa.Column("source_note", sa.Text, nullable=False),  # where it is known from
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", Id),
    sa.Column("at", Moment, nullable=False),
)
