"""Talk about a case among those who handle it: remarks, copies, and who watches it."""

from workflows.talk.copying import Copy, CopyInvalid, copy_case, list_copies
from workflows.talk.remarks import (
    Remark,
    RemarkInvalid,
    RemarkRetracted,
    RemarkUnknown,
    add_remark,
    list_offices,
    list_remarks,
    list_talkers,
    retract_remark,
)
from workflows.talk.watching import is_watched, list_watchers, unwatch_case, watch_case, watched_keys

__all__ = [
    "Copy",
    "CopyInvalid",
    "Remark",
    "RemarkInvalid",
    "RemarkRetracted",
    "RemarkUnknown",
    "add_remark",
    "copy_case",
    "is_watched",
    "list_copies",
    "list_offices",
    "list_remarks",
    "list_talkers",
    "list_watchers",
    "retract_remark",
    "unwatch_case",
    "watch_case",
    "watched_keys",
]
