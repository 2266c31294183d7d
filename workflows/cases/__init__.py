"""Cases as people see them: lists, the whole case with its versions and history, what blind review leaves of it."""

from workflows.cases.history import Actor, HistoryLine, Marks
from workflows.cases.listing import CaseLine, CasePage, list_cases
from workflows.cases.reading import get_case
from workflows.cases.views import AuditView, CaseView, ReceiptView, ReviewView, VersionView

__all__ = [
    "Actor",
    "AuditView",
    "CaseLine",
    "CasePage",
    "CaseView",
    "HistoryLine",
    "Marks",
    "ReceiptView",
    "ReviewView",
    "VersionView",
    "get_case",
    "list_cases",
]
