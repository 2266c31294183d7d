"""Deadlines of running campaigns that were moved."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Json, Moment
from engine.tables import Id, metadata

extension = sa.Table(
    "extension",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("campaign_id", Id, sa.ForeignKey("campaign.id"), nullable=False, index=True),
    sa.Column("organisation_id", Id, sa.ForeignKey("organisation.id")),  # the body or institution; null: for everybody
    sa.Column("dates", Json, nullable=False),  # [{name, old, new}]: dates of the campaign, or the cut-off of the organisation
    sa.Column("late", Json),  # {old, new}: the settings of late submissions, where it was these that changed
    sa.Column("recount", sa.String(16)),  # confirmed | declined: what became of a proposal after the work days had changed
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("document_number", sa.String(100), nullable=False),
    sa.Column("windows", sa.Integer, nullable=False),  # how many cut-offs,
    sa.Column("tasks", sa.Integer, nullable=False),  # open tasks
    sa.Column("timers", sa.Integer, nullable=False),  # and armed timers were moved
    sa.Column("sha256", sa.String(64), nullable=False),  # of the preview that was confirmed
    sa.Column("job_id", Id, sa.ForeignKey("bulk_job.id")),  # which brings it to the cases; null: there were none
    sa.Column("by", Id, nullable=False),
    sa.Column("at", Moment, nullable=False),
)
