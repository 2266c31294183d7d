"""Applications: an institution opens a case (`opening`), sends, corrects and supplements it
(`receiving`), and what came late is refused after all (`refusing`)."""

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
    ends_with_collection,
    expire,
    hash_data,
    lapse,
    last_version,
    submit,
    supplement,
    write_receipt,
)
from workflows.applications.refusing import (
    CaseNotLate,
    LatenessDecided,
    LatenessDecidedThere,
    LateRefusalInvalid,
    refuse_late,
)

__all__ = [
    "CHANNELS",
    "BodyUnclear",
    "CaseNotLate",
    "ChannelUnknown",
    "DirectReportingClosed",
    "InstitutionUnclear",
    "LateRefusalInvalid",
    "LatenessDecided",
    "LatenessDecidedThere",
    "RecommendingClosed",
    "applying_window",
    "correct",
    "ends_with_collection",
    "expire",
    "find_end",
    "first_task",
    "hash_data",
    "lapse",
    "last_version",
    "list_open_channels",
    "open_case",
    "refuse_late",
    "start_application",
    "submit",
    "supplement",
    "write_receipt",
]
