"""Bulk work: one operation on many things, as rows cut into chunks that the background does, each in one transaction.

`jobs` writes and reads them, `chunks` does one, `operations` says what can be done.
"""

from engine.bulk.chunks import do_chunk, run_bulk
from engine.bulk.jobs import (
    BulkJob,
    BulkResult,
    BulkUnknown,
    cancel_bulk,
    find_bulk,
    list_bulk,
    list_results,
    read_bulk,
    start_bulk,
)
from engine.bulk.operations import BulkOperation, BulkOperationUnknown, lock_instances, lock_tasks, tell_who

__all__ = [
    "BulkJob",
    "BulkOperation",
    "BulkOperationUnknown",
    "BulkResult",
    "BulkUnknown",
    "cancel_bulk",
    "do_chunk",
    "find_bulk",
    "list_bulk",
    "list_results",
    "lock_instances",
    "lock_tasks",
    "read_bulk",
    "run_bulk",
    "start_bulk",
    "tell_who",
]
