"""What came after the third landing. Not released yet, so it still grows."""

import sqlalchemy as sa
from alembic import op

from engine.database import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    make_bulk()


def make_bulk() -> None:
    """Bulk jobs and their chunks."""
    op.create_table(
        "bulk_job",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("unique_key", sa.String(length=300), nullable=False),
        sa.Column("operation", sa.String(length=100), nullable=False),
        sa.Column("shared", sa.JSON(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=True),
        sa.Column("on_behalf_of", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_job")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_bulk_job_unique_key")),
    )
    op.create_index(op.f("ix_bulk_job_subject"), "bulk_job", ["subject"])
    op.create_index(op.f("ix_bulk_job_created_by"), "bulk_job", ["created_by"])
    op.create_table(
        "bulk_chunk",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("results", sa.JSON(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("next_try_at", Moment(), nullable=False),
        sa.Column("lease_by", sa.String(length=32), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("done_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["bulk_job.id"], name=op.f("fk_bulk_chunk_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_chunk")),
        sa.UniqueConstraint("job_id", "first", name=op.f("uq_bulk_chunk_job_id_first")),
    )
    op.create_index("ix_bulk_chunk_due", "bulk_chunk", ["state", "next_try_at", "id"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("bulk_chunk")
    op.drop_table("bulk_job")
