"""What came after the seventh landing. Not released yet, so it still grows."""

from __future__ import annotations

import zlib
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

from engine.database import Digest

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEYS = ("candidate_set", "letter", "letter_task", "membership", "selection_item")
"""Tables that SQLite keeps in the order of their key alone, once instead of twice."""
GENESIS = "0" * 64
LINK = sa.text(
    "UPDATE history SET prev_hash = (SELECT earlier.hash FROM history AS earlier"
    " WHERE earlier.instance_id = history.instance_id AND earlier.seq = history.seq - 1)"
)
UNLINKED = sa.text(
    "SELECT instance_id, content FROM archived_instance"
    " WHERE instance_id IN (SELECT instance_id FROM history WHERE prev_hash IS NULL)"
)
LINK_TO = sa.text("UPDATE history SET prev_hash = :hash WHERE instance_id = :instance AND prev_hash IS NULL")


def upgrade() -> None:
    """Go to this revision."""
    shorten_history()
    drop_doubles()
    narrow_claimed()


def downgrade() -> None:
    """Go back to the one before."""
    widen_claimed()
    make_doubles()
    lengthen_history()


# ---- history ---------------------------------------------------------------------------------------------------------
def shorten_history() -> None:
    """The hash of the row before stands in the row before; digests are bytes. No hash changes by it.

    What is no digest (somebody wrote it) stays what it is, to be found by `verify`.
    """
    if _is_postgresql():
        read = "CASE WHEN hash ~ '^([0-9a-f]{2})*$' THEN decode(hash, 'hex') ELSE convert_to(hash, 'UTF8') END"
        op.execute(f"ALTER TABLE history DROP COLUMN prev_hash, ALTER COLUMN hash TYPE bytea USING {read}")
        return
    with op.batch_alter_table("history") as table:
        table.drop_column("prev_hash")
        table.alter_column("hash", type_=Digest(), existing_nullable=False)
    _define("bytes_of", _read_digits)
    op.execute("UPDATE history SET hash = bytes_of(CAST(hash AS TEXT))")


def lengthen_history() -> None:
    """As before: digests as text, and the one of the row before in each row, which may stand in the archive."""
    if _is_postgresql():
        op.execute(
            "ALTER TABLE history ADD COLUMN prev_hash varchar(64), ALTER COLUMN hash TYPE varchar(64) USING encode(hash, 'hex')"
        )
    else:
        _define("digits_of", bytes.hex)
        with op.batch_alter_table("history") as table:
            table.add_column(sa.Column("prev_hash", sa.String(64), nullable=True))
        op.execute("UPDATE history SET hash = digits_of(hash)")
        with op.batch_alter_table("history") as table:
            table.alter_column("hash", type_=sa.String(64), existing_nullable=False)
    op.execute(LINK)
    op.execute(f"UPDATE history SET prev_hash = '{GENESIS}' WHERE seq = 1")
    connection = op.get_bind()
    for row in connection.execute(UNLINKED).all():
        last = orjson.loads(zlib.decompress(row.content))["rows"]["history"][-1]
        connection.execute(LINK_TO, {"instance": row.instance_id, "hash": last["hash"]})
    with op.batch_alter_table("history") as table:
        table.alter_column("prev_hash", existing_type=sa.String(64), nullable=False)


# ---- what stood twice ------------------------------------------------------------------------------------------------
def drop_doubles() -> None:
    """The beginning of another index, an index of what is nearly always empty; on SQLite tables beside indexes of all of them."""
    op.drop_index("ix_review_case_id", "review")
    op.drop_index("ix_letter_resent_of", "letter")
    _keep_by_key(with_rowid=False)
    resent = sa.text("resent_of IS NOT NULL")
    op.create_index("ix_letter_resent_of", "letter", ["resent_of"], sqlite_where=resent, postgresql_where=resent)


def make_doubles() -> None:
    """As before."""
    op.drop_index("ix_letter_resent_of", "letter")
    _keep_by_key(with_rowid=True)
    op.create_index("ix_letter_resent_of", "letter", ["resent_of"])
    op.create_index("ix_review_case_id", "review", ["case_id"])


def _keep_by_key(*, with_rowid: bool) -> None:
    if not _is_postgresql():
        for name in KEYS:
            with op.batch_alter_table(name, recreate="always", table_kwargs={"sqlite_with_rowid": with_rowid}):
                pass


def _read_digits(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return digits.encode()


# ---- lists -----------------------------------------------------------------------------------------------------------
def narrow_claimed() -> None:
    """The index of what people have holds that alone: SQLite looked for what nobody has claimed in it."""
    _index_held("state = 'open' AND assignee IS NOT NULL")


def widen_claimed() -> None:
    """As before."""
    _index_held("state = 'open'")


def _index_held(condition: str) -> None:
    op.drop_index("ix_user_task_held", "user_task")
    which = sa.text(condition)
    columns = ["assignee", "due_at", "id"]
    op.create_index("ix_user_task_held", "user_task", columns, sqlite_where=which, postgresql_where=which)


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _define(name: str, function: Any) -> None:
    """Have SQLite know a function: it learned `unhex` late."""
    driver: Any = op.get_bind().connection.driver_connection
    driver.create_function(name, 1, function, deterministic=True)
