"""Drafts of notices: the table of drafts, every version with its files, and what was decided."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Json, Moment
from engine.tables import Id, metadata

notice_draft = sa.Table(
    "notice_draft",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("key", sa.String(100), nullable=False, index=True),  # of the notice that it becomes a version of
    sa.Column("based_on", Id, sa.ForeignKey("notice.id")),
    sa.Column("state", sa.String(16), nullable=False),  # editing | submitted | released | discarded
    sa.Column("version", sa.Integer, nullable=False),  # the latest of its versions
    sa.Column("notice_id", Id, sa.ForeignKey("notice.id")),  # what it was released as
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", Id, nullable=False),
    sa.Column("saved_at", Moment, nullable=False),
    sa.Column("saved_by", Id, nullable=False),
)

notice_draft_version = sa.Table(
    "notice_draft_version",
    metadata,
    sa.Column("draft_id", Id, sa.ForeignKey("notice_draft.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),  # started | saved | autosaved | restored
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", Id, nullable=False),
    sa.Column("changed", Json, nullable=False),  # paths that differ from the version before
    sa.Column("files", Json, nullable=False),  # {path: SHA-256 of its content}
)

notice_draft_file = sa.Table(
    "notice_draft_file",
    metadata,
    sa.Column("draft_id", Id, sa.ForeignKey("notice_draft.id"), primary_key=True),
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

notice_draft_step = sa.Table(
    "notice_draft_step",
    metadata,
    sa.Column("draft_id", Id, sa.ForeignKey("notice_draft.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),  # submitted | withdrawn | sent_back | released | discarded
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", Id, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # which version it is about
    sa.Column("reason", sa.Text),
)
