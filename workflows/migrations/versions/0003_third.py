"""What came after the second landing. Not released yet, so it still grows."""

import sqlalchemy as sa
from alembic import op

from engine.database import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    make_starts()


def make_starts() -> None:
    """Start events as subscriptions of the latest version, and to whom signals go."""
    op.add_column("definition", sa.Column("draft", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE definition SET draft = (1 = 1) WHERE deployment_id IN (SELECT deployment_id FROM notice WHERE state = 'draft')"
    )
    op.create_table(
        "start_subscription",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("definition_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["definition_id"], ["definition.id"], name=op.f("fk_start_subscription_definition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_start_subscription")),
    )
    op.create_index(op.f("ix_start_subscription_definition_id"), "start_subscription", ["definition_id"])
    op.create_index(op.f("ix_start_subscription_key"), "start_subscription", ["key"])
    op.create_index("ix_start_subscription_lookup", "start_subscription", ["kind", "name"])
    op.add_column("message", sa.Column("to_instance", sa.String(length=32), nullable=True))
    op.add_column("message", sa.Column("to_process", sa.String(length=200), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    drop_starts()


def drop_starts() -> None:
    """What `make_starts` made."""
    op.drop_column("message", "to_process")
    op.drop_column("message", "to_instance")
    op.drop_table("start_subscription")
    op.drop_column("definition", "draft")
