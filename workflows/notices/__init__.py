"""Notices: a folder of data (`notice.yaml`, diagrams, forms) read, checked as a whole, deployed and exported."""

from workflows.notices.folders import Files, bundled_notices, check_folder, read_folder, read_notice
from workflows.notices.model import Notice
from workflows.notices.problems import NoticeInvalid
from workflows.notices.store import (
    NoticeSummary,
    StoredNotice,
    deploy_folder,
    export_notice,
    get_notice,
    list_notices,
    notice_findings,
)

__all__ = [
    "Files",
    "Notice",
    "NoticeInvalid",
    "NoticeSummary",
    "StoredNotice",
    "bundled_notices",
    "check_folder",
    "deploy_folder",
    "export_notice",
    "get_notice",
    "list_notices",
    "notice_findings",
    "read_folder",
    "read_notice",
]
