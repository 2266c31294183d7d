"""Cases as people see them: lists, the whole case with its versions and history, what blind review leaves of it."""

from workflows.cases.comparing import Difference, FileDifference, Piece, RowDifference, compare_texts, compare_versions
from workflows.cases.history import Actor, HistoryLine, Marks
from workflows.cases.listing import CaseLine, CasePage, list_cases
from workflows.cases.reading import get_case
from workflows.cases.viewing import MOST_VIEWS, ViewLine, list_views, note_view
from workflows.cases.views import AuditView, CaseView, ReceiptView, ReviewView, VersionView

__all__ = [
    "MOST_VIEWS",
    "Actor",
    "AuditView",
    "CaseLine",
    "CasePage",
    "CaseView",
    "Difference",
    "FileDifference",
    "HistoryLine",
    "Marks",
    "Piece",
    "ReceiptView",
    "ReviewView",
    "RowDifference",
    "VersionView",
    "ViewLine",
    "compare_texts",
    "compare_versions",
    "get_case",
    "list_cases",
    "list_views",
    "note_view",
]
