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
    make_decisions()
    make_external_tasks()
    index_tokens()
    make_correlation()


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


def make_decisions() -> None:
    """Decision tables in versions."""
    op.create_table(
        "decision",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("deployment_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("version_tag", sa.String(length=200), nullable=True),
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=False),
        sa.Column("xml", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("draft", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployment.id"], name=op.f("fk_decision_deployment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("key", "version", name=op.f("uq_decision_key_version")),
    )
    op.create_index(op.f("ix_decision_deployment_id"), "decision", ["deployment_id"])


def make_external_tasks() -> None:
    """Work for workers outside."""
    op.create_table(
        "external_task",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("business_key", sa.String(length=200), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("topic", sa.String(length=200), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("lease_by", sa.String(length=200), nullable=True),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("retries", sa.Integer(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("next_try_at", Moment(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("done_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_external_task_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_task")),
    )
    op.create_index("ix_external_task_token", "external_task", ["instance_id", "token"])
    op.create_index("ix_external_task_fetch", "external_task", ["state", "topic", "next_try_at"])


def make_correlation() -> None:
    """The values by which messages find instances, as digests on both sides."""
    op.create_table(
        "subscription_key",
        sa.Column("subscription_id", sa.String(length=32), nullable=False),
        sa.Column("definition_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["definition_id"], ["definition.id"], name=op.f("fk_subscription_key_definition_id")),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscription.id"], name=op.f("fk_subscription_key_subscription_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscription_id", "definition_id", "digest", name=op.f("pk_subscription_key")),
    )
    op.create_index("ix_subscription_key_lookup", "subscription_key", ["digest", "definition_id"])
    op.create_table(
        "correlated_message",
        sa.Column("definition_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["definition_id"], ["definition.id"], name=op.f("fk_correlated_message_definition_id")),
        sa.PrimaryKeyConstraint("definition_id", "name", name=op.f("pk_correlated_message")),
    )
    op.create_index("ix_correlated_message_name", "correlated_message", ["name"])
    op.create_table(
        "message_key",
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_key_message_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("message_id", "digest", name=op.f("pk_message_key")),
    )
    op.create_index("ix_message_key_digest", "message_key", ["digest"])
    op.add_column("message", sa.Column("correlation", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Go back to the one before."""
    index_instances()
    op.drop_table("external_task")
    op.drop_table("decision")
    drop_correlation()
    drop_starts()


def drop_correlation() -> None:
    """What `make_correlation` made."""
    op.drop_column("message", "correlation")
    for table in ("message_key", "correlated_message", "subscription_key"):
        op.drop_table(table)


def drop_starts() -> None:
    """What `make_starts` made."""
    op.drop_column("message", "to_process")
    op.drop_column("message", "to_instance")
    op.drop_table("start_subscription")
    op.drop_column("definition", "draft")


def index_tokens() -> None:
    """Rows are found by token: an instance with a thousand returns has as many closed ones."""
    for table in ("user_task", "timer"):
        op.drop_index(f"ix_{table}_instance_id", table)
        op.create_index(f"ix_{table}_token", table, ["instance_id", "token"])


def index_instances() -> None:
    """What `index_tokens` replaced."""
    for table in ("user_task", "timer"):
        op.drop_index(f"ix_{table}_token", table)
        op.create_index(f"ix_{table}_instance_id", table, ["instance_id"])
