"""What came after the first landing: reports, rounds, drafts of notices, sub-campaigns."""

import sqlalchemy as sa
from alembic import op

from engine.database import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    make_letters()
    make_rounds()
    make_drafts()
    make_tokens()
    make_reports()
    make_stages()


def make_letters() -> None:
    """Letters known by campaign and person, the tasks they remind of, and who was urged."""
    op.create_table(
        "letter",
        sa.Column("outbox_id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("written_at", Moment(), nullable=False),
        sa.Column("resent_of", sa.String(length=32), nullable=True),
        sa.Column("resent_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_letter_campaign_id")),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_letter_outbox_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_letter_person_id")),
        sa.ForeignKeyConstraint(["resent_of"], ["outbox.id"], name=op.f("fk_letter_resent_of")),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_letter")),
    )
    op.create_index("ix_letter_campaign", "letter", ["campaign_id", "written_at", "outbox_id"])
    op.create_index(op.f("ix_letter_resent_of"), "letter", ["resent_of"])
    op.create_table(
        "letter_task",
        sa.Column("task_id", sa.String(length=32), nullable=False),
        sa.Column("outbox_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_letter_task_outbox_id")),
        sa.ForeignKeyConstraint(["task_id"], ["user_task.id"], name=op.f("fk_letter_task_task_id")),
        sa.PrimaryKeyConstraint("task_id", "outbox_id", name=op.f("pk_letter_task")),
    )
    op.create_index(op.f("ix_letter_task_outbox_id"), "letter_task", ["outbox_id"])
    op.create_table(
        "urge",
        sa.Column("task_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["user_task.id"], name=op.f("fk_urge_task_id")),
        sa.PrimaryKeyConstraint("task_id", "number", name=op.f("pk_urge")),
    )
    # Letters from before: their keys begin with what they are and end with the person, `about` is a business key.
    op.execute(
        """
        INSERT INTO letter (outbox_id, campaign_id, person_id, name, written_at)
        SELECT o.id, k.campaign_id, p.id, 'earlier', o.created_at
        FROM outbox o
        JOIN (SELECT id AS campaign_id, key FROM campaign UNION ALL SELECT campaign_id, number FROM case_) k ON k.key = o.about
        JOIN person p ON p.id = substr(o.unique_key, length(o.unique_key) - 31)
        """
    )


def make_drafts() -> None:
    """Drafts of notices with all their versions, and what was decided about them."""
    op.create_table(
        "notice_draft",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("based_on", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=False),
        sa.Column("saved_at", Moment(), nullable=False),
        sa.Column("saved_by", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["based_on"], ["notice.id"], name=op.f("fk_notice_draft_based_on")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_notice_draft_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_draft")),
    )
    op.create_index(op.f("ix_notice_draft_key"), "notice_draft", ["key"])
    op.create_table(
        "notice_draft_version",
        sa.Column("draft_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("changed", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["notice_draft.id"], name=op.f("fk_notice_draft_version_draft_id")),
        sa.PrimaryKeyConstraint("draft_id", "number", name=op.f("pk_notice_draft_version")),
    )
    op.create_table(
        "notice_draft_file",
        sa.Column("draft_id", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["draft_id"], ["notice_draft.id"], name=op.f("fk_notice_draft_file_draft_id")),
        sa.PrimaryKeyConstraint("draft_id", "sha256", name=op.f("pk_notice_draft_file")),
    )
    op.create_table(
        "notice_draft_step",
        sa.Column("draft_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["draft_id"], ["notice_draft.id"], name=op.f("fk_notice_draft_step_draft_id")),
        sa.PrimaryKeyConstraint("draft_id", "number", name=op.f("pk_notice_draft_step")),
    )


def make_tokens() -> None:
    """Access tokens of people's programs."""
    op.create_table(
        "access_token",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=True),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_access_token_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_token_token_hash")),
    )
    op.create_index(op.f("ix_access_token_person_id"), "access_token", ["person_id"])


def make_rounds() -> None:
    """Rounds and their cases, arrivals by other channels, forwarding, progress of activities, several publications."""
    op.create_table(
        "activity_progress",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("activity", sa.String(length=60), nullable=False),
        sa.Column("occurrence", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_activity_progress_campaign_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_activity_progress_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_progress")),
    )
    op.create_index("ix_activity_progress_campaign", "activity_progress", ["campaign_id", "activity", "occurrence", "at"])
    op.create_table(
        "round",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("plan", sa.String(length=60), nullable=False),
        sa.Column("occurrence", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("cutoff_at", Moment(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=False),
        sa.Column("publicity", sa.Text(), nullable=True),
        sa.Column("publicised_at", Moment(), nullable=True),
        sa.Column("publicised_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_round_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("campaign_id", "plan", "occurrence", name=op.f("uq_round_campaign_id_plan_occurrence")),
    )
    op.create_table(
        "arrival",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("recorded_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], name=op.f("fk_arrival_case_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_arrival_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_arrival")),
    )
    op.create_index(op.f("ix_arrival_case_id"), "arrival", ["case_id"])
    op.create_table(
        "forwarding",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("target_campaign_id", sa.String(length=32), nullable=True),
        sa.Column("target_case_id", sa.String(length=32), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], name=op.f("fk_forwarding_case_id")),
        sa.ForeignKeyConstraint(["target_campaign_id"], ["campaign.id"], name=op.f("fk_forwarding_target_campaign_id")),
        sa.ForeignKeyConstraint(["target_case_id"], ["case_.id"], name=op.f("fk_forwarding_target_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forwarding")),
        sa.UniqueConstraint("case_id", "kind", "name", name=op.f("uq_forwarding_case_id_kind_name")),
        sa.UniqueConstraint("target_case_id", name=op.f("uq_forwarding_target_case_id")),
    )
    op.create_table(
        "round_case",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("plan", sa.String(length=60), nullable=False),
        sa.Column("round_id", sa.String(length=32), nullable=False),
        sa.Column("moment", Moment(), nullable=False),
        sa.Column("decided_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"], name=op.f("fk_round_case_case_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_round_case_round_id")),
        sa.PrimaryKeyConstraint("case_id", "plan", name=op.f("pk_round_case")),
    )
    op.create_index(op.f("ix_round_case_round_id"), "round_case", ["round_id"])
    op.add_column("audit", sa.Column("grades", sa.JSON(), nullable=True))
    op.add_column("case_", sa.Column("reported_at", Moment(), nullable=True))
    op.add_column("case_", sa.Column("accepted_at", Moment(), nullable=True))
    op.create_index(op.f("ix_case__accepted_at"), "case_", ["accepted_at"])
    op.create_index(op.f("ix_case__reported_at"), "case_", ["reported_at"])
    with op.batch_alter_table("publication") as table:
        table.drop_constraint(op.f("uq_publication_campaign_id"), type_="unique")
    op.create_index(op.f("ix_publication_campaign_id"), "publication", ["campaign_id"])


def make_reports() -> None:
    """Reports with their versions and examinations, the receipts of reports, and who confirmed which unknown date."""
    op.create_table(
        "report",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=200), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("plan", sa.String(length=60), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("reporter_id", sa.String(length=32), nullable=False),
        sa.Column("recipient_id", sa.String(length=32), nullable=False),
        sa.Column("parent_id", sa.String(length=32), nullable=True),
        sa.Column("instance_id", sa.String(length=32), nullable=True),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("received_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_report_campaign_id")),
        sa.ForeignKeyConstraint(["reporter_id"], ["organisation.id"], name=op.f("fk_report_reporter_id")),
        sa.ForeignKeyConstraint(["recipient_id"], ["organisation.id"], name=op.f("fk_report_recipient_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["report.id"], name=op.f("fk_report_parent_id")),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_report_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("number", name=op.f("uq_report_number")),
    )
    op.create_index("ix_report_campaign", "report", ["campaign_id", "plan", "period", "reporter_id"])
    for column in ("reporter_id", "recipient_id", "parent_id"):
        op.create_index(op.f(f"ix_report_{column}"), "report", [column])
    op.create_table(
        "report_version",
        sa.Column("report_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=200), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("submitted_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_version_report_id")),
        sa.PrimaryKeyConstraint("report_id", "version", name=op.f("pk_report_version")),
    )
    op.create_table(
        "report_examination",
        sa.Column("report_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.id"], name=op.f("fk_report_examination_report_id")),
        sa.PrimaryKeyConstraint("report_id", "version", name=op.f("pk_report_examination")),
    )
    # One statement for both databases: SQLite adds no constraint to a table that exists, but a column that has one.
    op.execute("ALTER TABLE receipt ADD COLUMN report_id VARCHAR(32) CONSTRAINT fk_receipt_report_id REFERENCES report (id)")
    op.create_index(op.f("ix_receipt_report_id"), "receipt", ["report_id"])
    op.create_table(
        "date_confirmation",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("date", sa.JSON(), nullable=False),
        sa.Column("candidate", sa.Boolean(), nullable=False),
        sa.Column("source_note", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_date_confirmation_campaign_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_date_confirmation")),
    )
    op.create_index(op.f("ix_date_confirmation_campaign_id"), "date_confirmation", ["campaign_id"])


def make_stages() -> None:
    """Stages that bodies run themselves: overlays of notices, campaigns within campaigns, ranked and sealed lists."""
    extend("notice", ("extends_id", "notice", False))
    extend("campaign", ("parent_id", "campaign", True))
    extend("recommending_body", ("stage_id", "campaign", False))
    extend("case_", ("stage_id", "campaign", True), ("prefecture_id", "organisation", True))
    op.add_column("case_", sa.Column("checked_at", Moment(), nullable=True))
    op.create_table(
        "ranked_list",
        sa.Column("stage_id", sa.String(length=32), nullable=False),
        sa.Column("cases", sa.JSON(), nullable=False),
        sa.Column("dropped", sa.JSON(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("ranked_by", sa.String(length=32), nullable=True),
        sa.Column("ranked_at", Moment(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("sealed_by", sa.String(length=32), nullable=True),
        sa.Column("sealed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["stage_id"], ["campaign.id"], name=op.f("fk_ranked_list_stage_id")),
        sa.PrimaryKeyConstraint("stage_id", name=op.f("pk_ranked_list")),
    )


def extend(table: str, *columns: tuple[str, str, bool]) -> None:
    """Add columns that may point to rows of a table: (name, table, whether they are looked up by it)."""
    for name, other, indexed in columns:
        # written out: SQLite adds a column with its reference, but no reference afterwards
        reference = f"CONSTRAINT fk_{table}_{name} REFERENCES {other} (id)"
        op.execute(f"ALTER TABLE {table} ADD COLUMN {name} VARCHAR(32) {reference}")
        if indexed:
            op.create_index(op.f(f"ix_{table}_{name}"), table, [name])
