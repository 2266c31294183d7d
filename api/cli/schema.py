"""`migrate`: brings a database to the schema of this version."""

from __future__ import annotations

import argparse

from api.cli.opening import open_engine, read_options
from api.cli.parser import Verbs
from api.cli.words import Words


def add_verbs(verbs: Verbs) -> None:
    """`migrate`."""
    verbs.add("migrate", migrate)


def migrate(options: argparse.Namespace, words: Words) -> int:
    """Bring the schema up to date; all in one transaction."""
    from workflows.schema import schema_revision

    process_engine = open_engine(read_options(options))
    print(words.say("migrated", revision=schema_revision(process_engine.database)))
    process_engine.database.dispose()
    return 0
