"""`backup`: a whole copy of a SQLite database, while it is in use."""

from __future__ import annotations

import argparse
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from api.cli.faults import BackupBroken, BackupNeedsSqlite, PathExists, PathMissing
from api.cli.opening import is_sqlite, read_options, sqlite_file
from api.cli.parser import Verbs
from api.cli.words import Words


def add_verbs(verbs: Verbs) -> None:
    """`backup`."""
    verbs.add("backup", back_up).add("file", type=Path)


def back_up(options: argparse.Namespace, words: Words) -> int:
    """Copy the database into a new file.

    Raises BackupNeedsSqlite, PathMissing when there is no database, PathExists, BackupBroken.
    """
    settings = read_options(options)
    source = sqlite_file(settings) if is_sqlite(settings) else None
    if source is None:
        raise BackupNeedsSqlite()
    copy_database(source, options.file)
    print(words.say("backed_up", path=options.file, size=f"{options.file.stat().st_size:,}"))
    return 0


def copy_database(source: Path, target: Path) -> None:
    """Copy by `VACUUM INTO`, check the copy, and only then give it its name. Writers go on meanwhile.

    Raises PathMissing, PathExists, BackupBroken.
    """
    if not source.exists():
        raise PathMissing(path=source)
    if target.exists():
        raise PathExists(path=target)
    scratch = target.with_name(f"{target.name}.part")
    scratch.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(source, timeout=10, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(scratch),))
        with closing(sqlite3.connect(scratch)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            raise sqlite3.DatabaseError("; ".join(found[:3]))
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(scratch, target)
    except sqlite3.Error as fault:
        raise BackupBroken(path=target, reason=str(fault)) from fault
    finally:
        scratch.unlink(missing_ok=True)
