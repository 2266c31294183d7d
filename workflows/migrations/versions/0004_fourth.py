"""What came after the third landing. Not released yet, so it still grows."""

import hashlib
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from engine.database import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    make_bulk()
    make_candidate_sets()
    make_belonging()
    index_open_tasks()
    index_titles()
    make_archive()
    make_search()
    index_numbers()
    make_extensions()


def downgrade() -> None:
    """Go back to the one before."""
    drop_extensions()
    index_columns()
    op.drop_table("search_entry")
    drop_archive()
    drop_titles()
    index_all_tasks()
    drop_belonging()
    drop_candidate_sets()
    drop_bulk()


# ---- bulk operations -------------------------------------------------------------------------------------------------
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


def drop_bulk() -> None:
    """What `make_bulk` made."""
    op.drop_table("bulk_chunk")
    op.drop_table("bulk_job")


# ---- the inbox -------------------------------------------------------------------------------------------------------
def make_candidate_sets() -> None:
    """Who may claim a task is a set that the task names."""
    op.create_table(
        "candidate_set",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("candidate", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", "kind", "candidate", name=op.f("pk_candidate_set")),
    )
    op.create_index("ix_candidate_set_lookup", "candidate_set", ["kind", "candidate", "id"])
    op.add_column("user_task", sa.Column("candidate_set", sa.String(length=32), nullable=True))
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT task_id, kind, candidate FROM user_task_candidate ORDER BY task_id, kind, candidate")
    ).all()
    sets: dict[str, list[tuple[str, str]]] = {}
    tasks = []
    for task_id, each in groupby(rows, key=lambda row: row.task_id):
        members = sorted((row.kind, row.candidate) for row in each)
        named = hashlib.sha256(orjson.dumps(members)).hexdigest()[:32]
        sets[named] = members
        tasks.append({"task": task_id, "named": named})
    stored = [{"id": named, "kind": kind, "candidate": name} for named, members in sets.items() for kind, name in members]
    if tasks:
        connection.execute(sa.text("INSERT INTO candidate_set (id, kind, candidate) VALUES (:id, :kind, :candidate)"), stored)
        connection.execute(sa.text("UPDATE user_task SET candidate_set = :named WHERE id = :task"), tasks)
    op.drop_table("user_task_candidate")


def make_belonging() -> None:
    """Instances and tasks know what they are listed with: their campaign."""
    op.add_column("instance", sa.Column("belongs_to", sa.String(length=32), nullable=True))
    op.add_column("user_task", sa.Column("belongs_to", sa.String(length=32), nullable=True))
    for table, owner, key in (("case_", "campaign_id", "number"), ("report", "campaign_id", "number"), ("campaign", "id", "key")):
        known = f"SELECT {owner} FROM {table} WHERE {table}.{key} = instance.business_key"
        op.execute(f"UPDATE instance SET belongs_to = ({known}) WHERE belongs_to IS NULL")
    op.execute("UPDATE user_task SET belongs_to = (SELECT belongs_to FROM instance WHERE instance.id = user_task.instance_id)")


WAITING = "state = 'open' AND assignee IS NULL"
OPEN = "state = 'open'"
INDEXES = {
    "waiting": (WAITING, ["candidate_set", "due_at", "id"]),
    "waiting_within": (WAITING, ["candidate_set", "belongs_to", "due_at", "id"]),
    "held": (OPEN, ["assignee", "due_at", "id"]),
    "closed": ("state = 'completed'", ["closed_by", "closed_at", "id"]),
    "open": (OPEN, ["belongs_to", "element_id", "due_at"]),
    "open_name": (OPEN, ["name"]),
}


def index_open_tasks() -> None:
    """What is to be done is found among itself, whatever has been done."""
    op.drop_index("ix_user_task_inbox_assignee", "user_task")
    op.drop_index("ix_user_task_inbox_state", "user_task")
    for name, (which, columns) in INDEXES.items():
        where = sa.text(which)
        op.create_index(f"ix_user_task_{name}", "user_task", columns, sqlite_where=where, postgresql_where=where)


def index_all_tasks() -> None:
    """What `index_open_tasks` replaced."""
    for name in INDEXES:
        op.drop_index(f"ix_user_task_{name}", "user_task")
    op.create_index("ix_user_task_inbox_assignee", "user_task", ["assignee", "state", "due_at"])
    op.create_index("ix_user_task_inbox_state", "user_task", ["state", "due_at"])


def drop_belonging() -> None:
    """What `make_belonging` made."""
    op.drop_column("user_task", "belongs_to")
    op.drop_column("instance", "belongs_to")


def drop_candidate_sets() -> None:
    """What `make_candidate_sets` replaced."""
    op.create_table(
        "user_task_candidate",
        sa.Column("task_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("candidate", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["user_task.id"], name=op.f("fk_user_task_candidate_task_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("task_id", "kind", "candidate", name=op.f("pk_user_task_candidate")),
    )
    op.create_index("ix_user_task_candidate_lookup", "user_task_candidate", ["kind", "candidate"])
    op.execute(
        "INSERT INTO user_task_candidate (task_id, kind, candidate) SELECT user_task.id, kind, candidate"
        " FROM user_task JOIN candidate_set ON candidate_set.id = user_task.candidate_set"
    )
    op.drop_column("user_task", "candidate_set")
    op.drop_table("candidate_set")


# ---- cases of one title ----------------------------------------------------------------------------------------------
def index_titles() -> None:
    """Cases of the same title are shown to who examines one of them."""
    op.create_index(op.f("ix_case__title"), "case_", ["title"])


def drop_titles() -> None:
    """What `index_titles` made."""
    op.drop_index(op.f("ix_case__title"), "case_")


# ---- the archive ------------------------------------------------------------------------------------------------------
def make_archive() -> None:
    """The rows of instances that are over, compressed."""
    op.create_table(
        "archived_instance",
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("archived_at", Moment(), nullable=False),
        sa.Column("archived_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_archived_instance_instance_id")),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_archived_instance")),
    )
    op.create_index(op.f("ix_archived_instance_subject"), "archived_instance", ["subject"])


def drop_archive() -> None:
    """What `make_archive` made. What is in the archive has to be put back before (`linxuan unarchive`)."""
    op.drop_table("archived_instance")


# ---- search ----------------------------------------------------------------------------------------------------------
VIRTUAL = (
    "CREATE VIRTUAL TABLE search_entry USING fts5"
    " (key UNINDEXED, words, tokenize = 'ascii', prefix = '1', detail = 'none', columnsize = 0)"
)


def make_search() -> None:
    """What can be found by a text, by its pairs of letters."""
    connection = op.get_bind()
    entries: list[tuple[str, tuple[str, ...]]]
    entries = [(row.number, (row.number, row.title)) for row in connection.execute(sa.text("SELECT number, title FROM case_"))]
    entries += [(row.number, (row.number,)) for row in connection.execute(sa.text("SELECT number FROM report"))]
    entries += [("@" + row.id, (row.name,)) for row in connection.execute(sa.text("SELECT id, name FROM organisation"))]
    rows: list[dict[str, Any]] = []
    for key, texts in entries:
        place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1
        rows.append({"place": place, "key": key, "words": split_texts(texts)})
    rows.sort(key=lambda row: row["place"])
    if connection.dialect.name == "postgresql":
        op.create_table(
            "search_entry",
            sa.Column("key", sa.String(length=200), nullable=False),
            sa.Column("words", postgresql.TSVECTOR(), nullable=False),
            sa.PrimaryKeyConstraint("key", name=op.f("pk_search_entry")),
        )
        op.create_index("ix_search_entry_words", "search_entry", ["words"], postgresql_using="gin")
        insert = "INSERT INTO search_entry (key, words) VALUES (:key, CAST(:words AS tsvector))"
        rows = [{"key": row["key"], "words": row["words"]} for row in rows]
    else:
        op.execute(VIRTUAL)
        insert = "INSERT INTO search_entry (rowid, key, words) VALUES (:place, :key, :words)"
    if rows:
        connection.execute(sa.text(insert), rows)


def split_texts(texts: Iterable[str]) -> str:
    """As `workflows.search` did when this was written."""
    found = set()
    for text in texts:
        folded = "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)
        for run in "".join(letter if letter.isalnum() else " " for letter in folded).split():
            found |= {run[place : place + 2] for place in range(len(run))}
    return " ".join(sorted(found))


OWNERS = ("campaign", "institution", "body", "prefecture")


def index_numbers() -> None:
    """The cases of each, by number."""
    for name in OWNERS:
        op.drop_index(f"ix_case__{name}_id", "case_")
        op.create_index(f"ix_case_{name}", "case_", [f"{name}_id", "number"])


def index_columns() -> None:
    """What `index_numbers` replaced."""
    for name in OWNERS:
        op.drop_index(f"ix_case_{name}", "case_")
        op.create_index(f"ix_case__{name}_id", "case_", [f"{name}_id"])


# ---- extensions -------------------------------------------------------------------------------------------------------
def make_extensions() -> None:
    """Deadlines that were moved."""
    op.create_table(
        "extension",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=True),
        sa.Column("dates", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("document_number", sa.String(length=100), nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.Column("timers", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=True),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_extension_campaign_id")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_extension_organisation_id")),
        sa.ForeignKeyConstraint(["job_id"], ["bulk_job.id"], name=op.f("fk_extension_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extension")),
    )
    op.create_index(op.f("ix_extension_campaign_id"), "extension", ["campaign_id"])


def drop_extensions() -> None:
    """What `make_extensions` made."""
    op.drop_table("extension")
