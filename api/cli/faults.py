"""What can go wrong at the command line, and how it is told."""

from __future__ import annotations

import errno
import os

from sqlalchemy.exc import OperationalError

from api.cli.words import Words
from engine.database import name_fault
from engine.errors import Problem, StorageFull


class PortTaken(Problem):
    """Another program listens on `host` and `port` already."""

    kind = "busy"


class AddressUnusable(Problem):
    """The server cannot listen on `host` and `port`; `reason` says why."""


class WorkersOnSqlite(Problem):
    """SQLite is served by exactly one process."""


class WorkerNeedsPostgresql(Problem):
    """Background workers share a database, which SQLite cannot."""


class DatabaseInMemory(Problem):
    """A database without a file is gone with the process."""


class DatabaseUnreachable(Problem):
    """The database cannot be opened; `reason` is what its driver says."""

    kind = "busy"


class BackupNeedsSqlite(Problem):
    """PostgreSQL has its own tools for backups."""


class BackupBroken(Problem):
    """The copy did not pass SQLite's own check; `reason` is what was found."""

    kind = "internal"


class PathMissing(Problem):
    """There is no such file or folder: `path`."""

    kind = "missing"


class PathExists(Problem):
    """Something stands at `path` already and is not overwritten."""

    kind = "conflict"


class NoticeUnknownHere(Problem):
    """The database holds no notice `key` (of this version)."""

    kind = "missing"


class OptionUnreadable(Problem):
    """`option` takes NAME=VALUE, which `given` is not."""


class OrganisationNotFound(Problem):
    """No organisation, or more than one, is called `name`."""

    kind = "missing"


class PasswordsDiffer(Problem):
    """The two passwords that were typed are not the same."""


def tell_fault(fault: Exception, words: Words) -> str | None:
    """An exception in words a person can act on; None when it is a fault of ours and needs its traceback."""
    if isinstance(fault, Problem):
        return words.tell(fault)
    if isinstance(fault, OperationalError):
        if isinstance(problem := name_fault(fault), StorageFull):
            return words.tell(problem)
        lines = str(fault.orig).strip().splitlines()
        return words.tell(DatabaseUnreachable(reason=lines[0] if lines else type(fault.orig).__name__))
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return words.say("disk_full", path=fault.filename or os.getcwd())
    if isinstance(fault, OSError) and fault.filename is not None:
        return words.say("file_fault", path=fault.filename, reason=fault.strerror)
    return None
