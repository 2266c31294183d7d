"""Files that people send: checked, kept by their SHA-256 outside the web root, and shown only with what they belong to."""

from workflows.files.attachments import (
    Attachment,
    AttachmentFieldUnknown,
    AttachmentUnknown,
    OpenedAttachment,
    attach_file,
    drop_unused,
    files_of_task,
    get_attachment,
    list_attachments,
    named_ids,
    open_attachment,
    remove_attachment,
    store_upload,
)
from workflows.files.content import ALLOWED, FileContentRefused, FileTypeRefused
from workflows.files.names import clean_name
from workflows.files.places import FilePlace, find_place
from workflows.files.store import LARGEST_FILE, FileDamaged, FileEmpty, FileTooLarge, Received, receive_file

__all__ = [
    "ALLOWED",
    "LARGEST_FILE",
    "Attachment",
    "AttachmentFieldUnknown",
    "AttachmentUnknown",
    "FileContentRefused",
    "FileDamaged",
    "FileEmpty",
    "FilePlace",
    "FileTooLarge",
    "FileTypeRefused",
    "OpenedAttachment",
    "Received",
    "attach_file",
    "clean_name",
    "drop_unused",
    "files_of_task",
    "find_place",
    "get_attachment",
    "list_attachments",
    "named_ids",
    "open_attachment",
    "receive_file",
    "remove_attachment",
    "store_upload",
]
