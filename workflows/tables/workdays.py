"""Work days: what differs from plain weeks, by year, and every change of it."""

from __future__ import annotations

import sqlalchemy as sa

from engine.database import Json, Moment
from engine.tables import Id, metadata

work_year = sa.Table(
    "work_year",
    metadata,
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),  # its arrangement is published; else it is provisional
    sa.Column("source", sa.String(200), nullable=False),  # 国办发明电…
    sa.Column("by", Id),  # null: the software knew it
    sa.Column("at", Moment, nullable=False),
)

work_day = sa.Table(
    "work_day",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("is_workday", sa.Boolean, nullable=False),
    sa.Column("name_zh", sa.String(60), nullable=False),
    sa.Column("name_en", sa.String(60), nullable=False),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("origin", sa.String(8), nullable=False),  # software | import | person: what a person entered no import changes
    sa.Column("by", Id),
    sa.Column("at", Moment, nullable=False),
)

work_day_change = sa.Table(
    "work_day_change",
    metadata,
    sa.Column("id", Id, primary_key=True),
    sa.Column("year", sa.Integer, nullable=False, index=True),
    sa.Column("kind", sa.String(8), nullable=False),  # seeded | imported | set | removed
    sa.Column("days", Json, nullable=False),  # [{day, before, after}], each null or is_workday, names and source; of a seed none
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("by", Id),
    sa.Column("at", Moment, nullable=False),
)
