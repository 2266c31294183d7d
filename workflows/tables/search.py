"""What can be found by a text: pairs of letters, the same on both databases, in the kind of inverted index that each has."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable

from engine.tables import metadata

VIRTUAL = (
    "CREATE VIRTUAL TABLE search_entry USING fts5"
    " (key UNINDEXED, words, tokenize = 'ascii', prefix = '1', detail = 'none', columnsize = 0)"
)
"""The table on SQLite. `ascii`: what we hand over as one word stays one. Nothing is kept of places and lengths of words."""

search_entry = sa.Table(
    "search_entry",
    metadata,
    sa.Column("key", sa.String(200), primary_key=True),  # number of a case or report; @ and the id of an organisation
    sa.Column("words", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=False),  # `workflows.search`
    sa.Index("ix_search_entry_words", "words", postgresql_using="gin").ddl_if(dialect="postgresql"),
)


@compiles(CreateTable, "sqlite")
def _create(element: CreateTable, compiler: Any, **options: Any) -> str:
    return VIRTUAL if element.element is search_entry else compiler.visit_create_table(element, **options)
