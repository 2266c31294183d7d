"""The migrations make the same schema as the tables in the code, and can be called at every start."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import workflows.tables  # noqa: F401 - its tables join the engine's metadata
from engine.database import open_database
from engine.tables import metadata
from workflows import schema
from workflows.schema import SchemaOutdated, WordsMissing, newest_revision, require_schema, schema_revision, upgrade_schema

FOREIGN = {"postgresql": ("procrastinate_",), "sqlite": ("search_entry",)}
"""Prefixes of tables that are not compared: the job queue's on PostgreSQL; on SQLite what FTS5 makes."""


def test_migrations_give_the_tables_of_the_code(database_url: str) -> None:
    database = open_database(database_url)
    with pytest.raises(SchemaOutdated):
        require_schema(database)
    upgrade_schema(database)
    upgrade_schema(database)
    assert schema_revision(database) == newest_revision()
    require_schema(database)
    with database.connect() as connection:
        foreign = FOREIGN[connection.dialect.name]
        options = {
            "include_name": lambda name, kind, _: kind != "table" or not (name or "").startswith(foreign),
            "include_object": lambda _, name, kind, *__: kind != "table" or not name.startswith(foreign),
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    database.dispose()


def test_a_failed_migration_leaves_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(database_url)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("power failure")

    with monkeypatch.context() as patch:
        patch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", fail)
        with pytest.raises(RuntimeError, match="power failure"):
            upgrade_schema(database)
    assert schema_revision(database) is None
    assert sa.inspect(database).get_table_names() == []
    upgrade_schema(database)
    require_schema(database)
    database.dispose()


def test_a_database_without_an_index_of_words_is_refused(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = open_database(sqlite_url)
    monkeypatch.setattr(schema, "HAS_WORDS", sa.text("SELECT 0"))
    with pytest.raises(WordsMissing):
        upgrade_schema(database)
    assert sa.inspect(database).get_table_names() == []
    database.dispose()
