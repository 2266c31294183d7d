"""Applications: an institution opens a case (`opening`), sends, corrects and supplements it (`receiving`)."""

from workflows.applications.opening import (
    CHANNELS,
    BodyUnclear,
    ChannelUnknown,
    DirectReportingClosed,
    InstitutionUnclear,
    RecommendingClosed,
    applying_window,
    find_end,
    first_task,
    list_open_channels,
    open_case,
    start_application,
)
from workflows.applications.receiving import (
    correct,
    expire,
    hash_data,
    lapse,
    last_version,
    submit,
    supplement,
    write_receipt,
)

__all__ = [
    "CHANNELS",
    "BodyUnclear",
    "ChannelUnknown",
    "DirectReportingClosed",
    "InstitutionUnclear",
    "RecommendingClosed",
    "applying_window",
    "correct",
    "expire",
    "find_end",
    "first_task",
    "hash_data",
    "lapse",
    "last_version",
    "list_open_channels",
    "open_case",
    "start_application",
    "submit",
    "supplement",
    "write_receipt",
]
