"""What came after the sixth landing. Not released yet, so it still grows."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    make_lists()


def downgrade() -> None:
    """Go back to the one before."""
    drop_lists()


# ---- lists -----------------------------------------------------------------------------------------------------------
def make_lists() -> None:
    """The instances of a campaign are found, whatever else there is: written once for each, when it is started."""
    op.create_index("ix_instance_belongs_to", "instance", ["belongs_to", "definition_id"])


def drop_lists() -> None:
    """Without them."""
    op.drop_index("ix_instance_belongs_to", "instance")
