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
    make_preferences()
    make_desks()
    make_views()
    make_lists()


def downgrade() -> None:
    """Go back to the one before."""
    drop_views()
    drop_lists()
    drop_desks()
    drop_preferences()
    drop_talk()


# ---- talk about cases ------------------------------------------------------------------------------------------------
def make_talk() -> None:
    """What is said about a case, to whom it was shown, and who watches it."""
    op.create_table(
        "watch",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("business_key", sa.String(length=200), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_watch_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "business_key", name=op.f("pk_watch")),
    )
    op.create_index(op.f("ix_watch_business_key"), "watch", ["business_key"])
    op.create_table(
        "remark",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("place_id", sa.String(length=32), nullable=True),
        sa.Column("author_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("retracted_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_remark_author_id_person")),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], name=op.f("fk_remark_case_id_case_")),
        sa.ForeignKeyConstraint(["place_id"], ["organisation.id"], name=op.f("fk_remark_place_id_organisation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remark")),
    )
    op.create_index("ix_remark_case", "remark", ["case_id", "at", "id"])
    op.create_table(
        "remark_mention",
        sa.Column("remark_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_remark_mention_person_id_person")),
        sa.ForeignKeyConstraint(["remark_id"], ["remark.id"], name=op.f("fk_remark_mention_remark_id_remark")),
        sa.PrimaryKeyConstraint("remark_id", "person_id", name=op.f("pk_remark_mention")),
    )
    op.create_table(
        "case_copy",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("task_id", sa.String(length=32), nullable=True),
        sa.Column("sender_id", sa.String(length=32), nullable=False),
        sa.Column("receiver_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], name=op.f("fk_case_copy_case_id_case_")),
        sa.ForeignKeyConstraint(["receiver_id"], ["person.id"], name=op.f("fk_case_copy_receiver_id_person")),
        sa.ForeignKeyConstraint(["sender_id"], ["person.id"], name=op.f("fk_case_copy_sender_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_copy")),
    )
    op.create_index("ix_case_copy_case", "case_copy", ["case_id", "at", "id"])


def drop_talk() -> None:
    """Forget it."""
    op.drop_table("case_copy")
    op.drop_table("remark_mention")
    op.drop_table("remark")
    op.drop_table("watch")


# ---- preferences -----------------------------------------------------------------------------------------------------
def make_preferences() -> None:
    """What people like."""
    op.create_table(
        "preference",
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_preference_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", "name", name=op.f("pk_preference")),
    )


def drop_preferences() -> None:
    """Forget it."""
    op.drop_table("preference")


# ---- desks -----------------------------------------------------------------------------------------------------------
def make_desks() -> None:
    """Who acts for whom, and what a person is told."""
    op.create_table(
        "substitution",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("substitute_id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=True),
        sa.Column("begins_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("appointed", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_substitution_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_substitution_person_id_person")),
        sa.ForeignKeyConstraint(["substitute_id"], ["person.id"], name=op.f("fk_substitution_substitute_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_substitution")),
    )
    op.create_index(op.f("ix_substitution_ends_at"), "substitution", ["ends_at"])
    op.create_index(op.f("ix_substitution_person_id"), "substitution", ["person_id"])
    op.create_index(op.f("ix_substitution_substitute_id"), "substitution", ["substitute_id"])
    op.create_table(
        "notification",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("campaign_id", sa.String(length=32), nullable=True),
        sa.Column("case_id", sa.String(length=32), nullable=True),
        sa.Column("task_id", sa.String(length=32), nullable=True),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("read_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_notification_campaign_id_campaign")),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], name=op.f("fk_notification_case_id_case_")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_notification_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
    )
    op.create_index("ix_notification_person", "notification", ["person_id", "at", "id"])
    unread = sa.text("read_at IS NULL")
    op.create_index("ix_notification_unread", "notification", ["person_id"], sqlite_where=unread, postgresql_where=unread)


def drop_desks() -> None:
    """Forget it."""
    op.drop_table("notification")
    op.drop_table("substitution")


# ---- views -----------------------------------------------------------------------------------------------------------
def make_views() -> None:
    """Who saw what of a case."""
    op.create_table(
        "case_view",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("day_on", sa.Date(), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("first_at", Moment(), nullable=False),
        sa.Column("last_at", Moment(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], name=op.f("fk_case_view_case_id_case_")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_case_view_person_id_person")),
        sa.PrimaryKeyConstraint("case_id", "day_on", "person_id", "what", name=op.f("pk_case_view")),
    )


def drop_views() -> None:
    """Forget it."""
    op.drop_table("case_view")


# ---- lists of tasks --------------------------------------------------------------------------------------------------
def make_lists() -> None:
    """The inbox of one step and what was delegated are ranges of indexes; filters are kept under a name."""
    waiting = sa.text("state = 'open' AND assignee IS NULL")
    columns = ["candidate_set", "element_id", "due_at", "id"]
    op.create_index("ix_user_task_waiting_step", "user_task", columns, sqlite_where=waiting, postgresql_where=waiting)
    delegated = sa.text("state = 'open' AND owner IS NOT NULL")
    columns = ["owner", "due_at", "id"]
    op.create_index("ix_user_task_delegated", "user_task", columns, sqlite_where=delegated, postgresql_where=delegated)
    op.create_table(
        "saved_filter",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("shared_with", sa.String(length=80), nullable=True),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_saved_filter_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filter")),
    )
    op.create_index(op.f("ix_saved_filter_person_id"), "saved_filter", ["person_id"])
    op.create_index(op.f("ix_saved_filter_shared_with"), "saved_filter", ["shared_with"])


def drop_lists() -> None:
    """What `make_lists` made."""
    op.drop_table("saved_filter")
    op.drop_index("ix_user_task_delegated", "user_task")
    op.drop_index("ix_user_task_waiting_step", "user_task")
