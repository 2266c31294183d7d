"""The schema of the whole application and its migrations: one history for both rooms' tables, from the first release on."""

from __future__ import annotations

from importlib import resources

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import workflows.tables  # noqa: F401 - its tables join the engine's metadata
from engine.errors import Problem

UPGRADE_LOCK = 7_203_194_001
"""PostgreSQL advisory lock held while the schema is upgraded; on SQLite the write lock does it."""


HAS_WORDS = sa.text("SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'")


class SchemaOutdated(Problem):
    """The database was made by another version; `linxuan migrate` brings it up to date."""

    kind = "conflict"


class WordsMissing(Problem):
    """This Python's SQLite has no index of words (FTS5), by which lists are searched."""


def upgrade_schema(database: sa.Engine, *, to: str = "head") -> None:
    """Bring the schema up to date, in one transaction; a database without tables gets them all. Safe to call at each start.

    Raises WordsMissing.
    """
    with database.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        elif not connection.execute(HAS_WORDS).scalar_one():
            raise WordsMissing()
        command.upgrade(_config(connection), to)


def schema_revision(database: sa.Engine) -> str | None:
    """The revision that the database stands at; None for an empty one."""
    with database.connect().execution_options(read_only=True) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """The revision that this version of the software needs."""
    return ScriptDirectory.from_config(_config(None)).get_current_head()


def require_schema(database: sa.Engine) -> None:
    """Refuse to work on another schema than ours.

    Raises SchemaOutdated.
    """
    found, needed = schema_revision(database), newest_revision()
    if found != needed:
        raise SchemaOutdated(found=found or "-", needed=needed)


def _config(connection: sa.Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("workflows") / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
