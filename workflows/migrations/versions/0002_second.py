"""What came after the first landing: reports, rounds, drafts of notices, sub-campaigns. Not released yet, so it still grows."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
