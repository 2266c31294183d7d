"""What came after the fourth landing. Not released yet, so it still grows."""

import sqlalchemy as sa
from alembic import op

from engine.database import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    make_workdays()
    make_lateness()
    keep_resolutions()
    make_feeds()
    make_groups()


def downgrade() -> None:
    """Go back to the one before."""
    drop_groups()
    drop_feeds()
    drop_resolutions()
    drop_lateness()
    drop_workdays()


# ---- work days -------------------------------------------------------------------------------------------------------
def make_workdays() -> None:
    """The days that differ from plain weeks, and every change of them. The software fills them in at its start."""
    op.create_table(
        "work_year",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_work_year")),
    )
    op.create_table(
        "work_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_workday", sa.Boolean(), nullable=False),
        sa.Column("name_zh", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_work_day")),
    )
    op.create_table(
        "work_day_change",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_day_change")),
    )
    op.create_index(op.f("ix_work_day_change_year"), "work_day_change", ["year"])
    op.add_column("extension", sa.Column("recount", sa.String(length=16), nullable=True))


def drop_workdays() -> None:
    """What `make_workdays` made."""
    op.drop_column("extension", "recount")
    op.drop_table("work_day_change")
    op.drop_table("work_day")
    op.drop_table("work_year")


# ---- late submissions --------------------------------------------------------------------------------------------------
def make_lateness() -> None:
    """What is taken after a cut-off, and what was."""
    op.add_column("window", sa.Column("late", sa.String(length=12), nullable=True))
    op.add_column("window", sa.Column("closes_at", Moment(), nullable=True))
    op.add_column("receipt", sa.Column("lateness", sa.String(length=12), nullable=True))
    op.add_column("receipt", sa.Column("late_reason", sa.Text(), nullable=True))
    op.add_column("case_", sa.Column("late_at", Moment(), nullable=True))
    op.add_column("extension", sa.Column("late", sa.JSON(), nullable=True))


def drop_lateness() -> None:
    """What `make_lateness` made."""
    op.drop_column("extension", "late")
    op.drop_column("case_", "late_at")
    op.drop_column("receipt", "late_reason")
    op.drop_column("receipt", "lateness")
    op.drop_column("window", "closes_at")
    op.drop_column("window", "late")


# ---- incidents -------------------------------------------------------------------------------------------------------
def keep_resolutions() -> None:
    """What became of an incident, and why."""
    op.add_column("incident", sa.Column("resolution", sa.String(length=16), nullable=True))
    op.add_column("incident", sa.Column("reason", sa.Text(), nullable=True))


def drop_resolutions() -> None:
    """Forget it."""
    op.drop_column("incident", "reason")
    op.drop_column("incident", "resolution")


# ---- feeds -----------------------------------------------------------------------------------------------------------
def make_feeds() -> None:
    """Addresses at which calendar programs fetch somebody's agenda; only digests of their secrets."""
    op.create_table(
        "agenda_feed",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_agenda_feed_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_agenda_feed")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_agenda_feed_token_hash")),
    )


def drop_feeds() -> None:
    """Forget them."""
    op.drop_table("agenda_feed")


# ---- groups ----------------------------------------------------------------------------------------------------------
def make_groups() -> None:
    """Who is in a group is found without reading everybody."""
    op.create_index("ix_membership_group", "membership", ["role", "organisation_id"])


def drop_groups() -> None:
    """What `make_groups` made."""
    op.drop_index("ix_membership_group", "membership")
