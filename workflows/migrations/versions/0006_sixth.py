"""What came after the fifth landing. Not released yet, so it still grows."""

import sqlalchemy as sa
from alembic import op

from engine.database import Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    make_talk()


def downgrade() -> None:
    """Go back to the one before."""
    drop_talk()


# ---- talk about cases ------------------------------------------------------------------------------------------------
def make_talk() -> None:
    """Who watches a case."""
    op.create_table(
        "watch",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("business_key", sa.String(length=200), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_watch_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "business_key", name=op.f("pk_watch")),
    )
    op.create_index(op.f("ix_watch_business_key"), "watch", ["business_key"])


def drop_talk() -> None:
    """Forget it."""
    op.drop_table("watch")
