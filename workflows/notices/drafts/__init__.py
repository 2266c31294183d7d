"""Drafts of whole notices: begun from a version or a folder, edited file by file, checked, compared, released by another."""

from workflows.notices.drafts.checking import check_draft, find_at_once
from workflows.notices.drafts.cloning import clone_notice, move_notice
from workflows.notices.drafts.comparing import Change, ElementChange, FileChange, compare_folders
from workflows.notices.drafts.problems import (
    DraftChanged,
    DraftClosed,
    DraftFileRefused,
    DraftFileUnknown,
    DraftKeyRefused,
    DraftReasonMissing,
    DraftUnchanged,
    DraftUnknown,
)
from workflows.notices.drafts.reading import (
    Draft,
    Span,
    Step,
    Version,
    base_files,
    count_submitted,
    fold_versions,
    get_draft,
    list_drafts,
    list_steps,
    list_versions,
    read_files,
)
from workflows.notices.drafts.releasing import discard_draft, release_draft, send_back, submit_draft, withdraw_draft
from workflows.notices.drafts.saving import hash_content, remove_file, restore_version, save_file, start_draft, upload_draft

__all__ = [
    "Change",
    "Draft",
    "DraftChanged",
    "DraftClosed",
    "DraftFileRefused",
    "DraftFileUnknown",
    "DraftKeyRefused",
    "DraftReasonMissing",
    "DraftUnchanged",
    "DraftUnknown",
    "ElementChange",
    "FileChange",
    "Span",
    "Step",
    "Version",
    "base_files",
    "check_draft",
    "clone_notice",
    "compare_folders",
    "count_submitted",
    "discard_draft",
    "find_at_once",
    "fold_versions",
    "get_draft",
    "hash_content",
    "list_drafts",
    "list_steps",
    "list_versions",
    "move_notice",
    "read_files",
    "release_draft",
    "remove_file",
    "restore_version",
    "save_file",
    "send_back",
    "start_draft",
    "submit_draft",
    "upload_draft",
    "withdraw_draft",
]
