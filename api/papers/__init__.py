"""Papers: what a person reads on a page, as a document to file, print and send on (docx, PDF)."""

from api.papers.case_life import Beside
from api.papers.case_paper import write_case
from api.papers.fonts import FontMissing
from api.papers.paper import Facts, Heading, Paper, Prose, Table
from api.papers.portable import PortableUnavailable, write_pdf
from api.papers.word import write_docx

__all__ = [
    "Beside",
    "Facts",
    "FontMissing",
    "Heading",
    "Paper",
    "PortableUnavailable",
    "Prose",
    "Table",
    "write_case",
    "write_docx",
    "write_pdf",
]
