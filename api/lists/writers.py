"""The two formats. CSV is made for Excel and WPS: UTF-8 with a byte order mark, and no cell that they would calculate."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from api.lists.sheet import Cell, Sheet
from engine.moments import SHANGHAI

BATCH = 500
"""Rows that are sent together."""
CHUNK = 64 * 1024
_CALCULATED = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read them so, too
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
LONGEST_CELL = 32_767
"""Characters of one cell that spreadsheets can hold."""


def write_csv(sheet: Sheet) -> Iterator[bytes]:
    """The sheet as CSV, in parts. A text that begins like a formula gets an apostrophe before it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow([_plain(column) for column in sheet.columns])
    for place, row in enumerate(sheet.bounded()):
        writer.writerow([_plain(cell) for cell in row])
        if place % BATCH == BATCH - 1:
            yield _take(buffer)
    yield _take(buffer)


def _take(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode("utf-8", "replace")


def _plain(cell: Cell) -> str | int:
    if isinstance(cell, datetime):
        return f"{cell.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, str):
        text = _NO_TEXT.sub("", cell)
        return f"'{text}" if text.lstrip(" \u3000").startswith(_CALCULATED) or text.startswith(_CALCULATED) else text
    return "" if cell is None else cell if isinstance(cell, int) else str(cell)


def write_xlsx(sheet: Sheet) -> Iterator[bytes]:
    """The sheet as XLSX, in parts. Texts are stored as texts, whatever they begin with."""
    book = Workbook(write_only=True)
    page = book.create_sheet(re.sub(r"[\[\]:*?/\\]", " ", sheet.name)[:31])
    page.freeze_panes = "A2"
    for letter in range(len(sheet.columns)):
        page.column_dimensions[chr(ord("A") + letter)].width = 20
    page.append([_cell(page, column, bold=True) for column in sheet.columns])
    for row in sheet.bounded():
        page.append([_cell(page, cell) for cell in row])
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while part := file.read(CHUNK):
            yield part


def _cell(page: Any, value: Cell, *, bold: bool = False) -> Any:
    if isinstance(value, datetime):
        cell = WriteOnlyCell(page, value.astimezone(SHANGHAI).replace(tzinfo=None))
        cell.number_format = "yyyy-mm-dd hh:mm:ss"
    elif isinstance(value, str):
        cell = WriteOnlyCell(page)
        cell.value = _NO_TEXT.sub("", value)[:LONGEST_CELL]
        cell.data_type = "s"  # also what begins with "="
    else:
        cell = WriteOnlyCell(page, value)
    if bold:
        cell.font = Font(bold=True)
    return cell
